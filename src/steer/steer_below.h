/* steer_below.h - which pools would answer through another, and say how long that may be kept?
 *
 * Part of steer_new(). What such a pool stands in for, or has nothing of, is to be asked again when one of them may answer.
 */
#ifndef STEER_STEER_BELOW_H
#define STEER_STEER_BELOW_H

#include "steer/steer.h"

/* Once all pools have their trees, pins and rules: fills `below` and `n_below`, in the arena of `s`. */
void steer_below_fill(struct steer *s);

/* The TTL of a pool is never less than this: what it says before it has been steady. */
static inline uint32_t steer_ttl_floor_s(const struct pool *p)
{
	return p->ttl_least_s ? p->ttl_least_s : p->ttl_most_s;
}

#endif
