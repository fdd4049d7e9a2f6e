/* probes.h - what the probes find and the operator forces becomes the edges' standing.
 *
 * Verdicts come in one by one; a world with the new standing is published at once for the first few (pace.h),
 * then within 100 ms, 10 times a second, and not at all when it would answer alike. What was only
 * measured (round-trip times, load) goes out once a second. All on the loop.
 */
#ifndef DAEMON_PROBES_H
#define DAEMON_PROBES_H

#include "console/command.h"
#include "daemon/forcing.h"
#include "daemon/publish.h"
#include "probe/still.h"

#include <stdbool.h>

struct balancer;
struct ev_loop;
struct probes;

struct probes_opts {
	struct ev_loop *loop;
	struct jobs *jobs;
	struct publisher *publisher;
	/* Every edge that the start waits for has a verdict, or waited long enough. */
	void (*ready)(void *ctx);
	void *ctx;
	struct store *store;     /* what is forced is kept there, too; NULL: there is none */
	struct timeline *timeline; /* NULL: nobody keeps one */
	/* What the server knew in whose place this one comes, as probes_state() has it: then no file is looked at, and no round
	 * of probes is waited for. Borrowed by probes_new(); NULL. */
	const char *given;
};

/* Opens what needs privileges, and takes up what the state file has, when there is one; a
 * broken one is told in `f` as a warning. Never NULL. */
struct probes *probes_new(const struct probes_opts *opts, struct faults *f);

/* What is forced, planned and found, as a state file has it. */
struct text;
void probes_state(const struct probes *p, struct text *to);

/* Once: who decides by load. Borrowed for good. */
void probes_set_balancer(struct probes *p, struct balancer *b);

/* What other servers find counts, too, from now on; NULL: no longer. Both are borrowed, the latter for the call. */
struct fleet;
struct conf_fleet;
void probes_set_fleet(struct probes *p, struct fleet *f, const struct conf_fleet *c);
/* All that the fleet had to say when this server started is there. */
void probes_caught_up(struct probes *p);
/* There is a fleet, and its engine cannot be reached. */
bool probes_are_apart(const struct probes *p);
struct fleet_will *probes_will(const struct probes *p); /* NULL: likewise */
struct fleet_health *probes_fleet(const struct probes *p); /* NULL: there is no fleet */

/* Begins to probe. Steered names wait for the first round where nothing is known of their
 * edges; `ready` is called when it is over, within this call when there is nothing to wait
 * for. */
void probes_begin(struct probes *p);

/* The server ends: what a start has waited for is not published any more, since who follows that may be gone. */
void probes_leave(struct probes *p);
/* After jobs_stop(). Keeps the states for the next start. */
void probes_free(struct probes *p);

/* So many targets that an answer waits for have no verdict yet. */
unsigned probes_waits(const struct probes *p);

/* True: it holds, and `told` is called once it is on the disk (NULL), or with a sentence when
 * it could not be written. False, and one sentence: nothing has changed. */
bool probes_force(struct probes *p, const struct forcing_ask *ask,
	void (*told)(void *ctx, const struct fault *why), void *ctx, struct fault *why);
bool probes_revoke(struct probes *p, uint32_t id, unsigned uid,
	void (*told)(void *ctx, const struct fault *why), void *ctx, struct fault *why);

/* The same: a pool (NULL: all) that has failed over goes back. */
bool probes_fail_back(struct probes *p, const char *pool,
	void (*told)(void *ctx, const struct fault *why), void *ctx, struct fault *why);
const struct fail_overs *probes_failed_over(const struct probes *p);

/* --- probes_told.c: verdicts from outside (probes of kind external) ----------------------- */

struct probes_tell {
	const char *edge;  /* a name, or patterns (forced.h) */
	const char *probe; /* NULL: the only one that is told by command */
	const char *state; /* "up", "down", "none": it is told no more */
	const struct addr *addr; /* NULL: of all its addresses */
	uint64_t for_ms;   /* 0: as the probe has it */
	double load;       /* NAN */
	const char *why;   /* "" */
	unsigned uid;
};

/* It is known, and answers follow as soon; `out` says what has come of it. False, and one sentence: not
 * all of it was taken. Then, to have it on the disk; `told` as above. What says the same again is on the disk
 * within a second, and `told` at once. */
bool probes_tell(struct probes *p, const struct probes_tell *t, struct text *out, struct fault *why);
void probes_keep_told(
	struct probes *p, void (*told)(void *ctx, const struct fault *why), void *ctx);
/* What is told, of files, too; borrowed until something changes. */
const struct externals *probes_externals(const struct probes *p);

/* What is forced and planned; borrowed until something changes. */
const struct forced_list *probes_changes(const struct probes *p);

/* Probes all targets of an edge now; the answer comes by `c`. */
bool probes_ask(struct probes *p, const char *edge, bool json, struct command_call *c,
	struct fault *why);

/* For reports: what is known now. The pictures are the caller's. */
struct still *probes_still(const struct probes *p, bool texts);
struct forced_list probes_forced(const struct probes *p);
const char *probes_state_file(const struct probes *p);  /* NULL: none; until a reload */
const char *probes_state_fault(const struct probes *p); /* "": none */

#endif
