/* forward.h - an UPDATE is sent on to a zone's primary, and its answer comes back (RFC 2136 section 6).
 *
 * As it is, byte for byte: the signature on it is that of who asks, and the primary decides by that (RFC 8945
 * section 5.5). Over TCP, whatever it came by (RFC 2136 section 6.3): so it is sent once, and no primary takes a
 * repeated one for a second. The loop's thread; nothing waits.
 */
#ifndef XFR_FORWARD_H
#define XFR_FORWARD_H

#include "xfr/peer.h"

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>
#include <sys/socket.h>

struct ev_loop;
struct forward;

enum { FORWARD_NAME = 64 };

struct forward_to {
	char name[FORWARD_NAME]; /* for people */
	struct sockaddr_storage at;
	socklen_t len;
};

struct forward_opts {
	struct ev_loop *loop;
	const uint8_t *message; /* borrowed until it ends */
	size_t len;
	const struct forward_to *to; /* [n] copied; the first is asked first */
	size_t n;
	void *ctx;
	/* Once, never inside forward_start(). The answer as it came; NULL: nobody has answered, and `why` says what
	 * became of the last try. Both are good during the call; the forward is gone. */
	void (*done)(void *ctx, const uint8_t *packet, size_t len, const char *why);
};

/* The same on a helper thread, which waits: for primaries that are talked to over TLS, whose files are not read on the
 * loop. `*answer` is of the heap; false: there is none, and `why` says what became of the last try. */
bool forward_wait(const struct peer *peers, size_t n, const uint8_t *message, size_t len, struct job *job,
	uint8_t **answer, size_t *answer_len, struct fault *why);

/* NULL when there is no memory. */
struct forward *forward_start(const struct forward_opts *opts);

/* `done` is not called. */
void forward_cancel(struct forward *f);

/* Is it an answer to that UPDATE? And does it settle it? Else another primary may know better: one that fails, or does
 * not know the zone. */
bool forward_is_answer(const uint8_t *packet, size_t len, const uint8_t *message);
bool forward_settles(const uint8_t *packet);

#endif
