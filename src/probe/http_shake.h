/* http_shake.h - the TLS handshake of a connection, with the session from before where it is
 * still good.
 *
 * A thread's own.
 */
#ifndef PROBE_HTTP_SHAKE_H
#define PROBE_HTTP_SHAKE_H

#include "probe/http_conn.h"

/* Begins it over a connection that stands, and goes on with it when the socket is ready. Its
 * ask is asked at the end, or has failed. */
void http_shake_begin(struct http_conn *c);
void http_shake(struct http_conn *c);

/* Of http_tls_files_new(): a session that can be resumed is kept for the target. */
int http_shake_session(SSL *ssl, SSL_SESSION *s);

#endif
