/* fleet_ask.h - helper threads ask the engine of a fleet, and wait for what it says.
 *
 * The connection is the loop's: a question goes there and its answer comes back, copied. Nobody waits longer than
 * the engine may take for a reply; once it cannot be reached, or the server stops, there is an answer at once.
 */
#ifndef DAEMON_FLEET_ASK_H
#define DAEMON_FLEET_ASK_H

#include "base/fault.h"
#include "fleet/fleet.h"

struct fleet_ask;
struct ev_loop;

/* The loop's thread. Never NULL. */
struct fleet_ask *fleet_ask_new(struct ev_loop *loop);
/* From now on nobody gets anything, and who waits is let go; before jobs_stop(). */
void fleet_ask_stop(struct fleet_ask *a);
/* When no job runs any more. */
void fleet_ask_free(struct fleet_ask *a);

/* The loop's thread: the fleet there is from now on (borrowed), of that name, and how many replicas of its engine must have
 * what is committed; NULL: none. */
void fleet_ask_set(struct fleet_ask *a, struct fleet *f, const char *name, unsigned replicas);

/* Any thread: what seals, and the name of the fleet. False: there is none. */
struct fleet_ask_who {
	struct fleet_keys keys;
	char name[FLEET_NAME_MOST + 1];
	unsigned replicas;
};
bool fleet_ask_who(struct fleet_ask *a, struct fleet_ask_who *to);

/* What came back: a list, or one value as a list of one. Texts end in NUL, too. */
struct fleet_answer {
	struct fleet_answer_item {
		enum redis_kind kind;
		const char *s;
		size_t len;
		int64_t number;
	} *items; /* own, with all texts behind them */
	size_t n;
};
/* Fine for a zeroed one, and again. */
void fleet_answer_fini(struct fleet_answer *a);

/* A helper thread: waits. False: `why`, and nothing is known of what came of it. A fault of the engine is one, too. `to` is
 * for fleet_answer_fini(); a scope ends it as well. */
bool fleet_ask(struct fleet_ask *a, const struct redis_word *words, unsigned n, struct fleet_answer *to,
	struct fault *why);

#endif
