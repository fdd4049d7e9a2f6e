/* handshakes.h - connections that have not said what they are yet: how many there are, for how long, and how
 * many a client net begins.
 *
 * A handshake of TLS costs us more than the client that begins it. Members stand in the order in which they
 * came; each call is O(1). A net's rate is kept in a table of fixed size by a random key: nets that fall into
 * one place take turns in it, and are limited less. One thread.
 */
#ifndef NET_HANDSHAKES_H
#define NET_HANDSHAKES_H

#include "base/addr.h"
#include "base/bytes.h"

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

enum { HANDSHAKES_PLACES = 1024 }; /* a power of two */

/* Part of whatever is a member; ours while it is one. */
struct handshake {
	struct handshake *older, *newer;
	int64_t since_ms; /* 0: it is no member */
};

struct handshakes {
	struct handshake *oldest, *newest;
	unsigned n, most;
	unsigned a_second; /* of a client net (clients.h) */
	struct hash_key key;
	struct handshakes_net {
		struct addr net;
		int64_t at_ms;
		int64_t left; /* thousandths of handshakes that may begin at once */
	} *nets; /* [HANDSHAKES_PLACES] */
};

void handshakes_init(struct handshakes *h, unsigned most, unsigned a_second);
void handshakes_fini(struct handshakes *h);

/* May another from there begin? It is counted if so. A net that was quiet for a second may begin a second's
 * worth at once. */
bool handshakes_may(struct handshakes *h, const struct addr *source, int64_t now_ms);

/* Who must leave before another one comes; NULL: there is room. */
struct handshake *handshakes_in_the_way(const struct handshakes *h);

void handshakes_join(struct handshakes *h, struct handshake *m, int64_t now_ms);
/* Nothing happens to one that is no member. */
void handshakes_leave(struct handshakes *h, struct handshake *m);

#endif
