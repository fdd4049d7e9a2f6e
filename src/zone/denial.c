#include "zone/denial.h"

#include "zone/delta.h"

#include <string.h>

enum { COVERS = 1 };

/* --- finding a link ----------------------------------------------------------------------- */

/* Full comparison of the owner of a link with a name. */
static int compare_owner(const struct zone *z, uint32_t link, const uint8_t *labels, size_t len)
{
	const struct zone_node *n = zone_node_at(z, z->denial->owner[link]);

	return order_names(n->name, n->name_len, labels, len);
}

int64_t denial_before(const struct zone *z, const uint8_t *labels, size_t len)
{
	const struct denial *d = z->denial;
	const struct order_key key = order_key(labels, len);
	const uint32_t *first = &d->first[order_spread(&key) >> d->shift];
	uint32_t low = first[0], high = first[1];

	while (low < high) {
		const uint32_t mid = low + (high - low) / 2;
		int c = order_compare(&d->key[mid], &key);
		if (c == 0)
			c = compare_owner(z, mid, labels, len);
		if (c <= 0)
			low = mid + 1;
		else
			high = mid;
	}
	return (int64_t)low - 1;
}

uint32_t denial_hashed(const struct denial *d, uint64_t hash)
{
	uint32_t i = d->first[hash >> d->shift];

	while (i < d->n && d->hash[i] <= hash)
		i++;
	return i ? i - 1 : d->n - 1;
}

const struct zone_node *denial_nsec(
	const struct zone *z, const uint8_t *labels, size_t len, bool strictly)
{
	const struct delta *d = z->delta;
	int64_t i = denial_before(z, labels, len);
	const struct zone_node *n = NULL, *other = NULL;

	if (strictly && i >= 0 && compare_owner(z, (uint32_t)i, labels, len) == 0)
		i--;
	if (d) {
		i = delta_untouched(d, z->denial->owner, i);
		other = delta_link_before(d, labels, len, strictly);
	}
	if (i >= 0)
		n = zone_node_at(z, z->denial->owner[i]);
	if (!n ||
		(other && order_names(n->name, n->name_len, other->name, other->name_len) < 0))
		n = other;
	return n;
}

/* Orders the owner of a link of NSEC3 and a hash. */
static int compare_hash(const struct zone *z, uint32_t link, const uint8_t *hash)
{
	uint8_t theirs[NSEC3_HASH];

	nsec3_label(theirs, zone_node_at(z, z->denial->owner[link])->name);
	return memcmp(theirs, hash, NSEC3_HASH);
}

/* How many links have a hash that is not above `hash`, or with `strictly` is below it. */
static uint32_t count_hashed(const struct zone *z, const uint8_t *hash, bool strictly)
{
	const struct denial *d = z->denial;
	uint32_t n = denial_hashed(d, be64_get(hash)) + 1;

	if (d->hash[n - 1] > be64_get(hash))
		return 0;
	while (n && compare_hash(z, n - 1, hash) > -(int)strictly)
		n--;
	return n;
}

static const struct zone_node *link_at(const struct zone *z, int64_t i)
{
	return i < 0 ? NULL : zone_node_at(z, z->denial->owner[i]);
}

/* Which of two stands further on, or with `!up` less far; either may be NULL. */
static const struct zone_node *further(
	const struct zone_node *a, const struct zone_node *b, bool up)
{
	if (!a || !b)
		return a ? a : b;
	return (order_names(a->name, a->name_len, b->name, b->name_len) < 0) == up ? b : a;
}

/* The last link of the shared image up to `i` that stands for itself. */
static int64_t untouched(const struct zone *z, int64_t i)
{
	return z->delta ? delta_untouched(z->delta, z->denial->owner, i) : i;
}

const struct zone_node *denial_nsec3(const struct zone *z, const uint8_t *hash, bool strictly)
{
	const struct delta *d = z->delta;
	uint8_t label[1 + NSEC3_LABEL];
	const struct zone_node *last = NULL, *n;

	n = link_at(z, untouched(z, (int64_t)count_hashed(z, hash, strictly) - 1));
	if (d) {
		nsec3_put_label(label, hash);
		n = further(n, delta_link_before(d, label, sizeof label, strictly), true);
		last = d->n_links ? delta_node(d, d->link[d->n_links - 1]) : NULL;
	}
	return n ? n : further(link_at(z, untouched(z, (int64_t)z->denial->n - 1)), last, true);
}

/* The first link of the shared image from `i` on that stands for itself; NULL. */
static const struct zone_node *untouched_after(const struct zone *z, uint32_t i)
{
	while (i < z->denial->n && z->delta && delta_replaces(z->delta, z->denial->owner[i]))
		i++;
	return i < z->denial->n ? link_at(z, i) : NULL;
}

