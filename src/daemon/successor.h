/* successor.h - this process takes the place of another one that serves (daemon/upgrade, daemon/handover).
 *
 * It reads all that it needs while that one answers, gets its sockets, and serves when that one says so. What is wrong is told to
 * it, and it goes on.
 */
#ifndef DAEMON_SUCCESSOR_H
#define DAEMON_SUCCESSOR_H

#include "base/addr.h"
#include "base/fault.h"
#include "net/quic.h"
#include "world/policy.h"

#include <stdbool.h>
#include <stdint.h>

struct ev_loop;
struct given;
struct successor;

/* At the start. NULL: nobody serves in whose place we would come. */
struct successor *successor_new(void);

/* The configuration can be read: gets what that one has, and waits for it. False: we are not wanted. */
bool successor_load(struct successor *s, struct fault *why);

/* What has come. The sockets are the caller's; the state is borrowed until successor_free(). */
struct given *successor_sockets(struct successor *s);
const char *successor_state(const struct successor *s);
const uint8_t *successor_cookies(const struct successor *s);
const uint8_t *successor_quic(const struct successor *s);

/* Called when it is certain that we do not serve, before the other one is told. */
void successor_on_failing(struct successor *s, void (*take_back)(void *ctx), void *ctx);

/* We cannot. Also before successor_load(); of many lines the first few are told. */
void successor_fail(struct successor *s, const char *why);

struct successor_opts {
	struct ev_loop *loop;
	/* Loop: is there something to wait for yet, before we could serve as that one does? Asked until it is false, for some
	 * seconds. */
	bool (*waits)(void *ctx);
	/* Loop: we could serve. Zones that we have nothing to answer from are told before, each by successor_empty(): where that one has,
	 * it ends us. */
	void (*tell)(void *ctx, struct successor *s);
	/* Loop: the time has come. False, and a sentence: we cannot. */
	bool (*serve)(void *ctx, struct fault *why);
	/* Loop: that one was told of a change that we do not know of. */
	void (*notified)(void *ctx, const uint8_t *apex, const struct addr *from);
	void *ctx;
};

/* This zone (its id) is one, from `tell`. */
void successor_empty(struct successor *s, const uint8_t *id);

/* All has been read: the loop goes on from here. */
void successor_follow(struct successor *s, const struct successor_opts *opts);

/* Not yet: what we have is not ours, and is left as it is. */
bool successor_waits(const struct successor *s);

/* The one before is there yet, in case we are gone. */
bool successor_is_watched(const struct successor *s);

/* It is told that we stop because we were told to. Fine for NULL. */
void successor_free(struct successor *s);

#endif
