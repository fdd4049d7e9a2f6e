/* exchange.h - questions over UDP to other nameservers, many at a time, and their answers.
 *
 * Each is sent anew until there is an answer with its ID from where it went, or patience ends. The loop's
 * thread; nothing waits.
 */
#ifndef XFR_EXCHANGE_H
#define XFR_EXCHANGE_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>
#include <sys/socket.h>

struct ev_loop;
struct exchanges;
struct exchange;

enum { EXCHANGE_MOST = 1232, EXCHANGE_TRIES = 3 };

/* Never NULL. */
struct exchanges *exchanges_new(struct ev_loop *loop);
/* Of those underway nobody hears any more. */
void exchanges_free(struct exchanges *x);

struct exchange_opts {
	const struct sockaddr *to; /* borrowed until it ends */
	socklen_t to_len;
	void *ctx;
	/* The message for that ID; called for each try. Returns its length. */
	size_t (*write)(void *ctx, uint8_t to[static EXCHANGE_MOST], uint16_t id);
	/* Once, never inside exchange_start(). `packet` NULL: nobody has answered. The exchange is gone. */
	void (*done)(void *ctx, const uint8_t *packet, size_t len);
};

/* NULL when there is no memory. */
struct exchange *exchange_start(struct exchanges *x, const struct exchange_opts *opts);

/* `done` is not called. */
void exchange_cancel(struct exchange *e);

size_t exchanges_underway(const struct exchanges *x);

#endif
