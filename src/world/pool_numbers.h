/* pool_numbers.h - which pools the zones name, by number.
 *
 * Zones name pools by text; a query finds them by number. Made off the loop with each new set
 * of zones or table of pools, immutable, shared by count.
 */
#ifndef WORLD_POOL_NUMBERS_H
#define WORLD_POOL_NUMBERS_H

#include "base/fault.h"
#include "base/part.h"
#include "steer/steer.h"
#include "zone/zone.h"

#include <stdint.h>

struct pool_numbers {
	struct part part;
	uint32_t *first_pool; /* [zone of the set] */
	uint16_t *pools;      /* zone i's pool k is pools[first_pool[i] + k] */
	size_t n;             /* of pools */
};

/* NULL and one sentence when a zone names a pool that is not there. Count 1. */
struct pool_numbers *pool_numbers_new(
	const struct zone_set *set, const struct steer *steer, struct fault *why);

static inline struct pool_numbers *pool_numbers_hold(struct pool_numbers *n)
{
	part_hold(n ? &n->part : NULL);
	return n;
}

static inline void pool_numbers_drop(struct pool_numbers *n)
{
	part_drop(n ? &n->part : NULL);
}

#endif
