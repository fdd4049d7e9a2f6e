/* key_ring_share.c - keys that a fleet signs with: its record goes before what is here, and what is done here is done there first.
 */
#include "base/clock.h"
#include "base/log.h"
#include "daemon/fleet_lease.h"
#include "daemon/key_ring_inner.h"

#include <string.h>
#include <time.h>

void key_ring_set_fleet(struct key_ring *r, struct fleet_ask *ask, const struct fleet_lease *lease)
{
	r->ask = ask;
	r->lease = lease;
}

void key_ring_share(struct key_ring *r, const uint8_t *apex, bool shared)
{
	struct ring_zone *z = key_ring_zone(r, apex, shared);

	if (!z || __atomic_load_n(&z->shared, __ATOMIC_RELAXED) == shared)
		return;
	pthread_mutex_lock(&z->lock);
	__atomic_store_n(&z->shared, shared, __ATOMIC_RELAXED);
	z->by = (struct shared_keys){ .off = false };
	z->due_us = 0;
	pthread_mutex_unlock(&z->lock);
}

bool key_share_leads(const struct key_ring *r, const struct ring_zone *z)
{
	return !__atomic_load_n(&z->shared, __ATOMIC_RELAXED) || fleet_lease_is_ours(r->lease);
}

bool key_ring_leads(struct key_ring *r, const uint8_t *apex)
{
	const struct ring_zone *z = key_ring_zone(r, apex, false);

	return !z || key_share_leads(r, z);
}

const struct key_policy *key_share_policy(
	const struct ring_zone *z, const struct key_policy *own, struct key_policy *room)
{
	if (!z->shared || !z->by.version.serial)
		return own;
	*room = own ? *own : key_policy_auto();
	room->sign = z->by.sign;
	room->unsign = z->by.off;
	return room;
}

static bool open_journal(const struct key_ring *r, const struct ring_zone *z, struct fleet_journal *j, struct fault *why)
{
	return fleet_journal_open(j, r->ask, z->apex) || fault(why, "this server is of no fleet");
}

/* As the holder of the lease wants it; else as it was wanted before. */
static struct shared_keys way_of(const struct key_ring *r, const struct ring_zone *z)
{
	if (z->by.version.serial && !(z->has_policy && key_share_leads(r, z)))
		return z->by;
	return (struct shared_keys){ .sign = z->has_policy ? z->policy.sign : key_policy_auto().sign, .off = z->is_off };
}

bool key_share_wants_saving(const struct key_ring *r, const struct ring_zone *z, const struct key_life *life)
{
	const struct shared_keys way = way_of(r, z);

	return z->shared && (z->by.version.serial ? !shared_keys_same_way(&way, &z->by) : life->n > 0);
}

bool key_share_put(struct key_ring *r, struct ring_zone *z, const struct key_life *life, struct fault *why)
{
	struct shared_keys k = way_of(r, z);
	struct fleet_journal j;

	if (!open_journal(r, z, &j, why))
		return false;
	k.version = shared_keys_next(z->by.version);
	k.life = *life;
	const enum fleet_journal_result is = shared_keys_put(&j, z->by.version, &k, why);
	z->behind = is == FLEET_JOURNAL_BEHIND;
	if (is != FLEET_JOURNAL_DONE)
		return z->behind ? fault(why, "another server has changed its keys; try again") : false;
	k.life = (struct key_life){ .n = 0 };
	z->by = k;
	return true;
}

/* Keys that were here before stay what they are: both lives have them by one count, as in a step. */
static void settle_keys(const struct ring_zone *z, struct key_life *l)
{
	for (size_t i = 0; i < l->n; i++) {
		struct life_key *k = &l->keys[i];
		const struct life_key *old = NULL;
		for (size_t o = 0; !old && o < z->life.n; o++)
			if (signing_key_same(z->life.keys[o].key, k->key) &&
				signing_key_can_sign(z->life.keys[o].key) == signing_key_can_sign(k->key))
				old = &z->life.keys[o];
		if (!old)
			continue;
		signing_key_release(k->key);
		k->key = old->key;
	}
}

static bool has_key(const struct key_life *l, const struct signing_key *k)
{
	size_t i = 0;

	while (i < l->n && l->keys[i].key != k)
		i++;
	return i < l->n;
}

/* Of those that are new here. */
static bool write_keys(const struct key_ring *r, const struct ring_zone *z, const struct key_life *l, struct fault *why)
{
	for (size_t i = 0; i < l->n; i++) {
		const struct life_key *k = &l->keys[i];
		if (!k->foreign && !has_key(&z->life, k->key) &&
			(key_files_has_other(r->files, z->apex, k->key, why) ||
				!key_files_write_aside(r->files, z->apex, k->key, k->created_s, why)))
			return false;
	}
	return true;
}

