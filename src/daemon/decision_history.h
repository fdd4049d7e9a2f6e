/* decision_history.h - what pools have answered is kept for a while, and who is watched.
 *
 * Of what the workers note each row gets what it stood beside (report/decision_story.h), and goes into the store, some at
 * a time. Clients on watch are part of the policy that workers have; the list is in the store, too, and over a restart is
 * what it was. Loop.
 */
#ifndef DAEMON_DECISION_HISTORY_H
#define DAEMON_DECISION_HISTORY_H

#include "answer/choice_counts.h"
#include "daemon/publish.h"
#include "store/store_decisions.h"

struct decision_history;

struct decision_history_opts {
	struct ev_loop *loop;
	struct jobs *jobs;
	struct publisher *publisher;
	struct store *store; /* NULL: nothing is kept, and nobody can be watched */
};

/* Never NULL. */
struct decision_history *decision_history_new(const struct decision_history_opts *opts);
/* After jobs_stop(). What is waiting is stored. */
void decision_history_free(struct decision_history *h);

/* Is it to be told what workers note? */
bool decision_history_wants(const struct decision_history *h);
/* One of those, which is copied. */
void decision_history_add(struct decision_history *h, const struct decision *d);
/* Decisions that there was no room for, or that could not be stored. */
uint64_t decision_history_lost(const struct decision_history *h);

/* Who is watched, the first ones first; borrowed until that changes. */
const struct store_watch *decision_history_watches(const struct decision_history *h, unsigned *n);
/* Another one, or another end of one that is there, and one less: in place, with workers at the end of the turn. False: there
 * are too many, or none such. The store is for the caller. */
bool decision_history_watch(struct decision_history *h, const struct store_watch *w);
bool decision_history_unwatch(struct decision_history *h, const struct prefix *net);

#endif
