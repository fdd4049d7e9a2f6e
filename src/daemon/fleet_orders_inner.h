/* fleet_orders_inner.h - what the files of a fleet's orders share. For them alone.
 *
 * fleet_orders.c: which there are, as they are told and heard. fleet_orders_run.c: doing here what is due.
 */
#ifndef DAEMON_FLEET_ORDERS_INNER_H
#define DAEMON_FLEET_ORDERS_INNER_H

#include "daemon/fleet_order.h"
#include "daemon/fleet_orders.h"

struct fleet_orders_run;

struct fleet_orders {
	struct fleet_orders_opts opts;
	struct fleet *fleet; /* borrowed; NULL */
	char server[FLEET_NAME_MOST + 1];
	char of_fleet[FLEET_NAME_MOST + 32]; /* its key, of the fleet that these are of: the last; "": of none yet */
	struct fleet_order *of; /* own */
	size_t n;
	uint64_t last, conflicts;
	int64_t since_ms; /* by the fleet's clock: what was told before is in what we have read; 0: not known yet */
	uint64_t began_us;
	struct fleet_orders_run *run; /* own; NULL: none runs */
	bool looks;      /* it is looked for what is due */
};

/* By its key; NULL: there is none. Until another is heard of. */
struct fleet_order *fleet_orders_find(struct fleet_orders *o, const char *key);
/* What could not be done has been seen to, by that or by an operator. */
void fleet_orders_settle(struct fleet_orders *o, const struct fleet_order *by);

/* Does each that is due, the earliest first; until one takes its time, which goes on when that is done. */
void fleet_orders_look(struct fleet_orders *o);
/* What runs is forgotten. */
void fleet_orders_stop(struct fleet_orders *o);

#endif
