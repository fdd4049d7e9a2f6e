/* fleet_demand.h - the servers of a fleet find prices for their edges together.
 *
 * Each keeps what it has counted in the engine. One of them, who leads, fetches that of all, finds prices by the sum,
 * and tells them to all: so prices are the same everywhere, though they depend on those before. Whoever leads goes
 * on to; when nobody does, it is the first by name. Who hears of no prices finds his own (load_fleet.h). Loop.
 */
#ifndef DAEMON_FLEET_DEMAND_H
#define DAEMON_FLEET_DEMAND_H

#include "daemon/load_records.h"
#include "fleet/fleet.h"

struct fleet_demand;

struct fleet_demand_opts {
	struct fleet *fleet; /* borrowed; outlives it */
	const char *server;  /* copied */
	void *ctx;
	/* There are other prices: fleet_demand_prices(). */
	void (*prices)(void *ctx);
};

/* Never NULL. */
struct fleet_demand *fleet_demand_new(const struct fleet_demand_opts *opts);
/* NULL is fine. */
void fleet_demand_free(struct fleet_demand *d);

/* Some edge has a capacity; only who has such takes part. */
void fleet_demand_set(struct fleet_demand *d, bool limited);

/* An interval has ended: who finds prices, and by what. The caller frees that. */
struct load_fleet fleet_demand_turn(struct fleet_demand *d, unsigned every_ms);
void fleet_demand_turn_free(struct load_fleet *f);

/* What we have counted is told; and, of who leads, prices. Not taken. */
void fleet_demand_say(struct fleet_demand *d, const struct load_record *counted);
void fleet_demand_say_prices(struct fleet_demand *d, const struct load_record *prices);
bool fleet_demand_leads(const struct fleet_demand *d);

/* Those of who leads, while we follow; NULL: there are none. Borrowed until the loop goes on. */
const struct load_record *fleet_demand_prices(const struct fleet_demand *d);

enum fleet_demand_state {
	DEMAND_NONE,   /* no edge has a capacity, or nobody else is there */
	DEMAND_LEADS,
	DEMAND_FOLLOWS,
	DEMAND_ALONE   /* others are out of hearing */
};
struct fleet_demand_sum {
	enum fleet_demand_state state;
	const char *leader; /* "": nobody; borrowed */
	unsigned servers;   /* of who leads: whose demand is known, ourselves too */
	unsigned held;      /* ... and for whom a part is held, though they are out of hearing */
};
struct fleet_demand_sum fleet_demand_sum(const struct fleet_demand *d);

/* What a sign of life says of it. */
void fleet_demand_hello(const struct fleet_demand *d, void *json);

#endif
