/* rows.h - which ways there are to look at edges: one for each probe and rule that pools use.
 *
 * An edge is asked by the probe of its membership, or else by its own, or else by the pool's.
 * Probes that ask the same are one, whatever they are called. Row 0, which looks at no probe,
 * is not among these: row i here is row i + 1 of a standing. Control thread.
 */
#ifndef PROBE_ROWS_H
#define PROBE_ROWS_H

#include "probe/probe.h"
#include "probe/round.h"
#include "steer/edge.h"
#include "steer/pool.h"

struct rows {
	unsigned n;
	struct round_row *row; /* [n] */
	unsigned *need;        /* [n] as a standing_row's */
	uint16_t *base;        /* [n] 1 + the probe of its pools; 0: only edges have some */
	uint16_t *row_of;      /* [pool] 0: no probe; else 1 + its row */
	uint16_t *own_row;     /* [edge] that others need: likewise, of its own probe */
};

struct rows_opts {
	const struct probe_opts *probes; /* borrowed as long as the rows live */
	const struct edge_opts *edges;
	size_t n_edges;
	const struct pool_opts *pools;
	size_t n_pools;
};

struct rows rows_new(const struct rows_opts *o);
void rows_free(struct rows *r);

/* What row `row` of a standing calls the probe of its pools; NULL where only edges have some. */
const char *rows_name(const struct rows *r, unsigned row);

#endif
