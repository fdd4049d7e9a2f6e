/* The chain of NSEC3 around the names that a change touches. The chain of the zone before the
 * change is the one that is known; what comes into it and goes from it is little. */
#include "zone/sign_follow.h"

#include "base/bytes.h"
#include "dns/rrtype.h"
#include "zone/denial.h"
#include "zone/image.h"

#include <stdlib.h>
#include <string.h>

enum { FIXED = 5, RDATA_MOST = FIXED + 255 + 1 + NSEC3_HASH + SIGN_BITMAP_MOST };

/* A link that is to be looked at. */
struct spot {
	uint8_t hash[NSEC3_HASH];
	const struct zone_node
		*name; /* of x->now, of whose types it tells; NULL: as it does now */
	bool has, had; /* is to be in the chain, and was */
};

struct spots {
	struct sign_fix *x;
	struct spot *list;
	size_t n, room;
};

static int compare_spots(const void *va, const void *vb)
{
	const struct spot *a = va, *b = vb;
	const int d = memcmp(a->hash, b->hash, NSEC3_HASH);

	return d ? d : !a->name - !b->name; /* the name's own first */
}

static bool add_spot(struct spots *s, const struct spot *spot)
{
	if (s->n == s->room) {
		struct spot *list = realloc(s->list, (2 * s->room + 16) * sizeof *list);
		if (!list)
			return fault(s->x->why, "out of memory");
		s->list = list;
		s->room = 2 * s->room + 16;
	}
	s->list[s->n++] = *spot;
	return true;
}

/* Of two spots with one hash the first stays. */
static void sort_spots(struct spots *s)
{
	size_t kept = 0;

	if (s->n)
		qsort(s->list, s->n, sizeof *s->list, compare_spots);
	for (size_t i = 0; i < s->n; i++)
		if (!kept || memcmp(s->list[kept - 1].hash, s->list[i].hash, NSEC3_HASH) != 0)
			s->list[kept++] = s->list[i];
	s->n = kept;
}

static void hash_of(const struct zone_node *n, uint8_t to[static NSEC3_HASH])
{
	nsec3_label(to, n->name);
}

/* --- the chain as it will be -------------------------------------------------------------- */

/* The first spot at or behind the hash. */
static size_t find_spot(const struct spots *s, const uint8_t *hash)
{
	size_t low = 0, high = s->n;

	while (low < high) {
		const size_t mid = low + (high - low) / 2;
		if (memcmp(s->list[mid].hash, hash, NSEC3_HASH) < 0)
			low = mid + 1;
		else
			high = mid;
	}
	return low;
}

static bool is_gone(const struct spots *s, const uint8_t *hash)
{
	const size_t i = find_spot(s, hash);

	return i < s->n && memcmp(s->list[i].hash, hash, NSEC3_HASH) == 0 && !s->list[i].has;
}

/* On the way round from `hash`, is `a` met before `b`? */
static bool comes_first(const uint8_t *hash, const uint8_t *a, const uint8_t *b, bool up)
{
	const bool a_on = memcmp(a, hash, NSEC3_HASH) * (up ? 1 : -1) > 0,
		   b_on = memcmp(b, hash, NSEC3_HASH) * (up ? 1 : -1) > 0;
	const int d = memcmp(a, b, NSEC3_HASH) * (up ? 1 : -1);

	return a_on != b_on ? a_on : d < 0;
}

/* The next link up or down of those that come into the chain. False: there is none. */
static bool near_new(const struct spots *s, const uint8_t *hash, bool up, uint8_t *to)
{
	const size_t from = find_spot(s, hash);

	for (size_t k = 0; k < s->n; k++) {
		const size_t i = up ? (from + k) % s->n : (from + s->n - 1 - k) % s->n;
		const struct spot *spot = &s->list[i];
		if (!spot->has || spot->had || memcmp(spot->hash, hash, NSEC3_HASH) == 0)
			continue;
		memcpy(to, spot->hash, NSEC3_HASH);
		return true;
	}
	return false;
}

/* ... of those that were there and stay. */
static bool near_old(const struct spots *s, const uint8_t *hash, bool up, uint8_t *to)
{
	const struct zone *z = s->x->z;
	const uint8_t *from = hash;

	/* Those that go are among the spots. */
	for (size_t k = 0; k <= s->n; k++) {
		const struct zone_node *n = up ? denial_nsec3_after(z, from)
					       : denial_nsec3(z, from, true);
		hash_of(n, to);
		if (memcmp(to, hash, NSEC3_HASH) == 0)
			return !is_gone(s, to);
		if (!is_gone(s, to))
			return true;
		from = to;
	}
	return false;
}

/* The link that stands next to the hash in the chain, going up or down; itself when it is the
 * only one. */
