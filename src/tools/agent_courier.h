/* agent_courier.h - takes reports to one nameserver, and brings its errands back.
 *
 * One request at a time, the oldest report first. What cannot be delivered waits and is tried
 * again after a while that doubles each time (with a random part, so that a fleet does not
 * come back at once); when there are more bytes than the spool holds, the oldest go, and that
 * is told. Each attempt is signed anew, its sequence stays: a report that has arrived
 * although we were not told so is not counted twice. On the event loop.
 */
#ifndef TOOLS_AGENT_COURIER_H
#define TOOLS_AGENT_COURIER_H

#include "ctl/errands.h"
#include "ctl/seal.h"
#include "tools/agent_http.h"

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

/* A report, shared by the couriers of all servers. */
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

struct courier;

struct courier_opts {
	struct http *http;  /* borrowed, as all of this */
	const char *server; /* "http://host:port" */
	const char *edge;
	const uint8_t *key; /* [SEAL_KEY] */
	size_t spool;       /* bytes */
	uint64_t *sequence; /* of the agent, for dispatch_sequence() */
	bool errands;       /* ask for them */
	void *ctx;
	void (*errand)(void *ctx, const struct errand *e);
	void (*idle)(void *ctx); /* nothing is left to deliver, for now */
};

/* Never NULL. Begins with asking for errands. */
struct courier *courier_new(struct ev_loop *loop, const struct courier_opts *opts);
void courier_free(struct courier *c);

/* Holds `d` until it is delivered or has to make room. */
void courier_put(struct courier *c, struct dispatch *d);

/* No more errands; what is in the spool is tried at once, and only once. */
void courier_close(struct courier *c);

/* Nothing is left to deliver, or closed and tried. */
bool courier_is_idle(const struct courier *c);

/* Reports that wait. */
size_t courier_waiting(const struct courier *c);

/* After `fails` failures in a row, before the random part: 1 s, 2 s, ... 5 min. Pure. */
unsigned courier_pause_s(unsigned fails);

#endif
