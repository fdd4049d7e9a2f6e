#include "daemon/key_ring_inner.h"

#include "base/bytes.h"
#include "base/clock.h"
#include "base/log.h"
#include "base/scope.h"
#include "store/store.h"
#include "store/store_keys.h"
#include "zone/view.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <time.h>

enum { SETTLE_S = 10, JUMP_US = 30 * 1000000, TRIES = 3 };

/* --- the table ---------------------------------------------------------------------------- */

static uint64_t hash_of(const uint8_t *apex)
{
	return hash_bytes((struct hash_key){ 1, 2 }, apex, name_len(apex));
}

static struct ring_zone *new_zone(const uint8_t *apex, uint64_t hash)
{
	struct ring_zone *z = calloc(1, sizeof *z);

	if (!z)
		return NULL;
	pthread_mutex_init(&z->lock, NULL);
	memcpy(z->apex, apex, name_len(apex));
	z->hash = hash;
	z->served = KEY_RING_MIXED;
	return z;
}

struct ring_zone *key_ring_zone(struct key_ring *r, const uint8_t *id, bool make)
{
	const uint8_t *apex = view_apex(id);
	const uint64_t hash = hash_of(apex);

	pthread_mutex_lock(&r->lock);
	struct ring_zone **at = &r->buckets[hash % KEY_RING_BUCKETS], *z = *at;
	while (z && (z->hash != hash || !name_equal(z->apex, apex)))
		z = z->next;
	if (!z && make && (z = new_zone(apex, hash))) {
		z->next = *at;
		*at = z;
		__atomic_add_fetch(&r->n, 1, __ATOMIC_RELAXED);
	}
	pthread_mutex_unlock(&r->lock);
	return z;
}

static void add_stored(void *ctx, const struct store_keys *row)
{
	struct ring_zone *z = key_ring_zone(ctx, row->apex, true);

	if (!z || z->states)
		return;
	z->states = strdup(row->states);
	z->saved_s = row->saved_s;
}

struct key_ring *key_ring_open(struct store *store, const char *dir, struct fault *why)
{
	struct key_ring *r = calloc(1, sizeof *r);

	if (!r || !(r->buckets = calloc(KEY_RING_BUCKETS, sizeof(*r->buckets)))) {
		free(r);
		fault(why, "out of memory");
		return NULL;
	}
	pthread_mutex_init(&r->lock, NULL);
	r->store = store;
	r->opened_us = clock_us();
	r->files = key_files_open(dir, why);
	if (r->files && store_each_keys(store, add_stored, r, why)) {
		key_ring_sweep(r, false, NULL);
		return r;
	}
	key_ring_close(r);
	return NULL;
}

static void free_zone(struct ring_zone *z)
{
	key_life_fini(&z->life);
	part_release(z->keys ? &z->keys->part : NULL);
	pthread_mutex_destroy(&z->lock);
	free(z->states);
	free(z);
}

void key_ring_close(struct key_ring *r)
{
	if (!r)
		return;
	for (size_t i = 0; i < KEY_RING_BUCKETS; i++)
		for (struct ring_zone *z = r->buckets[i], *next; z; z = next) {
			next = z->next;
			free_zone(z);
		}
	free(r->buckets);
	key_ring_forget_made(r);
	key_files_close(r->files);
	pthread_mutex_destroy(&r->lock);
	free(r);
}

const char *key_ring_dir(const struct key_ring *r)
{
	return key_files_dir(r->files);
}

/* --- one zone at a time ------------------------------------------------------------------- */

struct doing {
	struct key_ring *r;
	struct ring_zone *z;
	bool (*work)(struct key_ring *r, struct ring_zone *z, void *ctx, struct fault *why);
	void *ctx;
	struct fault *why;
	bool ok;
};

static void do_it(void *ctx)
{
	struct doing *d = ctx;

	/* What another server has done meanwhile goes before. */
	for (unsigned i = 0; i < TRIES; i++) {
		d->z->behind = false;
		*d->why = (struct fault){ 0 };
		d->ok = d->work(d->r, d->z, d->ctx, d->why);
		if (d->ok || !d->z->behind || !key_share_fetch(d->r, d->z, d->why))
			return;
	}
}

