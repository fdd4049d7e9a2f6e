/* stream.h - DNS over TCP (RFC 7766), over TLS (RFC 7858) and HTTPS (RFC 8484): a thread with an event loop, many
 * connections.
 *
 * Queries on a connection are answered in the order in which they come, many at a time when
 * they are pipelined; clients take turns, so that none keeps the others waiting. A connection
 * that has sent no query for the idle time is closed, whatever else it sends or does not read;
 * when there are as many as allowed, of a client net or of all, the one of these that has been
 * idle longest makes room for a new one. Who does not read what was asked for is not read from
 * either: a connection holds 1.2 KB of memory, beyond that a query while it is longer than 1 KB
 * and comes in (64 KB at most), and the answers of one turn while they do not go out (80 KB at
 * most).
 */
#ifndef NET_STREAM_H
#define NET_STREAM_H

#include "answer/answer.h"
#include "net/listen.h"
#include "world/epoch.h"

#include <sys/socket.h>

/* A socket that listens and does not block. */
struct stream_listener {
	int fd;
	enum net_kind kind;
	const char *path; /* of HTTP; borrowed during stream_new() */
};

struct stream_opts {
	unsigned clients;         /* connections at once, at least 1 */
	unsigned clients_per_net; /* of an IPv4 /24 or IPv6 /48, at least 1 */
	unsigned idle_ms;
	struct mailbox *news; /* of struct answer_news, borrowed; NULL: nobody wants to know */
	unsigned handshake_ms, handshakes, handshakes_per_net; /* see listen.h */
};

struct mailbox;
struct stream;

/* The listeners' sockets are closed by stream_free(). Never NULL. */
struct stream *stream_new(const struct stream_listener *listeners, size_t n,
	const struct epoch *epoch, const struct stream_opts *opts);
void stream_free(struct stream *s);

/* Runs until stream_stop(). */
void stream_run(struct stream *s);

/* What stream_run() is made of, for those who have no listener or no thread to spare. The
 * stream's own thread, which has joined the epoch. stream_adopt() takes a connection, `fd`,
 * that does not block; stream_turn() does what there is to do and does not wait. */
void stream_adopt(struct stream *s, int fd, const struct sockaddr *from, enum net_kind kind,
	const char *path);
void stream_turn(struct stream *s);

/* Any thread. */
void stream_stop(struct stream *s);

/* Any thread: no new connections are taken, since others have the listeners' sockets, too; those that are open go on, until they
 * are idle for a little, and are told to end soon (RFC 7828 section 3.4). And the opposite. */
void stream_leave(struct stream *s, bool leaves);
/* Those sockets, by number; -1 behind the last. */
int stream_listener_socket(const struct stream *s, size_t i);

/* Any thread: what is shown to clients of TLS from now on; held. Before the first, they are closed. */
struct tls;
void stream_set_tls(struct stream *s, struct tls *t);

struct choice_counts *stream_counts(const struct stream *s);
const struct stats *stream_stats(const struct stream *s);

/* For who looks on. */
struct tap;
struct tap *stream_tap(struct stream *s);

/* For the control thread to read. */
struct samples *stream_samples(struct stream *s);

/* Connections that are open. Any thread. */
unsigned stream_clients(const struct stream *s);

#endif
