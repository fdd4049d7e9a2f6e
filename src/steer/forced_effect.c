#include "steer/forced_effect.h"

#include "base/memory.h"
#include "steer/needs.h"

#include <string.h>

static const char a_pool[] = "pool:";

/* Where it says whether it is a pool as a member, and of which name. */
static const char *pool_in(const char *edge)
{
	const size_t n = sizeof a_pool - 1;

	return strncmp(edge, a_pool, n) == 0 ? edge + n : NULL;
}

struct making {
	const struct steer *steer;
	struct forced_effect *to;
	size_t n_slots;  /* edges, then pools as members */
	uint32_t *slots; /* [n_hit] that the change is of */
	size_t n_hit;
	uint16_t *pools; /* [n_in] that it holds in, when that is not all */
	unsigned n_in;
	bool *is_in;   /* [pool] one of those */
	unsigned dead; /* views that no pool has any more */
};

/* --- what a change is of ------------------------------------------------------------------ */

static void find_slots(struct making *m, const char *edge)
{
	const struct steer *s = m->steer;
	const char *pool = pool_in(edge), *words = pool ? pool : edge;
	const unsigned first = pool ? s->n_edges : 0, n = pool ? s->n_pools : s->n_edges;

	m->n_hit = 0;
	if (!forced_is_pattern(words) && (pool || s->n_origins == s->n_edges)) {
		const int at = pool ? steer_pool(s, words) : steer_edge(s, words);
		if (at >= 0)
			m->slots[m->n_hit++] = first + (unsigned)at;
		return;
	}
	for (unsigned i = 0; i < n; i++)
		if (pool ? forced_matches(words, s->pools[i].name) : steer_edge_is(s, i, words))
			m->slots[m->n_hit++] = first + i;
}

/* A weight is of the list that the member stands in; a state is of all that is below. Nothing
 * is in itself, so that this ends. */
static void put_pool(struct making *m, unsigned pool, bool below)
{
	const struct pool_tree *t = m->steer->pools[pool].tree;

	if (m->is_in[pool])
		return;
	m->is_in[pool] = true;
	m->pools[m->n_in++] = (uint16_t)pool;
	for (unsigned i = 0; below && t && i < t->n; i++)
		if (t->members[i].is_pool)
			put_pool(m, t->members[i].number, true);
}

static void find_pools(struct making *m, const struct forced *f)
{
	const struct steer *s = m->steer;
	const bool below = f->what == FORCED_STATE;

	for (unsigned i = 0; i < m->n_in; i++)
		m->is_in[m->pools[i]] = false;
	m->n_in = 0;
	if (!forced_is_pattern(f->pool)) {
		const int at = steer_pool(s, f->pool);
		if (at >= 0)
			put_pool(m, (unsigned)at, below);
		return;
	}
	for (unsigned i = 0; i < s->n_pools; i++)
		if (forced_matches(f->pool, s->pools[i].name))
			put_pool(m, i, below);
}

/* --- views -------------------------------------------------------------------------------- */

static int32_t *no_weights(size_t n)
{
	int32_t *w = memory_zeroed(n, sizeof *w);

	memset(w, 0xff, n * sizeof *w);
	return w;
}

static void put(const struct making *m, struct forced_view *v, const struct forced *f)
{
	if (f->what == FORCED_WEIGHT && !v->weights)
		v->weights = no_weights(m->n_slots);
	for (size_t k = 0; k < m->n_hit; k++) {
		const uint32_t i = m->slots[k];
		if (f->what == FORCED_WEIGHT)
			v->weights[i] = (int32_t)f->weight;
		else if (i < m->steer->n_edges)
			v->states[i] = (uint8_t)f->state;
	}
}

