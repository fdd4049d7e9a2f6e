/* flattening.h - edges that have the addresses of a name get them, and what becomes of them.
 *
 * Each name is resolved when its TTL has gone by. Where its addresses are others, or hold for less, a job
 * makes the edges anew, signs what they answer, and it is published as new rankings are. While no
 * resolver can say, what was known stays; what the store has of the time before the start is known, too,
 * for FLATTENING_KEPT_S, and its answers live for FLATTENING_KEPT_TTL_S at most. All functions are the loop's thread's.
 */
#ifndef DAEMON_FLATTENING_H
#define DAEMON_FLATTENING_H

#include "daemon/builder.h"
#include "daemon/pool_signing.h"
#include "daemon/publish.h"

struct flattening;

struct flattening_opts {
	struct ev_loop *loop;
	struct builder *builder;
	struct publisher *publisher;
	struct pool_signing *signing;
	struct jobs *jobs;
	struct store *store; /* NULL: a start knows nothing */
};

enum {
	FLATTENING_KEPT_S = 7 * 86400, /* as old as that, what was kept is known no more */
	FLATTENING_KEPT_TTL_S = 30     /* RFC 8767 section 4 recommends it for what is stale */
};

/* How it stands with the names. */
struct flattening_counts {
	unsigned names, unresolved; /* of which nothing is known */
	unsigned kept;    /* that are known by the store alone */
	unsigned failing; /* that could not be resolved when last asked for */
	double oldest_s;  /* since when the one was resolved that was so the longest ago; 0: none is known */
};
struct flattening_counts flattening_counts(const struct flattening *f);

struct flattening *flattening_new(const struct flattening_opts *opts);
/* After jobs_stop(). */
void flattening_free(struct flattening *f);

#endif
