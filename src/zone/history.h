/* history.h - the changes that led to a zone: what those are sent who ask for them alone (IXFR).
 *
 * Immutable, shared by count; the versions of a zone share the changes that they have in common. Any
 * thread holds and drops, and reads what it holds.
 */
#ifndef ZONE_HISTORY_H
#define ZONE_HISTORY_H

#include "base/part.h"
#include "zone/change.h"

enum { HISTORY_STEPS_MOST = 1024 };

struct history {
	struct part part;
	size_t n, bytes;
	const struct history_step {
		struct part part;
		struct change *change;
	} *steps[]; /* [n] the oldest first, each from where the one before it ends */
};

/* `before` (or NULL) with one more, which is taken whatever comes of it. The oldest go when there are over
 * `bytes_most` bytes or HISTORY_STEPS_MOST steps. A change that does not start where `before` ends stands
 * alone. Count 1; NULL: it is too large by itself. Memory as by memory.h. */
struct history *history_add(
	const struct history *before, struct change *change, size_t bytes_most);

/* Gives `z`, which nobody serves yet, the history of `was` and the change that leads from there; it is taken, and
 * bounded by half of what the zone takes, or 1 MiB. */
void history_give(struct zone *z, const struct zone *was, struct change *change);

/* Gives `z`, which nobody serves yet, the history of another. */
void history_share(struct zone *z, const struct zone *of);

static inline struct history *history_hold(const struct history *h)
{
	part_hold(h ? (struct part *)(uintptr_t)&h->part : NULL);
	return (struct history *)(uintptr_t)h;
}

static inline void history_drop(struct history *h)
{
	part_drop(h ? &h->part : NULL);
}

/* The step that starts at that serial; h->n when there is none. */
size_t history_find(const struct history *h, uint32_t serial);

#endif
