/* builder.h - jobs that make new parts, one after the other.
 *
 * Whatever makes parts from parts (a reload, new rankings, another database, an import) begins
 * with those that are served when its turn comes, and nothing else replaces any until it has
 * ended: so no result is ever made of something older than what it replaces.
 *
 * Versions of zones alone (updates, transfers) are made in milliseconds and are waited for: they stand in
 * a line of their own, and go on beside whatever lets them. What makes zones itself, and lets them, meets
 * at its end what has come meanwhile. Loop.
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
	/* It makes other versions of zones that there are, and replaces nothing else. */
	bool of_zones;
	/* It ends what another job has begun (struct job_opts). */
	bool ends;
	/* Those go on beside it. Without `meet` it does not replace zones. */
	bool beside;
	/* With `beside`, of one that replaces zones: its `work` is done, and no build of zones is on. Holds what is
	 * served now; false: that is what it began with. */
	bool (*meets)(void *ctx);
	/* ... then, on a helper thread, what came meanwhile gets into what it has made. Whether it was called to its
	 * end is for `end` to know, which is called with JOB_DONE. */
	void (*meet)(void *ctx, struct job *job);
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
