/* dnstap_out.h - frames of dnstap go to a socket that somebody may read.
 *
 * Frame Streams in both directions over a Unix socket: READY, ACCEPT, START, frames, STOP, FINISH.
 * Nothing waits: what the socket does not take goes into a buffer, and what that does not take is
 * lost and counted. Who is not there is tried again. One thread.
 */
#ifndef DAEMON_DNSTAP_OUT_H
#define DAEMON_DNSTAP_OUT_H

#include "net/dnstap.h"

#include <stdbool.h>
#include <stdint.h>

struct pollfd;
struct dnstap_out;

enum { DNSTAP_OUT_ROOM = 4 << 20, DNSTAP_OUT_AGAIN_S = 2, DNSTAP_OUT_PATIENCE_S = 5 };

/* NULL: no memory. */
struct dnstap_out *dnstap_out_new(void);
void dnstap_out_free(struct dnstap_out *o);

/* From now on to that socket (copied), as the frames of `s`, which lives until the next call; NULL: to
 * none. Another one is said good-bye. */
void dnstap_out_aim(struct dnstap_out *o, const char *path, const struct dnstap_source *s);

/* The query, or the answer to it. What cannot be told is counted. */
void dnstap_out_put(struct dnstap_out *o, const struct tap_head *h, bool answer);

/* Moves on: connects, greets, sends. What to wait for is in `p` (fd -1: nothing). */
void dnstap_out_step(struct dnstap_out *o, struct pollfd *p);

/* Sends what is left, says so and waits for the answer, `patience_ms` at most. */
void dnstap_out_end(struct dnstap_out *o, int patience_ms);

struct dnstap_out_counts {
	uint64_t sent, lost; /* frames */
	bool talks;          /* somebody reads */
};
/* Any thread. */
struct dnstap_out_counts dnstap_out_counts(const struct dnstap_out *o);

#endif
