/* rank_kept.h - ranks and what is in front of them, as parts of a file that is kept (base/kept.h).
 *
 * Of ranks over a map in which nothing is measured: they follow from the atlas and the edges' places, and are the same at the next
 * start. What is measured changes them every few seconds, and is not kept.
 */
#ifndef MEASURE_RANK_KEPT_H
#define MEASURE_RANK_KEPT_H

#include "base/kept.h"
#include "base/text.h"
#include "measure/rank_front.h"

/* Ranks over one map, no two the same, and fronts of some of them. All held, the arrays too. */
struct rank_kept {
	struct rank **ranks;
	size_t n;
	struct rank_front **fronts;
	size_t n_fronts;
};

void rank_kept_fini(struct rank_kept *k);

/* What such ranks are made of beside the atlas: where its edges are, as a text. False: something is measured, and none is kept. */
bool rank_kept_of(const struct client_map *m, struct text *to);

/* A number that is the same for the same ranks and fronts. */
uint64_t rank_kept_sum(const struct rank_kept *k);

void rank_kept_put(struct kept_out *o, const struct rank_kept *k);

/* Over `clients`, of the same atlas and edges. False, and nothing to let go of: they are not there. */
bool rank_kept_get(struct kept_in *in, struct client_map *clients, struct rank_kept *to);

#endif