const struct zone_node *denial_nsec3_at(const struct zone *z, const uint8_t *labels, size_t len)
{
	uint8_t hash[NSEC3_HASH], theirs[NSEC3_HASH];

	if (!z->denial || !z->denial->nsec3 || len != 1 + NSEC3_LABEL || !nsec3_label(hash, labels))
		return NULL;
	const struct zone_node *n = denial_nsec3(z, hash, false);
	return nsec3_label(theirs, n->name) && memcmp(theirs, hash, NSEC3_HASH) == 0 ? n : NULL;
}

const struct zone_node *denial_nsec3_after(const struct zone *z, const uint8_t *hash)
{
	const struct delta *d = z->delta;
	uint8_t label[1 + NSEC3_LABEL];
	const struct zone_node *first = NULL, *n;

	n = untouched_after(z, count_hashed(z, hash, false));
	if (d) {
		nsec3_put_label(label, hash);
		n = further(n, delta_link_after(d, label, sizeof label), false);
		first = d->n_links ? delta_node(d, d->link[0]) : NULL;
	}
	return n ? n : further(untouched_after(z, 0), first, false);
}

/* --- what proves what --------------------------------------------------------------------- */

static void add(struct denial_proof *p, const struct zone_node *n)
{
	for (unsigned i = 0; i < p->n; i++)
		if (p->node[i] == n)
			return;
	p->node[p->n++] = n;
}

static void add_link(struct denial_proof *p, const struct zone *z, uint32_t link)
{
	if (link & ~(uint32_t)COVERS)
		add(p, zone_node_at(z, link & ~(uint32_t)COVERS));
}

/* The NSEC whose owner is not behind the name, in whichever image it is. */
static void add_nsec(
	struct denial_proof *p, const struct zone *z, const uint8_t *labels, size_t len)
{
	const struct zone_node *n = denial_nsec(z, labels, len, false);

	if (n)
		add(p, n);
}

/* The NSEC that covers a name that does not exist. */
static void add_before(
	struct denial_proof *p, const struct zone *z, const struct zone_name *name)
{
	add_nsec(p, z, name->wire, name->len - z->apex_len);
}

/* What speaks about a name that is there. Where there is a delta, links of the shared image may
 * be others: they are searched for. */
static void add_self(struct denial_proof *p, const struct zone *z, const struct zone_node *n)
{
	if (z->delta)
		add_nsec(p, z, n->name, n->name_len);
	else
		add_link(p, z, zone_node_proof(n)->self);
}

/* ... and about its child "*". */
static void add_star(struct denial_proof *p, const struct zone *z, const struct zone_node *n)
{
	uint8_t labels[NAME_MOST + 2] = { 1, '*' };

	if (!z->delta) {
		add_link(p, z, zone_node_proof(n)->star);
		return;
	}
	memcpy(labels + 2, n->name, n->name_len);
	add_nsec(p, z, labels, n->name_len + 2u);
}

/* The NSEC3 that matches or covers (the hash of) a name. `*covers`: it covers. */
static const struct zone_node *find_hashed(
	const struct zone *z, const uint8_t *name, size_t len, bool *covers)
{
	uint8_t hash[NSEC3_HASH], theirs[NSEC3_HASH];

	nsec3_hash(hash, &z->denial->params, name, len);
	const struct zone_node *n = denial_nsec3(z, hash, false);
	nsec3_label(theirs, n->name);
	*covers = memcmp(theirs, hash, NSEC3_HASH) != 0;
	return n;
}

/* The NSEC3 that covers the name that starts at label `skip`. */
static void add_hashed(struct denial_proof *p, const struct zone *z,
	const struct zone_name *name, unsigned skip)
{
	uint8_t hash[NSEC3_HASH];

	nsec3_hash(hash, &z->denial->params, name->wire + name->at[skip],
		name->len - name->at[skip]);
	add(p, z->delta ? denial_nsec3(z, hash, false)
			: zone_node_at(z,
				  z->denial->owner[denial_hashed(z->denial, be64_get(hash))]));
}

/* What speaks about a name that is there, and about its child "*". What stands in front of nodes is of the shared
 * image alone. */
static const struct zone_node *self_nsec3(
	const struct zone *z, const struct zone_node *n, bool *covers)
{
	uint8_t owner[NAME_MOST];

	if (!z->delta) {
		const uint32_t link = zone_node_proof(n)->self;
		*covers = link & COVERS;
		return link & ~(uint32_t)COVERS ? zone_node_at(z, link & ~(uint32_t)COVERS)
						: NULL;
	}
	memcpy(owner, n->name, n->name_len);
	memcpy(owner + n->name_len, z->apex, z->apex_len);
	return find_hashed(z, owner, n->name_len + (size_t)z->apex_len, covers);
}

