/* rebuild.h - what is measured becomes rankings, again and again.
 *
 * The table of measurements belongs to the control thread. When it has changed, or a file of
 * it, or when its age has begun to tell, a helper thread of low priority makes new rankings
 * from it and the control thread publishes them, at most every two seconds. While the helper
 * works it only reads the table, and what comes in waits. All functions are the control
 * thread's.
 */
#ifndef DAEMON_REBUILD_H
#define DAEMON_REBUILD_H

#include "daemon/daemon.h"

struct ev_loop;
struct rebuild;

struct rebuild *rebuild_start(struct ev_loop *loop, struct daemon *d);
/* Saves what is learned. */
void rebuild_stop(struct rebuild *r);

/* A sample of a report or of a probe of our own; `src` is an edge that has measured `edge`, or
 * -1 for the network `net`. Seen by clients within some seconds. */
struct rebuild_sample {
	struct prefix net;
	int src;
	unsigned edge;
	struct latency_sample sample;
};
void rebuild_add(struct rebuild *r, const struct rebuild_sample *s);

/* The rows of a CSV file as samples, all of them or none. */
bool rebuild_import(struct rebuild *r, const char *path, size_t *rows, struct faults *f);
/* All that is measured of an edge, or when that is -1, of a prefix; how many cells went. */
size_t rebuild_forget(struct rebuild *r, int edge, const struct prefix *net);

/* Waits for the helper and takes what it has made: everything of `d` may be changed then, until
 * the loop runs again. NULL is fine. */
void rebuild_settle(struct rebuild *r);
/* For reports. */
struct rebuild_size {
	uint64_t published, samples, lost; /* `lost`: there was no room for them to wait */
	double last_s;                     /* how long the last rebuilding took */
};
struct rebuild_size rebuild_size(const struct rebuild *r);

#endif
