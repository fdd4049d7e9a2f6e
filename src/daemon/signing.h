/* signing.h - zones that are signed here stay signed.
 *
 * Looks which zones are not as their keys want them: signatures that end before long, keys that are others
 * than before, what has come from a primary. What is to be made is made by a job, a part at a time, and
 * then takes its place in the line of zones' versions, unless the zone has become another meanwhile. Loop.
 */
#ifndef DAEMON_SIGNING_H
#define DAEMON_SIGNING_H

#include "daemon/builder.h"
#include "daemon/key_ring.h"
#include "daemon/publish.h"
#include "daemon/updates.h"
#include "store/store.h"

struct ev_loop;
struct signing;

struct signing_opts {
	struct ev_loop *loop;
	struct jobs *jobs;
	struct builder *builder;
	struct publisher *publisher;
	struct hash_key key; /* of the zones */
	struct store *store;
	struct key_ring *ring; /* NULL: nothing is signed */
	struct updates *updates; /* by which zones of a fleet are changed; outlives it */
};

/* Never NULL. */
struct signing *signing_new(const struct signing_opts *opts);
/* After jobs_stop(). */
void signing_free(struct signing *s);

/* The keysets of these zones are others than they were: a signing_keys_fn. */
void signing_follow(void *ctx, const uint8_t (*apexes)[NAME_MOST], size_t n);

/* A look at all, soon. */
void signing_soon(struct signing *s);

struct signing_counts {
	uint64_t names, parts; /* made anew; in so many versions of zones */
	uint64_t lost;         /* parts that were made in vain, since the zone had become another */
	size_t zones, due;     /* signed here; of them, not as their keys want them */
	int64_t next_s;        /* UNIX time: when the next of their signatures is made anew; 0: none */
};
struct signing_counts signing_counts(const struct signing *s);

#endif