const struct zone_node *denial_self(const struct zone *z, const struct zone_node *n)
{
	bool covers = false;
	const struct zone_node *link;

	if (z->denial->nsec3) {
		link = self_nsec3(z, n, &covers);
		return covers ? NULL : link;
	}
	link = denial_nsec(z, n->name, n->name_len, false);
	return link && link->name_len == n->name_len &&
			memcmp(link->name, n->name, n->name_len) == 0
		? link
		: NULL;
}

static void add_self_nsec3(
	struct denial_proof *p, const struct zone *z, const struct zone_node *n)
{
	bool covers;
	const struct zone_node *link = self_nsec3(z, n, &covers);

	if (link)
		add(p, link);
}

static bool is_covered(const struct zone *z, const struct zone_node *n)
{
	bool covers;

	self_nsec3(z, n, &covers);
	return covers;
}

static void add_star_nsec3(
	struct denial_proof *p, const struct zone *z, const struct zone_node *n)
{
	uint8_t owner[NAME_MOST + 2] = { 1, '*' };
	bool covers;

	if (!z->delta) {
		add_link(p, z, zone_node_proof(n)->star);
		return;
	}
	memcpy(owner + 2, n->name, n->name_len);
	memcpy(owner + 2 + n->name_len, z->apex, z->apex_len);
	add(p, find_hashed(z, owner, n->name_len + (size_t)z->apex_len + 2u, &covers));
}

/* The closest encloser that the chain has an NSEC3 for, at or above `n`, which is the name that
 * starts at label `skip`. Opt-out leaves out delegations and what is there only for them. */
static const struct zone_node *provable(const struct zone *z, const struct zone_name *name,
	const struct zone_node *n, unsigned *skip)
{
	while (is_covered(z, n) && *skip < name->labels - z->apex_labels) {
		++*skip;
		n = *skip == name->labels - z->apex_labels ? z->apex_node
							   : zone_find_node(z, name, *skip);
	}
	return n;
}

/* RFC 5155 section 7.2.1: the closest (provable) encloser and what covers the next closer name,
 * the one label longer. */
static const struct zone_node *add_encloser(struct denial_proof *p, const struct zone *z,
	const struct zone_name *name, const struct lookup *l)
{
	unsigned skip = l->skip;
	const struct zone_node *n = provable(z, name, l->encloser, &skip);

	add_self_nsec3(p, z, n);
	if (skip)
		add_hashed(p, z, name, skip - 1);
	return n;
}

static void prove_nsec(struct denial_proof *p, const struct zone *z,
	const struct zone_name *name, const struct lookup *l)
{
	switch (l->kind) {
	case LOOKUP_NXDOMAIN:
		add_before(p, z, name);
		add_star(p, z, l->node);
		return;
	case LOOKUP_REFERRAL: add_self(p, z, l->node); return;
	case LOOKUP_NODATA:
		if (l->wildcard)
			add_before(p, z, name);
		add_self(p, z, l->node);
		return;
	case LOOKUP_ANSWER:
	case LOOKUP_CNAME:
	case LOOKUP_EDGE:
		if (l->wildcard)
			add_before(p, z, name);
		return;
	case LOOKUP_DNAME: return;
	}
}

static void prove_nsec3(struct denial_proof *p, const struct zone *z,
	const struct zone_name *name, const struct lookup *l)
{
	switch (l->kind) {
	case LOOKUP_NXDOMAIN:
		add_star_nsec3(p, z, add_encloser(p, z, name, l));
		return;
	case LOOKUP_REFERRAL:
	case LOOKUP_NODATA:
		/* Opt-out: the name is there, and the chain does not know it. */
		if (l->wildcard || is_covered(z, l->node))
			add_encloser(p, z, name, l);
		/* A wildcard that opt-out leaves out is covered, where the name itself would be
		 * the next closer name. */
		if (l->wildcard || !is_covered(z, l->node))
			add_self_nsec3(p, z, l->node);
		return;
	case LOOKUP_ANSWER:
	case LOOKUP_CNAME:
	case LOOKUP_EDGE:
		/* The signature's label count tells the closest encloser (section 7.2.6). */
		if (l->wildcard && l->skip)
			add_hashed(p, z, name, l->skip - 1);
		return;
	case LOOKUP_DNAME: return;
	}
}

struct denial_proof denial_prove(
	const struct zone *z, const struct zone_name *name, const struct lookup *l)
{
	struct denial_proof p = { 0 };

	if (z->denial->nsec3)
		prove_nsec3(&p, z, name, l);
	else
		prove_nsec(&p, z, name, l);
	return p;
}
