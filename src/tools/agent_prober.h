/* agent_prober.h - measures hosts: ICMP echo, else a TCP connection, within a budget.
 *
 * Each assignment (agent/assignments.h) is PROBER_ECHOES echoes one after the other; a host
 * that answers none of them is tried by TCP, where a refusal is as good an answer as any. All
 * packets of all assignments come out of one budget a second. On the event loop.
 */
#ifndef TOOLS_AGENT_PROBER_H
#define TOOLS_AGENT_PROBER_H

#include "agent/assignments.h"
#include "tools/agent_echo.h"

#include <stdint.h>

struct ev_loop;
struct prober;

enum { PROBER_AT_ONCE = 1024, PROBER_ECHOES = 3 };

struct prober_opts {
	struct echo *echo; /* borrowed; NULL: TCP only */
	unsigned packets;  /* a second, over 0 */
	unsigned tcp_port; /* 0: ICMP only */
	unsigned timeout_ms;
	void *ctx;
	/* A host has answered so often, in so many microseconds; not at all: n is 0. */
	void (*done)(void *ctx, const struct assignment *e, const uint32_t *us, unsigned n);
};

struct prober *prober_new(struct ev_loop *loop, const struct prober_opts *opts);
void prober_free(struct prober *p);

/* Passed over when the same is under way, when there are PROBER_AT_ONCE, or when the host of a
 * network is not of that network or not of the public Internet: nobody makes us send packets
 * into our own nets. */
void prober_add(struct prober *p, const struct assignment *e);

#endif