/* One more, as `like` - 1 is, or as all are. */
static unsigned add_view(struct making *m, unsigned like)
{
	struct forced_effect *e = m->to;
	const size_t n_edges = m->steer->n_edges;
	struct forced_view v = { .states = memory_zeroed(n_edges, 1) };

	memset(v.states, FORCED_AS_ALL, n_edges);
	if (like) {
		memcpy(v.states, e->views[like - 1].states, n_edges);
		if (e->views[like - 1].weights) {
			v.weights = no_weights(m->n_slots);
			memcpy(v.weights, e->views[like - 1].weights,
				m->n_slots * sizeof *v.weights);
		}
	}
	e->views = memory_grow(e->views, (e->n_views + 1) * sizeof *e->views);
	e->views[e->n_views++] = v;
	return e->n_views;
}

/* Pools that shared a view and are of the change share another one then. */
static void put_in_pools(struct making *m, const struct forced *f)
{
	struct forced_effect *e = m->to;
	const unsigned before = e->n_views;
	uint16_t *next = memory_zeroed(before + 1, sizeof *next);

	if (!e->view_of)
		e->view_of = memory_zeroed(m->steer->n_pools, sizeof *e->view_of);
	for (unsigned k = 0; k < m->n_in; k++) {
		const unsigned i = m->pools[k], was = e->view_of[i];
		if (!next[was]) {
			next[was] = (uint16_t)add_view(m, was);
			put(m, &e->views[next[was] - 1], f);
		}
		if (was && --e->views[was - 1].pools == 0)
			m->dead++;
		e->view_of[i] = next[was];
		e->views[next[was] - 1].pools++;
	}
	memory_free(next);
}

/* What is said of all pools now holds in those, too, of which something was said before. */
static void put_in_all(struct making *m, const struct forced *f)
{
	struct forced_effect *e = m->to;

	if (f->what == FORCED_WEIGHT && !e->weights)
		e->weights = no_weights(m->n_slots);
	for (size_t h = 0; h < m->n_hit; h++) {
		const uint32_t i = m->slots[h];
		if (f->what == FORCED_WEIGHT) {
			e->weights[i] = (int32_t)f->weight;
		} else if (i < m->steer->n_edges) {
			e->states[i] = (uint8_t)f->state;
			e->forced[i] = 1;
		}
		for (unsigned k = 0; k < e->n_views; k++) {
			if (f->what == FORCED_WEIGHT && e->views[k].weights)
				e->views[k].weights[i] = FORCED_NO_WEIGHT;
			else if (f->what == FORCED_STATE && i < m->steer->n_edges)
				e->views[k].states[i] = FORCED_AS_ALL;
		}
	}
}

static void free_view(struct forced_view *v)
{
	memory_free(v->states);
	memory_free(v->weights);
}

/* Views that no pool has any more go. */
static void tidy(struct making *m)
{
	struct forced_effect *e = m->to;
	uint16_t *to = memory_zeroed(e->n_views + 1, sizeof *to);
	unsigned n = 0;

	for (unsigned i = 0; i < e->n_views; i++) {
		if (!e->views[i].pools) {
			free_view(&e->views[i]);
			continue;
		}
		e->views[n] = e->views[i];
		to[i + 1] = (uint16_t)++n;
	}
	e->n_views = n;
	m->dead = 0;
	for (unsigned i = 0; e->view_of && i < m->steer->n_pools; i++)
		e->view_of[i] = to[e->view_of[i]];
	memory_free(to);
}

struct forced_effect forced_effect_of(const struct forced_list *l, const struct steer *s)
{
	struct forced_effect e = { .states = memory_zeroed(s->n_edges, 1),
		.forced = memory_zeroed(s->n_edges, 1) };
	const size_t n_slots = (size_t)s->n_edges + s->n_pools;
	struct making m = { .steer = s,
		.to = &e,
		.n_slots = n_slots,
		.slots = memory_zeroed(n_slots, sizeof *m.slots),
		.pools = memory_zeroed(s->n_pools, sizeof *m.pools),
		.is_in = memory_zeroed(s->n_pools, sizeof *m.is_in) };