bool key_ring_do(struct key_ring *r, const uint8_t *apex, bool make,
	bool (*work)(struct key_ring *r, struct ring_zone *z, void *ctx, struct fault *why),
	void *ctx, struct fault *why)
{
	struct doing d = { .r = r, .work = work, .ctx = ctx, .why = why };
	char name[NAME_TEXT];

	*why = (struct fault){ 0 };
	d.z = key_ring_zone(r, apex, make);
	if (!d.z)
		return make ? fault(why, "out of memory")
			    : fault(why, "zone %s has no keys here", name_text(name, apex));
	pthread_mutex_lock(&d.z->lock);
	if (!scope_run(do_it, &d))
		d.ok = fault(why, "out of memory");
	d.z->batch = NULL;
	pthread_mutex_unlock(&d.z->lock);
	return d.ok;
}

/* --- steps -------------------------------------------------------------------------------- */

static int64_t wall_less_us(void)
{
	struct timespec t;

	clock_gettime(CLOCK_REALTIME, &t);
	return (int64_t)t.tv_sec * 1000000 + t.tv_nsec / 1000 - (int64_t)clock_us();
}

/* The time of day has been set back: what was reckoned by it while nobody ran was too much. */
static void heed_clock(struct ring_zone *z, struct key_life *l)
{
	const int64_t now_us = wall_less_us(), ahead_us = z->wall_less_us - now_us;
	char name[NAME_TEXT];

	if (ahead_us > JUMP_US && z->down_s) {
		const int64_t ahead_s = ahead_us / 1000000;
		const uint32_t s = ahead_s < z->down_s ? (uint32_t)ahead_s : z->down_s;
		key_life_unwait(l, s);
		z->down_s -= s;
		log_line(LOG_WARNING,
			"zone %s: the clock was ahead: its keys wait %u seconds longer",
			name_text(name, z->apex), s);
	}
	z->wall_less_us = now_us;
}

static struct key_facts facts_of(const struct key_ring *r, struct ring_zone *z, uint64_t now_us)
{
	const uint64_t served = __atomic_load_n(&z->served, __ATOMIC_RELAXED);
	const uint32_t settle_s = z->has_policy && z->policy.propagation_s < SETTLE_S
		? z->policy.propagation_s
		: SETTLE_S;

	return (struct key_facts){ .now_s = time(NULL),
		.elapsed_s = (uint32_t)((now_us - z->stepped_us) / 1000000),
		.served = served == (z->keys ? z->keys->generation : 0),
		.zone_ttl_s = __atomic_load_n(&z->ttl_s, __ATOMIC_RELAXED),
		.settled = !z->down_s ||
			now_us - r->opened_us >= settle_s * (uint64_t)1000000 };
}

void key_ring_settle(struct key_ring *r, const struct ring_zone *z, const struct key_life *l)
{
	for (size_t i = 0; !z->batch && !store_is_unreleased(r->store) && i < l->n; i++)
		if (!l->keys[i].foreign)
			key_ring_settle_key(r, z, l->keys[i].key);
}

void key_ring_release_others(struct key_ring *r, const struct ring_zone *z,
	const struct life_key *of, size_t n, const struct key_life *in, bool files)
{
	for (size_t i = 0; i < n; i++) {
		size_t k = 0;
		while (k < in->n && in->keys[k].key != of[i].key)
			k++;
		if (k < in->n)
			continue;
		if (files && !of[i].foreign)
			key_files_remove(r->files, z->apex, of[i].key);
		signing_key_release(of[i].key);
	}
}

void key_ring_tell(
	const struct ring_zone *z, const struct key_life *before, const struct key_life *now)
{
	char name[NAME_TEXT];

	name_text(name, z->apex);
	for (size_t i = 0; i < now->n; i++) {
		const struct life_key *k = &now->keys[i];
		const struct life_key *was = NULL;
		for (size_t j = 0; j < before->n; j++)
			was = before->keys[j].key == k->key ? &before->keys[j] : was;
		if (k->ds.state == KEY_ASKED && (!was || was->ds.state == KEY_HIDDEN))
			log_line(LOG_NOTICE,
				"zone %s: the parent is asked for the DS of the %s %u "
				"(\"waymarkctl dnssec ds\" shows it)",
				name, key_role_text(k->role), signing_key_tag(k->key));
		if (was && was->zone.state != k->zone.state && k->zone.state == KEY_RUMOURED)
			log_line(LOG_NOTICE, "zone %s: the %s %u signs the zone from now on",
				name, key_role_text(k->role), signing_key_tag(k->key));
	}
}

