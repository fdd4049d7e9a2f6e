/* quic_show.h - what is shown to clients of QUIC: the certificates of a struct tls (tls.h), as
 * GnuTLS has them.
 *
 * Part of a struct tls, and never changes. Any thread.
 */
#ifndef NET_QUIC_SHOW_H
#define NET_QUIC_SHOW_H

#include "config.h"
#include "net/tls.h"

struct quic_show;

#if defined WITH_QUIC

/* Reads the files anew. NULL and a sentence: one is wrong, or there is no memory. */
struct quic_show *quic_show_new(const struct tls_opts *opts, struct fault *why);
void quic_show_free(struct quic_show *s);

/* A session of the server's end in TLS 1.3, ALPN "doq"; NULL: no memory. `s` outlives it. */
void *quic_show_session(const struct quic_show *s);

/* The names of the client's certificate, as pipe_client_names() gives them, once the handshake of the session is done; the
 * caller frees. NULL: it has shown none that `clients` vouches for, or none with a name. */
char *quic_show_client_names(const struct quic_show *s, void *session);

#else

static inline struct quic_show *quic_show_new(const struct tls_opts *opts, struct fault *why)
{
	(void)opts;
	(void)why;
	return NULL;
}
static inline void quic_show_free(struct quic_show *s)
{
	(void)s;
}

#endif

#endif
