/* stream_inner.h - a stream and its connections; between stream.c and connection.c only.
 */
#ifndef NET_STREAM_INNER_H
#define NET_STREAM_INNER_H

#include "net/stream.h"

#include "net/clients.h"
#include "net/doh.h"
#include "net/handshakes.h"
#include "net/pipe.h"
#include "net/tap.h"
#include "net/tls.h"

#include <ev.h>

/* Work is done in turns, so that no client keeps the others waiting: a turn reads once, at most
 * READ_ROOM bytes (or what a longer message lacks), and answers what is whole until there is
 * WRITE_ENOUGH to send. What is left then waits for its next turn, behind all others'. */
enum {
	READ_ROOM = 1024, /* holds dozens of queries */
	WRITE_ENOUGH = 16384,
	WRITE_ROOM = WRITE_ENOUGH + DOH_GIVEN_MOST + ANSWER_TCP_MOST
};

struct transfer;

/* What a connection is at: each in its turn. */
enum connection_stage { CONNECTION_IS_PROXIED /* the header comes */, CONNECTION_SHAKES, CONNECTION_TALKS };

struct connection {
	struct clients_member member; /* first; idle since its last query, or its start */
	struct handshake handshake; /* a member until it talks */
	enum connection_stage stage;
	enum net_kind kind;
	struct stream *stream;
	struct pipe pipe;
	ev_io io;
	struct addr source; /* the client's, once a proxy has told it */
	bool proven;
	struct tap_ends ends; /* for who looks on; `to_port` 0: not looked up yet */
	char *names; /* of its certificate: see policy_asker; NULL: it has shown none */
	uint8_t *in; /* `room`, or from the heap for one longer message alone */
	size_t in_len, in_room;
	uint8_t *out; /* what the pipe did not take yet; NULL: nothing */
	size_t out_len, out_at;
	struct request *waits; /* whose answer others make; NULL: none */
	struct transfer *transfer; /* that goes on; NULL: none */
	struct doh *doh;           /* what it speaks; NULL: DNS itself */
	struct doh_opts doh_opts;
	bool no_more; /* the client has closed its side, or does not speak DNS: answer, close */
	uint8_t room[READ_ROOM];
};

struct stream {
	struct stats stats;
	struct samples samples;
	struct tap tap;
	struct answerer answerer;
	struct choice_counts *counts;
	const struct epoch *epoch;
	struct stream_opts opts;
	unsigned idle_ms; /* as it is while we do not leave */
	struct ev_loop *loop;
	ev_async stopper;
	ev_timer idle, resume, shaking;
	ev_async tls_change, leave_change;
	bool leaves; /* atomic */
	struct tls *tls;      /* what is shown; NULL: nothing yet */
	struct tls *tls_next; /* from any thread; NULL: nothing new */
	struct handshakes handshakes;
	struct listener {
		ev_io io;
		enum net_kind kind;
		char *path; /* of HTTP */
		struct stream *stream;
	} *listeners;
	size_t n_listeners;
	struct clients connected;
	unsigned clients; /* as many as are connected; any thread may read */
	struct answer_later later; /* of the query at work */
	struct mailbox *back;      /* of struct request_reply */
	struct transfer *begun; /* by the query at work; its zone is NULL between queries */
	uint8_t write[WRITE_ROOM];
	uint8_t body[ANSWER_TCP_MOST]; /* of HTTP */
	uint32_t date_s;               /* when `date` was; 0: never */
	char date[DOH_DATE];
};

/* May another handshake begin from there? */
bool stream_may_shake(struct stream *s, const struct addr *source);

/* Not ev_now(), which is the time of day: that jumps when somebody sets it. */
int64_t stream_now_ms(void);

struct connection_opts {
	int fd;
	struct addr source;
	uint16_t port;
	enum net_kind kind;
	const char *path; /* of HTTP; the listener's */
	bool proxied;     /* a header of PROXY comes first */
	bool forwarded;   /* X-Forwarded-For is believed */
};
/* Takes `fd`, which does not block, as another client of `s`; there is room for one. False, and `fd` is
 * closed, when there is no memory. */
bool connection_open(struct stream *s, const struct connection_opts *opts);
void connection_close(struct connection *c);

/* The answer that it has waited for. */
struct request_reply;
void connection_answer(struct connection *c, const struct request_reply *reply);

#endif