bool key_ring_make_keyset(struct key_ring *r, struct ring_zone *z, const struct key_life *l,
	const struct key_policy *policy, bool *changed, struct fault *why)
{
	bool ok;
	struct keyset *s = key_life_keyset(l, policy, &ok);

	if (!ok)
		return fault(why, "out of memory");
	*changed = !keyset_same(s, z->keys);
	if (*changed) {
		part_release(z->keys ? &z->keys->part : NULL);
		z->keys = s;
		part_keep(s ? &s->part : NULL);
		__atomic_add_fetch(&r->changes, 1, __ATOMIC_RELAXED);
	}
	keyset_drop(s);
	return true;
}

bool key_ring_step_zone(struct key_ring *r, struct ring_zone *z,
	const struct key_policy *policy, bool *changed, struct fault *why)
{
	const uint64_t now_us = clock_us();
	struct key_life next = z->life;
	bool save = false, ok = true;

	*changed = false;
	heed_clock(z, &next);
	z->is_off = !policy || policy->unsign;
	z->has_policy = z->has_policy || policy;
	if (policy)
		z->policy = *policy;
	struct key_facts facts = facts_of(r, z, now_us);
	const uint32_t elapsed_s = facts.elapsed_s;
	for (;;) {
		size_t n;
		const struct key_wish wish = key_life_step(&next, policy, &facts, &n);
		save = save || wish.save || wish.role;
		if (!wish.role)
			break;
		ok = key_ring_add_new(r, z, policy, wish.role, &next, why);
		if (!ok)
			break;
		facts.elapsed_s = 0;
		facts.served = false;
	}
	save = save || key_share_wants_saving(r, z, &next);
	ok = ok && (!save || key_ring_save(r, z, &next, why));
	if (!ok) {
		key_ring_release_others(r, z, next.keys, next.n, &z->life, true);
		return false;
	}
	if (save)
		key_ring_settle(r, z, &next);
	const struct key_life before = z->life;
	z->life = next;
	z->stepped_us += elapsed_s * (uint64_t)1000000;
	key_ring_tell(z, &before, &next);
	key_ring_release_others(r, z, before.keys, before.n, &next, true);
	struct key_policy room;
	return key_ring_make_keyset(r, z, &next, key_share_policy(z, policy, &room), changed, why);
}

/* --- doors -------------------------------------------------------------------------------- */

struct step {
	const struct key_policy *policy;
	bool reads;          /* for who reads a zone: see key_ring_get() */
	struct keyset *keys; /* of key_ring_get(); kept */
	uint32_t next_s;
	bool changed;
	bool is_news; /* it fails, and did not for that before */
};

/* Most zones have nothing to wait for, most of the time. */
static bool is_due(struct ring_zone *z, const struct key_policy *policy)
{
	return !z->loaded || *z->fault || clock_us() >= z->due_us ||
		z->is_off != (!policy || policy->unsign) ||
		(policy &&
			(!z->has_policy || memcmp(policy, &z->policy, sizeof *policy) != 0)) ||
		z->due_served != __atomic_load_n(&z->served, __ATOMIC_RELAXED);
}

static uint32_t next_of(struct ring_zone *z, const struct key_policy *policy)
{
	const uint64_t now_us = clock_us();

	/* What is served is not yet what is to be. */
	if (__atomic_load_n(&z->served, __ATOMIC_RELAXED) !=
		(z->keys ? z->keys->generation : 0))
		return 0;
	return now_us >= z->due_us ? key_life_next_s(&z->life, policy, time(NULL))
				   : (uint32_t)((z->due_us - now_us) / 1000000 + 1);
}

bool key_ring_make_first(struct key_ring *r, struct ring_zone *z, const struct key_policy *policy,
	bool *changed, struct fault *why)
{
	if (!key_ring_load(r, z, policy, why))
		return false;
	if (z->life.n || !policy || z->shared)
		return true;
	z->fresh = key_ring_step_zone(r, z, policy, changed, why);
	z->due_us = 0;
	return z->fresh;
}

