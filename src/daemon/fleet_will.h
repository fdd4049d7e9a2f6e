/* fleet_will.h - what operators want of edges holds on all servers of a fleet.
 *
 * Each change has a key (its words and when it begins) and a version of the fleet's clock: of two the later one
 * holds, everywhere, whatever the order in which they are heard; who had not heard of the earlier is at odds with
 * it, and that is told. One that has ended stays as such for a while, so that nobody brings it back. Loop.
 */
#ifndef DAEMON_FLEET_WILL_H
#define DAEMON_FLEET_WILL_H

#include "daemon/forcing.h"
#include "fleet/fleet.h"

struct fleet_will;

struct fleet_will_opts {
	struct ev_loop *loop;
	struct fleet *fleet;     /* borrowed; outlives it */
	struct forcing *forcing; /* borrowed; outlives it */
	const char *server;      /* copied */
	void *ctx;
	/* The changes are others than before. */
	void (*changed)(void *ctx);
	/* What the fleet wants is known. */
	void (*caught_up)(void *ctx);
};

struct fleet_will *fleet_will_new(const struct fleet_will_opts *opts);
void fleet_will_free(struct fleet_will *w);

/* Somebody has changed something here, or something has ended. */
void fleet_will_follow(struct fleet_will *w);

/* Of all that holds: the same on servers that agree. */
uint64_t fleet_will_digest(const struct fleet_will *w);
unsigned fleet_will_count(const struct fleet_will *w);
uint64_t fleet_will_conflicts(const struct fleet_will *w); /* since the start */

/* Keys of which something was decided between two servers, and nobody has said anything since, knowing of it. */
unsigned fleet_will_odd(const struct fleet_will *w);
/* By an operator: what holds is right. On all servers that listen. How many it were. */
unsigned fleet_will_accept(struct fleet_will *w, const char *who);

#endif
