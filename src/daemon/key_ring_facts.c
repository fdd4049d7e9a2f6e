/* key_ring_facts.c - what is true outside, told and asked for; and how all zones stand.
 */
#include "base/clock.h"
#include "daemon/key_ring_inner.h"

void key_ring_served(
	struct key_ring *r, const uint8_t *apex, uint64_t generation, uint32_t ttl_s)
{
	struct ring_zone *z = key_ring_zone(r, apex, false);

	if (!z)
		return;
	if (ttl_s)
		__atomic_store_n(&z->ttl_s, ttl_s, __ATOMIC_RELAXED);
	__atomic_store_n(&z->served, generation, __ATOMIC_RELAXED);
}

bool key_ring_wants_ttl(struct key_ring *r, const uint8_t *apex, const struct zone *now)
{
	enum { AGAIN_US = 60 * 1000000 };
	struct ring_zone *z = key_ring_zone(r, apex, false);
	const uint64_t now_us = clock_us();
	bool wants = false;

	if (!z)
		return false;
	pthread_mutex_lock(&z->lock);
	for (size_t i = 0; i < z->life.n; i++)
		wants = wants || z->life.keys[i].zone.state == KEY_RUMOURED ||
			z->life.keys[i].zone.state == KEY_UNRETENTIVE;
	wants = (wants || !z->ttl_s) && z->ttl_of != now &&
		(!z->ttl_of || now_us - z->ttl_us >= AGAIN_US);
	if (wants) {
		z->ttl_of = now;
		z->ttl_us = now_us;
	}
	pthread_mutex_unlock(&z->lock);
	return wants;
}

bool key_ring_wants_ds(struct key_ring *r, const uint8_t *apex, uint32_t check_s)
{
	struct ring_zone *z = key_ring_zone(r, apex, false);
	const uint64_t now_us = clock_us();

	if (!z)
		return false;
	pthread_mutex_lock(&z->lock);
	const bool wants = key_life_waits_for_parent(
				   &z->life, z->has_policy ? &z->policy : NULL) &&
		(!z->asked_us || now_us - z->asked_us >= check_s * (uint64_t)1000000);
	if (wants)
		z->asked_us = now_us;
	pthread_mutex_unlock(&z->lock);
	return wants;
}

bool key_ring_wants_notify(struct key_ring *r, const uint8_t *apex)
{
	struct ring_zone *z = key_ring_zone(r, apex, false);

	if (!z)
		return false;
	pthread_mutex_lock(&z->lock);
	const uint64_t generation = z->keys ? z->keys->generation : 0;
	const bool wants = generation && generation != z->notified &&
		generation == __atomic_load_n(&z->served, __ATOMIC_RELAXED) &&
		key_life_waits_for_parent(&z->life, z->has_policy ? &z->policy : NULL);
	if (wants)
		z->notified = generation;
	pthread_mutex_unlock(&z->lock);
	return wants;
}

void key_ring_notify_again(struct key_ring *r, const uint8_t *apex)
{
	struct ring_zone *z = key_ring_zone(r, apex, false);

	if (!z)
		return;
	pthread_mutex_lock(&z->lock);
	z->notified = 0;
	pthread_mutex_unlock(&z->lock);
}

uint64_t key_ring_changes(const struct key_ring *r)
{
	return __atomic_load_n(&r->changes, __ATOMIC_RELAXED);
}

bool key_ring_is_empty(const struct key_ring *r)
{
	return !__atomic_load_n(&r->n, __ATOMIC_RELAXED);
}

bool key_ring_knows(struct key_ring *r, const uint8_t *apex)
{
	return key_ring_zone(r, apex, false) != NULL;
}

struct key_ring_counts key_ring_counts(struct key_ring *r)
{
	struct key_ring_counts c = { 0 };

	for (size_t i = 0; i < KEY_RING_BUCKETS; i++) {
		pthread_mutex_lock(&r->lock);
		struct ring_zone *z = r->buckets[i];
		pthread_mutex_unlock(&r->lock);
		for (; z; z = z->next) {
			bool rolls = false;
			pthread_mutex_lock(&z->lock);
			for (size_t k = 0; k < z->life.n; k++)
				rolls = rolls ||
					(!z->life.keys[k].wanted && !z->life.keys[k].foreign);
			c.zones += z->life.n != 0;
			c.faulty += *z->fault != 0;
			c.rolling += rolls;
			c.waiting_ds += key_life_waits_for_parent(
				&z->life, z->has_policy ? &z->policy : NULL);
			pthread_mutex_unlock(&z->lock);
		}
	}
	return c;
}
