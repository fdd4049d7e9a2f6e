/* orders_inner.h - what the files of orders share: who waits for an answer.
 */
#ifndef DAEMON_ORDERS_INNER_H
#define DAEMON_ORDERS_INNER_H

#include "daemon/orders.h"

struct orders {
	struct orders_opts opts;
};

/* Somebody waits for what comes of it. */
struct waiting {
	struct orders *owner;
	struct command_call *call; /* NULL: nobody does any more */
	const char *failed, *done; /* literals: how the answer begins */
	double percent;
	bool json, force;
	char *say; /* own */
};

/* NULL: there is no memory. */
struct waiting *orders_wait(struct orders *o, struct command_call *c);

/* The answer is complete, but for what `out` has; both are let go of. */
void orders_wait_over(struct waiting *w, int status, struct text *out);

/* In place of an answer; `w` may be NULL. 1. */
int orders_no_memory(struct waiting *w, struct command_call *c);

/* forcing_orders.c: force, revoke, history, fail-back. */
void forcing_orders_bind(struct orders *o, struct commands *commands);

/* verdict_orders.c: verdict. */
void verdict_orders_bind(struct orders *o, struct commands *commands);

/* orders_state.c: how it stands with what they change. */
void orders_state_bind(struct commands *commands);

/* orders_reload.c: a command_fn. */
int orders_reload_command(void *ctx, const char **words, size_t n, struct command_call *c);

#endif
