/* why_orders.h - the commands "watch" and "why": who is watched, and why a client got an edge some time ago.
 */
#ifndef DAEMON_WHY_ORDERS_H
#define DAEMON_WHY_ORDERS_H

#include "console/command.h"
#include "daemon/decision_history.h"
#include "daemon/publish.h"
#include "jobs/jobs.h"

struct why_orders;

struct why_orders_opts {
	struct jobs *jobs;
	struct publisher *publisher;
	struct store *store; /* NULL: nothing is kept */
	struct decision_history *history;
};

/* Never NULL. */
struct why_orders *why_orders_new(const struct why_orders_opts *opts, struct commands *commands);
/* After jobs_stop(). */
void why_orders_free(struct why_orders *o);

#endif
