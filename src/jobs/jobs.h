/* jobs.h - long work, done beside the loop by helper threads that nobody waits for.
 *
 * Whatever may take more than a millisecond (reading files, making rankings, writing to a disk,
 * a report of many lines) is a job: `work` runs on a helper thread and touches only what its
 * context holds; when it has ended, `done` runs on the loop and takes what came of it. Jobs of
 * one lane run in the order in which they were asked for, no more at once than the lane is
 * wide. Memory that ends fails the job alone.
 *
 * All functions are the loop's thread's, but for those that say otherwise.
 */
#ifndef JOBS_JOBS_H
#define JOBS_JOBS_H

#include "base/text.h"

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

struct ev_loop;
struct jobs;
struct job;

enum {
	JOBS_THREADS_MOST = 16, /* of each manner */
	JOBS_LANES_MOST = 64,
	JOBS_QUEUE_MOST = 4096, /* jobs that wait, of all lanes */
	JOB_ABOUT = 96          /* bytes of a job's description, with its NUL */
};

/* How a job has ended. Only after JOB_DONE is there anything in what `work` has written to:
 * after JOB_NO_MEMORY all that it took has been given back, and after JOB_CANCELLED it may not
 * even have begun. */
enum job_end { JOB_DONE, JOB_NO_MEMORY, JOB_CANCELLED };

struct job_opts {
	unsigned lane;     /* of jobs_lane() */
	const char *name;  /* a literal: "reload" */
	const char *about; /* copied, cut to JOB_ABOUT; NULL: nothing more to say */
	bool looks;        /* it changes nothing anywhere: jobs_hold() does not hold it */
	bool ends;         /* it ends what another has begun: jobs_hold() waits for it, as long as it waits for others */
	void *ctx;         /* of who asks, until `done` */
	/* On a helper thread. */
	void (*work)(void *ctx, struct job *job);
	/* On the loop, never inside jobs_start(). The job is gone after it. */
	void (*done)(void *ctx, enum job_end end);
};

/* Never NULL. `loop` is borrowed as long as it lives. */
struct jobs *jobs_new(struct ev_loop *loop);

/* From now on a thread of each manner stays, also when there is nothing to do: so that there is
 * one when memory for another cannot be had. What threads inherit (privileges) is to be settled
 * by then. */
void jobs_stay_ready(struct jobs *j);

/* Polite threads give way to whoever answers queries (polite.h): for what takes the processor.
 * What somebody waits for and mostly waits itself, as a write to a disk, is prompt. */
enum jobs_manner { JOBS_PROMPT, JOBS_POLITE, JOBS_MANNERS };

/* A lane whose jobs run at most `width` at once. Before the first job. */
unsigned jobs_lane(struct jobs *j, unsigned width, enum jobs_manner manner);

/* NULL when there is no memory, too many wait or jobs_stop() was called; `done` is not called
 * then. */
struct job *jobs_start(struct jobs *j, const struct job_opts *opts);

/* One that waits does not begin, one that runs is asked to end; `done` is called all the same.
 */
void jobs_cancel(struct jobs *j, struct job *job);

/* For a while none begins of those that are asked for from now on, but for those that only look. `settled` is called on the loop when all that were asked
 * for before have ended. */
void jobs_hold(struct jobs *j, void (*settled)(void *ctx), void *ctx);
/* Who takes too long is asked to end. */
void jobs_cancel_running(struct jobs *j);
/* Those that were held begin, in their order. */
void jobs_release(struct jobs *j);

/* Ends: those that wait are cancelled, those that run are waited for, but not longer than
 * `patience_s`. Every `done` is called of those that have ended. False when some still run:
 * then nothing that they hold may be freed, and the process had better _exit(2). */
bool jobs_stop(struct jobs *j, double patience_s);
/* From when jobs_stop() is called. */
bool jobs_are_stopped(const struct jobs *j);
/* After a jobs_stop() that returned true. */
void jobs_free(struct jobs *j);

/* Of a helper thread, in `work`: is there still somebody who wants this? And how far it is, as
 * numbers whose quotient means something. */
bool job_is_cancelled(const struct job *job);
void job_progress(struct job *job, uint64_t n, uint64_t of);

/* What runs and what waits, the oldest first. */
struct job_view {
	const char *name;
	char about[JOB_ABOUT];
	bool runs;
	uint64_t since_us; /* monotonic: when it was asked for, or when it began */
	uint64_t n, of;    /* job_progress(); 0, 0: it does not tell */
};
/* At most `most`; returns how many there are in all. */
size_t jobs_list(struct jobs *j, struct job_view *to, size_t most);

struct jobs_counts {
	uint64_t done, no_memory, cancelled;
	unsigned running, waiting, threads;
};
struct jobs_counts jobs_counts(struct jobs *j);

#endif
