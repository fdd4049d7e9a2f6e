/* notify_tcp.h - one message over TCP, and its answer.
 *
 * The loop's thread; nothing waits. How long is up to who opened it.
 */
#ifndef XFR_NOTIFY_TCP_H
#define XFR_NOTIFY_TCP_H

#include <stddef.h>
#include <stdint.h>
#include <sys/socket.h>

struct ev_loop;
struct notify_tcp;

/* The answer; NULL when there will be none. The last call; who gets it closes. */
typedef void notify_tcp_fn(void *ctx, const uint8_t *packet, size_t len);

/* The message is copied. NULL when there is no connection to be had. */
struct notify_tcp *notify_tcp_open(struct ev_loop *loop, const struct sockaddr *to,
	socklen_t to_len, const uint8_t *message, size_t len, notify_tcp_fn *fn, void *ctx);
void notify_tcp_close(struct notify_tcp *t);

#endif
