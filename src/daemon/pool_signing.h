/* pool_signing.h - what pools answer in zones that are signed here is signed, and stays so.
 *
 * Ahead: before new zones, edges and pools are served, and again before signatures end. And what
 * a worker has found unsigned: in turn, those first who have shown that their address is their own, and
 * never with more than a tenth of a processor, so that nobody can have us do nothing else. Loop,
 * but for what says otherwise.
 */
#ifndef DAEMON_POOL_SIGNING_H
#define DAEMON_POOL_SIGNING_H

#include "daemon/publish.h"
#include "jobs/jobs.h"
#include "world/pool_signatures.h"

struct ev_loop;
struct pool_signing;

enum {
	POOL_SIGNING_AHEAD_MOST = 2000000, /* RRsets */
	POOL_SIGNING_WANTED_MOST = 65536
};

struct pool_signing_opts {
	struct ev_loop *loop;
	struct jobs *jobs;
	struct publisher *publisher;
	struct hash_key key;
};

struct pool_signing *pool_signing_new(const struct pool_signing_opts *opts);
/* When no worker runs any more. */
void pool_signing_free(struct pool_signing *s);

/* For who signs ahead on another thread: held. */
struct pool_signatures *pool_signing_hold(const struct pool_signing *s);

/* Any thread: what zones name pools is signed, and stays so until it is served. `numbers` are
 * those of these zones' pools in that steer. `before`: zones of it that are the same are passed over; or
 * NULL. */
struct pool_signing_of {
	const struct registry *zones, *before;
	const struct steer *steer;
	const struct pool_numbers *numbers;
	struct job *job; /* that may be cancelled; or NULL */
};
struct pool_signing_sum {
	size_t made, left; /* RRsets that were signed; that are too many */
	bool failed;       /* some are not signed for want of memory */
};
void pool_signing_ahead(struct pool_signatures *to, const struct pool_signing_of *of,
	struct pool_signing_sum *sum);

struct pool_signing_counts {
	struct pool_signatures_counts table;
	size_t left;      /* RRsets that are not signed ahead, since they are too many */
	size_t waiting;   /* that are wanted, and not signed yet */
	uint64_t signeds; /* that were wanted, so far */
	uint64_t lost;    /* that were wanted, and nobody could take note of */
};
struct pool_signing_counts pool_signing_counts(const struct pool_signing *s);

#endif
