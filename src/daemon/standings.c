#include "daemon/standings.h"

#include "base/memory.h"

#include <string.h>

struct standing *standings_make(const struct standings_opts *s)
{
	struct standing_row *rows = memory_zeroed(s->rows->n, sizeof *rows);
	struct forced_effect forced = forced_effect_of(s->forced, s->steer);

	if (s->balancer)
		balancer_states(s->balancer, s->forced, &forced);
	for (unsigned i = 0; i < s->rows->n; i++)
		rows[i] = (struct standing_row){ s->rows->need[i],
			round_row_targets(s->round, s->first + i) };
	struct standing *to = standing_new(&(struct standing_opts){ .steer = s->steer,
		.states = forced.states,
		.forced = forced.forced,
		.effect = &forced,
		.verdicts = s->verdicts,
		.rows = rows,
		.n_rows = s->rows->n,
		.row_of = s->rows->row_of,
		.own_row = s->rows->own_row,
		.before = s->before,
		.begins = s->begins,
		.silent = s->silent });
	if (s->fail_back && s->follows)
		fail_back_follow(s->fail_back, s->steer, to);
	else if (s->fail_back)
		fail_back_apply(s->fail_back, s->steer, to);
	if (s->balancer)
		balancer_cut(s->balancer, to);
	memory_free(rows);
	forced_effect_fini(&forced);
	return to;
}

/* By the edges' names. */
static const uint16_t *bounds_like(struct arena *mem, const struct steer *steer, const struct pool *p,
	const uint16_t *like, const struct steer *of, const struct pool *q)
{
	uint16_t *to = arena_alloc(mem, p->n * sizeof *to);

	for (unsigned i = 0; i < p->n; i++) {
		to[i] = SHED_ALL;
		for (unsigned k = 0; k < q->n; k++)
			if (strcmp(steer->edges[p->edges[i]].name, of->edges[q->edges[k]].name) == 0)
				to[i] = like[k];
	}
	return to;
}

void standings_like(struct standing *to, const struct steer *steer, const struct standing *like,
	const struct steer *of)
{
	to->tick = like->tick;
	for (unsigned i = 0; i < steer->n_pools; i++) {
		const struct pool *p = &steer->pools[i];
		const int at = steer_pool(of, p->name);
		if (at >= 0 && like->pools[at].bounds && p->bound > 0)
			to->pools[i].bounds =
				bounds_like(&to->mem, steer, p, like->pools[at].bounds, of, &of->pools[at]);
	}
	if (!like->cuts)
		return;
	to->cuts = arena_alloc(&to->mem, steer->n_edges * sizeof *to->cuts);
	for (unsigned i = 0; i < steer->n_edges; i++) {
		const int at = steer_edge(of, steer->edges[i].name);
		to->cuts[i] = at >= 0 ? like->cuts[at] : (struct shed_cut){ 0, SHED_ALL };
	}
}

/* Can other edges answer than could before? */
static bool has_changed(const struct steer *steer, unsigned i, const struct standing *before,
	const struct standing *now)
{
	const struct pool *p = &steer->pools[i];

	for (unsigned k = 0; k < p->n; k++) {
		const unsigned was = standing_row_at(before, steer, i, k),
			       is = standing_row_at(now, steer, i, k);
		if (was != is || before->pools[i].first != now->pools[i].first)
			return true;
		if ((standing_marks(before, was, p->edges[k]) ^
			    standing_marks(now, is, p->edges[k])) &
			~STANDS_WHY)
			return true;
	}
	return false;
}

void standings_steady(struct standing *to, const struct steer *steer,
	const struct standing *before, const struct standing *like, const struct steer *of,
	uint64_t now_us)
{
	for (unsigned i = 0; i < steer->n_pools; i++) {
		const int at = steer_pool(of, steer->pools[i].name);
		uint64_t since = at >= 0 ? like->pools[at].steady_us : now_us;
		if (before)
			since = has_changed(steer, i, before, to) ? now_us
							      : before->pools[i].steady_us;
		to->pools[i].steady_us = since;
	}
}
