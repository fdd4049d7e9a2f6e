/* tls_inner.h - what a struct tls has; between tls.c, tls_tickets.c and tls_pipe.c only.
 */
#ifndef NET_TLS_INNER_H
#define NET_TLS_INNER_H

#include "net/tls.h"

#include <openssl/ssl.h>

struct tls {
	struct part part; /* first */
	size_t n;
	SSL_CTX **contexts; /* [n] */
	struct tls_about *about;
	struct tls_tickets tickets;
	struct quic_show *quic; /* or NULL */
	EVP_CIPHER *cipher; /* of tickets: to look for it anew at each takes longer than its work */
};

/* A connection's end: of its SSL's app data. */
struct tls_end {
	SSL *ssl;
	struct tls *tls; /* held; NULL at a client's end */
	enum tls_speech speech;
	bool more;   /* the library has read what we have not */
	bool broken; /* nothing may be sent any more */
	unsigned long error; /* of OpenSSL: why; 0 */
};

/* The pipe's from then on, and `ssl`; holds `t`, which may be NULL. False: no memory, nothing has changed. */
bool tls_end_open(struct pipe *p, SSL *ssl, struct tls *t, enum tls_speech speech);

/* SSL_CTX_set_tlsext_ticket_key_evp_cb() */
int tls_tickets_seal(SSL *ssl, unsigned char *name, unsigned char *iv, EVP_CIPHER_CTX *cipher,
	EVP_MAC_CTX *mac, int encrypt);

/* A name of a certificate, lower case, for as long as there are more. The number of all that fit. */
unsigned tls_names(X509 *cert, void (*take)(void *ctx, const char *name, size_t len), void *ctx);
/* All of them as pipe_client_names() gives them; the caller frees. NULL: none. */
char *tls_names_text(X509 *cert);

#endif
