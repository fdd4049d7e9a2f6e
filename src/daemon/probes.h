/* probes.h - what the probes find and the operator forces becomes the edges' standing.
 *
 * Verdicts come in one by one; a world with the new standing is published within 100 ms of the
 * first, at most 10 times a second, and not at all when it would answer alike. What was only
 * measured (round-trip times, load) goes out once a second. Control thread, on its loop.
 */
#ifndef DAEMON_PROBES_H
#define DAEMON_PROBES_H

#include "console/command.h"

#include <stdbool.h>

struct ev_loop;
struct daemon;
struct probes;

/* Opens what needs privileges. Never NULL. `d` is borrowed; nothing of it is used before
 * probes_plan(). */
struct probes *probes_new(struct daemon *d, struct ev_loop *loop);

/* Fine for NULL. Keeps the states for the next start. */
void probes_free(struct probes *p);

/* Publishes what is known now, where it differs from what was. */
void probes_refresh(struct probes *p);

/* What is loaded now is what is probed from now on. */
void probes_plan(struct probes *p);

/* At the start: takes up what the state file has, when there is one. A broken one is told in
 * `f` as a warning. */
void probes_recall(struct probes *p, struct faults *f);

/* Runs the loop until every target that the start waits for has a verdict, but not for long. */
void probes_first_round(struct probes *p);

/* What holds now, for a world of what is loaded. The caller has it. */
struct standing *probes_standing(struct probes *p);
/* The same of what is tried out on a share of the clients, with what load decides in `live`;
 * NULL when nothing is. */
struct standing *probes_staged_standing(struct probes *p, const struct standing *live);

/* So many targets that an answer waits for have no verdict yet. */
unsigned probes_waits(const struct probes *p);

bool probes_force(struct probes *p, const struct command_force *f, struct fault *why);
struct report_health probes_health(struct probes *p);
bool probes_ask(struct probes *p, const char *edge, bool json, struct command_call *c,
	struct fault *why);

#endif
