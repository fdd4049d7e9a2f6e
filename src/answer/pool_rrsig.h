/* pool_rrsig.h - the signatures that go with what a pool has answered, or does not have.
 *
 * They are found, not made (pool_signatures.h). What is not signed yet is asked for, and nothing
 * is said that would not validate.
 */
#ifndef ANSWER_POOL_RRSIG_H
#define ANSWER_POOL_RRSIG_H

#include "answer/compose.h"

/* Is what pools answer in that zone signed? */
bool pool_rrsig_signs(const struct world *w, const struct zone *z);

/* Are there signatures for who asks, in the zone at work? */
bool pool_rrsig_wanted(const struct compose *c);

/* An RRset that was written last. */
struct pool_rrsig {
	const struct zone_node *node; /* that has the name, or the wildcard it was made from */
	uint16_t type;
	uint32_t signed_ttl_s, ttl_s; /* that is signed; that was written */
	size_t at;                    /* where its records begin, whose owners are pointers */
	const uint8_t *cname; /* of a CNAME its target, as it is signed; else NULL */
	uint64_t key;         /* pool_signatures_key(), where it is known; else 0 */
};

enum pool_rrsig_is {
	POOL_RRSIG_PUT,
	POOL_RRSIG_FULL, /* no room: TC was set */
	POOL_RRSIG_NONE  /* it is not signed, and nothing was written */
};

/* Adds its signatures. */
enum pool_rrsig_is pool_rrsig_add(struct compose *c, const struct pool_rrsig *set);

/* Asks for them. */
void pool_rrsig_want(struct compose *c, const struct pool_rrsig *set);

/* The NSEC or NSEC3 of the proof without the type link->without, which its pool could answer at
 * another time. `owner_at` is where its owner stands, or 0. False when TC was set, or when it is not
 * signed (c->failed). */
bool pool_rrsig_deny(struct compose *c, const struct compose_link *link, size_t owner_at);

/* Does the link's bitmap have that type? */
bool pool_rrsig_lists(const struct compose_link *link, uint16_t type);

#endif
