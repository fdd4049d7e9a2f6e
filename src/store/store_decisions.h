/* store_decisions.h - what pools have answered whom, kept for a while; and who is watched.
 *
 * Rows are many and each is worth little: they are bounded by number and by age, and the oldest go.
 */
#ifndef STORE_STORE_DECISIONS_H
#define STORE_STORE_DECISIONS_H

#include "base/addr.h"
#include "base/fault.h"
#include "dns/name.h"

#include <stddef.h>
#include <stdint.h>

struct store;

/* All is borrowed; no text is NULL. */
struct store_decision {
	int64_t at_s;        /* UNIX time */
	struct addr client;  /* plain: whom the choice looked at */
	struct addr source;  /* plain: where the query came from */
	const uint8_t *name; /* wire, lower case */
	uint16_t type;       /* asked for */
	bool by_subnet, watched;
	uint32_t ttl_s, scope;
	uint32_t serial;    /* of the zone */
	uint32_t conf;      /* the digest of the configuration */
	const char *pool, *edge; /* edge "": none */
	const char *why;    /* the reason, in words */
	const char *next;   /* who would have answered in its place; "": nobody, or it is not known */
	const char *health; /* of the pool's edges, in words */
};

/* All or none. Then those over `most`, and those before `since_s`, go. */
bool store_add_decisions(struct store *s, const struct store_decision *list, size_t n,
	uint64_t most, int64_t since_s, struct fault *why);

/* The newest first, of clients between two addresses, not after a moment. */
struct store_decisions_ask {
	struct addr from, to;
	int64_t until_s;
	const uint8_t *name; /* NULL: any */
	unsigned most;
};
/* `each` is called under the store's lock, and has the row for the call. */
bool store_find_decisions(struct store *s, const struct store_decisions_ask *ask,
	void (*each)(void *ctx, const struct store_decision *d), void *ctx, struct fault *why);

/* Clients of whom all answers are kept. */
struct store_watch {
	struct prefix net;
	int64_t until_s; /* UNIX time */
	int64_t since_s;
	unsigned uid; /* whose order it was */
};
bool store_put_watch(struct store *s, const struct store_watch *w, struct fault *why);
bool store_drop_watch(struct store *s, const struct prefix *net, struct fault *why);
bool store_each_watch(struct store *s, void (*each)(void *ctx, const struct store_watch *w),
	void *ctx, struct fault *why);

#endif
