/* updates_inner.h - what the files that change zones share.
 *
 * updates.c: batches, the store, answers. updates_make.c: one request becomes a change, and the zone after it.
 */
#ifndef DAEMON_UPDATES_INNER_H
#define DAEMON_UPDATES_INNER_H

#include "daemon/updates.h"
#include "zone/change.h"
#include "zone/zone.h"

/* One of a batch, and what has become of it. */
struct asked {
	struct request *request; /* NULL: it is one of our own */
	struct updates_own *own;
	unsigned rcode;
	struct change *change; /* until it is stored and is history; NULL: none */
	struct zone *was, *is; /* held; with a change */
	struct fault why;
};

struct updates {
	struct updates_opts opts;
	struct request *first, **last;
	struct updates_own *first_own, **last_own;
	size_t waiting;
	bool builds;
	struct build build;
	double told; /* clock_seconds() */
	struct updates_counts counts;
	struct {
		struct asked *list;
		size_t n;
		struct parts live, staged; /* held */
		struct registry_zone **entries; /* of changed zones, the newest version of each */
		size_t n_entries;
		struct registry *zones, *staged_zones;
		struct pool_numbers *numbers, *staged_numbers;
	} made;
};

/* The version of a zone that the first `before` of the batch have made; borrowed. NULL: it is none that can be changed. */
struct zone *updates_newest(const struct updates *u, size_t before, const uint8_t *apex);
/* On a helper thread, the one at that place of the batch: its change and the zone after it, or its RCODE and why. */
bool updates_make_own(struct updates *u, size_t at);
bool updates_make_one(struct updates *u, size_t at);

#endif
