#include "zone/key_life_inner.h"

#include <string.h>

enum { HOUR = 3600, DAY = 24 * HOUR };

struct key_policy key_policy_auto(void)
{
	return (struct key_policy){ .sign = { .lifetime_s = 14 * DAY,
					    .refresh_s = 7 * DAY,
					    .jitter_s = 1 * DAY,
					    .backdate_s = 1 * HOUR,
					    .dnskey_ttl_s = 1 * HOUR,
					    .denial = KEYSET_NSEC,
					    .cds = true,
					    .cdnskey = true,
					    .cds_digest = SIGNING_DIGEST_SHA256 },
		.algorithm = SIGNING_ECDSAP256SHA256,
		.bits = 2048,
		.zsk_roll_s = 90 * DAY,
		.propagation_s = 1 * HOUR,
		.ds_ttl_s = 1 * DAY,
		.ds_check_s = 10 * 60 };
}

/* --- what may be seen --------------------------------------------------------------------- */

static uint8_t algorithm(const struct life_key *k)
{
	return signing_key_algorithm(k->key);
}

bool key_life_is_secure(const struct key_life *l)
{
	for (size_t i = 0; i < l->n; i++)
		if (!l->keys[i].foreign && l->keys[i].ds.state != KEY_HIDDEN)
			return true;
	return false;
}

/* Is the DNSKEY of some key of that algorithm in some cache? */
static bool is_known(const struct key_life *l, uint8_t a)
{
	for (size_t i = 0; i < l->n; i++)
		if (!l->keys[i].foreign && algorithm(&l->keys[i]) == a &&
			l->keys[i].dnskey.state != KEY_HIDDEN)
			return true;
	return false;
}

/* Is there a DNSKEY of that algorithm which is served? */
static bool is_published(const struct key_life *l, uint8_t a)
{
	for (size_t i = 0; i < l->n; i++)
		if (!l->keys[i].foreign && algorithm(&l->keys[i]) == a &&
			key_life_is_served(&l->keys[i].dnskey))
			return true;
	return false;
}

/* Has every cache signatures of the algorithm, by a key that stays? */
static bool is_signed(const struct key_life *l, uint8_t a)
{
	for (size_t i = 0; i < l->n; i++)
		if (!l->keys[i].foreign && l->keys[i].wanted && algorithm(&l->keys[i]) == a &&
			l->keys[i].zone.state == KEY_OMNIPRESENT)
			return true;
	return false;
}

/* Has every cache signatures of the algorithm, and the DNSKEY that they are checked by? */
static bool is_checkable(const struct key_life *l, uint8_t a)
{
	for (size_t i = 0; i < l->n; i++)
		if (!l->keys[i].foreign && algorithm(&l->keys[i]) == a &&
			l->keys[i].dnskey.state == KEY_OMNIPRESENT &&
			l->keys[i].zone.state == KEY_OMNIPRESENT)
			return true;
	return false;
}

/* Is there a whole chain by keys of that algorithm which stay, `ds` to data, in every cache? */
static bool is_whole(const struct key_life *l, uint8_t a)
{
	bool keys = false, zone = false;

	for (size_t i = 0; i < l->n; i++) {
		const struct life_key *k = &l->keys[i];
		if (k->foreign || !k->wanted || algorithm(k) != a ||
			k->dnskey.state != KEY_OMNIPRESENT)
			continue;
		keys = keys || k->ds.state == KEY_OMNIPRESENT;
		zone = zone || k->zone.state == KEY_OMNIPRESENT;
	}
	return keys && zone;
}

/* Is the algorithm on its way out: no key of it is wanted, and no DS of it is in any cache, and
 * another has all that is needed? */
static bool algorithm_ends(const struct key_life *l, uint8_t a)
{
	bool other = false;

	for (size_t i = 0; i < l->n; i++) {
		const struct life_key *k = &l->keys[i];
		if (k->foreign)
			continue;
		if (algorithm(k) == a && (k->wanted || k->ds.state != KEY_HIDDEN))
			return false;
		other = other || (algorithm(k) != a && is_whole(l, algorithm(k)));
	}
	return other;
}

/* --- what is wanted ----------------------------------------------------------------------- */

static bool fits(const struct life_key *k, const struct key_policy *p, uint8_t role)
{
	const unsigned bits = signing_key_bits(k->key);

	return !k->foreign && k->wanted && k->role == role && algorithm(k) == p->algorithm &&
		(!bits || bits >= p->bits);
}

/* The newest wanted one of that role; NULL. */
static struct life_key *newest(struct key_life *l, const struct key_policy *p, uint8_t role)
{
	struct life_key *best = NULL;

