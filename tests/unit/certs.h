/* certs.h - certificates for tests, and a client of TLS.
 */
#ifndef UNIT_CERTS_H
#define UNIT_CERTS_H

#include <openssl/ssl.h>

/* A folder of its own; certs_close() takes it away. */
struct certs {
	char dir[32];
	char cert[64], key[64]; /* paths of the pair that was made last */
};

void certs_open(struct certs *c);
void certs_close(struct certs *c);

/* DIR/NAME.pem and NAME.key: for `dns` and `*.dns`, from so many seconds from now to so many; it has signed
 * itself and may sign others. */
void certs_make(struct certs *c, const char *name, const char *dns, int from_s, int until_s);

/* A client end on `fd`, which does not block. `alpn` is in the form of the wire, or NULL; `dns` (SNI), `session`
 * and `own` (shows its pair made last) may be NULL. SSL_free() it. */
struct certs_client {
	const char *dns;
	const char *alpn;
	SSL_SESSION *session;
	const struct certs *own;
	int version; /* TLS1_2_VERSION ...; 0: any */
};
SSL *certs_client(int fd, const struct certs_client *opts);

/* The first DNS name of what the other side has shown; "". */
const char *certs_shown(SSL *ssl, char to[static 256]);

#endif
