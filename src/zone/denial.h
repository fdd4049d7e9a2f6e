/* denial.h - which NSEC or NSEC3 records prove that something is not there?
 *
 * The chain of a signed zone, in the order of its names or hashes, and what answers need of it:
 * RFC 4035 section 3.1.3 for NSEC, RFC 5155 section 7.2 for NSEC3. What can be known when a
 * zone is loaded is: each node has its own proof and that of its child "*" beside it (struct
 * zone_proof); only a name that does not exist is searched, and for NSEC3 hashed, when it is
 * asked for. Immutable; any thread.
 */
#ifndef ZONE_DENIAL_H
#define ZONE_DENIAL_H

#include "zone/lookup.h"
#include "zone/nsec3.h"
#include "zone/order.h"

struct denial {
	bool nsec3;
	struct nsec3_params params; /* NSEC3 */
	bool mixed;                 /* NSEC3: there are records of other chains, too */
	uint32_t n;                 /* links of the chain */
	uint32_t *owner;            /* [n] offsets of the nodes that own them, in order */
	struct order_key *key;      /* [n] NSEC: of the owners' names */
	uint64_t *hash;             /* [n] NSEC3: the first 64 bits of the owners' hashes */
	uint32_t *first; /* [p >> shift] how many links have a place (their hash, or the spread
			    of their key) below p's first bits; one entry more: all */
	unsigned shift;
};

enum { DENIAL_MOST = 3 };

/* Nodes whose NSEC or NSEC3 RRset, with its signatures, go into the authority section. */
struct denial_proof {
	unsigned n;
	const struct zone_node *node[DENIAL_MOST];
};

/* What proves the answer that `l` gives for `name`; nothing for an answer that needs no proof,
 * or when the zone's chain has a hole there. The zone has a chain. */
struct denial_proof denial_prove(
	const struct zone *z, const struct zone_name *name, const struct lookup *l);

/* Asks the memory for the records of a proof. */
static inline void denial_fetch(const struct denial_proof *p)
{
	/* An NSEC or NSEC3 with a signature of today's algorithms is four lines or less. */
	for (unsigned i = 0; i < p->n; i++)
		for (unsigned at = 0; at < 256; at += 64)
			__builtin_prefetch((const uint8_t *)p->node[i] + at);
}

/* The last NSEC owner that is not behind `labels` (a name below the apex, as struct zone_node
 * has it): its number in the chain, or -1. */
int64_t denial_before(const struct zone *z, const uint8_t *labels, size_t len);

/* The node with the last NSEC that is not behind `labels`, or with `strictly` before them, of the image or
 * what is beside it; or NULL. */
const struct zone_node *denial_nsec(
	const struct zone *z, const uint8_t *labels, size_t len, bool strictly);

/* Of a zone with NSEC3: the node with the last NSEC3 whose hash is not above `hash`, or with `strictly` below
 * it, or else the very last; and the one with the first that is above it, or else the very first. */
const struct zone_node *denial_nsec3(const struct zone *z, const uint8_t *hash, bool strictly);
const struct zone_node *denial_nsec3_after(const struct zone *z, const uint8_t *hash);

/* The node that owns an NSEC3 of the chain at `labels` (a name below the apex, as struct zone_node has it); NULL:
 * there is none. */
const struct zone_node *denial_nsec3_at(const struct zone *z, const uint8_t *labels, size_t len);

/* The node with the NSEC or NSEC3 that matches the name of `n`, which is not hidden; NULL: there is none. The
 * zone has a chain. */
const struct zone_node *denial_self(const struct zone *z, const struct zone_node *n);

/* The number of the last NSEC3 whose hash is not above `hash`, or of the very last, which
 * covers what is before the first. */
uint32_t denial_hashed(const struct denial *d, uint64_t hash);

/* NULL is fine. */
void denial_free(struct denial *d);
size_t denial_bytes(const struct denial *d);

#endif
