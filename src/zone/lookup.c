#include "zone/lookup.h"

#include "dns/rrtype.h"
#include "zone/delta.h"

#include <string.h>

static uint32_t first_slot(const struct zone *z, uint64_t hash)
{
	return (uint32_t)((hash >> 32) * z->slots_n >> 32);
}

void zone_fetch_slot(const struct zone *z, const struct zone_name *name)
{
	__builtin_prefetch(&z->slots[first_slot(z, name->hash[0])]);
}

void zone_fetch_node(const struct zone *z, const struct zone_name *name)
{
	if (!z->slots)
		return;
	uint32_t s = first_slot(z, name->hash[0]);
	while (z->slots[s].node && z->slots[s].tag != (uint32_t)name->hash[0])
		s = s + 1 == z->slots_n ? 0 : s + 1;
	/* A node and its RRset are a line or two. */
	const uint8_t *node = z->image + z->slots[s].node;
	__builtin_prefetch(node);
	__builtin_prefetch(node + 64);
}

/* The node with this hash and these labels (without the apex's), or NULL. */
static const struct zone_node *find_node(
	const struct zone *z, uint64_t hash, const uint8_t *labels, size_t len)
{
	uint32_t s = first_slot(z, hash);
	const struct zone_node *n;

	if (z->delta && delta_find(z->delta, hash, labels, len, &n))
		return n->flags & NODE_GONE ? NULL : n;
	while (z->slots[s].node) {
		if (z->slots[s].tag == (uint32_t)hash) {
			n = zone_node_at(z, z->slots[s].node);
			if (n->name_len == len && memcmp(n->name, labels, len) == 0)
				return n;
		}
		s = s + 1 == z->slots_n ? 0 : s + 1;
	}
	return NULL;
}

const struct zone_node *zone_find_node(
	const struct zone *z, const struct zone_name *name, unsigned skip)
{
	const unsigned at = name->at[skip];

	return find_node(z, name->hash[skip], name->wire + at, name->len - z->apex_len - at);
}

static const struct zone_node *find_wildcard(
	const struct zone *z, struct hash_key key, const struct zone_name *name, unsigned skip)
{
	static const uint8_t star[2] = { 1, '*' };
	uint8_t labels[NAME_MOST + 2];
	const unsigned at = name->at[skip];
	const size_t len = name->len - z->apex_len - at;

	memcpy(labels, star, 2);
	memcpy(labels + 2, name->wire + at, len);
	return find_node(z, zone_hash_label(key, name->hash[skip], star), labels, len + 2);
}

/* The name has data of its own, or of the wildcard that it was made from. */
static struct lookup at_node(const struct zone_node *n, uint16_t qtype)
{
	struct lookup l = { .kind = LOOKUP_ANSWER, .node = n, .encloser = n };

	if (qtype == RRTYPE_ANY && n->rrsets)
		return l;
	if (n->flags & NODE_CNAME && qtype != RRTYPE_CNAME && qtype != RRTYPE_RRSIG &&
		qtype != RRTYPE_NSEC) {
		l.kind = LOOKUP_CNAME;
		l.rrset = zone_find_rrset(n, RRTYPE_CNAME);
		return l;
	}
	if (n->flags & NODE_EDGE && (qtype == RRTYPE_A || qtype == RRTYPE_AAAA)) {
		l.kind = LOOKUP_EDGE;
		l.rrset = zone_find_rrset(n, RRTYPE_EDGE);
		return l;
	}
	l.rrset = zone_find_rrset(n, qtype);
	if (qtype == RRTYPE_RRSIG && l.rrset)
		l.rrset = NULL; /* one RRset for each type that they cover: the writer takes all
				 */
	else if (!l.rrset)
		l.kind = LOOKUP_NODATA;
	return l;
}

/* The nearest name above (or at) label `skip` that exists and that no cut or DNAME hides. */
static const struct zone_node *visible_ancestor(
	const struct zone *z, const struct zone_name *name, unsigned *skip)
{
	const unsigned inside = name->labels - z->apex_labels;

	/* No name of the zone is deeper than z->depth: a long made-up name costs no more probes
	 * than a real one. */
	if (inside > z->depth && *skip < inside - z->depth)
		*skip = inside - z->depth;
	for (;; ++*skip) {
		const struct zone_node *n = *skip == inside ? z->apex_node
							    : zone_find_node(z, name, *skip);
		if (n && !(n->flags & NODE_HIDDEN))
			return n;
	}
}

struct lookup zone_lookup(
	const struct zone *z, struct hash_key key, const struct zone_name *name, uint16_t qtype)
{
	const struct zone_node *exact = zone_find_node(z, name, 0);
	unsigned skip = 1;

	if (exact && !(exact->flags & NODE_HIDDEN)) {
		/* The DS set is the parent's (RFC 4035 section 3.1.4.1): all else at a cut is
		 * the child's. */
		if (exact->flags & NODE_CUT && qtype != RRTYPE_DS)
			return (struct lookup){ .kind = LOOKUP_REFERRAL,
				.node = exact,
				.encloser = exact,
				.rrset = zone_find_rrset(exact, RRTYPE_NS) };
		return at_node(exact, qtype);
	}
	const struct zone_node *n = visible_ancestor(z, name, &skip);
	if (n->flags & NODE_CUT)
		return (struct lookup){ .kind = LOOKUP_REFERRAL,
			.node = n,
			.encloser = n,
			.skip = skip,
			.rrset = zone_find_rrset(n, RRTYPE_NS) };
	if (n->flags & NODE_DNAME)
		return (struct lookup){ .kind = LOOKUP_DNAME,
			.node = n,
			.encloser = n,
			.skip = skip,
			.rrset = zone_find_rrset(n, RRTYPE_DNAME) };
	if (n->flags & NODE_WILDCARD) {
		const struct zone_node *w = find_wildcard(z, key, name, skip);
		if (w) {
			struct lookup l = at_node(w, qtype);
			l.wildcard = true;
			l.encloser = n;
			l.skip = skip;
			return l;
		}
	}
	return (struct lookup){
		.kind = LOOKUP_NXDOMAIN, .node = n, .encloser = n, .skip = skip
	};
}
