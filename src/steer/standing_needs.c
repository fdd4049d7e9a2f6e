/* standing_needs.c - edges that are down by what the probes say of others, which they need.
 */
#include "steer/standing_inner.h"

#include "base/memory.h"

/* Of an edge that is needed, by its own probes. */
static void add_own(const struct make *m, unsigned edge, struct fate *to)
{
	const struct edge *e = &m->o->steer->edges[edge];
	const unsigned row = m->o->own_row ? m->o->own_row[edge] : 0;

	if (!row)
		return;
	to->fails = to->fails || !standing_is_up(m, row, e);
	for (unsigned k = 0; k < e->n_slots; k++) {
		const struct verdict *v = standing_verdict(m, row, e->first_address + k);
		to->awaited = to->awaited || (v && v->awaited);
		if (v && v->changes_us < to->changes_us)
			to->changes_us = v->changes_us;
	}
}

static void add(struct fate *to, const struct fate *from)
{
	to->fails = to->fails || from->fails;
	to->awaited = to->awaited || from->awaited;
	if (from->changes_us < to->changes_us)
		to->changes_us = from->changes_us;
}

/* What the operator has decided about needs no probe, nor does what needs it wait for one. */
static bool is_decided(const struct make *m, unsigned edge)
{
	return m->o->states[edge] != EDGE_UP || (m->o->forced && m->o->forced[edge]);
}

static void settle(const struct make *m, struct fate *fates, unsigned edge)
{
	const struct edge *e = &m->o->steer->edges[edge];
	struct fate f = { .settled = true, .changes_us = UINT64_MAX };

	if (fates[edge].settled)
		return;
	for (unsigned i = 0; i < e->n_needs; i++) {
		const unsigned need = e->needs[i];
		settle(m, fates, need);
		if (is_decided(m, need))
			continue;
		struct fate all = fates[need];
		add_own(m, need, &all);
		if (all.fails && !m->s->blame[edge])
			m->s->blame[edge] = (uint16_t)(need + 1);
		add(&f, &all);
	}
	fates[edge] = f;
}

struct fate *standing_fates(const struct make *m)
{
	const unsigned n = m->o->steer->n_edges;

	if (!m->o->steer->has_needs)
		return NULL;
	struct fate *fates = memory_zeroed(n, sizeof *fates);
	m->s->blame = arena_zalloc(&m->s->mem, n * sizeof *m->s->blame);
	for (unsigned i = 0; i < n; i++)
		settle(m, fates, i);
	return fates;
}
