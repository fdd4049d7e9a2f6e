/* sockets.h - a UDP socket for each family, to ask other nameservers by and to hear their answers.
 *
 * The loop's thread; nothing waits.
 */
#ifndef XFR_SOCKETS_H
#define XFR_SOCKETS_H

#include <ev.h>
#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>
#include <sys/socket.h>

enum { SOCKETS_ANSWER_MOST = 1232 }; /* bytes; of a longer one the rest is lost */

typedef void sockets_take(
	void *ctx, const struct sockaddr *from, const uint8_t *packet, size_t len);

/* The owner's storage. */
struct sockets {
	struct ev_loop *loop;
	ev_io v4, v6; /* not active where the kernel has no such family */
	sockets_take *take;
	void *ctx;
};

void sockets_open(struct sockets *s, struct ev_loop *loop, sockets_take *take, void *ctx);
void sockets_close(struct sockets *s);

/* What the kernel does not take is as lost as what the net loses. */
void sockets_send(const struct sockets *s, const struct sockaddr *to, socklen_t to_len,
	const uint8_t *message, size_t len);

/* By family, address and port: what else there is (flow, scope) may differ. */
bool sockets_same_address(const struct sockaddr *a, const struct sockaddr *b);

#endif
