/* store_orders.h - "backup FILE": a copy of the store while it is in use. Loop.
 */
#ifndef DAEMON_STORE_ORDERS_H
#define DAEMON_STORE_ORDERS_H

#include "console/command.h"
#include "jobs/jobs.h"
#include "store/store.h"

struct store_orders;

struct store_orders_opts {
	struct jobs *jobs;
	struct store *store; /* NULL: there is none, and it says so */
};

/* Never NULL. */
struct store_orders *store_orders_new(
	const struct store_orders_opts *opts, struct commands *commands);
/* After jobs_stop(). */
void store_orders_free(struct store_orders *o);

#endif
