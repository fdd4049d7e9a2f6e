/* What networks of a place have, as an estimate for those of it that nobody has measured.
 *
 * A place where an edge has measured three networks and more (model_siblings.c) is to the estimates what a network is that has own
 * times (model_own.c): each edge's counts n / (n + 1), one that differs from what most edges have counts less, and edges that have
 * measured none there move up by what they have in common.
 */
#include "measure/model_inner.h"

#include <math.h>
#include <string.h>

/* All edges that have measured enough of its networks. However many those are, an edge is one: what is short would draw a whole place by
 * the word of one agent. What is long draws nobody, and many that have it may have a reason. */
static unsigned find_said(const struct model *m, const struct model_at *at, struct model_said said[MODEL_SAID_MOST])
{
	unsigned k = 0;

	for (unsigned i = 0; at->siblings && i < m->n && k < MODEL_SAID_MOST; i++) {
		const struct model_edge *e = &m->edge[i];
		const struct model_mean *mean = e->column == NO_COLUMN ? NULL : &at->siblings[e->column];
		if (!mean || mean->n <= 0)
			continue;
		const double km = model_km(at->at, e->at), have_ms = model_line_ms(km) + e->offset_ms + (double)mean->ms,
			     ms = fmax(have_ms, model_floor_ms(km)), differs_ms = ms - model_bare_ms(m, at, i, km), n = (double)mean->n;
		said[k++] = (struct model_said){ (float)differs_ms, 1, (float)(n / (n + 1)), (float)ms, (uint16_t)i,
			(uint16_t)(differs_ms > 0 ? fmin(fmax(n, 1), UINT16_MAX) : 1), 1, model_moves(km, have_ms) };
	}
	return k;
}

/* What an edge's own counts beside what all have in common. */
static float beside(const struct model_said *s, float shift)
{
	return s->weight * (float)s->likely * (s->differs_ms - shift);
}

void model_place_move(const struct model *m, const struct model_at *at, const struct model_edges *some, float *ms)
{
	struct model_said said[MODEL_SAID_MOST];
	uint64_t asked[4096 / 64] = { 0 };
	const unsigned k = find_said(m, at, said);
	const float shift = k ? model_judge(said, k) : 0, reach = (float)at->reach;

	for (unsigned i = 0; k && i < some->n; i++) {
		const unsigned e = some->edges ? some->edges[i] : i;
		ms[e] += reach * shift;
		asked[e / 64] |= (uint64_t)1 << e % 64;
	}
	for (unsigned i = 0; i < k; i++) {
		const unsigned e = said[i].edge;
		if (asked[e / 64] >> e % 64 & 1)
			ms[e] += reach * beside(&said[i], shift);
	}
}

struct model_mean model_place_term(const struct model *m, const struct model_at *at, unsigned edge)
{
	struct model_said said[MODEL_SAID_MOST];
	const unsigned k = find_said(m, at, said);
	const float shift = k ? model_judge(said, k) : 0, reach = (float)at->reach;

	for (unsigned i = 0; i < k; i++)
		if (said[i].edge == edge)
			return (struct model_mean){ reach * (shift + beside(&said[i], shift)), at->siblings[m->edge[edge].column].n };
	return (struct model_mean){ reach * shift, 0 };
}

void model_place_residuals(const struct model *m, const struct model_at *at, float *to)
{
	struct model_said said[MODEL_SAID_MOST];
	const unsigned k = find_said(m, at, said);
	const float shift = k ? model_judge(said, k) : 0;

	memset(to, 0, m->columns * sizeof *to);
	for (unsigned i = 0; i < k; i++)
		to[m->edge[said[i].edge].column] = (float)at->reach * beside(&said[i], shift);
}
