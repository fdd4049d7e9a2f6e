/* key_ring_orders.c - what operators and parents do with a zone's keys.
 */
#include "base/bytes.h"
#include "base/clock.h"
#include "daemon/key_ring_inner.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <time.h>

static const struct key_policy *policy_of(const struct ring_zone *z)
{
	return z->has_policy ? &z->policy : NULL;
}

/* Time is reckoned until now, so that what begins now does not get what was before. */
static bool catch_up(struct key_ring *r, struct ring_zone *z, struct fault *why)
{
	bool changed;

	if (!z->loaded && !key_ring_load(r, z, policy_of(z), why))
		return false;
	if (!key_share_leads(r, z)) {
		key_share_catch_up(z);
		return z->life.n || fault(why, "the fleet has no keys of it yet; try again");
	}
	if (!z->has_policy && !z->is_off)
		return fault(why, "its keys have not been looked at yet; try again");
	return key_ring_step_zone(r, z, policy_of(z), &changed, why);
}

/* `next` in the place of what is, when it is on the disk. */
static bool take(
	struct key_ring *r, struct ring_zone *z, const struct key_life *next, struct fault *why)
{
	if (!key_ring_save(r, z, next, why))
		return false;
	z->life = *next;
	z->due_us = 0;
	__atomic_add_fetch(&r->changes, 1, __ATOMIC_RELAXED);
	return true;
}

/* --- looking ------------------------------------------------------------------------------ */

bool key_ring_look(struct key_ring *r, const uint8_t *apex, struct key_ring_view *to)
{
	struct ring_zone *z = key_ring_zone(r, apex, false);

	*to = (struct key_ring_view){ 0 };
	if (!z)
		return false;
	pthread_mutex_lock(&z->lock);
	to->life = z->life;
	to->policy = z->has_policy ? z->policy : key_policy_auto();
	to->policy.unsign = z->is_off;
	to->is_off = z->is_off;
	memcpy(to->fault, z->fault, sizeof to->fault);
	memcpy(to->parent, z->parent, sizeof to->parent);
	for (size_t i = 0; i < to->life.n; i++)
		signing_key_keep(to->life.keys[i].key);
	if (z->loaded) {
		const uint64_t s = (clock_us() - z->stepped_us) / 1000000;
		key_life_wait(&to->life, s > UINT32_MAX ? UINT32_MAX : (uint32_t)s);
	}
	pthread_mutex_unlock(&z->lock);
	return true;
}

void key_ring_view_fini(struct key_ring_view *v)
{
	key_life_fini(&v->life);
}

/* --- rolls -------------------------------------------------------------------------------- */

struct roll {
	uint8_t roles;
	bool now;
};

static bool roll(struct key_ring *r, struct ring_zone *z, void *ctx, struct fault *why)
{
	const struct roll *o = ctx;
	uint8_t roles = o->roles;

	if (!catch_up(r, z, why))
		return false;
	if (z->is_off)
		return fault(why, "the zone is not signed (\"dnssec: off\")");
	if (!z->policy.split)
		roles = KEY_CSK;
	struct key_life next = z->life;
	if (next.n + 2 > KEY_LIFE_MOST)
		return fault(why, "it has %zu keys already; wait until some are gone", next.n);
	for (size_t i = 0; !o->now && i < next.n; i++) {
		const struct life_key *k = &next.keys[i];
		if (!k->foreign && !k->wanted && (k->role & roles))
			return fault(why,
				"the %s %u is still on its way out; \"--now\" begins another "
				"roll all the "
				"same",
				key_role_text(k->role), signing_key_tag(k->key));
	}
	next.roll |= roles;
	return take(r, z, &next, why);
}

bool key_ring_roll(
	struct key_ring *r, const uint8_t *apex, uint8_t roles, bool now, struct fault *why)
{
	struct roll o = { roles, now };

	return key_ring_do(r, apex, false, roll, &o, why);
}

/* --- the parent --------------------------------------------------------------------------- */

/* Is the DS in the list? One whose digest we cannot make is known by its tag and algorithm. */
static bool is_there(
	const struct signing_key *k, const uint8_t *apex, const uint8_t *ds, size_t len)
{
	uint8_t own[SIGNING_DS_MOST];

	for (size_t at = 0; at + 2 <= len;) {
		const size_t n = be16_get(ds + at);
		const uint8_t *rdata = ds + at + 2;
		at += 2 + n;
		if (at > len || n < 5)
			continue;
		const size_t own_len = signing_key_ds(k, apex, rdata[3], own);
		if (own_len ? own_len == n && memcmp(own, rdata, n) == 0
			    : be16_get(rdata) == signing_key_tag(k) &&
					rdata[2] == signing_key_algorithm(k))
			return true;
	}
	return false;
}

struct parent {
	const struct key_ring_ds *parents;
	size_t n;
	uint32_t ttl_s;
	bool by_hand, seen, news;
};

/* What CDS asks for now. */
static uint32_t asked_for(const struct key_life *l)
{
	uint32_t bits = 0;

	for (size_t i = 0; i < l->n; i++) {
		const struct life_key *k = &l->keys[i];
		if (!k->foreign && k->wanted && k->ds.state >= KEY_ASKED &&
			k->ds.state <= KEY_OMNIPRESENT)
			bits |= 1u << i;
	}
	return bits;
}