bool key_share_fetch(struct key_ring *r, struct ring_zone *z, struct fault *why)
{
	struct fleet_journal j;
	struct shared_keys k;
	struct key_policy room;
	bool changed;

	if (!open_journal(r, z, &j, why) || !key_ring_load(r, z, NULL, why) || !shared_keys_get(&j, &k, why))
		return false;
	const struct shared_keys was = z->by;
	z->by = k;
	z->by.life = (struct key_life){ .n = 0 };
	settle_keys(z, &k.life);
	if (!write_keys(r, z, &k.life, why) || !key_ring_keep(r, z, &k.life, why)) {
		z->by = was;
		key_ring_release_others(r, z, k.life.keys, k.life.n, &z->life, true);
		return false;
	}
	key_ring_settle(r, z, &k.life);
	const struct key_life before = z->life;
	z->life = k.life;
	z->stepped_us = clock_us();
	z->due_us = 0;
	z->down_s = 0;
	key_ring_tell(z, &before, &z->life);
	key_ring_release_others(r, z, before.keys, before.n, &z->life, true);
	return key_ring_make_keyset(r, z, &z->life, key_share_policy(z, z->has_policy ? &z->policy : NULL, &room), &changed, why);
}

static bool is_newer(struct fleet_version a, struct fleet_version b)
{
	return a.serial > b.serial;
}

/* The engine has lost the last of it. */
static bool put_again(struct key_ring *r, struct ring_zone *z, struct fleet_version there, struct fault *why)
{
	struct shared_keys k = z->by;
	struct fleet_journal j;
	char name[NAME_TEXT];

	if (!open_journal(r, z, &j, why))
		return false;
	key_share_catch_up(z);
	k.life = z->life;
	const enum fleet_journal_result is = shared_keys_put(&j, there, &k, why);
	z->behind = is == FLEET_JOURNAL_BEHIND;
	if (is == FLEET_JOURNAL_DONE)
		log_line(LOG_WARNING, "zone %s: the fleet's Redis had lost its keys, or the last of their states; they are put there again",
			name_text(name, z->apex));
	return is == FLEET_JOURNAL_DONE || (z->behind && fault(why, "another server has changed its keys; try again"));
}

static bool sync_with(struct key_ring *r, struct ring_zone *z, void *ctx, struct fault *why)
{
	const struct fleet_version *there = ctx;

	if (!z->shared || fleet_version_same(*there, z->by.version))
		return true;
	if (!key_ring_load(r, z, NULL, why))
		return false;
	if (fleet_version_same(*there, z->by.version))
		return true;
	if (is_newer(z->by.version, *there) && put_again(r, z, *there, why))
		return true;
	if (is_newer(z->by.version, *there) && !z->behind)
		return false;
	/* What was read there may be older than what we have put. */
	z->behind = false;
	return key_share_fetch(r, z, why);
}

bool key_ring_sync(struct key_ring *r, const uint8_t *apex, struct fleet_version there, struct fault *why)
{
	return key_ring_do(r, apex, true, sync_with, &there, why);
}

void key_share_catch_up(struct ring_zone *z)
{
	const uint64_t s = (clock_us() - z->stepped_us) / 1000000;

	key_life_wait(&z->life, s > UINT32_MAX ? UINT32_MAX : (uint32_t)s);
	z->stepped_us += s * 1000000;
}

struct signing_by {
	struct keyset *keys; /* kept */
	struct fleet_version version;
};

static bool look(struct key_ring *r, struct ring_zone *z, void *ctx, struct fault *why)
{
	struct signing_by *s = ctx;
	struct key_policy room;
	bool ok = true;

	if (!key_ring_load(r, z, NULL, why))
		return false;
	struct keyset *keys = key_life_keyset(&z->life, key_share_policy(z, z->has_policy ? &z->policy : NULL, &room), &ok);
	s->keys = keys;
	part_keep(keys ? &keys->part : NULL);
	keyset_drop(keys);
	s->version = z->by.version;
	return ok || fault(why, "out of memory");
}

struct keyset *key_ring_get_shared(
	struct key_ring *r, const uint8_t *apex, struct fleet_version *version, struct fault *why)
{
	struct signing_by s = { .keys = NULL };
	struct keyset *keys = NULL;

	*version = (struct fleet_version){ 0 };
	if (key_ring_do(r, apex, true, look, &s, why)) {
		keys = keyset_hold(s.keys);
		part_release(s.keys ? &s.keys->part : NULL);
		*version = s.version;
	}
	return keys;
}
