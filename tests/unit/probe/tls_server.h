/* tls_server.h - an HTTPS server of one answer, with a certificate of its own making.
 */
#ifndef UNIT_PROBE_TLS_SERVER_H
#define UNIT_PROBE_TLS_SERVER_H

struct tls_server;

/* Its certificate is for `name` and valid from so many seconds from now to so many. It answers
 * 200 to whatever is asked, on a thread of its own. Never NULL. */
struct tls_server *tls_server_new(const char *name, int from_s, int to_s);
void tls_server_free(struct tls_server *s);

unsigned tls_server_port(const struct tls_server *s);

/* The path of its certificate, which has signed itself. */
const char *tls_server_cert(const struct tls_server *s);

#endif
