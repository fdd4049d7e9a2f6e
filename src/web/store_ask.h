/* store_ask.h - commands of the API's room that wait for the store: a job asks it, and the command ends with that.
 *
 * Control thread.
 */
#ifndef WEB_STORE_ASK_H
#define WEB_STORE_ASK_H

#include "console/command.h"
#include "jobs/jobs.h"

struct store;

/* Whom they ask, and where; all borrowed, and outlive them. */
struct store_askers {
	struct jobs *jobs;
	struct store *store; /* NULL: there is none */
	unsigned lane;
};

/* The first member of what waits, which `work` and `done` get, and which `done` frees. */
struct store_ask {
	struct command_call *call; /* NULL: nobody waits any more */
};

/* False: it is not asked, and the command has said why. */
bool store_ask(const struct store_askers *s, struct store_ask *ask, struct command_call *c,
	void (*work)(void *ctx, struct job *job), void (*done)(void *ctx, enum job_end end));

#endif
