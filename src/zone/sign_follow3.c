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

/* A link that goes, and those next to it in the chain that stay; NULL: none does. */
struct gone {
	uint8_t hash[NSEC3_HASH];
	const struct zone_node *up, *down;
};

struct spots {
	struct sign_fix *x;
	struct spot *list;
	size_t n, room;
	/* Of those that come into the chain, and those that go from it: both ascend. */
	uint8_t (*comes)[NSEC3_HASH];
	struct gone *goes;
	size_t n_comes, n_goes;
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

/* How many of `n` rows of `size` bytes, which begin with their hashes, stand before the hash. */
static size_t count_before(const void *rows, size_t n, size_t size, const uint8_t *hash)
{
	size_t low = 0, high = n;

	while (low < high) {
		const size_t mid = low + (high - low) / 2;
		if (memcmp((const uint8_t *)rows + mid * size, hash, NSEC3_HASH) < 0)
			low = mid + 1;
		else
			high = mid;
	}
	return low;
}

static struct gone *find_gone(const struct spots *s, const struct zone_node *n)
{
	uint8_t hash[NSEC3_HASH];

	hash_of(n, hash);
	const size_t i = count_before(s->goes, s->n_goes, sizeof *s->goes, hash);
	return i < s->n_goes && memcmp(s->goes[i].hash, hash, NSEC3_HASH) == 0 ? &s->goes[i] : NULL;
}

static const struct zone_node *old_link(const struct zone *z, const uint8_t *hash, bool up)
{
	return up ? denial_nsec3_after(z, hash) : denial_nsec3(z, hash, true);
}

/* Next to a link that goes is one that stays, or the next that goes: so many may go at once. */
static void find_stays(struct spots *s, bool up)
{
	const size_t n = s->n_goes;
	size_t first = 0;

	while (first < n && find_gone(s, old_link(s->x->z, s->goes[first].hash, up)))
		first++;
	for (size_t k = 0; first < n && k < n; k++) {
		struct gone *g = &s->goes[(first + (up ? n - k : k)) % n];
		const struct zone_node *link = old_link(s->x->z, g->hash, up);
		const struct gone *next = find_gone(s, link);
		*(up ? &g->up : &g->down) = next ? up ? next->up : next->down : link;
	}
}

/* From the spots, which are sorted. */
static bool find_changes(struct spots *s)
{
	s->comes = malloc((s->n + 1) * sizeof *s->comes);
	s->goes = calloc(s->n + 1, sizeof *s->goes);
	if (!s->comes || !s->goes)
		return fault(s->x->why, "out of memory");
	for (size_t i = 0; i < s->n; i++)
		if (s->list[i].has && !s->list[i].had)
			memcpy(s->comes[s->n_comes++], s->list[i].hash, NSEC3_HASH);
		else if (!s->list[i].has && s->list[i].had)
			memcpy(s->goes[s->n_goes++].hash, s->list[i].hash, NSEC3_HASH);
	find_stays(s, true);
	find_stays(s, false);
	return true;
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
	const size_t n = s->n_comes, at = count_before(s->comes, n, sizeof *s->comes, hash);
	const bool is_there = at < n && memcmp(s->comes[at], hash, NSEC3_HASH) == 0;

	if (n <= is_there)
		return false;
	memcpy(to, s->comes[(up ? at + is_there : at + n - 1) % n], NSEC3_HASH);
	return true;
}

/* ... of those that were there and stay. */
static bool near_old(const struct spots *s, const uint8_t *hash, bool up, uint8_t *to)
{
	const struct zone_node *n = old_link(s->x->z, hash, up);
	const struct gone *gone = find_gone(s, n);

	if (gone)
		n = up ? gone->up : gone->down;
	if (n)
		hash_of(n, to);
	return n;
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
	if (!find_changes(s) || !add_near(s))
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
	free(spots.comes);
	free(spots.goes);
	return ok;
}
