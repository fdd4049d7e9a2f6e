#include "measure/model_inner.h"

#include "base/memory.h"

#include <math.h>

/* Both directions of a pair say the same; where both are known, their mean does. */
static void note_pair(double *residual, double *weight, unsigned at, double ms, double w)
{
	if (w < MODEL_LEAST_WEIGHT)
		return;
	weight[at] += w;
	residual[at] = isnan(residual[at])
		? ms
		: residual[at] + w / weight[at] * (ms - residual[at]);
}

void model_fit_offsets(struct model_fit *f)
{
	struct model *m = f->m;
	unsigned *number = memory_zeroed(m->n, sizeof *number),
		 *edge = memory_zeroed(m->n, sizeof *edge);
	unsigned n = 0;

	for (unsigned i = 0; i < m->n; i++) {
		const struct latency_row *r = latency_mesh(f->opts->table, i);
		for (unsigned k = 0; k <= r->n && r->n; k++) {
			const unsigned e = k < r->n ? r->cell[k].edge : i;
			if (m->edge[e].placed && !number[e]) {
				edge[n++] = e;
				number[e] = n;
			}
		}
	}
	double *residual = memory_zeroed((size_t)n * n, sizeof *residual),
	       *weight = memory_zeroed((size_t)n * n, sizeof *weight),
	       *counts = memory_zeroed(n, sizeof *counts),
	       *offset = memory_zeroed(n, sizeof *offset);
	for (size_t i = 0; i < (size_t)n * n; i++)
		residual[i] = NAN;
	for (unsigned i = 0; i < n; i++) {
		const struct latency_row *r = latency_mesh(f->opts->table, edge[i]);
		const struct model_spot at = model_fit_spot_of_edge(f, edge[i]);
		double over;
		for (unsigned k = 0; k < r->n; k++) {
			const unsigned j = number[r->cell[k].edge] - 1;
			if (!number[r->cell[k].edge] || i == j ||
				!model_fit_over_line(f, &at, &r->cell[k], &over))
				continue;
			const double w = model_fit_weigh_cell(f, &r->cell[k], edge[i]);
			note_pair(residual, weight, i * n + j, over, w);
			note_pair(residual, weight, j * n + i, over, w);
		}
	}
	for (size_t i = 0; i < (size_t)n * n; i++)
		counts[i / n] += fmin(weight[i], 1);
	model_offsets(residual, counts, n, offset);
	for (unsigned i = 0; i < n; i++) {
		m->edge[edge[i]].offset_ms = offset[i];
		m->edge[edge[i]].offset_n = counts[i];
	}
	memory_free(number);
	memory_free(edge);
	memory_free(residual);
	memory_free(weight);
	memory_free(counts);
	memory_free(offset);
}

