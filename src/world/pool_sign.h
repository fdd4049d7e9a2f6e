/* pool_sign.h - what pools answer is signed: ahead, and when somebody has asked for it.
 *
 * Ahead is signed what an answer of one edge may be: at each name with an EDGE and for each edge of its
 * pool and of those that stand in, all of its addresses by family, its CNAME, and what the pool says of services with
 * these for hints, and without any; and the proofs that one of the types is not there
 * (pool_denial.h). What is signed already stays, as long as it is good. Jobs, any
 * thread.
 */
#ifndef WORLD_POOL_SIGN_H
#define WORLD_POOL_SIGN_H

#include "steer/steer.h"
#include "world/pool_signatures.h"
#include "zone/sign_rrset.h"

struct pool_sign {
	struct pool_signatures *to;
	const struct zone *zone;
	const struct zone *before; /* a version of it of which all is signed by these keys; or NULL */
	const struct keyset *keys;
	int64_t now_s; /* UNIX time */
};

/* The pools of a zone, by number: as struct pool_numbers has them. */
struct pool_sign_pools {
	const struct steer *steer;
	const uint16_t *numbers;
};

struct pool_sign_ahead {
	size_t most; /* so many RRsets may be signed in all */
	/* Whether to end. Any thread; NULL: nobody asks. */
	bool (*goes_on)(void *ctx);
	void *ctx;
	/* Set: RRsets signed now; that were signed already; that are over `most`. */
	size_t made, there, left;
	bool no_memory; /* set: some are not signed for want of it */
};

/* On all processors, politely. In a scope, or on the loop (memory.h). */
void pool_sign_ahead(const struct pool_sign *s, const struct pool_sign_pools *pools,
	struct pool_sign_ahead *how);

/* Signs what somebody wants. False: it cannot be had. */
bool pool_sign_wanted(
	const struct pool_sign *s, struct sign_desk *desk, const struct pool_unsigned *ask);

#endif
