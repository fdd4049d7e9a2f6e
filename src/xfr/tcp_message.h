/* tcp_message.h - one message over TCP, and its answer.
 *
 * The loop's thread; nothing waits. How long is up to who opened it.
 */
#ifndef XFR_TCP_MESSAGE_H
#define XFR_TCP_MESSAGE_H

#include <stddef.h>
#include <stdint.h>
#include <sys/socket.h>

struct ev_loop;
struct tcp_message;

/* The answer; NULL when there will be none. The last call; who gets it closes. */
typedef void tcp_message_fn(void *ctx, const uint8_t *packet, size_t len);

/* Bytes that an answer may have, or as many as the message has. */
enum { TCP_MESSAGE_ANSWER = 1232 };

/* The message is copied. NULL when there is no connection to be had. */
struct tcp_message *tcp_message_open(struct ev_loop *loop, const struct sockaddr *to,
	socklen_t to_len, const uint8_t *message, size_t len, tcp_message_fn *fn, void *ctx);
void tcp_message_close(struct tcp_message *t);

#endif
