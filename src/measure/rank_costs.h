/* rank_costs.h - what does each edge cost the clients of a class, on average?
 *
 * What a rank that can shed load (steer/shed.h) knows beside the orders: the mean estimates of all keys of a class. While a
 * rank is built each key of the client map is told here once, either with estimates or as one that is as it was; then the
 * means are found. A class that has the same keys as in the rank before, none of them with estimates of its own now, keeps
 * its means; for the others those keys are estimated that were not yet. Sums are whole numbers, so that their order makes no
 * difference: the means are the same, bit by bit, as if all keys had been estimated.
 */
#ifndef MEASURE_RANK_COSTS_H
#define MEASURE_RANK_COSTS_H

#include "measure/rank.h"

#include <math.h>

struct rank_costs {
	struct rank *r;            /* being built; has costs */
	const struct rank *before; /* whose classes may be kept; NULL: none */
	uint32_t room;             /* classes there is room for */
	uint64_t *sums;            /* [class][n], by the order's places */
	uint32_t *added, *kept;    /* [class] keys with estimates, and as they were */
	uint32_t *from;            /* [class] what it was before, + 1 */
	uint64_t *fresh;           /* a bit a key: it came with estimates */
	uint64_t *seen;            /* a bit a key of the map before: one is as it was */
	const uint32_t *class_of;  /* [key] once all are in */
};

void rank_costs_init(struct rank_costs *c, struct rank *r, const struct rank *before);
void rank_costs_fini(struct rank_costs *c); /* again, too */

/* A key of the class; ms[] of the map's edges. */
void rank_costs_add(struct rank_costs *c, uint32_t key, uint32_t class, const float *ms);
/* One that is as key `was` of the map before. */
void rank_costs_keep(struct rank_costs *c, uint32_t was, uint32_t class);

/* All keys are in, and `class_of`, borrowed, has their classes. Keys that are as they were, of classes that are not, have to be estimated
 * now? Then true, and `rest` is what client_map_each() is to be asked. */
bool rank_costs_lack(struct rank_costs *c, const uint32_t *class_of, struct client_map_ask *rest);
/* All estimates are in: makes the rank's `ms` and `keys`. */
void rank_costs_settle(struct rank_costs *c);

/* What is told of an edge by its position in the pool; INFINITY: nothing is known. */
static inline float rank_estimate(const struct rank *r, unsigned position, const float *ms)
{
	const float v = ms[r->edges[position]];

	return isnan(v) ? INFINITY : r->shifts ? rank_shifted(&r->shifts[position], v) : v;
}

#endif
