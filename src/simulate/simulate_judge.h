/* simulate_judge.h - what one side of a simulation knows of the time from edges to clients.
 *
 * Clients of one key of the client map have the same estimates of each kind (latency.h), which
 * are made when the first of them is asked for.
 */
#ifndef SIMULATE_SIMULATE_JUDGE_H
#define SIMULATE_SIMULATE_JUDGE_H

#include "simulate/simulate.h"

struct simulate_judge {
	const struct simulate_side *side;
	float **ms[LATENCY_KINDS]; /* [key] or NULL; each [n_edges] of the side; NULL: nobody has asked for the kind */
	int *edge;  /* [edge of the union] number on this side, or -1 */
};

void simulate_judge_init(struct simulate_judge *j, const struct simulate_side *side,
	const struct simulate_edge *edges, unsigned n);
void simulate_judge_fini(struct simulate_judge *j);

/* By the side's own numbers of edges; NAN: unknown. Borrowed. */
const float *simulate_judge_ms(
	struct simulate_judge *j, enum latency_kind kind, const struct addr *who, uint32_t now_s);

#endif
