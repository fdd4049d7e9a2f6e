/* rank_front.h - which edges come first, and nothing else?
 *
 * A pool that answers with the first few edges of its rank's order asks no more of a client than which these are, as long as
 * all of them may answer. Few borders between clients matter for that: a map of these alone is a small part of the rank's, is
 * found in fewer cache lines, and has wide ranges, which are the answers' ECS scopes. Where one of them may not answer, the
 * rank itself says who is next. Immutable, shared by count.
 */
#ifndef MEASURE_RANK_FRONT_H
#define MEASURE_RANK_FRONT_H

#include "measure/rank.h"

enum { RANK_FRONT_MOST = 4 }; /* edges; the more, the less there is to win */

struct rank_front {
	unsigned refs;        /* atomic */
	const struct rank *of; /* who has a front has this rank, too */
	unsigned k;           /* edges a row, no more than the rank has */
	uint32_t rows;
	struct netmap *view;  /* value: row + 1 */
	uint16_t *edges;      /* [row][k]: positions in the pool's list of edges. Row 0 is of clients that nobody knows */
};

/* The first `k` (1 to RANK_FRONT_MOST) of each class. Never NULL; held once for the caller. */
struct rank_front *rank_front_new(const struct rank *r, unsigned k);
struct rank_front *rank_front_hold(struct rank_front *f);
void rank_front_drop(struct rank_front *f);

static inline const uint16_t *rank_front_row(const struct rank_front *f, uint32_t value)
{
	return f->edges + (size_t)(value && value <= f->rows ? value - 1 : 0) * f->k;
}

#endif