	for (size_t i = 0; i < l->n; i++)
		if (fits(&l->keys[i], p, role))
			best = &l->keys[i];
	return best;
}

/* Is there but one key that does what that role does? */
static bool is_alone(const struct key_life *l, uint8_t role)
{
	size_t n = 0;

	for (size_t i = 0; i < l->n; i++)
		n += !l->keys[i].foreign && (l->keys[i].role & role) != 0;
	return n == 1;
}

static bool is_old(const struct life_key *k, const struct key_policy *p, int64_t now_s)
{
	const uint32_t most_s = key_life_roll_s(p, k->role);

	return most_s && now_s >= k->created_s && now_s - k->created_s >= most_s &&
		k->dnskey.state == KEY_OMNIPRESENT;
}

/* Which roles a policy has, ended by 0. */
static const uint8_t *roles(const struct key_policy *p)
{
	static const uint8_t one[] = { KEY_CSK, 0 }, two[] = { KEY_KSK, KEY_ZSK, 0 };

	return p->split ? two : one;
}

/* The role that a key is missing for; 0: none is. All others than the newest of each role are
 * not wanted then. */
static uint8_t find_missing(struct key_life *l, const struct key_policy *p, int64_t now_s)
{
	for (const uint8_t *role = roles(p); *role; role++) {
		const struct life_key *k = newest(l, p, *role);
		if (!k || (l->roll & *role) || (is_alone(l, *role) && is_old(k, p, now_s)))
			return *role;
	}
	return 0;
}

static bool unwant(struct key_life *l, const struct key_policy *p)
{
	bool changed = false;

	for (size_t i = 0; i < l->n; i++) {
		struct life_key *k = &l->keys[i];
		if (k->foreign || !k->wanted ||
			(p && k == newest(l, p, k->role) && (p->split) == (k->role != KEY_CSK)))
			continue;
		k->wanted = false;
		changed = true;
	}
	return changed;
}

/* --- transitions -------------------------------------------------------------------------- */

static bool become(struct key_part *p, enum key_state state)
{
	*p = (struct key_part){ .state = (uint8_t)state };
	return true;
}

/* `fresh`: the zone has no DNSKEY in any cache. An algorithm that nobody knows yet signs
 * everything before it stands in the DNSKEY RRset of a zone that has others. */
static bool introduce(struct key_life *l, struct life_key *k, bool fresh)
{
	const uint8_t a = algorithm(k);
	bool changed = false;

	if ((k->role & KEY_SIGNS_ZONE) && k->zone.state == KEY_HIDDEN &&
		(fresh || !is_known(l, a) || k->dnskey.state == KEY_OMNIPRESENT))
		changed = become(&k->zone, KEY_RUMOURED);
	if (k->dnskey.state == KEY_HIDDEN &&
		(fresh || is_published(l, a) || (!is_known(l, a) && is_signed(l, a))))
		changed = become(&k->dnskey, KEY_RUMOURED);
	if ((k->role & KEY_SIGNS_KEYS) && k->ds.state == KEY_HIDDEN &&
		k->dnskey.state == KEY_OMNIPRESENT && is_checkable(l, a))
		changed = become(&k->ds, KEY_ASKED);
	return changed;
}

/* Does another sign what this one signs, by a DNSKEY that all know? */
static bool has_successor(const struct key_life *l, const struct life_key *of)
{
	for (size_t i = 0; i < l->n; i++) {
		const struct life_key *k = &l->keys[i];
		if (k != of && !k->foreign && k->wanted && algorithm(k) == algorithm(of) &&
			k->dnskey.state == KEY_OMNIPRESENT && key_life_is_served(&k->zone))
			return true;
	}
	return false;
}

static bool withdraw(struct key_life *l, struct life_key *k, bool unsign)
{
	const uint8_t a = algorithm(k);
	const bool ends = algorithm_ends(l, a);
	bool changed = false;

	/* First the signatures where a successor makes others; last of all where the algorithm
	 * ends. */
	if (key_life_is_served(&k->zone) &&
		(unsign || has_successor(l, k) || (ends && !is_known(l, a))))
		changed = become(&k->zone, KEY_UNRETENTIVE);
	if (key_life_is_served(&k->dnskey) &&
		(unsign ||
			(k->ds.state == KEY_HIDDEN && (k->zone.state == KEY_HIDDEN || ends))))
		changed = become(&k->dnskey, KEY_UNRETENTIVE);
	return changed;
}

