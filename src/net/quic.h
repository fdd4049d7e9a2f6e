/* quic.h - DNS over QUIC (RFC 9250): a thread with an event loop, many connections, each query
 * on a stream of its own.
 *
 * Built in by "./configure --with-quic" (ngtcp2 with GnuTLS); without it none of this is there
 * but quic_is_built(), and nobody may listen for it.
 *
 * Limits are those of TCP and TLS: connections of all and of a client net, where who has been
 * idle longest makes room; handshakes at once, for how long, and how many a net may begin. When
 * many are under way, a client has to come again from where it says it is (Retry) before
 * anything is kept for it. Who has not asked for the idle time is closed. A connection has
 * QUIC_STREAMS requests at once, QUIC_TRANSFERS of them for zones; of who does not take his answers not
 * more than QUIC_HELD bytes of them are kept, and what he asks beyond is reset; of each transfer QUIC_TRANSFER_HELD, and
 * what is beyond is made later: one that is not taken holds up no other. There is no early data, and no moving to
 * another address. Which of the workers gets a packet is the kernel's choice by addresses: a
 * client whose address changes in the middle of it (NAT) is told by a stateless reset, and
 * begins anew.
 */
#ifndef NET_QUIC_H
#define NET_QUIC_H

#include "answer/answer.h"
#include "config.h"
#include "net/listen.h"
#include "world/epoch.h"

enum {
	QUIC_STREAMS = 100,
	QUIC_QUERY_MOST = 4096, /* bytes of a query */
	QUIC_HELD = 256 << 10,
	QUIC_TRANSFERS = 4, /* of zones, at once on a connection */
	QUIC_TRANSFER_HELD = 256 << 10,
	QUIC_SECRET = 32
};

static inline bool quic_is_built(void)
{
#if defined WITH_QUIC
	return true;
#else
	return false;
#endif
}

struct quic;
struct tls;
struct mailbox;
struct tap;

struct quic_listener {
	int fd;                       /* does not block */
	const struct net_address *at; /* borrowed during quic_new() */
};

struct quic_opts {
	unsigned clients, clients_per_net; /* at least 1 */
	unsigned idle_ms;
	struct mailbox *news; /* of struct answer_news, borrowed; NULL: nobody wants to know */
	unsigned handshake_ms, handshakes, handshakes_per_net;
	/* Of all workers: what tokens and resets are made with. */
	uint8_t secret[QUIC_SECRET];
};

#if defined WITH_QUIC

/* The listeners' sockets are closed by quic_free(). NULL: no memory. */
struct quic *quic_new(const struct quic_listener *listeners, size_t n,
	const struct epoch *epoch, const struct quic_opts *opts);
void quic_free(struct quic *q);

/* Runs until quic_stop(). */
void quic_run(struct quic *q);
/* Any thread. */
void quic_stop(struct quic *q);
/* The same, and connections are ended first: others have the sockets, too, and know nothing of them. */
void quic_leave(struct quic *q);
int quic_socket(const struct quic *q, size_t i); /* -1 behind the last */

/* What quic_run() is made of, for those who have no thread to spare: a datagram for listener
 * `i`, and what there is to do without waiting. The quic's own thread, which has joined the
 * epoch. */
void quic_take(struct quic *q, size_t i, const struct sockaddr *from, const uint8_t *bytes,
	size_t len);
void quic_turn(struct quic *q);

/* Any thread: what is shown to clients from now on; held. Before the first, none is let in. */
void quic_set_tls(struct quic *q, struct tls *t);

struct choice_counts *quic_counts(const struct quic *q);
const struct stats *quic_stats(const struct quic *q);
/* For the control thread to read. */
struct samples *quic_samples(struct quic *q);
/* Connections that are open. Any thread. */
unsigned quic_clients(const struct quic *q);
struct tap *quic_tap(struct quic *q);

#else

static inline struct quic *quic_new(const struct quic_listener *listeners, size_t n,
	const struct epoch *epoch, const struct quic_opts *opts)
{
	(void)listeners;
	(void)n;
	(void)epoch;
	(void)opts;
	return NULL;
}
static inline void quic_free(struct quic *q)
{
	(void)q;
}
static inline void quic_run(struct quic *q)
{
	(void)q;
}
static inline void quic_stop(struct quic *q)
{
	(void)q;
}
static inline void quic_leave(struct quic *q)
{
	(void)q;
}
static inline int quic_socket(const struct quic *q, size_t i)
{
	(void)q;
	(void)i;
	return -1;
}
static inline void quic_set_tls(struct quic *q, struct tls *t)
{
	(void)q;
	(void)t;
}
static inline struct choice_counts *quic_counts(const struct quic *q)
{
	(void)q;
	return NULL;
}
static inline const struct stats *quic_stats(const struct quic *q)
{
	(void)q;
	return NULL;
}
static inline struct samples *quic_samples(struct quic *q)
{
	(void)q;
	return NULL;
}
static inline struct tap *quic_tap(struct quic *q)
{
	(void)q;
	return NULL;
}
static inline unsigned quic_clients(const struct quic *q)
{
	(void)q;
	return 0;
}

#endif

#endif
