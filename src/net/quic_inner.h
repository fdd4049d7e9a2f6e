/* quic_inner.h - a thread of QUIC and its connections; between quic.c, quic_path.c,
 * quic_connection.c and quic_stream.c only.
 */
#ifndef NET_QUIC_INNER_H
#define NET_QUIC_INNER_H

#include "net/quic.h"

#include "answer/transfer.h"
#include "base/bytes.h"
#include "net/clients.h"
#include "net/handshakes.h"
#include "net/quic_show.h"
#include "net/tap.h"

#include <ev.h>
#include <netinet/in.h>
#include <ngtcp2/ngtcp2.h>
#include <ngtcp2/ngtcp2_crypto.h>

enum {
	QUIC_CID = 16,      /* bytes of connection IDs of ours */
	QUIC_PACKET = 2048, /* room for one that comes */
	QUIC_PLACES = 4096  /* of the table of connection IDs; a power of two */
};

/* A connection ID that leads to a connection. */
struct quic_cid {
	struct quic_cid *next, *of_same; /* in its place of the table; of the same connection */
	struct quic_connection *to;
	size_t len;
	uint8_t bytes[NGTCP2_MAX_CIDLEN];
};

struct quic_stream {
	struct quic_stream *next, **from; /* of its connection */
	struct quic_stream *later; /* behind it in the queue of those with something to send */
	int64_t id;
	uint8_t *in; /* the query as it comes, its length in front */
	size_t in_len;
	/* The messages of the answer, likewise, until each was acknowledged. */
	struct quic_chunk *chunks, **end;
	struct quic_chunk *sending; /* of these; NULL: all that there is was sent */
	size_t sent;                /* bytes of `sending` */
	size_t acked;               /* ... of the first of `chunks` */
	size_t *held;               /* where bytes of `chunks` count: in the connection, or here */
	size_t transfer_held;       /* ... those of a transfer's messages */
	struct transfer *transfer;  /* that more messages come of; NULL */
	bool answered;              /* but for those of `transfer` all is in `chunks` */
	bool ended;                 /* and the end of the stream was sent, too */
	bool queued, shut;          /* shut: nothing is answered any more */
};

struct quic_chunk {
	struct quic_chunk *next;
	size_t len;
	uint8_t bytes[];
};

struct quic_connection {
	struct clients_member member; /* first; idle since its last query, or its start */
	struct handshake handshake;   /* a member until its handshake is done */
	struct quic *quic;
	struct quic_socket *socket;
	ngtcp2_conn *conn;
	void *session; /* of GnuTLS, until the handshake is done; NULL */
	ngtcp2_crypto_conn_ref ref;
	struct tls *tls; /* held as long as the session, which shows it */
	ev_timer timer;
	struct addr source;
	char *names; /* of its certificate, as of struct answer_ask; NULL: none */
	bool talks, more; /* more: it has packets to send in its next turn */
	uint64_t error;   /* of RFC 9250, that it is closed with; QUIC_FINE */
	struct quic_cid *cids;
	struct quic_stream *streams, *first, **last;
	size_t held;        /* bytes of answers, but for those of transfers */
	unsigned transfers; /* under way */
};

/* RFC 9250 section 4.3. */
enum { QUIC_FINE = 0, QUIC_INTERNAL = 1, QUIC_PROTOCOL = 2, QUIC_EXCESSIVE = 4 };

struct quic_socket {
	ev_io io;
	struct quic *quic;
	bool any; /* for all addresses: each packet says which it came to */
	struct sockaddr_storage at;
	socklen_t at_len;
};

struct quic {
	struct stats stats;
	struct samples samples;
	struct answerer answerer;
	struct tap tap;
	struct choice_counts *counts;
	const struct epoch *epoch;
	struct quic_opts opts;
	struct ev_loop *loop;
	ev_async stopper, tls_change;
	bool leaves; /* atomic: connections end when it stops */
	ev_timer sweep;
	struct tls *tls, *tls_next;           /* as in struct stream */
	struct handshakes handshakes, proven; /* proven: nets of clients that came again from
						 where they say; rates alone */
	struct clients connected;
	unsigned clients; /* as many as are connected; any thread may read */
	struct hash_key key;
	struct quic_cid **places; /* [QUIC_PLACES] */
	struct quic_socket *sockets;
	size_t n_sockets;
	struct transfer *begun; /* by the query at work; its zone is NULL between queries */
	uint8_t answer[TRANSFER_ROOM];
};

/* Of quic.c. */
ngtcp2_tstamp quic_now(void);
int64_t quic_now_ms(void);
void quic_random(uint8_t *to, size_t len);
/* False: no memory. */
bool quic_add_cid(struct quic_connection *c, const uint8_t *bytes, size_t len);
void quic_remove_cid(struct quic_connection *c, const uint8_t *bytes, size_t len);

/* Of quic_path.c: sends a datagram from where the other side's came to. What the kernel does
 * not take is lost, as on any way. */
void quic_send(
	struct quic_socket *s, const ngtcp2_path *path, const uint8_t *bytes, size_t len);
/* Where one came to, of its control data. */
void quic_local(const struct quic_socket *s, struct msghdr *m, struct sockaddr_storage *to);

/* Of quic_stream.c. The queue of those with something to send. */
void quic_stream_queue(struct quic_connection *c, struct quic_stream *s);
void quic_stream_dequeue(struct quic_connection *c); /* the first */
void quic_stream_free(struct quic_connection *c, struct quic_stream *s);
/* Is there more to send of it, now or later? */
bool quic_stream_has_more(const struct quic_stream *s);
/* What the first of the queue has to send now, and whether its end is behind that. False: nothing,
 * it is in the queue no more. */
bool quic_stream_take(struct quic_connection *c, ngtcp2_vec *bytes, bool *end);
/* So much of it was sent; with all of it the end. */
void quic_stream_sent(struct quic_connection *c, size_t n, bool end);
/* Nobody takes it: what there is to say is not said any more. */
void quic_stream_shut(struct quic_connection *c, struct quic_stream *s);
/* ngtcp2_callbacks has these: queries come, and are answered. */
int quic_stream_opened(ngtcp2_conn *conn, int64_t id, void *ctx);
int quic_stream_data(ngtcp2_conn *conn, uint32_t flags, int64_t id, uint64_t offset,
	const uint8_t *data, size_t len, void *ctx, void *stream);
int quic_stream_closed(
	ngtcp2_conn *conn, uint32_t flags, int64_t id, uint64_t error, void *ctx, void *stream);
int quic_stream_reset(
	ngtcp2_conn *conn, int64_t id, uint64_t size, uint64_t error, void *ctx, void *stream);
int quic_stream_acked(ngtcp2_conn *conn, int64_t id, uint64_t offset, uint64_t len, void *ctx,
	void *stream);
int quic_stream_has_room(ngtcp2_conn *conn, int64_t id, uint64_t max, void *ctx, void *stream);

/* A client's first packet, which is good. */
struct quic_arrival {
	const ngtcp2_pkt_hd *head;
	const ngtcp2_path *path;
	struct addr source;
	const ngtcp2_cid
		*original; /* of before it came again; NULL: it comes for the first time */
};
/* There is room. NULL: no memory. */
struct quic_connection *quic_connection_open(
	struct quic_socket *s, const struct quic_arrival *a);
/* May be gone when it returns. */
void quic_connection_read(
	struct quic_connection *c, const ngtcp2_path *path, const uint8_t *bytes, size_t len);
/* Tells the other side, of an error of RFC 9250. */
void quic_connection_end(struct quic_connection *c, uint64_t error);

#endif
