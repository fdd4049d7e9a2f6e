/* world.h - everything that an answer depends on, in one immutable value.
 *
 * The control thread builds a new world beside the one that is served and publishes it
 * (epoch.h); what did not change is shared by count. A worker reads one world for a whole batch
 * of packets.
 */
#ifndef WORLD_WORLD_H
#define WORLD_WORLD_H

#include "steer/standing.h"
#include "steer/steer.h"
#include "world/policy.h"
#include "zone/zone.h"

#include <stdbool.h>
#include <stdint.h>

struct world {
	struct zone_set *zones; /* held */
	struct steer *steer;    /* held */
	struct hash_key key;    /* of the zones */
	struct policy policy;
	uint64_t generation; /* 1, 2, ... each time one is published */

	/* Zones name pools by text, worlds by number: zone i's pool k is pools[first_pool[i] +
	 * k]. Both are of `numbers`. */
	const uint32_t *first_pool;
	const uint16_t *pools;
	struct world_numbers *numbers;
	struct standing *standing; /* of the edges, now */
};

struct world_opts {
	struct zone_set *zones;
	struct steer *steer;
	const struct policy *policy; /* copied */
	struct standing *standing;   /* taken */
};

/* Holds its parts. Every pool that a zone names is in `steer`, since zone_compile() has asked.
 * Never NULL. */
struct world *world_new(const struct world_opts *opts);

/* The same world but for its edges' standing, which is taken. Cheap: all else is shared. */
struct world *world_with_standing(const struct world *w, struct standing *standing);

void world_free(struct world *w);

#endif
