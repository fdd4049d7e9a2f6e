/* store_history.h - what is stored of what operators have said of edges, and of what has become
 * of edges and pools.
 */
#ifndef STORE_STORE_HISTORY_H
#define STORE_STORE_HISTORY_H

#include "base/fault.h"

#include <stddef.h>
#include <stdint.h>

struct store;

/* As state_file.h has it, whole. */
bool store_put_forced(struct store *s, const char *text, struct fault *why);
/* free(). NULL: nothing is stored, and `why` is empty; or it cannot be read. */
char *store_get_forced(struct store *s, struct fault *why);

/* All texts are borrowed, and none is NULL. */
struct store_event {
	int64_t at_ms; /* time of day */
	const char *what, *edge, *pool, *who, *was, *is, *why;
};

/* All or none; of all that there are, the last `most` stay. */
bool store_add_events(struct store *s, const struct store_event *list, size_t n, unsigned most,
	struct fault *why);

/* The oldest first. `each` is called under the store's lock. */
bool store_each_event(struct store *s, void (*each)(void *ctx, const struct store_event *e),
	void *ctx, struct fault *why);

#endif
