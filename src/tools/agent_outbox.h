/* agent_outbox.h - takes reports to one nameserver, and brings its assignments back.
 *
 * One request at a time, the oldest report first. What cannot be delivered waits and is tried
 * again after a while that doubles each time (with a random part, so that a fleet does not
 * come back at once); when there are more bytes than the spool holds, the oldest go, and that
 * is told. Each attempt is signed anew, its sequence stays: a report that has arrived
 * although we were not told so is not counted twice. On the event loop.
 */
#ifndef TOOLS_AGENT_OUTBOX_H
#define TOOLS_AGENT_OUTBOX_H

#include "agent/assignments.h"
#include "agent/seal.h"
#include "tools/agent_http.h"

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

/* A report, shared by the outboxes of all servers. */
struct dispatch {
	unsigned refs;
	uint64_t sequence;
	size_t len;
	char *body;
};

/* Takes `body`; the count is 1. */
struct dispatch *dispatch_new(char *body, uint64_t sequence);
void dispatch_drop(struct dispatch *d);

/* Sequences that only rise: UNIX time in microseconds, or the one before plus 1. */
uint64_t dispatch_sequence(uint64_t *last);

struct outbox;

struct outbox_opts {
	struct http *http;  /* borrowed, as all of this */
	const char *server; /* "http://host:port" */
	const char *edge;
	const uint8_t *key; /* [SEAL_KEY]; NULL: our certificate says who we are (https) */
	size_t spool;       /* bytes */
	uint64_t *sequence; /* of the agent, for dispatch_sequence() */
	bool assignments;   /* ask for them */
	void *ctx;
	void (*assignment)(void *ctx, const struct assignment *e);
	void (*idle)(void *ctx); /* nothing is left to deliver, for now */
};

/* Never NULL. Begins with asking for assignments. */
struct outbox *outbox_new(struct ev_loop *loop, const struct outbox_opts *opts);
void outbox_free(struct outbox *c);

/* Holds `d` until it is delivered or has to make room. */
void outbox_put(struct outbox *c, struct dispatch *d);

/* No more assignments; what is in the spool is tried at once, and only once. */
void outbox_close(struct outbox *c);

/* Nothing is left to deliver, or closed and tried. */
bool outbox_is_idle(const struct outbox *c);

/* Reports that wait. */
size_t outbox_waiting(const struct outbox *c);

/* After `fails` failures in a row, before the random part: 1 s, 2 s, ... 5 min. Pure. */
unsigned outbox_pause_s(unsigned fails);

#endif
