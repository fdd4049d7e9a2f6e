/* fleet_times.h - what is measured by an agent is known to all servers of a fleet, whichever it reports to.
 *
 * Each tells within a second what its own samples have made of cells; the others merge that (times_record.h). Who comes, or
 * was cut off, asks one of them for what was measured since. And where two tables stay different though nothing
 * changes, what differs is exchanged. Memory and messages are bounded: what is lost on the way is found so. Loop.
 */
#ifndef DAEMON_FLEET_TIMES_H
#define DAEMON_FLEET_TIMES_H

#include "daemon/publish.h"
#include "daemon/rankings.h"
#include "fleet/fleet.h"
#include "report/report_fleet.h"

struct fleet_times;

struct fleet_times_opts {
	struct ev_loop *loop;
	struct jobs *jobs;
	struct publisher *publisher;
	struct rankings *rankings; /* told of its samples from now on */
};

/* Never NULL. */
struct fleet_times *fleet_times_new(const struct fleet_times_opts *opts);
/* After jobs_stop(), and out of any fleet. NULL is fine. */
void fleet_times_free(struct fleet_times *t);

/* It is server `server` (copied) of that fleet (borrowed) now; NULL: of none. */
void fleet_times_set(struct fleet_times *t, struct fleet *f, const char *server);

/* Of cells, some seconds ago at most. */
struct report_shared fleet_times_sum(const struct fleet_times *t);

/* What a sign of life says of it. */
void fleet_times_hello(const struct fleet_times *t, void *json);

#endif
