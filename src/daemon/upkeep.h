/* upkeep.h - what zones that change ask for in the background, so that no change waits for it.
 *
 * What stands beside a zone's image becomes a part of it (zone_merge()), the changes that come meanwhile are
 * made once more upon what that gives; what is stored of a zone as a file or as very many steps is stored
 * whole; steps that are too old go. Loop.
 */
#ifndef DAEMON_UPKEEP_H
#define DAEMON_UPKEEP_H

#include "daemon/builder.h"
#include "daemon/publish.h"
#include "store/store.h"

struct ev_loop;
struct upkeep;

struct upkeep_opts {
	struct ev_loop *loop;
	struct jobs *jobs;
	struct builder *builder;
	struct publisher *publisher;
	struct hash_key key;
	struct store *store; /* NULL: there is none */
	struct refresher *refresher;
};

/* Never NULL. */
struct upkeep *upkeep_new(const struct upkeep_opts *opts);
/* After jobs_stop(). */
void upkeep_free(struct upkeep *u);

struct upkeep_counts {
	uint64_t merges, lost; /* done; done in vain, since the zone had become another */
	uint64_t stored;       /* zones, whole */
};
struct upkeep_counts upkeep_counts(const struct upkeep *u);

#endif
