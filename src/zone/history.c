#include "zone/history.h"

#include "base/memory.h"
#include "zone/zone.h"

static void free_step(struct part *p)
{
	struct history_step *s = (struct history_step *)p; /* its first member */

	change_free(s->change);
	memory_free(s);
}

static void free_history(struct part *p)
{
	struct history *h = (struct history *)p; /* its first member */

	for (size_t i = 0; i < h->n; i++)
		part_release((struct part *)(uintptr_t)&h->steps[i]->part);
	memory_free(h);
}

static size_t bytes_of(const struct change *c)
{
	size_t len;

	change_bytes(c, &len);
	return len;
}

struct history *history_add(
	const struct history *before, struct change *change, size_t bytes_most)
{
	const bool follows = before && before->n &&
		change_to(before->steps[before->n - 1]->change) == change_from(change);
	const size_t own = bytes_of(change), had = follows ? before->n : 0;
	size_t from = 0, bytes = follows ? before->bytes : 0;

	if (own > bytes_most) {
		change_free(change);
		return NULL;
	}
	while (from < had &&
		(bytes + own > bytes_most || had - from + 1 > HISTORY_STEPS_MOST))
		bytes -= bytes_of(before->steps[from++]->change);
	/* All of it is a part of the zone that it is given to, which may be of another scope than the one that is on. */
	struct history *h =
		memory_beside(NULL, sizeof *h + (had - from + 1) * sizeof(*h->steps));
	struct history_step *step = memory_beside(NULL, sizeof *step);
	if (!h || !step) {
		memory_free(h);
		memory_free(step);
		change_free(change);
		return NULL;
	}
	*step = (struct history_step){ part_new(free_step), change };
	*h = (struct history){ .part = part_new(free_history) };
	for (size_t i = from; i < had; i++) {
		h->steps[h->n++] = before->steps[i];
		part_keep((struct part *)(uintptr_t)&before->steps[i]->part);
	}
	change_keep(change);
	h->steps[h->n++] = step;
	h->bytes = bytes + own;
	return h;
}

size_t history_find(const struct history *h, uint32_t serial)
{
	size_t i = h->n;

	while (i-- > 0)
		if (change_from(h->steps[i]->change) == serial)
			return i;
	return h->n;
}

void history_give(struct zone *z, const struct zone *was, struct change *change)
{
	enum { BYTES_LEAST = 1 << 20 };
	const size_t half = zone_bytes(z) / 2;

	struct history *h = history_add(
		was->history, change, half > BYTES_LEAST ? half : BYTES_LEAST);
	history_drop(z->history); /* perhaps the one that was added to */
	z->history = h;
}

/* The count is not of the scope that may be on: it is a part of the zone. */
void history_share(struct zone *z, const struct zone *of)
{
	struct history *before = z->history;

	z->history = of->history;
	if (z->history)
		__atomic_add_fetch(&z->history->part.refs, 1, __ATOMIC_RELAXED);
	history_drop(before);
}