/* `unsign`: the zone is to have no keys, and nobody has a DS of it. */
static bool move(struct key_life *l, bool settled, bool unsign)
{
	bool changed = false, fresh = true;

	for (size_t i = 0; i < l->n; i++)
		fresh = fresh && (l->keys[i].foreign || l->keys[i].dnskey.state == KEY_HIDDEN);
	for (size_t i = 0; i < l->n; i++)
		if (!l->keys[i].foreign && l->keys[i].wanted)
			changed = introduce(l, &l->keys[i], fresh) || changed;
	for (size_t i = 0; settled && i < l->n; i++)
		if (!l->keys[i].foreign && !l->keys[i].wanted)
			changed = withdraw(l, &l->keys[i], unsign) || changed;
	return changed;
}

/* --- time --------------------------------------------------------------------------------- */

static uint32_t more(uint32_t a, uint32_t b)
{
	return a > UINT32_MAX - b ? UINT32_MAX : a + b;
}

/* What is shorter now is so in caches when the longer time has passed. */
static void follow_ttl(struct key_ttl *t, uint32_t now_s, uint32_t elapsed_s)
{
	if (!now_s)
		return;
	if (now_s >= t->ttl_s || elapsed_s >= t->left_s) {
		t->ttl_s = t->left_s = now_s;
		return;
	}
	t->left_s -= elapsed_s;
}

/* Who has checked a DNSKEY RRset by a DS goes on with it for its own TTL, when the DS has left
 * the cache, too. */
uint32_t key_life_need_s(
	const struct key_life *l, const struct key_policy *p, enum key_which which)
{
	const struct key_ttl *t = which == KEY_DNSKEY ? &l->dnskey_ttl
		: which == KEY_ZONE                   ? &l->zone_ttl
						      : &l->ds_ttl;
	const uint32_t cached_s = more(t->ttl_s ? t->ttl_s : DAY, p->propagation_s);

	return which == KEY_DS ? more(cached_s, l->dnskey_ttl.ttl_s) : cached_s;
}

static bool end_wait(struct key_part *p, uint32_t need)
{
	if (!key_life_waits(p) || p->waited_s < need)
		return false;
	return become(p, p->state == KEY_RUMOURED ? KEY_OMNIPRESENT : KEY_HIDDEN);
}

void key_life_wait(struct key_life *l, uint32_t s)
{
	for (size_t i = 0; i < l->n; i++) {
		struct key_part *parts[] = { &l->keys[i].dnskey, &l->keys[i].zone,
			&l->keys[i].ds };
		for (size_t k = 0; k < 3; k++)
			if (parts[k]->served)
				parts[k]->waited_s = more(parts[k]->waited_s, s);
	}
}

void key_life_unwait(struct key_life *l, uint32_t s)
{
	for (size_t i = 0; i < l->n; i++) {
		struct key_part *parts[] = { &l->keys[i].dnskey, &l->keys[i].zone,
			&l->keys[i].ds };
		for (size_t k = 0; k < 3; k++)
			parts[k]->waited_s -= parts[k]->waited_s < s ? parts[k]->waited_s : s;
	}
}

static bool end_waits(struct key_life *l, const struct key_policy *p)
{
	bool changed = false;

	for (size_t i = 0; i < l->n; i++) {
		struct life_key *k = &l->keys[i];
		changed = end_wait(&k->dnskey, key_life_need_s(l, p, KEY_DNSKEY)) || changed;
		changed = end_wait(&k->zone, key_life_need_s(l, p, KEY_ZONE)) || changed;
		changed = end_wait(&k->ds, key_life_need_s(l, p, KEY_DS)) || changed;
	}
	return changed;
}

static bool begin_waits(struct key_life *l)
{
	bool changed = false;

	for (size_t i = 0; i < l->n; i++) {
		struct life_key *k = &l->keys[i];
		changed = changed || !k->dnskey.served || !k->zone.served;
		k->dnskey.served = k->zone.served = true;
	}
	return changed;
}

/* --- steps -------------------------------------------------------------------------------- */

static bool is_gone(const struct life_key *k)
{
	return !k->wanted && k->dnskey.state == KEY_HIDDEN && k->zone.state == KEY_HIDDEN &&
		k->ds.state == KEY_HIDDEN;
}

/* Those that are gone go to the end; returns how many stay. */
static size_t sort_out(struct key_life *l)
{
	struct life_key gone[KEY_LIFE_MOST];
	size_t stay = 0, n = 0;

	for (size_t i = 0; i < l->n; i++) {
		if (is_gone(&l->keys[i]))
			gone[n++] = l->keys[i];
		else
			l->keys[stay++] = l->keys[i];
	}
	memcpy(&l->keys[stay], gone, n * sizeof *gone);
	return stay;
}

