/* manage_tls.h - TLS before the management listener (RFC 9110 section 4.2.2).
 *
 * A thread that takes connections, shakes hands and passes on what was encrypted, over a pair
 * of sockets for each, to whom HTTP is at home. That one knows the client's address from the
 * first moment, so that all its limits hold for handshakes, too: when it closes its end, the
 * connection is closed.
 */
#ifndef WEB_MANAGE_TLS_H
#define WEB_MANAGE_TLS_H

#include <stdbool.h>
#include <sys/socket.h>

enum {
	MANAGE_TLS_ROOM = 16384, /* bytes each way, for each connection */
	MANAGE_TLS_HANDSHAKES =
		100 /* that a client net (IPv4 /24, IPv6 /48) may begin a second */
};

struct manage_tls;
struct tls;

/* Takes the end of a connection, `fd`, and closes it in any case. The listener's thread. False:
 * it is not wanted. */
typedef bool manage_tls_take(void *ctx, int fd, const struct sockaddr *from, socklen_t len);

/* `listener` does not block, and stays the caller's. NULL: no memory. */
struct manage_tls *manage_tls_new(int listener, manage_tls_take *take, void *ctx);
/* False: the kernel gives no thread. */
bool manage_tls_start(struct manage_tls *t);
/* Nothing is taken any more. Whoever has ends of connections may still ask about them. */
void manage_tls_stop(struct manage_tls *t);
/* After manage_tls_stop(). */
void manage_tls_free(struct manage_tls *t);

/* Any thread: what is shown from now on; held. Before the first, clients are closed. NULL: they
 * are again. */
void manage_tls_show(struct manage_tls *t, struct tls *shown);

/* Any thread: is `name` one of those that the certificate of who is behind `fd`, an end that
 * was taken, is for? */
bool manage_tls_is(struct manage_tls *t, int fd, const char *name);

#endif