	for (unsigned i = 0; i < s->n_edges; i++)
		e.states[i] = (uint8_t)s->edges[i].state;
	for (size_t i = 0; i < l->n; i++) {
		const struct forced *f = &l->of[i];
		if (!f->begun)
			continue;
		find_slots(&m, f->edge);
		if (!*f->pool) {
			put_in_all(&m, f);
			continue;
		}
		find_pools(&m, f);
		put_in_pools(&m, f);
		if (m.dead > 64 + e.n_views / 2)
			tidy(&m);
	}
	tidy(&m);
	needs_states(s, e.states, e.forced);
	memory_free(m.slots);
	memory_free(m.pools);
	memory_free(m.is_in);
	return e;
}

/* Does it differ from the other by these edges alone, which leave? */
static bool is_left_by(const struct forced_view *v, const struct forced_view *of, size_t n_edges,
	const uint16_t *edges, unsigned n)
{
	unsigned leave = 0;

	for (size_t i = 0; i < n_edges; i++) {
		if (v->states[i] != of->states[i] && v->states[i] != FORCED_LEAVES)
			return false;
		leave += v->states[i] == FORCED_LEAVES;
	}
	for (unsigned k = 0; k < n; k++)
		if (v->states[edges[k]] != FORCED_LEAVES)
			return false;
	return leave == n;
}

bool forced_effect_leave(struct forced_effect *e, const struct steer *s, unsigned pool, const uint16_t *edges, unsigned n)
{
	const unsigned was = e->view_of[pool];
	struct making m = { .steer = s, .to = e, .n_slots = (size_t)s->n_edges + s->n_pools };
	struct forced_view *of = &e->views[was - 1];

	if (!of->left || !is_left_by(&e->views[of->left - 1], of, s->n_edges, edges, n)) {
		if (e->n_views >= UINT16_MAX)
			return false;
		const unsigned now = add_view(&m, was);
		for (unsigned k = 0; k < n; k++)
			e->views[now - 1].states[edges[k]] = FORCED_LEAVES;
		of = &e->views[was - 1];
		of->left = (uint16_t)now;
	}
	of->pools--;
	e->views[of->left - 1].pools++;
	e->view_of[pool] = of->left;
	return true;
}

void forced_effect_fini(struct forced_effect *e)
{
	for (unsigned i = 0; i < e->n_views; i++)
		free_view(&e->views[i]);
	memory_free(e->views);
	memory_free(e->view_of);
	memory_free(e->states);
	memory_free(e->forced);
	memory_free(e->weights);
	*e = (struct forced_effect){ 0 };
}

static bool is_below(const struct steer *s, unsigned pool, unsigned of)
{
	const struct pool_tree *t = s->pools[of].tree;
	bool is = pool == of;

	for (unsigned i = 0; !is && t && i < t->n; i++)
		is = t->members[i].is_pool && is_below(s, pool, t->members[i].number);
	return is;
}

static bool holds_in(const struct forced *f, const struct steer *s, int pool)
{
	if (!*f->pool)
		return true;
	if (pool < 0 || forced_matches(f->pool, s->pools[pool].name))
		return pool >= 0;
	for (unsigned i = 0; f->what == FORCED_STATE && i < s->n_pools; i++)
		if (s->pools[i].tree && forced_matches(f->pool, s->pools[i].name) &&
			is_below(s, (unsigned)pool, i))
			return true;
	return false;
}

const struct forced *forced_in(const struct forced_list *l, const struct steer *s,
	const char *edge, int pool, enum forced_what what)
{
	const int at = steer_edge(s, edge);

	for (size_t i = l->n; i-- > 0;) {
		const struct forced *f = &l->of[i];
		if (f->begun && f->what == what &&
			(at >= 0 ? steer_edge_is(s, (unsigned)at, f->edge) : forced_matches(f->edge, edge)) &&
			holds_in(f, s, pool))
			return f;
	}
	return NULL;
}

bool forced_names_pool(const struct steer *s, const char *pool)
{
	for (unsigned i = 0; i < s->n_pools; i++)
		if (forced_matches(pool, s->pools[i].name))
			return true;
	return false;
}

bool forced_names_edge(const struct steer *s, const char *edge)
{
	if (pool_in(edge))
		return forced_names_pool(s, pool_in(edge));
	for (unsigned i = 0; i < s->n_edges; i++)
		if (steer_edge_is(s, i, edge))
			return true;
	return false;
}
