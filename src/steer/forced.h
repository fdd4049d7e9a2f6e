/* forced.h - edges whose state the operator has forced, whatever the configuration and the
 * probes say: by whom, why, and until when. Control thread.
 */
#ifndef STEER_FORCED_H
#define STEER_FORCED_H

#include "steer/edge.h"

#include <stddef.h>
#include <stdint.h>

enum { FORCED_TEXT_MOST = 255, FORCED_MOST = EDGES_MOST };

struct forced {
	char *edge; /* by name: it outlives a reload */
	enum edge_state state;
	char *who, *why;   /* "" when nothing was said */
	int64_t when_s;    /* time of day, to be shown */
	uint64_t until_us; /* monotonic; UINT64_MAX: for good */
};

struct forced_list {
	struct forced *of;
	size_t n;
};

/* NULL when it is not forced. Borrowed until the list changes. */
const struct forced *forced_find(const struct forced_list *l, const char *edge);

/* Copies the texts; what was forced for that edge before is gone. */
void forced_set(struct forced_list *l, const struct forced *f);

/* False when it was not forced. */
bool forced_clear(struct forced_list *l, const char *edge);

/* When the next one ends; UINT64_MAX: none does. */
uint64_t forced_next_us(const struct forced_list *l);

/* One whose time is over, or NULL. */
const struct forced *forced_over(const struct forced_list *l, uint64_t now_us);

struct forced_list forced_copy(const struct forced_list *l);

void forced_fini(struct forced_list *l);

#endif
