/* choice_sums.h - how often each edge was chosen in each pool, and why: the counts of all threads together.
 *
 * Each thread's table is gone through once, whatever there is to look for. Any thread.
 */
#ifndef REPORT_CHOICE_SUMS_H
#define REPORT_CHOICE_SUMS_H

#include "report/report_view.h"

struct choice_sums {
	struct tally_cell *cells; /* a hash table; key 0: free */
	size_t mask;
};

struct choice_sums choice_sums_new(const struct report_view *v);
void choice_sums_free(struct choice_sums *s);

uint64_t choice_sums_of(
	const struct choice_sums *s, const struct pool *p, const struct edge *e, enum choose_why why);

#endif
