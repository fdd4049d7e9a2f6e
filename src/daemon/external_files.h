/* external_files.h - the files in which others say how edges are (probes of kind external).
 *
 * They are looked at twice a second and read by a job when they have changed. One that is wrong, or gone, is
 * told once in the log, and what it said before is good until its time is over. Loop.
 */
#ifndef DAEMON_EXTERNAL_FILES_H
#define DAEMON_EXTERNAL_FILES_H

#include "daemon/publish.h"
#include "jobs/jobs.h"
#include "steer/external.h"

struct ev_loop;
struct external_files;

struct external_files_opts {
	struct ev_loop *loop;
	struct jobs *jobs;
	struct publisher *publisher;
	/* What that probe's file says now: takes what `of` has. False: it is too much. */
	bool (*take)(void *ctx, const char *probe, struct externals *of);
	void *ctx;
};

struct external_files *external_files_new(const struct external_files_opts *opts);
/* After jobs_stop(). */
void external_files_free(struct external_files *x);

/* From now on; and there is another configuration, or stage. */
void external_files_begin(struct external_files *x);
void external_files_configure(struct external_files *x);

#endif