/* What is read may never be served, or be of an older configuration than another that is read:
 * so life goes on with what is served alone. Only a zone without keys gets some. */
static bool read_keys(
	struct key_ring *r, struct ring_zone *z, struct step *s, struct fault *why)
{
	bool ok = key_ring_make_first(r, z, s->policy, &s->changed, why);

	snprintf(z->fault, sizeof z->fault, "%.255s", ok ? "" : why->text);
	if (!ok || (!s->policy && !z->shared && !key_life_is_secure(&z->life)))
		return ok;
	struct key_policy room;
	const struct key_policy *by = !s->policy && z->has_policy && z->policy.unsign
		? &z->policy
		: s->policy;
	by = key_share_policy(z, by, &room);
	struct keyset *keys = key_life_keyset(&z->life, by, &ok);
	s->keys = keys;
	part_keep(keys ? &keys->part : NULL);
	keyset_drop(keys);
	return ok || fault(why, "out of memory");
}

/* Another server makes the steps: what he has told of them is here. */
static bool follow_fleet(struct key_ring *r, struct ring_zone *z, struct step *s, struct fault *why)
{
	struct key_policy room;

	z->fresh = false;
	z->is_off = !s->policy || s->policy->unsign;
	z->has_policy = z->has_policy || s->policy;
	if (s->policy)
		z->policy = *s->policy;
	const bool ok = key_ring_load(r, z, s->policy, why) &&
		key_ring_make_keyset(r, z, &z->life, key_share_policy(z, s->policy, &room), &s->changed, why);
	z->due_us = 0; /* it may be ours at the next look */
	return ok;
}

static bool step(struct key_ring *r, struct ring_zone *z, void *ctx, struct fault *why)
{
	struct step *s = ctx;
	bool ok = true;

	if (s->reads)
		return read_keys(r, z, s, why);
	/* Its policy is on its way. */
	if ((!s->policy || s->policy->unsign) && z->fresh)
		return true;
	z->fresh = false;

	if (!key_share_leads(r, z)) {
		ok = follow_fleet(r, z, s, why);
	} else if (is_due(z, s->policy)) {
		z->due_served = __atomic_load_n(&z->served, __ATOMIC_RELAXED);
		ok = key_ring_load(r, z, s->policy, why) &&
			key_ring_step_zone(r, z, s->policy, &s->changed, why);
		/* Whether what is to be served is served is known of what there was before. */
		const uint32_t next_s = ok && !s->changed
			? key_life_next_s(&z->life, s->policy, time(NULL))
			: 0;
		z->due_us = clock_us() + next_s * (uint64_t)1000000;
	}

	s->is_news = !ok && strncmp(z->fault, why->text, sizeof z->fault - 1) != 0;
	snprintf(z->fault, sizeof z->fault, "%.255s", ok ? "" : why->text);
	if (ok) {
		s->next_s = key_share_leads(r, z) ? next_of(z, s->policy) : UINT32_MAX;
		s->keys = z->keys;
		part_keep(z->keys ? &z->keys->part : NULL);
	}
	return ok;
}

struct keyset *key_ring_get(struct key_ring *r, const uint8_t *apex,
	const struct key_policy *policy, struct fault *why)
{
	struct step s = { .policy = policy, .reads = true };
	struct keyset *keys = NULL;

	*why = (struct fault){ 0 };
	if (!policy && !key_ring_zone(r, apex, false))
		return NULL;
	if (key_ring_do(r, apex, true, step, &s, why) && s.keys) {
		keys = keyset_hold(s.keys);
		part_release(&s.keys->part);
	}
	return keys;
}

bool key_ring_step(struct key_ring *r, const uint8_t *apex, const struct key_policy *policy,
	uint32_t *next_s, struct fault *why)
{
	struct step s = { .policy = policy, .next_s = UINT32_MAX };

	*why = (struct fault){ 0 };
	*next_s = UINT32_MAX;
	if (!policy && !key_ring_zone(r, apex, false))
		return false;
	const bool ok = key_ring_do(r, apex, true, step, &s, why);
	*next_s = s.next_s;
	if (!s.is_news)
		*why = (struct fault){ 0 };
	part_release(s.keys ? &s.keys->part : NULL);
	return ok && s.changed;
}
