/* balancer.h - load, and edges that come and go, become prices and shares (steer/shed.h).
 *
 * Every few seconds a job fetches what the workers have counted, puts it together with what the
 * probes tell of the edges' load, and finds the next prices, which are published when they
 * differ. When an edge comes or goes, prices for the edges that are left are in the same world
 * as the news where that is quickly done, and follow at once where it is not. Loop.
 */
#ifndef DAEMON_BALANCER_H
#define DAEMON_BALANCER_H

#include "daemon/fleet_demand.h"
#include "daemon/publish.h"
#include "steer/forced_effect.h"
#include "steer/shed.h"
#include "steer/standing.h"

struct ev_loop;
struct balancer;
struct workers;

struct balancer_opts {
	struct ev_loop *loop;
	struct jobs *jobs;
	struct publisher *publisher;
	const struct workers *workers;
};

struct balancer *balancer_new(const struct balancer_opts *opts);
/* After jobs_stop(). Fine for NULL. */
void balancer_free(struct balancer *b);

/* From now on prices are found together with the other servers of that fleet, in which we are called so; NULL: alone.
 * Borrowed until it is told otherwise. */
void balancer_set_fleet(struct balancer *b, struct fleet *f, const char *server);
struct fleet_demand_sum balancer_fleet(const struct balancer *b);
/* What a sign of life says of it. */
void balancer_hello(const struct balancer *b, void *json);
/* A sum of the prices and shares: the same on servers that agree. */
uint64_t balancer_prices_sum(const struct balancer *b);

/* Before a standing of what is served is made: edges that are to be drained are as their probes say
 * until their time is over. `e` is what comes of `l`, which says since when of drains that began before us. */
void balancer_states(struct balancer *b, const struct forced_list *l, struct forced_effect *e);

/* Fills in the standing what load decides. */
void balancer_cut(struct balancer *b, struct standing *s);

/* For reports: [edge] of what is served; the caller frees. */
struct shed_state *balancer_edges(const struct balancer *b, unsigned *n);

#endif
