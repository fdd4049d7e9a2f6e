/* builder.h - jobs that make new parts, one after the other.
 *
 * Whatever makes parts from parts (a reload, new rankings, another database, an import) begins
 * with those that are served when its turn comes, and nothing else replaces any until it has
 * ended: so no result is ever made of something older than what it replaces. Loop.
 */
#ifndef DAEMON_BUILDER_H
#define DAEMON_BUILDER_H

#include "jobs/jobs.h"

#include <stdbool.h>

struct builder;

/* One piece of work; its memory is the asker's until `end` is called. */
struct build {
	const char *name;      /* as a job's */
	char about[JOB_ABOUT]; /* "" */
	void *ctx;
	/* Its turn has come: holds the parts that it needs. False: there is nothing to do any
	 * more, and `end` is called with JOB_CANCELLED. NULL: always true. */
	bool (*begin)(void *ctx);
	/* On a helper thread; NULL: there is none, and all is done in `end`. */
	void (*work)(void *ctx, struct job *job);
	void (*end)(void *ctx, enum job_end end);
	/* It is given up, and ends as cancelled, when another that does not yield is asked for. */
	bool yields;
	struct build *next; /* the builder's */
};

struct builder *builder_new(struct jobs *jobs);
/* After jobs_stop(): those that wait end as cancelled. When that returned false, it is still
 * there for the one that hangs, and may be freed once more when that has ended. */
void builder_free(struct builder *b);

void builder_ask(struct builder *b, struct build *build);

/* Is something being made now, or does something wait? */
bool builder_is_busy(const struct builder *b);

#endif
