/* still.h - what probes know, as it stood at one moment.
 *
 * A picture of a round that does not change any more: for reports and files that are written
 * off the loop. Taken on the loop, read on any thread; it borrows the probes' options, which
 * whoever holds it keeps alive (they are the configuration's).
 */
#ifndef PROBE_STILL_H
#define PROBE_STILL_H

#include "base/arena.h"
#include "probe/round.h"

struct still {
	struct arena mem;
	uint32_t n;                /* targets */
	uint32_t n_probed;         /* ... that are not made of parts */
	uint32_t n_noticed;        /* ... of which there is something to tell: a certificate that ends soon */
	struct round_view *views;  /* [n]; texts are the picture's own */
	struct verdict *verdicts;  /* [n] */
	struct round_map *map; /* held */
	struct round_totals totals;
	uint32_t waits;
};

/* Never NULL. Without `texts` what probes said is left out, and the picture is taken faster. */
struct still *still_take(const struct round *r, bool texts);
void still_free(struct still *s);

/* As those of a round. */
static inline struct round_view still_view(const struct still *s, uint32_t target)
{
	return s->views[target];
}

/* Target `n` and its parts, one after the other, each before what is below it: calls `take` for
 * each. */
void still_each(const struct still *s, uint32_t target,
	void (*take)(void *ctx, uint32_t target), void *ctx);

static inline const uint32_t *still_row(const struct still *s, unsigned row)
{
	return s->map->row_targets[row];
}

#endif
