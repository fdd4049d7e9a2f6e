/* rankings_inner.h - what the files of rankings share.
 *
 * rankings.c: samples become rankings, again and again. rankings_change.c: imports, and what is forgotten.
 */
#ifndef DAEMON_RANKINGS_INNER_H
#define DAEMON_RANKINGS_INNER_H

#include "daemon/rankings.h"

#include <ev.h>

/* Samples that could not go into the table yet. */
struct heap {
	struct rankings_sample *of;
	size_t at, n, room; /* those from `at` to `n` wait */
};

/* New rankings: what the job holds, and what it makes. */
struct ranking {
	struct build build;
	struct rankings *owner;
	struct parts live, staged; /* held; `staged` without conf: no stage is on */
	struct heap samples;       /* the job's: for a copy of the table */
	uint64_t first;            /* the number of the first of those */
	bool read;                 /* the files, too */
	bool own;                  /* ... of which no other than our own has changed */
	struct parts made, made_staged;
	struct faults faults;
	double took_s;
};

struct rankings {
	struct rankings_opts opts;
	unsigned save_lane, look_lane;
	ev_timer timer;
	struct ranking ranking;
	bool asked;       /* a ranking is waiting or running */
	unsigned yielded; /* so many in a row */
	bool changed, unsaved, saves, looks;
	struct stamps *of;           /* that the table was read from */
	struct stamps *seen, *tried; /* of the files: at the last look; when last read */
	double quiet_since, published_at, saved_at; /* clock_seconds() */
	struct heap waiting;
	struct rankings_size size;
	void (*told)(void *ctx, const struct rankings_sample *s); /* NULL: nobody is */
	void *told_ctx;
	uint64_t told_n; /* so many were */
};

/* Some of what waits goes into the table, unless somebody else holds that, or it takes a job. */
void rankings_put_waiting(struct rankings *r);

#endif
