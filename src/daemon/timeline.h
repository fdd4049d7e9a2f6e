/* timeline.h - what has become of edges and pools, by whom and why: the last TIMELINE_MOST
 * events.
 *
 * In memory, and with a store there, too, by a job: what persons do at once, what probes find at
 * most once a second. Loop.
 */
#ifndef DAEMON_TIMELINE_H
#define DAEMON_TIMELINE_H

#include "jobs/jobs.h"
#include "store/store_history.h"

enum { TIMELINE_MOST = 10000, TIMELINE_SHOW_MOST = 1000 };

struct ev_loop;
struct timeline;
struct text;

/* Reads what the store has, if there is one: before the loop runs. One that cannot be read is
 * told in `f`. */
struct timeline *timeline_new(
	struct ev_loop *loop, struct jobs *jobs, struct store *store, struct faults *f);
/* After jobs_stop(). What is not in the store yet gets there. */
void timeline_free(struct timeline *h);

/* `at_ms` 0: now. NULL texts are "". */
void timeline_add(struct timeline *h, const struct store_event *e);

struct timeline_ask {
	const char *about; /* an edge, a pool or patterns; NULL: all */
	unsigned last;     /* so many at most, up to TIMELINE_SHOW_MOST */
	int64_t until_ms;  /* those before that; 0: all */
	bool json;
	bool exists; /* there is an edge or a pool that `about` names, whether anything has become of it or not */
};
/* The oldest of them first. */
void timeline_show(const struct timeline *h, const struct timeline_ask *ask, struct text *out);

#endif
