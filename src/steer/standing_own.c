/* standing_own.c - pools in which the operator wants something else of edges than in all: their
 * rows, and what their edges weigh.
 */
#include "steer/standing_inner.h"

#include "base/memory.h"

#include <stdlib.h>
#include <string.h>

static const struct forced_view *view_of(const struct make *m, unsigned pool)
{
	const struct forced_effect *e = m->o->effect;

	return e && e->view_of && e->view_of[pool] ? &e->views[e->view_of[pool] - 1] : NULL;
}

static int compare_own(const void *a, const void *b)
{
	return memcmp(a, b, sizeof(struct own_row));
}

/* Which there are, each once; then which of them each pool has. */
struct own_rows standing_own_rows(const struct make *m)
{
	const struct forced_effect *e = m->o->effect;
	const unsigned n_pools = m->o->steer->n_pools;
	struct own_rows own = { 0 };
	unsigned n = 0;

	if (!e || !e->view_of)
		return own;
	own.of = memory_zeroed((size_t)n_pools * 2, sizeof *own.of);
	own.at = memory_zeroed((size_t)n_pools * 2, sizeof *own.at);
	for (unsigned i = 0; i < n_pools; i++) {
		if (!e->view_of[i])
			continue;
		own.of[n++] = (struct own_row){ e->view_of[i], 0 };
		if (m->o->row_of && m->o->row_of[i])
			own.of[n++] = (struct own_row){ e->view_of[i], m->o->row_of[i] };
	}
	qsort(own.of, n, sizeof *own.of, compare_own);
	for (unsigned i = 0; i < n; i++)
		if (!own.n || compare_own(&own.of[own.n - 1], &own.of[i]) != 0)
			own.of[own.n++] = own.of[i];
	/* Rows are numbered in 16 bits: what is forced in more ways than that holds in the first of them. */
	const unsigned most = m->s->n_probed < UINT16_MAX ? UINT16_MAX - m->s->n_probed : 0;
	if (own.n > most)
		own.n = most;
	for (unsigned i = 0; i < n_pools; i++) {
		for (unsigned k = 0; k < 2 && e->view_of[i]; k++) {
			const struct own_row want = { e->view_of[i],
				!k && m->o->row_of ? m->o->row_of[i] : 0 };
			const struct own_row *at = bsearch(
				&want, own.of, own.n, sizeof want, compare_own);
			own.at[i * 2 + k] = at ? (uint16_t)(m->s->n_probed + (unsigned)(at - own.of)) : 0;
		}
		m->s->n_lost += e->view_of[i] && !own.at[i * 2];
	}
	return own;
}

/* Those of a name that is flattened are no slots: behind its first one are those of the next edge. */
static void forget_addresses(const struct make *m, unsigned row, const struct edge *e)
{
	uint64_t *alive = m->s->alive + (size_t)row * m->s->words;

	for (unsigned k = 0; k < e->n_a + e->n_aaaa && !e->flatten; k++)
		alive[(e->first_address + k) / 64] &= ~(
			(uint64_t)1 << ((e->first_address + k) % 64));
}

void standing_own_row(const struct make *m, unsigned row, const struct own_row *own)
{
	struct standing *s = m->s;
	const size_t n = s->n_edges, to = row * n, from = own->like * n;
	const struct forced_view *view = &m->o->effect->views[own->view - 1];

	memcpy(s->marks + to, s->marks + from, n);
	memcpy(s->rtt_ms + to, s->rtt_ms + from, n * sizeof *s->rtt_ms);
	memcpy(s->load + to, s->load + from, n * sizeof *s->load);
	memcpy(s->alive + (size_t)row * s->words, s->alive + (size_t)own->like * s->words,
		s->words * sizeof *s->alive);
	for (unsigned i = 0; i < n; i++) {
		if (view->states[i] == FORCED_AS_ALL)
			continue;
		forget_addresses(m, row, &m->o->steer->edges[i]);
		s->marks[to + i] = standing_marks_of(m, row, i,
			view->states[i] == FORCED_LEAVES ? (struct want){ EDGE_UP, false }
							 : (struct want){ view->states[i], true });
	}
}

bool standing_is_wanted(const struct make *m, unsigned pool, unsigned edge)
{
	const struct forced_view *view = view_of(m, pool);

	if (view && view->states[edge] != FORCED_AS_ALL)
		return view->states[edge] != FORCED_LEAVES;
	return m->o->states[edge] != EDGE_UP || (m->o->forced && m->o->forced[edge]);
}

/* What the operator says of slot `i`, or what stands. */
static uint16_t weight_of(const struct make *m, unsigned pool, size_t i, uint16_t stands)
{
	const struct forced_effect *e = m->o->effect;
	const struct forced_view *view = view_of(m, pool);
	int32_t w = view && view->weights ? view->weights[i] : FORCED_NO_WEIGHT;

	if (w == FORCED_NO_WEIGHT && e->weights)
		w = e->weights[i];
	return w == FORCED_NO_WEIGHT ? stands : (uint16_t)w;
}

static bool has_weights(const struct make *m, unsigned pool)
{
	const struct forced_view *view = view_of(m, pool);

	return m->o->effect && (m->o->effect->weights || (view && view->weights));
}

void standing_put_weights(const struct make *m, unsigned pool)
{
	const struct pool *p = &m->o->steer->pools[pool];
	struct standing_pool *to = &m->s->pools[pool];
	bool differs = false;

	if (!has_weights(m, pool) || !pool_policy_weighs(p->policy))
		return;
	uint16_t *w = arena_alloc(&m->s->mem, p->n * sizeof *w);
	for (unsigned i = 0; i < p->n; i++) {
		w[i] = weight_of(m, pool, p->edges[i], p->weights[i]);
		differs = differs || w[i] != p->weights[i];
	}
	to->weights = differs ? w : NULL;
	if (!p->tree)
		return;
	differs = false;
	w = arena_alloc(&m->s->mem, p->tree->n * sizeof *w);
	for (unsigned i = 0; i < p->tree->n; i++) {
		const struct pool_member *one = &p->tree->members[i];
		w[i] = weight_of(m, pool, one->number + (one->is_pool ? m->s->n_edges : 0u),
			(uint16_t)one->weight);
		differs = differs || w[i] != one->weight;
	}
	to->member_weights = differs ? w : NULL;
}
