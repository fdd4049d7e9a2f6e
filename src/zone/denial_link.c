#include "zone/denial_link.h"

#include "dns/rrtype.h"
#include "zone/image.h"
#include "zone/image_index.h"

#include <stdlib.h>
#include <string.h>

/* --- holding it --------------------------------------------------------------------------- */

void denial_free(struct denial *d)
{
	if (!d)
		return;
	free(d->owner);
	free(d->key);
	free(d->hash);
	free(d->first);
	free(d);
}

size_t denial_bytes(const struct denial *d)
{
	if (!d)
		return 0;
	return sizeof *d +
		d->n * (sizeof *d->owner + (d->nsec3 ? sizeof *d->hash : sizeof *d->key)) +
		(sizeof *d->first << (64 - d->shift)) + sizeof *d->first;
}

/* --- the links ---------------------------------------------------------------------------- */

bool denial_in_chain(const struct nsec3_params *p, const uint8_t *rdata)
{
	return rdata[0] == NSEC3_SHA1 && be16_get(rdata + 2) == p->iterations &&
		rdata[4] == p->salt_len && memcmp(rdata + 5, p->salt, p->salt_len) == 0;
}

bool denial_is_link(const struct zone_node *n, const struct nsec3_params *params)
{
	if (!params)
		return !(n->flags & (NODE_HIDDEN | NODE_NSEC3)) &&
			zone_find_rrset(n, RRTYPE_NSEC) != NULL;
	if (!(n->flags & NODE_NSEC3))
		return false;
	const struct zone_rrset *set = zone_find_rrset(n, RRTYPE_NSEC3);
	for (size_t at = 0; set && at < set->len;
		at += IMAGE_RR_FIXED + be16_get(set->wire + at + 10))
		if (denial_in_chain(params, set->wire + at + IMAGE_RR_FIXED))
			return true;
	return false;
}

static uint64_t hash_of(const struct zone_node *n)
{
	uint8_t hash[NSEC3_HASH];

	return nsec3_label(hash, n->name) ? be64_get(hash) : 0;
}

static uint32_t offset_of(const struct zone *z, const struct zone_node *n)
{
	return (uint32_t)((const uint8_t *)n - z->image);
}

static uint64_t place_of(const struct denial *d, uint32_t i)
{
	return d->nsec3 ? d->hash[i] : order_spread(&d->key[i]);
}

/* One entry of `first` for every two links or so: a search looks at two. */
static bool index_links(struct denial *d)
{
	unsigned bits = 1;

	while (bits < 31 && 2u << bits < d->n)
		bits++;
	d->shift = 64 - bits;
	d->first = malloc((sizeof *d->first << bits) + sizeof *d->first);
	if (!d->first)
		return false;
	uint32_t i = 0;
	for (uint64_t bucket = 0; bucket < 1ull << bits; bucket++) {
		while (i < d->n && place_of(d, i) >> d->shift < bucket)
			i++;
		d->first[bucket] = i;
	}
	d->first[1ull << bits] = d->n;
	return true;
}

static bool grow(struct denial *d, uint32_t room)
{
	uint32_t *owner = realloc(d->owner, room * sizeof *owner);
	uint64_t *hash = NULL;
	struct order_key *key = NULL;

	d->owner = owner ? owner : d->owner;
	if (d->nsec3)
		hash = realloc(d->hash, room * sizeof *hash);
	else
		key = realloc(d->key, room * sizeof *key);
	d->hash = hash ? hash : d->hash;
	d->key = key ? key : d->key;
	return owner && (hash || key);
}

static bool gather(struct zone *z, const struct nsec3_params *params)
{
	struct denial *d = z->denial;
	uint32_t room = 0;

	for (const struct zone_node *n = image_first(z); n; n = image_next(z, n)) {
		if (!denial_is_link(n, params)) {
			d->mixed = d->mixed || (n->flags & NODE_NSEC3);
			continue;
		}
		if (d->n == room) {
			room = room ? room + room / 2 : z->nodes + 16;
			if (!grow(d, room))
				return false;
		}
		d->owner[d->n] = offset_of(z, n);
		if (d->nsec3)
			d->hash[d->n++] = hash_of(n);
		else
			d->key[d->n++] = order_key(n->name, n->name_len);
	}
	if (d->n && d->n < room && !grow(d, d->n))
		return false;
	return d->n && index_links(d);
}

/* --- the proofs of nodes ------------------------------------------------------------------ */

/* The link before the child "*" of a node. That is mostly the name's own: only a child whose
 * label sorts before "*" can stand between. */
static uint32_t star_nsec(const struct zone *z, const struct zone_node *n, uint32_t self)
{
	uint8_t labels[NAME_MOST + 2] = { 1, '*' };

	for (const struct zone_node *next = image_next(z, n); next;
		next = image_next(z, next)) {
		if (next->flags & (NODE_HIDDEN | NODE_NSEC3))
			continue;
		if (next->name_len <= n->name_len || next->name[0] == 0 ||
			next->name[1] >= '*' || image_labels(next) != image_labels(n) + 1)
			break;
		memcpy(labels + 2, n->name, n->name_len);
		const int64_t at = denial_before(z, labels, n->name_len + 2u);
		return at < 0 ? 0 : z->denial->owner[at] | 1;
	}
	return (self & ~1u) | 1;
}

static struct zone_proof *proof_of(struct zone *z, const struct zone_node *n)
{
	return (struct zone_proof *)(void *)(z->image + offset_of(z, n)) - 1;
}

static void prove_nsec(struct zone *z)
{
	uint32_t last = 0, link = 0;

	for (const struct zone_node *n = image_first(z); n; n = image_next(z, n)) {
		if (n->flags & (NODE_HIDDEN | NODE_NSEC3))
			continue;
		const bool own =
			link < z->denial->n && z->denial->owner[link] == offset_of(z, n);
		if (own)
			last = z->denial->owner[link++];
		struct zone_proof *proof = proof_of(z, n);
		proof->self = own || !last ? last : last | 1;
		proof->star = star_nsec(z, n, proof->self);
	}
}

static uint32_t find_hash(const struct zone *z, const uint8_t *name, size_t len)
{
	uint8_t hash[NSEC3_HASH], theirs[NSEC3_HASH];

	nsec3_hash(hash, &z->denial->params, name, len);
	const uint32_t node = z->denial->owner[denial_hashed(z->denial, be64_get(hash))];
	nsec3_label(theirs, zone_node_at(z, node)->name);
	return memcmp(hash, theirs, NSEC3_HASH) == 0 ? node : node | 1;
}

static void prove_nsec3(struct zone *z)
{
	uint8_t star[NAME_MOST + 2] = { 1, '*' };

	for (const struct zone_node *n = image_first(z); n; n = image_next(z, n)) {
		if (n->flags & (NODE_HIDDEN | NODE_NSEC3))
			continue;
		const size_t len = image_owner(z, n, star + 2);
		struct zone_proof *proof = proof_of(z, n);
		proof->self = find_hash(z, star + 2, len);
		proof->star = find_hash(z, star, len + 2);
	}
}

bool denial_link(struct zone *z, const struct nsec3_params *params)
{
	if (!z->denial)
		z->denial = calloc(1, sizeof *z->denial);
	if (!z->denial)
		return false;
	z->denial->nsec3 = params != NULL;
	if (params)
		z->denial->params = *params;
	if (!gather(z, params))
		return false;
	if (params)
		prove_nsec3(z);
	else
		prove_nsec(z);
	return true;
}
