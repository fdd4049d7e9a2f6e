/* load_fleet.h - the load of edges that several servers send clients to.
 *
 * One server sums up what all have counted, and finds prices for all. Who is out of hearing of others goes on by a
 * part of each edge: what those that he speaks for had of it when all were there, and of what was free then a share,
 * which is theirs of all demand. So however a fleet falls apart, its pieces together fill no edge more than one server
 * would have. Who died, and has not only fallen silent, is known by his clients: they ask the others, and his part
 * is theirs. Where probes tell an edge's load nothing is held: what all others make of it is in that, dead or alive, and
 * of what is free by it each piece takes its share. Pure but for what it is given; any thread.
 */
#ifndef DAEMON_LOAD_FLEET_H
#define DAEMON_LOAD_FLEET_H

#include "daemon/load_count.h"
#include "daemon/load_records.h"

/* What is asked of us: the first `n` of those that find prices here, and behind them what is known of clients of a
 * stage, which have tables of their own here, and not for others. */
struct load_own {
	const struct shed_demand *demand;
	size_t n, all;
};

/* An interval has ended: `all` [edge] is what we have counted, and becomes what all have that we speak for. Makes
 * fleet->counted. */
void load_fleet_gather(const struct load_count *c, struct load_counted *all, const struct load_own *own);

/* Prices have been found: what edges get is not what was counted, but what these make of it. */
void load_fleet_foresee(const struct load_count *c);

/* There is no fleet any more. */
void load_fleet_leave(const struct load_count *c);

/* Others are lost, and an edge tells its load: what we have counted of it in an interval. */
void load_fleet_follow(const struct load_count *c, unsigned edge, const struct load_counted *counted);

/* What an edge may bear of what we know the clients of. 0: no limit. */
double load_fleet_capacity(const struct load_count *c, unsigned edge);

/* How much of what its price moves there or away is ours. */
double load_fleet_part(const struct load_count *c, unsigned edge);

/* What others are thought to use of it, beside: answers a second. */
double load_fleet_of_others(const struct load_count *c, unsigned edge);

#endif
