/* metrics_shown.h - which zones have numbers of their own, and what the rest have together.
 *
 * Those that are asked most; who is shown stays as long as he is not far behind, so that series
 * last. The rest's number never goes back when one comes or goes: else it would look like a
 * restart. A value that never changes; each scrape makes the next of the one before.
 */
#ifndef REPORT_METRICS_SHOWN_H
#define REPORT_METRICS_SHOWN_H

#include "dns/name.h"

#include <stddef.h>
#include <stdint.h>

struct registry;
struct choice_counts;

struct metrics_shown_zone {
	uint8_t id[NAME_MOST]; /* zone/view.h */
	uint64_t queries;
	size_t at; /* its number in the registry of metrics_shown_next() */
};

struct metrics_shown {
	size_t n;
	struct metrics_shown_zone *zones; /* [n] own, in the registry's order */
	uint64_t rest;  /* queries of all others */
	int64_t offset; /* what the rest is off, for those that came and went */
};

/* An empty one is zero. */
void metrics_shown_fini(struct metrics_shown *s);

/* What follows `before`, which is the first when it is zero: at most `most` zones of `r`, by what `n`
 * threads have counted. */
struct metrics_shown_counts {
	const struct choice_counts *const *threads;
	unsigned n;
};
struct metrics_shown metrics_shown_next(const struct metrics_shown *before, const struct registry *r,
	const struct metrics_shown_counts *c, size_t most);

#endif
