/* quic_client.h - a client of QUIC by the same libraries, in the test's own thread.
 */
#ifndef UNIT_NET_QUIC_CLIENT_H
#define UNIT_NET_QUIC_CLIENT_H

#include "net/listen.h"

#include <gnutls/gnutls.h>
#include <ngtcp2/ngtcp2.h>
#include <ngtcp2/ngtcp2_crypto.h>
#include <stdint.h>

enum { QUIC_CLIENT_STREAMS = 128, QUIC_CLIENT_NONE = 999 };

struct quic_client {
	int fd;
	ngtcp2_conn *conn;
	gnutls_session_t session;
	gnutls_certificate_credentials_t trust;
	ngtcp2_crypto_conn_ref ref;
	struct sockaddr_storage local, remote;
	socklen_t local_len, remote_len;
	bool shaken, closed;
	bool transport; /* it was closed by QUIC's or TLS' own error */
	uint64_t error; /* of the close */
	unsigned retries;
	size_t n; /* streams so far */
	struct quic_client_stream {
		int64_t id;
		uint8_t *out; /* sent and to be sent */
		size_t out_len, out_at;
		bool end; /* nothing more is to be sent */
		bool end_sent;
		uint8_t *in;
		size_t in_len;
		bool ended;
		uint64_t reset; /* QUIC_CLIENT_NONE */
	} streams[QUIC_CLIENT_STREAMS];
};

struct quic_client_opts {
	const char *alpn; /* NULL: "doq" */
	uint64_t window;  /* bytes of answers that it takes; 0: very many */
	const char *from; /* an address, or NULL */
};
void quic_client_open(struct quic_client *c, const struct net_address *to,
	const struct quic_client_opts *opts);
/* Says goodbye unless it is closed. */
void quic_client_close(struct quic_client *c);

/* A new stream with these bytes, and its end; its number. */
size_t quic_client_ask(struct quic_client *c, const void *bytes, size_t len, bool end);

/* Sends and takes what there is to send and to take now. */
void quic_client_turn(struct quic_client *c);

#endif
