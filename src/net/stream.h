/* stream.h - DNS over TCP (RFC 7766): a thread with an event loop, many connections.
 *
 * Queries on a connection are answered in the order in which they come, many at a time when
 * they are pipelined. A connection that has sent no whole query for the idle time is closed;
 * when there are as many as allowed, the one that has been idle longest makes room for a new
 * one. Who does not read what was asked for is not read from either.
 */
#ifndef NET_STREAM_H
#define NET_STREAM_H

#include "answer/answer.h"
#include "world/epoch.h"

struct stream_opts {
	unsigned clients; /* connections at once, at least 1 */
	unsigned idle_ms;
};

struct stream;

/* `fds` listen and do not block; closed by stream_free(). Never NULL. */
struct stream *stream_new(
	const int *fds, size_t n, const struct epoch *epoch, const struct stream_opts *opts);
void stream_free(struct stream *s);

/* Runs until stream_stop(). */
void stream_run(struct stream *s);

/* Any thread. */
void stream_stop(struct stream *s);

const struct stats *stream_stats(const struct stream *s);

/* Connections that are open. Any thread. */
unsigned stream_clients(const struct stream *s);

#endif
