/* fail_back.h - pools in order come back from where they have failed over to: at once, after a
 * time, or when they are told to.
 *
 * A pool has failed over once its first member may not answer; where it goes it stays while that
 * may answer. Asked with each standing of edges, before it is published. Loop.
 */
#ifndef DAEMON_FAIL_BACK_H
#define DAEMON_FAIL_BACK_H

#include "steer/fail_over.h"
#include "base/fault.h"

struct ev_loop;
struct fail_back;
struct timeline;

struct fail_back_opts {
	struct ev_loop *loop;
	struct timeline *timeline; /* NULL: nobody keeps one */
	/* The standing is to be made anew (`again`); or it has another place, to be kept. */
	void (*changed)(void *ctx, bool again);
	void *ctx;
};

struct fail_back *fail_back_new(const struct fail_back_opts *opts);
void fail_back_free(struct fail_back *f);

/* Borrowed until something changes. */
const struct fail_overs *fail_back_list(const struct fail_back *f);

/* What was kept over a restart. */
void fail_back_recall(struct fail_back *f, const struct fail_overs *kept);

/* Of what is served: pools fail over and come back. */
void fail_back_follow(struct fail_back *f, const struct steer *s, struct standing *now);

/* Of a stage: as those of the same names that are served. */
void fail_back_apply(const struct fail_back *f, const struct steer *s, struct standing *now);

/* By an operator: the pool (NULL: all) goes to the first of its members that may answer. False
 * with a sentence when there is none such. */
bool fail_back_order(struct fail_back *f, const struct steer *s, const char *pool, struct fault *why);

#endif
