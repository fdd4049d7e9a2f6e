/* tls.h - the certificates that listeners show, and the pipes that speak TLS by them (RFC 8446, RFC 5246).
 *
 * A struct tls never changes: a file that has changed makes another, for connections that come from
 * then on. Shared by count (part.h), any thread. What it was made of is read when it is made: not on
 * the loop.
 */
#ifndef NET_TLS_H
#define NET_TLS_H

#include "base/addr.h"
#include "base/fault.h"
#include "base/part.h"
#include "net/pipe.h"

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

enum {
	TLS_PAIRS_MOST = 256,
	TLS_TICKET_KEYS = 8,
	TLS_TICKET_KEY = 80, /* bytes of one in a file */
	TLS_TICKET_LIFE_S = 7200
};

/* PEM files; both may be the same. */
struct tls_pair {
	const char *cert, *key;
};

/* What session tickets are sealed with: the first makes them, all open them (RFC 5077 section 4). */
struct tls_tickets {
	size_t n;
	struct tls_ticket_key {
		uint8_t name[16], mac[32], cipher[32];
	} keys[TLS_TICKET_KEYS];
};

/* A file of 1 to TLS_TICKET_KEYS keys of TLS_TICKET_KEY random bytes, the newest first. */
bool tls_tickets_read(struct tls_tickets *to, const char *path, struct fault *why);
/* A new random key in front; of those behind it `keep` stay. */
void tls_tickets_rotate(struct tls_tickets *t, size_t keep);

struct tls_opts {
	const struct tls_pair *pairs; /* the first is for who names no other's name */
	size_t n;                     /* 1 to TLS_PAIRS_MOST */
	const char *clients; /* PEM file of who vouches for clients; NULL: none is asked for a certificate */
	const struct tls_tickets *tickets;
	bool quic; /* also for clients of QUIC */
};

/* NULL and one sentence: a file is wrong, and named. */
struct tls *tls_new(const struct tls_opts *opts, struct fault *why);
struct tls *tls_hold(struct tls *t);
void tls_drop(struct tls *t);

/* Of certificate `i` of so many; UNIX times. */
struct tls_about {
	int64_t from_s, until_s;
	char name[256]; /* the first that it is for; "" */
	unsigned names;
};
size_t tls_count(const struct tls *t);
struct tls_about tls_about(const struct tls *t, size_t i);
/* Which of them is shown to who asks for `name`; SIZE_MAX: none is for it. */
size_t tls_find(const struct tls *t, const char *name);

/* What is shown to clients of QUIC (quic_show.h), which lives as long as `t`; NULL: nothing. */
const struct quic_show *tls_quic(const struct tls *t);

/* The names of a certificate, as pipe_client_names() gives them; the caller frees. NULL: none. */
char *tls_names_der(const uint8_t *der, size_t len);

/* What is spoken inside, as ALPN has it (RFC 7301): who offers other things alone is refused, who
 * offers nothing is taken at the port's word. */
enum tls_speech { TLS_DNS /* "dot" */, TLS_HTTP /* "h2", "http/1.1" */, TLS_HTTP_ONE /* "http/1.1" */ };

/* The plain pipe becomes one of TLS, as the server; pipe_shake() is to come. Holds `t` until it is closed.
 * False: no memory, and the pipe is as it was. */
bool pipe_start_tls(struct pipe *p, struct tls *t, enum tls_speech speech);

/* Goes on with the handshake: 1 when it is done; or PIPE_, after which the pipe's `read_wants` is to be
 * waited for. */
ssize_t pipe_shake(struct pipe *p);

/* Once it is done. */
bool pipe_is_resumed(const struct pipe *p);
bool pipe_is_http2(const struct pipe *p);

/* The names (DNS) that the client's certificate is for, lower case, each with a NUL, and one more at the
 * end: the caller frees. NULL: it has shown none that `clients` vouches for, or none with a name. */
char *pipe_client_names(const struct pipe *p);

#endif
