/* fleet_orders.h - what an operator commands on one server of a fleet, all do: stages, fail-back, watches,
 * measurements that are forgotten.
 *
 * A command that has succeeded here, and is of those, is told to all; each runs it by itself, as if it had been said
 * there. What is told has a key (what it is about) and a version of the fleet's clock: of two of one key the later one
 * holds, in whatever order they are heard. Each server keeps all that it knows in the engine, so that who was away runs
 * what it has missed; who starts anew has read the configuration that stages and promotions were about, and runs
 * but the watches that go on. Outlives the fleets that this server joins and leaves. Loop.
 */
#ifndef DAEMON_FLEET_ORDERS_H
#define DAEMON_FLEET_ORDERS_H

#include "base/fault.h"
#include "console/command.h"
#include "daemon/probes.h"
#include "daemon/publish.h"
#include "fleet/fleet.h"

struct fleet_orders;

/* Borrowed for good. */
struct fleet_orders_opts {
	struct publisher *publisher;
	struct probes *probes;
	struct commands *commands; /* followed from now on */
};

/* Never NULL. */
struct fleet_orders *fleet_orders_new(const struct fleet_orders_opts *opts);
/* After jobs_stop(), and out of any fleet. NULL is fine. */
void fleet_orders_free(struct fleet_orders *o);

/* It is server `server` (copied) of that fleet (borrowed) now; NULL: of none. What was said in a fleet of another name is forgotten. */
void fleet_orders_set(struct fleet_orders *o, struct fleet *f, const char *server);

/* An operator wants that command done by these servers (any that are known, none twice) alone: each runs it by itself, here as there. All
 * borrowed for the call. False: `why`, and nobody is told. */
struct fleet_orders_said {
	const char *const *words;
	size_t n;
	const char *who;
	const char *const *servers;
	size_t n_servers;
};
bool fleet_orders_on(struct fleet_orders *o, const struct fleet_orders_said *said, struct fault *why);

/* The stage was taken back by itself: it is on all. */
void fleet_orders_taken_back(struct fleet_orders *o, const char *why);

struct fleet_orders_sum {
	unsigned known, failed; /* failed: could not be done here */
	unsigned odd; /* at odds with another, and nobody has said since what is right */
	uint64_t conflicts;     /* told on two servers that had not heard of each other, since the start */
	char fault[448];        /* of one that failed, what and why; "" */
};
struct fleet_orders_sum fleet_orders_sum(const struct fleet_orders *o);

/* By an operator: what holds is right, on all servers that listen. How many it were. */
unsigned fleet_orders_accept(struct fleet_orders *o);

/* What a sign of life says of it: which stage is on, and what could not be done. */
void fleet_orders_hello(const struct fleet_orders *o, void *json);

#endif
