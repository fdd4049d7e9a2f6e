/* decisions.h - the log of decisions: a sample of the answers from pools, a JSON object a line.
 *
 * Workers put what is sampled into rings of their own (answer/choice_counts.h); a few times a
 * second a job writes it out (line_file.h). What finds a ring full is counted, not waited for,
 * and so is what finds too much waiting for the disk. Loop.
 */
#ifndef DAEMON_DECISIONS_H
#define DAEMON_DECISIONS_H

#include "daemon/publish.h"

struct ev_loop;
struct decisions;
struct workers;

struct decisions_opts {
	struct ev_loop *loop;
	struct jobs *jobs;
	struct publisher *publisher;
	struct workers *workers;
	struct decision_history *history; /* NULL: nothing is kept */
};

struct decisions *decisions_new(const struct decisions_opts *opts);
/* After jobs_stop(), before the workers go. Writes what is left. */
void decisions_free(struct decisions *d);

/* So far: lines that the file did not take, and rows that the store did not. */
uint64_t decisions_lost(const struct decisions *d);

#endif
