/* api.h - the API: tokens, who may what, and commands that are run for requests.
 *
 * A request comes as a call (api_rows.h) from the listener's thread. Here, on the control thread, its token is looked
 * up, the command of its row is run by the same function as for "waymarkctl", and the answer goes back. What changes
 * something is written down, by whomever it was done: the store has it (audit). Control thread.
 */
#ifndef WEB_API_H
#define WEB_API_H

#include "console/command.h"
#include "jobs/jobs.h"
#include "web/manage.h"

struct api;
struct store;

enum {
	API_TOKENS_MOST = 1000,
	API_RATE = 50,           /* requests a second of a token; */
	API_BURST = 200          /* so many at once */
};

struct api_opts {
	struct ev_loop *loop;
	struct jobs *jobs;
	struct store *store; /* NULL: there are no tokens, and nobody may */
	struct commands *commands;
};

/* Binds "token" and "audit" (token_orders.h, audit.h). Never NULL. */
struct api *api_new(const struct api_opts *opts);
/* Before jobs_stop(): nobody is waited for who reads a long answer. NULL is fine. */
void api_hang_up(struct api *a);
/* After jobs_stop() and before manage_close(): who still waits for a command is told that the server stops. NULL is
 * fine. */
void api_leave(struct api *a);
/* After jobs_stop() and manage_close(): what is not written down yet is. */
void api_free(struct api *a);

/* The API is off from now on: who listens to events is hung up on. */
void api_end_streams(struct api *a);

/* A request that has been taken apart (api_door.c): answered now, or later. */
void api_take(struct api *a, struct request *r);

#endif
