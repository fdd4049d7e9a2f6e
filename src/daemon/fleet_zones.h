/* fleet_zones.h - zones that all servers of a fleet change (fleet: on): what others commit is taken here.
 *
 * Each of them is looked at when somebody says that he has committed something, when the engine is reached, after a
 * reload, and now and then. Where the fleet has nothing of one, the server with the latest version begins its journal, once
 * all that are there have said what they have. Loop.
 */
#ifndef DAEMON_FLEET_ZONES_H
#define DAEMON_FLEET_ZONES_H

#include "daemon/updates.h"
#include "fleet/fleet.h"

struct fleet_zones;

struct fleet_zones_opts {
	struct ev_loop *loop;
	struct publisher *publisher;
	struct updates *updates; /* outlives it */
	struct fleet_ask *ask;   /* the same */
	struct fleet_lease *lease; /* ... */
	struct key_ring *ring;     /* ...; NULL: nothing is signed */
	void (*in_step)(void *ctx); /* some zone is, and was not */
	void *ctx;
};

/* Never NULL. */
struct fleet_zones *fleet_zones_new(const struct fleet_zones_opts *opts);
/* Before updates_free(), which ends what is asked: nothing is asked anew by that. */
void fleet_zones_free(struct fleet_zones *z);

/* The fleet that there is from now on, and what the configuration says of it, borrowed until another call; NULL: none. */
struct conf_fleet;
void fleet_zones_set(struct fleet_zones *z, struct fleet *f, const struct conf_fleet *c);

/* A server has committed to it, or changed its keys: this one (updates_opts). `ctx` is a struct fleet_zones. */
void fleet_zones_committed(void *ctx, const uint8_t *apex);

struct fleet_zones_sum {
	unsigned n, in_step; /* zones of the fleet; of these, as the fleet has them */
	char fault[256];     /* why the first is not; "" */
	char name[NAME_TEXT]; /* which that is */
	const char *signer; /* who has the lease; "": nobody, or it is not known; until the next turn */
};
struct fleet_zones_sum fleet_zones_sum(const struct fleet_zones *z);

#endif
