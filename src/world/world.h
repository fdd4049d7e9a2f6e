/* world.h - everything that an answer depends on, in one immutable value.
 *
 * The control thread builds a new world beside the one that is served and publishes it
 * (epoch.h); what did not change is shared by count. A worker reads one world for a whole batch
 * of packets.
 */
#ifndef WORLD_WORLD_H
#define WORLD_WORLD_H

#include "base/part.h"
#include "steer/standing.h"
#include "steer/steer.h"
#include "world/plain_zones.h"
#include "world/policy.h"
#include "world/pool_numbers.h"
#include "world/pool_signatures.h"
#include "zone/zone.h"

#include <stdbool.h>
#include <stdint.h>

/* Other edges, pools and rankings, for a share of the clients (stage.h). */
struct world_stage {
	uint64_t share;      /* 0: there is no stage */
	struct steer *steer; /* held */
	struct standing *standing;
	const uint16_t *pools; /* as the world's: of these tables */
	struct pool_numbers *numbers; /* held */
};

struct world {
	unsigned refs;          /* atomic */
	struct zone_set *zones; /* held */
	struct steer *steer;    /* held */
	struct hash_key key;    /* of the zones */
	struct policy policy;
	uint64_t generation; /* 1, 2, ... each time one is published */

	/* Zones name pools by text, worlds by number: zone i's pool k is pools[first_pool[i] +
	 * k]. Both are of `numbers`. */
	const uint32_t *first_pool;
	const uint16_t *pools;
	struct pool_numbers *numbers; /* held */
	struct standing *standing;    /* of the edges, now; the world's own */
	struct plain_zones *plain;    /* held; NULL: none */
	struct world_stage stage;
	struct pool_signatures *signatures; /* held; NULL: no zone's answers from pools are signed */
	struct part *conf;     /* held: what the policy borrows is in it */
	struct world *retired; /* epoch.c's, once another is served */
};

struct world_opts {
	struct zone_set *zones;
	struct steer *steer;
	struct pool_numbers *numbers; /* of these zones in this steer */
	const struct policy *policy;  /* copied; what it borrows dies with `conf` */
	struct part *conf;            /* or NULL */
	struct standing *standing;    /* taken */
	struct plain_zones *plain;    /* or NULL */
	struct pool_signatures *signatures; /* or NULL */
	/* Of a stage; `staged` NULL: there is none. */
	uint64_t share;
	struct steer *staged;
	struct pool_numbers *staged_numbers;
	struct standing *staged_standing; /* taken */
};

/* Holds its parts. Never NULL; the count is 1. */
struct world *world_new(const struct world_opts *opts);

/* The same world but for its edges' standing, which is taken, and that of its stage's (NULL
 * when there is none). Cheap: all else is shared. */
struct world *world_with_standing(
	const struct world *w, struct standing *standing, struct standing *staged);

/* What `w` has, for a variant of it on the caller's stack: nothing is held or counted, so it
 * lives no longer than the caller's hold of `w`, and is never dropped. Any thread. */
struct world world_borrow(const struct world *w);

/* For who looks at a world longer than it is served: a report. Any thread. */
struct world *world_hold(const struct world *w);
void world_drop(struct world *w);

#endif