static bool parent(struct key_ring *r, struct ring_zone *z, void *ctx, struct fault *why)
{
	struct parent *p = ctx;
	uint32_t all = 0, any = 0;

	if (!catch_up(r, z, why))
		return false;
	struct key_life next = z->life;
	if (p->by_hand) {
		all = any = p->seen ? asked_for(&next) : 0;
		if (p->seen && !all)
			return fault(why,
				"no key of it is ready for a DS yet (\"waymarkctl dnssec "
				"status\" shows what is waited for)");
		if (!key_life_is_secure(&next))
			return fault(why, "the parent was never asked for a DS of it");
	} else {
		for (size_t i = 0; i < next.n; i++) {
			size_t have = 0;
			for (size_t k = 0; k < p->n; k++)
				have += is_there(next.keys[i].key, z->apex,
					p->parents[k].records, p->parents[k].len);
			all |= (uint32_t)(have == p->n) << i;
			any |= (uint32_t)(have != 0) << i;
		}
	}
	p->news = key_life_parent(&next, all, any, p->ttl_s, time(NULL));
	if (p->news)
		return take(r, z, &next, why);
	z->life = next;
	return true;
}

bool key_ring_parent(struct key_ring *r, const uint8_t *apex, const struct key_ring_ds *parents,
	size_t n, uint32_t ttl_s, struct fault *why)
{
	struct parent p = { .parents = parents, .n = n, .ttl_s = ttl_s };

	return key_ring_do(r, apex, false, parent, &p, why) && p.news;
}

void key_ring_parent_told(struct key_ring *r, const uint8_t *apex, const char *what)
{
	struct ring_zone *z = key_ring_zone(r, apex, false);

	if (!z)
		return;
	pthread_mutex_lock(&z->lock);
	snprintf(z->parent, sizeof z->parent, "%s", what);
	pthread_mutex_unlock(&z->lock);
}

bool key_ring_ds_seen(struct key_ring *r, const uint8_t *apex, bool seen, struct fault *why)
{
	struct parent p = { .by_hand = true, .seen = seen };

	return key_ring_do(r, apex, false, parent, &p, why);
}

/* --- keys from elsewhere ------------------------------------------------------------------ */

struct import {
	struct signing_key *key;
	int64_t created_s;
};

/* NULL: the zone has no such key. */
static const struct life_key *find_key(const struct key_life *l, const struct signing_key *k)
{
	for (size_t i = 0; i < l->n; i++)
		if (signing_key_same(l->keys[i].key, k))
			return &l->keys[i];
	return NULL;
}

/* To the zone's keys, loaded. */
static bool add_key(struct key_ring *r, struct ring_zone *z, struct signing_key *key, int64_t at_s,
	struct fault *why)
{
	const bool sep = signing_key_flags(key) & SIGNING_SEP;
	struct key_life next = z->life;

	if (find_key(&next, key))
		return fault(why, "it has this key already");
	const enum key_role role = !sep ? KEY_ZSK : z->policy.split ? KEY_KSK : KEY_CSK;
	const bool fits = key_life_is_secure(&next) ? key_life_add(&next, key, role, at_s)
						    : key_life_add_known(&next, key, role, at_s);
	if (!fits)
		return fault(why, "it has %d keys already", KEY_LIFE_MOST);
	if (take(r, z, &next, why))
		return true;
	signing_key_release(key);
	return false;
}

static bool import(struct key_ring *r, struct ring_zone *z, void *ctx, struct fault *why)
{
	const struct import *o = ctx;
	const bool own = signing_key_can_sign(o->key);
	const int64_t at_s = o->created_s ? o->created_s : (int64_t)time(NULL);
	/* It may be imported from there, and be nowhere else. */
	const bool was_there = own && key_files_has(r->files, z->apex, o->key);

	if (own && (key_files_has_other(r->files, z->apex, o->key, why) ||
			   !key_files_write(r->files, z->apex, o->key, at_s, why)))
		return false;
	/* Where it is not signed yet, it is taken out of the folder when it is. */
	if (!z->has_policy || z->is_off)
		return own ||
			fault(why,
				"the zone is not signed here: another signer's key can be "
				"published when it is");
	/* States that are not read yet may be of this key: its file stays. */
	if (!catch_up(r, z, why))
		return false;
	if (add_key(r, z, o->key, at_s, why))
		return true;
	const struct life_key *there = find_key(&z->life, o->key);
	if (own && !was_there && (!there || there->foreign))
		key_files_remove(r->files, z->apex, o->key);
	return false;
}

bool key_ring_import(struct key_ring *r, const uint8_t *apex, struct signing_key *k,
	int64_t created_s, struct fault *why)
{
	struct import o = { k, created_s };

	return key_ring_do(r, apex, true, import, &o, why);
}

static bool remove_foreign(
	struct key_ring *r, struct ring_zone *z, void *ctx, struct fault *why)
{
	const uint16_t tag = *(const uint16_t *)ctx;

	if (!catch_up(r, z, why))
		return false;
	struct key_life next = z->life;
	for (size_t i = 0; i < next.n; i++) {
		struct life_key *k = &next.keys[i];
		if (signing_key_tag(k->key) != tag || !k->wanted)
			continue;
		if (!k->foreign)
			return fault(why, "the key %u is our own: \"roll\" replaces it", tag);
		k->wanted = false;
		return take(r, z, &next, why);
	}
	return fault(why, "it has no key %u", tag);
}

bool key_ring_remove(struct key_ring *r, const uint8_t *apex, uint16_t tag, struct fault *why)
{
	return key_ring_do(r, apex, false, remove_foreign, &tag, why);
}