static void near_hash(const struct spots *s, const uint8_t *hash, bool up, uint8_t *to)
{
	uint8_t old[NSEC3_HASH];
	const bool has_new = near_new(s, hash, up, to), has_old = near_old(s, hash, up, old);

	if (!has_new && !has_old)
		memcpy(to, hash, NSEC3_HASH);
	else if (!has_new || (has_old && comes_first(hash, old, to, up)))
		memcpy(to, old, NSEC3_HASH);
}

/* --- which links -------------------------------------------------------------------------- */

static const struct zone_node *find_link(const struct zone *z, const uint8_t *hash)
{
	const struct zone_node *n = denial_nsec3(z, hash, false);
	uint8_t theirs[NSEC3_HASH];

	hash_of(n, theirs);
	return memcmp(theirs, hash, NSEC3_HASH) == 0 ? n : NULL;
}

static bool add_name(struct spots *s, const uint8_t *owner)
{
	const struct sign_fix *x = s->x;
	const struct sign_name name = sign_follow_name(x, owner);
	struct spot spot = { .name = name.now };

	nsec3_hash(spot.hash, &x->z->denial->params, owner, name_len(owner));
	spot.had = find_link(x->z, spot.hash) != NULL;
	spot.has = name.now && sign_has_nsec3(x->now, name.now, x->o->keys->policy.opt_out);
	return (!spot.has && !spot.had) || add_spot(s, &spot);
}

/* Those in front of what comes or goes lead elsewhere. */
static bool add_near(struct spots *s)
{
	struct spots near = { .x = s->x };
	bool ok = true;

	for (size_t i = 0; ok && i < s->n; i++) {
		struct spot spot = { .has = true, .had = true };
		if (s->list[i].has == s->list[i].had)
			continue;
		near_hash(s, s->list[i].hash, false, spot.hash);
		ok = add_spot(&near, &spot);
	}
	/* One that comes into the chain itself has its name, and stays (sort_spots()). */
	for (size_t i = 0; ok && i < near.n; i++)
		ok = add_spot(s, &near.list[i]);
	free(near.list);
	return ok;
}

/* --- what they say ------------------------------------------------------------------------ */

static size_t put_rdata(
	struct spots *s, const struct spot *spot, const struct zone_node *link, uint8_t *to)
{
	struct sign_fix *x = s->x;
	const struct nsec3_params *p = &x->z->denial->params;
	const size_t next = FIXED + p->salt_len + 1u;
	size_t len;

	if (spot->name) {
		to[0] = NSEC3_SHA1;
		to[1] = x->o->keys->policy.opt_out;
		be16_put(to + 2, p->iterations);
		to[4] = p->salt_len;
		memcpy(to + FIXED, p->salt, p->salt_len);
		to[next - 1] = NSEC3_HASH;
		len = next + NSEC3_HASH;
		len += sign_bitmap(&x->types, x->now, spot->name, &x->bits, to + len);
	} else {
		const struct zone_rrset *set = zone_find_rrset(link, RRTYPE_NSEC3);
		len = be16_get(set->wire + 10);
		memcpy(to, set->wire + IMAGE_RR_FIXED, len);
	}
	near_hash(s, spot->hash, true, to + next);
	return len;
}

/* The node of x->now that owns the NSEC3, which the change itself does not touch. */
static bool fix_spot(struct spots *s, const struct spot *spot)
{
	struct sign_fix *x = s->x;
	uint8_t owner[NAME_MOST], rdata[RDATA_MOST];
	const struct zone_node *link = find_link(x->now, spot->hash);
	const struct sign_name name = { .owner = owner, .now = link, .was = link };
	size_t len = 0;

	nsec3_put_label(owner, spot->hash);
	memcpy(owner + 1 + NSEC3_LABEL, x->z->apex, x->z->apex_len);
	if (spot->has)
		len = put_rdata(s, spot, link, rdata);
	return sign_fix_nsec3(x, &name, spot->has ? rdata : NULL, len);
}

static bool fix_spots(struct spots *s, const struct sign_following *w)
{
	for (size_t i = 0; i < w->names.n; i++)
		if (!add_name(s, sign_names_get(&w->names, i)))
			return false;
	for (size_t i = 0; i < w->n_hashes; i++) {
		struct spot spot = { .has = true, .had = true };
		memcpy(spot.hash, w->hashes[i], NSEC3_HASH);
		if (!add_spot(s, &spot))
			return false;
	}
	sort_spots(s);
	if (!add_near(s))
		return false;
	sort_spots(s);
	for (size_t i = 0; i < s->n; i++)
		if (!fix_spot(s, &s->list[i]))
			return false;
	return true;
}

bool sign_follow_nsec3(struct sign_following *w)
{
	struct sign_fix *x = &w->fix;
	struct spots spots = { .x = x };

	for (size_t i = 0; i < w->names.n; i++) {
		const struct sign_name name = sign_follow_name(x, sign_names_get(&w->names, i));
		if (name.now && !sign_fix_name(x, &name))
			return false;
	}
	const bool ok = fix_spots(&spots, w);
	free(spots.list);
	return ok;
}
