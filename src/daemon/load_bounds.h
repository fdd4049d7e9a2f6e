/* load_bounds.h - how many of its keys may an edge keep, in pools with affinity?
 *
 * Hashing gives each edge its part of the keys, but not of the queries: some keys are asked for far more often than others. So an
 * edge that is answered with more often than a pool's bound says (so many times its fair part, by weights) keeps a shrinking share
 * of its keys, always the same ones, and gets them back when it has room: consistent hashing with bounded loads, after Mirrokni,
 * Thorup and Zadimoghaddam 2018, at the pace of the answers' lives. Pure; any thread.
 */
#ifndef DAEMON_LOAD_BOUNDS_H
#define DAEMON_LOAD_BOUNDS_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

struct steer;
struct standing;

/* Of an edge in a pool. */
struct load_bound {
	double rate;    /* answers a second, smoothed */
	uint16_t share; /* of SHED_ALL: so many of its keys it keeps */
};

struct load_bounds {
	const struct steer *steer;
	const struct standing *standing;
	const double *rate; /* of each pool's edges, pool after pool: answers a second in the interval */
	double seconds;     /* of the interval */
	unsigned intervals; /* in the smoothed rates, this one included */
};

/* [of each pool's edges] is moved on by an interval; true when a share is another one now. */
bool load_bounds_follow(const struct load_bounds *b, struct load_bound *of);

/* How many edges all pools have, one by one. */
size_t load_bounds_cells(const struct steer *s);

#endif
