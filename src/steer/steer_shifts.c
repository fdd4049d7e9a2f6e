#include "steer/steer_shifts.h"

/* The membership's own, or the edge's. */
static int bias_of(const struct steer_opts *all, unsigned pool, uint16_t edge)
{
	const struct pool_opts *o = &all->pools[pool];

	for (size_t i = 0; i < o->n_members; i++)
		if (!o->members[i].is_pool && o->members[i].number == edge)
			return o->members[i].bias;
	return (int)all->edges[edge].bias;
}

/* As Route 53 has it of distances: a bias over 0 takes so many percent off; one below 0 divides
 * by what it leaves. */
static float factor_of(int bias)
{
	return bias >= 0 ? 1 - (float)bias / 100 : 1 / (1 + (float)bias / 100);
}

bool steer_shifts(const struct steer *s, const struct steer_opts *all, unsigned number,
	struct rank_shift *to)
{
	const struct pool *p = &s->pools[number];
	const double cost_ms = all->pools[number].cost_ms;
	const unsigned n = p->tree ? p->tree->n_leaves : p->n;
	bool any = false;

	for (unsigned i = 0; i < n; i++) {
		const uint16_t edge = p->tree ? p->tree->leaves[i].edge : p->edges[i];
		const unsigned holder = p->tree ? p->tree->leaves[i].holder : number;
		const int bias = bias_of(all, holder, edge);
		to[i] = (struct rank_shift){ factor_of(bias),
			(float)(all->edges[edge].cost * cost_ms) };
		any = any || bias || to[i].add_ms > 0;
	}
	return any;
}
