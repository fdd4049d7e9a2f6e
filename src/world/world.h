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

/* Other edges, pools and rankings, for a share of the clients (stage.h). */
struct world_stage {
	uint64_t share;      /* 0: there is no stage */
	struct steer *steer; /* held */
	struct standing *standing;
	const uint16_t *pools; /* as the world's: of these tables */
	struct world_numbers *numbers;
};

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
	struct world_stage stage;
};

struct world_opts {
	struct zone_set *zones;
	struct steer *steer;
	const struct policy *policy; /* copied */
	struct standing *standing;   /* taken */
	/* Of a stage; `staged` NULL: there is none. Every pool that a zone names is in it, too.
	 */
	uint64_t share;
	struct steer *staged;
	struct standing *staged_standing; /* taken */
};

/* Holds its parts. Every pool that a zone names is in `steer`, since zone_compile() has asked.
 * Never NULL. */
struct world *world_new(const struct world_opts *opts);

/* The same world but for its edges' standing, which is taken, and that of its stage's (NULL
 * when there is none). Cheap: all else is shared. */
struct world *world_with_standing(
	const struct world *w, struct standing *standing, struct standing *staged);

void world_free(struct world *w);

#endif
