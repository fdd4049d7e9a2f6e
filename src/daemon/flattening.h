/* flattening.h - edges that have the addresses of a name get them, and what becomes of them.
 *
 * Each name is resolved when its TTL has gone by. Where its addresses are others, or hold for less, a job
 * makes the edges anew, signs what they answer, and it is published as new rankings are. While no
 * resolver can say, what was known stays. All functions are the loop's thread's.
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
};

struct flattening *flattening_new(const struct flattening_opts *opts);
/* After jobs_stop(). */
void flattening_free(struct flattening *f);

#endif
