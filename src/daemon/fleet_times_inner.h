/* fleet_times_inner.h - what the files of the fleet's measurements share. For them alone.
 *
 * fleet_times.c: telling, hearing, looking at others. fleet_times_scan.c: looking through the table, as a job.
 */
#ifndef DAEMON_FLEET_TIMES_INNER_H
#define DAEMON_FLEET_TIMES_INNER_H

#include "daemon/fleet_times.h"
#include "daemon/times_record.h"
#include "jobs/jobs.h"

#include <ev.h>

struct pending;

/* Looks through the table: its digest, or rows. */
struct times_scan {
	struct fleet_times *owner;
	struct parts parts; /* held */
	int64_t offset_s;
	bool picks, buckets[TIMES_BUCKETS];
	int64_t since_s;
	struct times_digest digest;
	uint8_t *rows; /* memory.h */
	size_t n;
	uint64_t state, began_us; /* of what there was when it began */
};

struct fleet_times {
	struct fleet_times_opts opts;
	struct fleet *fleet; /* borrowed; NULL */
	char server[FLEET_NAME_MOST + 1];
	unsigned lane;
	ev_timer turn;
	int64_t offset_s; /* 0: not known yet; then never another one */
	struct pending *pending; /* [PENDING_MOST] own */
	size_t at, n;
	struct times_edges edges; /* of the table of this configuration */
	bool has_edges;
	bool scans;
	struct times_digest digest;
	uint64_t state; /* that the digest is of; 0: there is none yet */
	/* What waits to be sent: own (memory.h). */
	uint8_t *rows;
	size_t row, n_rows;
	/* What is owed to others, of these buckets: what was measured since. */
	bool owed[TIMES_BUCKETS];
	unsigned n_owed;
	int64_t owed_since_s;
	int64_t heard_s;   /* when something was heard last; 0: never */
	bool wants;        /* to ask somebody for what was measured since */
	int64_t wants_since_s;
	/* Who was different at the last look, and how. */
	uint64_t looked_us, wait_us, seen_ours, seen_theirs, seen_moved;
	uint64_t scanned_us, took_us; /* when it was summed up last, and how long that took */
	uint64_t sent, taken;
};

/* The parts that are served. Until the next turn. */
const struct parts *fleet_times_live(const struct fleet_times *t);
/* Another number, another table: whatever may have changed it is counted. */
uint64_t fleet_times_state(const struct fleet_times *t);
/* Begins one like that: of rows (`picks`, `buckets`, `since_s`), or of the digest. Where it cannot, nothing `scans`. */
void fleet_times_scan(struct fleet_times *t, const struct times_scan *like);

#endif
