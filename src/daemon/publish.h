/* publish.h - what is served, and the one place where it is replaced.
 *
 * The publisher holds the parts that are served and those of a stage. Jobs hand it new parts,
 * probes and the balancer tell it that the standing of edges has news; at the end of the
 * loop's turn one world is made of all of it. Its cost follows what has changed: zones, pools
 * and rankings come ready from jobs. What is replaced is let go of by another thread.
 *
 * All functions are the loop's thread's.
 */
#ifndef DAEMON_PUBLISH_H
#define DAEMON_PUBLISH_H

#include "jobs/jobs.h"
#include "world/epoch.h"
#include "world/parts.h"

#include <stdbool.h>
#include <stdint.h>

struct ev_loop;
struct publisher;

/* What is another than before. Those of a stage count as STAGE alone. */
enum {
	PUBLISH_CONF = 1,
	PUBLISH_ZONES = 2,
	PUBLISH_GEO = 4,
	PUBLISH_TABLE = 8,
	PUBLISH_STEER = 16,
	PUBLISH_STAGE = 32,
	PUBLISH_PLAIN = 64
};

/* Who follows the parts is told within the call that replaces them, before a world is made; in
 * the order in which they came. */
typedef void publisher_follow_fn(void *ctx, unsigned what);

/* Who makes the standing of edges of the parts as they are now. `before`: the one that is
 * served, if it is of the same steer; or NULL. The standing is the caller's. */
struct publisher_health {
	void *ctx;
	struct standing *(*live)(void *ctx, const struct standing *before);
	/* Of what is staged; `live` is what was made just before. */
	struct standing *(*staged)(
		void *ctx, const struct standing *live, const struct standing *before);
	/* A world is about to be published whose standing is another, of the same steer. */
	void (*changes)(void *ctx, const struct world *before, const struct standing *now);
};

struct publisher_opts {
	struct ev_loop *loop;
	struct jobs *jobs;
	struct epoch *epoch;
	uint8_t cookie_secret[POLICY_SECRET]; /* where the configuration has none */
};

/* Takes `first`, which is served from the first publisher_now() on. Never NULL. */
struct publisher *publisher_new(const struct publisher_opts *opts, struct parts *first);
void publisher_free(struct publisher *p);

/* Once, before the first publisher_now(). */
void publisher_set_health(struct publisher *p, const struct publisher_health *h);
void publisher_follow(struct publisher *p, publisher_follow_fn *fn, void *ctx);

/* Borrowed until the loop's turn ends or new ones are taken; hold what is kept longer. */
const struct parts *publisher_live(const struct publisher *p);
const struct parts *publisher_staged(const struct publisher *p); /* NULL: no stage is on */
const struct world *publisher_world(const struct publisher *p);

/* Takes `next` in the place of what was served. `share` of 2^32 of the clients are answered from
 * what is staged; `next` NULL ends the stage. */
void publisher_take(struct publisher *p, struct parts *next);
void publisher_take_stage(struct publisher *p, struct parts *next, uint64_t share);

/* Another table of measurements and the rankings made of it (or of another atlas: `geo_files`
 * is then not NULL), for what is served or what is staged. Takes what is not NULL. */
void publisher_take_rankings(struct publisher *p, bool staged, struct parts *some);

/* The same with some zones in other versions, and the numbers of their pools. Takes both; for what is served
 * or what is staged. */
void publisher_take_zones(struct publisher *p, bool staged, struct registry *zones,
	struct pool_numbers *numbers);

/* The signatures of what pools answer, for all worlds from now on: held. NULL: there are none. */
void publisher_set_signatures(struct publisher *p, struct pool_signatures *s);

/* The same of a stage whose zones were `of` when these were made: where it has ended, or has others by now, they are
 * let go of. Takes both; NULL: there are none. */
void publisher_take_staged_zones(struct publisher *p, const struct registry *of,
	struct registry *zones, struct pool_numbers *numbers);

/* Lets go of parts that somebody held, beside the loop: theirs may be the last hold, and many
 * zones are many frees. Leaves all members NULL. */
void publisher_let_go(struct publisher *p, struct parts *parts);

/* The standing of edges has news: at the end of the turn; now. */
void publisher_soon(struct publisher *p);
void publisher_now(struct publisher *p);

/* Clients of whom all answers are logged, from the end of the turn on. At most POLICY_WATCHED; copied. */
void publisher_set_watched(struct publisher *p, const struct policy_watch *list, unsigned n);

/* One in so many queries is looked at for who asks most; 0: none. */
void publisher_set_sampled(struct publisher *p, uint32_t every);

/* What servers of a fleet compare, for who asks by NSID ("identity: ... %g"). */
void publisher_set_generation(struct publisher *p, uint64_t generation);

/* Takes what there is for peers that know no EDGE. */
void publisher_take_plain(struct publisher *p, struct plain_zones *plain);

/* Who is told when a world has been published, whatever is another in it; in the order in which they came. */
void publisher_tell_published(struct publisher *p, void (*fn)(void *ctx), void *ctx);

/* Who is told before one is, when nobody has seen it yet; one. */
void publisher_tell_before(struct publisher *p, void (*fn)(void *ctx, const struct world *next), void *ctx);

struct publisher_counts {
	uint64_t worlds, standings; /* published; of these, only with another standing */
	uint64_t last_us, most_us;  /* how long the loop was held by one */
	unsigned reloads;           /* configurations taken since the start */
};
struct publisher_counts publisher_counts(const struct publisher *p);

#endif