struct key_wish key_life_step(struct key_life *l, const struct key_policy *p,
	const struct key_facts *facts, size_t *n)
{
	const struct key_policy own = key_policy_auto(), *by = p ? p : &own;
	struct key_wish wish = { 0 };

	key_life_wait(l, facts->elapsed_s);
	follow_ttl(&l->dnskey_ttl, by->sign.dnskey_ttl_s, facts->elapsed_s);
	follow_ttl(&l->zone_ttl, facts->zone_ttl_s, facts->elapsed_s);
	if (!l->ds_ttl.ttl_s)
		follow_ttl(&l->ds_ttl, by->ds_ttl_s, 0);
	wish.save = facts->settled && end_waits(l, by);
	if (facts->served)
		wish.save = begin_waits(l) || wish.save;
	wish.role = !key_life_is_off(p) ? find_missing(l, p, facts->now_s) : 0;
	if (!wish.role)
		wish.save = unwant(l, key_life_is_off(p) ? NULL : p) || wish.save;
	const bool unsign = key_life_is_off(p) && !key_life_is_secure(l);
	/* All keys of a new zone begin together. */
	while (!wish.role && move(l, facts->settled, unsign))
		wish.save = true;
	*n = l->n;
	l->n = sort_out(l);
	wish.save = wish.save || l->n != *n;
	return wish;
}

static struct life_key *add(
	struct key_life *l, struct signing_key *key, enum key_role role, int64_t now_s)
{
	if (l->n == KEY_LIFE_MOST)
		return NULL;
	struct life_key *k = &l->keys[l->n++];
	*k = (struct life_key){ .key = signing_key_keep(key),
		.role = (uint8_t)role,
		.wanted = true,
		.foreign = !signing_key_can_sign(key),
		.created_s = now_s };
	return k;
}

bool key_life_add(
	struct key_life *l, struct signing_key *key, enum key_role role, int64_t now_s)
{
	if (!add(l, key, role, now_s))
		return false;
	l->roll &= (uint8_t)~role;
	return true;
}

bool key_life_add_known(
	struct key_life *l, struct signing_key *key, enum key_role role, int64_t now_s)
{
	struct life_key *k = add(l, key, role, now_s);

	if (!k || k->foreign)
		return k != NULL;
	become(&k->dnskey, KEY_OMNIPRESENT);
	if (role & KEY_SIGNS_ZONE)
		become(&k->zone, KEY_OMNIPRESENT);
	if (role & KEY_SIGNS_KEYS)
		become(&k->ds, KEY_OMNIPRESENT);
	return true;
}

/* --- the parent --------------------------------------------------------------------------- */

bool key_life_parent(
	struct key_life *l, uint32_t all, uint32_t any, uint32_t ttl_s, int64_t now_s)
{
	bool changed = false;

	l->ds_seen_s = now_s;
	if (ttl_s > l->ds_ttl.ttl_s)
		l->ds_ttl.ttl_s = l->ds_ttl.left_s = ttl_s;
	for (size_t i = 0; i < l->n; i++) {
		struct life_key *k = &l->keys[i];
		const bool is = all >> i & 1;
		/* Who was asked for, and still is, may come at any time. */
		const bool may_come = k->wanted && k->ds.state == KEY_ASKED;
		if (k->foreign || !(k->role & KEY_SIGNS_KEYS) || is != (any >> i & 1))
			continue;
		if (is ? key_life_is_served(&k->ds)
		       : may_come || k->ds.state == KEY_HIDDEN ||
					k->ds.state == KEY_UNRETENTIVE)
			continue;
		become(&k->ds, is ? KEY_RUMOURED : KEY_UNRETENTIVE);
		k->ds.served = true;
		changed = true;
	}
	return changed;
}

/* Is some wanted key's DS asked for, or there? */
bool key_life_is_asked(const struct key_life *l)
{
	for (size_t i = 0; i < l->n; i++)
		if (l->keys[i].wanted && key_life_asks_ds(&l->keys[i]))
			return true;
	return false;
}

bool key_life_waits_for_parent(const struct key_life *l, const struct key_policy *p)
{
	for (size_t i = 0; i < l->n; i++) {
		const struct life_key *k = &l->keys[i];
		if (k->foreign)
			continue;
		if (k->wanted ? k->ds.state == KEY_ASKED
			      : (key_life_is_off(p) || key_life_is_asked(l)) &&
					key_life_asks_ds(k))
			return true;
	}
	return false;
}

/* --- the end ------------------------------------------------------------------------------ */

void key_life_fini(struct key_life *l)
{
	for (size_t i = 0; i < l->n; i++)
		signing_key_release(l->keys[i].key);
	*l = (struct key_life){ 0 };
}
