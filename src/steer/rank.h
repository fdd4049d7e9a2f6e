/* rank.h - which edges are nearest, for whom?
 *
 * A rank holds, for every place of the atlas, the edges of one pool in order of estimated
 * round-trip time. Places with the same order are of one class; a class is a row of the table,
 * and netmap seams between classes give the ECS scope. Health plays no part here: it is applied
 * when answering. Built on the control thread; immutable, shared by count: pools with equal
 * edges and spread share one, and so do worlds that did not change it.
 *
 * Nothing being measured, the estimate is a line over the great-circle distance: RANK_BASE_MS +
 * RANK_MS_PER_KM * km.
 */
#ifndef STEER_RANK_H
#define STEER_RANK_H

#include "geo/atlas.h"
#include "steer/edge.h"
#include "steer/pool.h"

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

/* 16 ms per 1000 km: light in fibre needs 10, and paths are no great circles. */
#define RANK_MS_PER_KM 0.016
/* What even a neighbour costs: access and the hosts themselves. */
#define RANK_BASE_MS 5.0

struct rank {
	unsigned refs;       /* atomic */
	struct atlas *atlas; /* held */
	unsigned n;          /* edges a row */
	uint32_t classes;
	uint32_t *class_of; /* [place number]; 0 is the class of clients that nobody knows */
	struct netmap_seams *seams; /* NULL when there is a view */
	struct netmap *view;        /* of the classes; NULL when memory is better spent */
	uint16_t *order; /* [class][n]: positions in the pool's list of edges, the nearest first
			  */
	uint16_t *within; /* [class][n]: how many of those behind an edge are within the spread
			     of it; NULL: all */
	/* What it was made of, to see whether another pool can share it. */
	struct rank_edge {
		double lat, lon;
	} * edges;
	uint16_t *fallback; /* [n] */
	double spread_ms, spread_share;
};

struct rank_opts {
	struct atlas *atlas;
	const struct edge_opts
		*edges; /* all of the configuration; the pool's have coordinates */
	const struct pool_opts *pool;
	struct rank *const *known; /* ranks that may be shared */
	size_t n_known;
	bool view; /* a view, which is quicker; else seams, which take a tenth of its memory */
};

/* Never NULL; held once for the caller. */
struct rank *rank_new(const struct rank_opts *opts);
void rank_drop(struct rank *r);

static inline const uint16_t *rank_order(const struct rank *r, uint32_t class)
{
	return r->order + (size_t) class * r->n;
}

/* Estimated milliseconds from a distance. */
double rank_estimate_ms(double km);

#endif
