/* probing.h - a round of probes over some addresses of this machine, and servers to be probed.
 *
 * Servers answer in the same loop as the probes are made: a test knows what has happened when.
 */
#ifndef UNIT_PROBE_PROBING_H
#define UNIT_PROBE_PROBING_H

#include "probe/round.h"

#include <ev.h>

enum { PROBING_EDGES = 8 };

struct probing {
	struct ev_loop *loop;
	struct atlas *atlas;
	struct steer *steer;
	struct round *round;
	struct probe_opts probe;
	uint16_t asked[PROBING_EDGES];
	unsigned changes, soon, firsts; /* what the round has told */
	/* Of probing_now(). */
	struct round_ask ask;
	struct round_view view;
	char say[300], steps[4000];
};

/* One edge an address ("127.0.0.1"; of "127.0.0.1 ::1" an edge with both), named e0, e1 ...;
 * nothing is planned yet. `probe` has the defaults of a TCP probe to `port`: every hour, 20 s
 * of time, rise 1, fall 1. */
void probing_open(struct probing *p, const char *const *addresses, unsigned n, unsigned port);
void probing_close(struct probing *p);

/* Probes all edges by `probe` from now on. */
void probing_plan(struct probing *p);

/* Probes a target once and returns what came of it; `steps` has each step. */
const char *probing_now(struct probing *p, uint32_t target);

/* Turns the loop until `n` probes were made in all. */
bool probing_until(struct probing *p, uint64_t n);

/* A listener of this machine: its port, and what it does with who comes. */
struct probed {
	struct ev_loop *loop;
	int fd;
	unsigned port, came;
	ev_io io;
	const char
		*reply; /* what is sent to who has sent something, and closed; NULL: nothing */
	size_t reply_len; /* 0: it is text */
	bool keeps;       /* the connection stays open after that */
	char got[2000];   /* the last that came */
	size_t got_len;
	ev_io one; /* the last connection */
};

void probed_open(struct probed *s, struct ev_loop *loop, const char *host, int type);
/* At that port; 0: a free one. */
void probed_open_at(struct probed *s, struct ev_loop *loop, const char *host, int type, unsigned port);
void probed_close(struct probed *s);

#endif
