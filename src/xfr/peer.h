/* peer.h - a conversation with another nameserver over TCP or TLS: one query, and the messages that
 * answer it.
 *
 * For helper threads: it waits, but no longer than it was told to, and ends soon when the job is
 * cancelled. What is signed is checked, message by message.
 */
#ifndef XFR_PEER_H
#define XFR_PEER_H

#include "base/fault.h"
#include "dns/message.h"
#include "dns/tsig.h"

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>
#include <sys/socket.h>

struct job;
struct tls_client;

/* Another nameserver. */
struct peer {
	char name[64]; /* for people; cut */
	struct sockaddr_storage at;
	socklen_t len;
	bool is_signed; /* with `key`, whose memory is `key_bytes`' */
	struct tsig_key key;
	uint8_t key_bytes[NAME_MOST + TSIG_SECRET_MOST];
	struct tls_client *tls; /* held; how it is known over TLS; NULL: TCP as it is */
	uint16_t tls_port;
};

/* A copy of what is borrowed: a peer may be kept and moved by value through peer_copy() alone, and ends by
 * peer_fini(). `key` may be NULL. */
void peer_set(struct peer *to, const char *name, const struct sockaddr *at, socklen_t len,
	const struct tsig_key *key);
void peer_copy(struct peer *to, const struct peer *from);
void peer_fini(struct peer *p);
/* It is talked to over TLS, at that port (RFC 9103). Holds `tls`. */
void peer_set_tls(struct peer *p, struct tls_client *tls, unsigned port);

/* "ns2 (192.0.2.2:53)", "ns2 (192.0.2.2:853, TLS)". */
enum { PEER_TEXT = 128 };
const char *peer_text(char to[static PEER_TEXT], const struct peer *p);

struct peer_limits {
	unsigned connect_ms, silence_ms; /* from one byte to the next */
	unsigned most_ms;                /* all of it */
	uint64_t most_bytes;
};

struct talk;

/* Connects. NULL and a sentence that names the peer. `peer` is borrowed until talk_close(); `job` may be
 * NULL. */
struct talk *talk_open(const struct peer *peer, const struct peer_limits *limits,
	struct job *job, struct fault *why);
void talk_close(struct talk *t);

/* Sends a query of `len` bytes; its ID is set here, and it is signed when the peer has a key: there must
 * be room for TSIG behind it (PEER_QUERY_ROOM in all). */
enum { PEER_QUERY_ROOM = 1232 };
bool talk_ask(struct talk *t, uint8_t query[static PEER_QUERY_ROOM], size_t len,
	struct fault *why);

/* Sends somebody's query as it is, whatever key the peer has: its answers' signatures are not looked at. */
bool talk_pass(struct talk *t, const uint8_t *query, size_t len, struct fault *why);

/* The next message of the answer, whose signature is good and whose ID is right; its RCODE may be any.
 * `m` borrows until the next call. */
bool talk_next(struct talk *t, struct message *m, struct fault *why);

/* From now on silence may last so long. */
void talk_hurry(struct talk *t, unsigned silence_ms);

uint64_t talk_bytes(const struct talk *t);

#endif
