/* parts.h - what the server is made of, each immutable and shared by count.
 *
 * A copy is a hold of each; a stage is a second one. Long work gets a copy, makes new parts and
 * hands them back; nothing is patched in place, and nothing is borrowed whose owner is not
 * held. The one exception is the table of measurements, which takes samples in while nobody but
 * its keeper holds it (latency.h).
 */
#ifndef WORLD_PARTS_H
#define WORLD_PARTS_H

#include "base/part.h"
#include "base/stamps.h"
#include "geo/atlas.h"
#include "measure/latency.h"
#include "steer/steer.h"
#include "world/plain_zones.h"
#include "world/pool_numbers.h"
#include "world/pool_signatures.h"
#include "zone/registry.h"

struct parts {
	struct part *conf; /* struct conf: the options with their strings and paths */
	struct registry *zones;
	struct atlas *atlas;
	struct stamps *geo_files; /* that the atlas was read from */
	struct latency *table;
	struct stamps *table_files; /* that the table was read from */
	struct steer *steer;        /* edges, pools, rankings */
	struct pool_numbers *numbers; /* of `zones` in `steer` */
	struct pool_signatures *signatures; /* of what pools answer; NULL: there are none */
	struct plain_zones *plain; /* of versions that may be older than `zones`; NULL: none yet */
};

/* Members that are NULL stay so. */
struct parts parts_hold(const struct parts *p);

/* Leaves all members NULL. */
void parts_drop(struct parts *p);

#endif
