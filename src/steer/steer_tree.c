#include "steer/steer_tree.h"

#include "base/memory.h"

#include <string.h>

bool steer_tree_is(const struct pool_opts *o)
{
	for (size_t i = 0; i < o->n_members; i++)
		if (o->members[i].is_pool || o->members[i].share)
			return true;
	return false;
}

/* --- the edges it leads to ---------------------------------------------------------------- */

struct gather {
	const struct steer_opts *all;
	struct pool_leaf *leaves; /* [POOL_EDGES_MOST] */
	unsigned n;
	uint16_t member;
};

static bool is_among(const uint16_t *edges, size_t n, uint16_t edge)
{
	for (size_t i = 0; i < n; i++)
		if (edges[i] == edge)
			return true;
	return false;
}

static void add_leaf(struct gather *g, uint16_t edge, uint16_t holder)
{
	if (g->n < POOL_EDGES_MOST)
		g->leaves[g->n++] = (struct pool_leaf){ edge, holder, g->member };
}

/* Those of a pool of edges, in the order for clients that nobody knows. */
static void add_edges(struct gather *g, uint16_t pool)
{
	const struct pool_opts *o = &g->all->pools[pool];

	for (size_t i = 0; i < o->n_fallback; i++)
		add_leaf(g, o->fallback[i], pool);
	for (size_t i = 0; i < o->n; i++)
		if (!is_among(o->fallback, o->n_fallback, o->edges[i]))
			add_leaf(g, o->edges[i], pool);
}

static void add_pool(struct gather *g, uint16_t pool, unsigned depth)
{
	const struct pool_opts *o = &g->all->pools[pool];

	if (!steer_tree_is(o)) {
		add_edges(g, pool);
		return;
	}
	for (size_t i = 0; i < o->n_members; i++) {
		const struct pool_member *m = &o->members[i];
		if (depth == 0)
			g->member = (uint16_t)i;
		if (!m->is_pool)
			add_leaf(g, m->number, pool);
		else if (depth < POOL_DEPTH_MOST)
			add_pool(g, m->number, depth + 1);
	}
}

static void fill_edges(struct steer *s, struct pool *p, struct pool_tree *t)
{
	uint16_t *edges = arena_alloc(&s->mem, t->n_leaves * sizeof *edges),
		 *holders = arena_alloc(&s->mem, t->n_leaves * sizeof *holders),
		 *weights = arena_alloc(&s->mem, t->n_leaves * sizeof *weights);
	unsigned n = 0;

	for (unsigned i = 0; i < t->n_leaves; i++) {
		const struct pool_leaf *l = &t->leaves[i];
		if (is_among(edges, n, l->edge))
			continue;
		edges[n] = l->edge;
		holders[n] = l->holder;
		weights[n++] = s->edges[l->edge].weight;
	}
	p->edges = edges;
	p->weights = weights;
	p->n = n;
	t->holders = holders;
}

/* --- shares ------------------------------------------------------------------------------- */

static uint32_t gcd(uint32_t a, uint32_t b)
{
	while (b) {
		const uint32_t c = a % b;
		a = b;
		b = c;
	}
	return a;
}

static void fill_shares(struct steer *s, struct pool_tree *t)
{
	uint32_t *units = arena_zalloc(&s->mem, t->n * sizeof *units), step = POOL_SHARE;
	bool any = false;

	for (unsigned i = 0; i < t->n; i++) {
		step = gcd(step, t->members[i].share);
		any = any || t->members[i].share;
	}
	for (unsigned i = 0; i < t->n; i++)
		units[i] = t->members[i].share / step;
	t->units = units;
	t->whole = any ? POOL_SHARE / step : 0;
}

/* --- trees that are one pool --------------------------------------------------------------- */

static bool is_nearest(const struct pool_opts *o)
{
	bool plain = o->policy == POOL_NEAREST && !o->n_links && !o->affinity && o->answers == 1;

	for (size_t i = 0; i < o->n_members; i++)
		plain = plain && !o->members[i].share;
	return plain;
}

/* Does it say nothing but which edges there are? */
static bool says_nothing(const struct steer_opts *all, unsigned number, double cost_ms)
{
	const struct pool_opts *o = &all->pools[number];
	bool plain = is_nearest(o) && o->cost_ms == cost_ms && !o->n_pins && !o->n_rules && o->all_down == POOL_ALL && !o->ttl_min_s &&
		o->ttl_max_s == UINT32_MAX && !pool_has_least(o);

	for (unsigned i = 0; i < POOL_SERVICES; i++)
		plain = plain && !o->forms[i].front;
	for (size_t i = 0; i < o->n_members && plain; i++)
		plain = !o->members[i].is_pool || says_nothing(all, o->members[i].number, cost_ms);
	return plain;
}

static bool is_one(const struct steer_opts *all, const struct pool_opts *o)
{
	bool one = is_nearest(o);

	for (size_t i = 0; i < o->n_members && one; i++)
		one = !o->members[i].is_pool ||
			says_nothing(all, o->members[i].number, o->cost_ms);
	return one;
}

void steer_tree_fill(struct steer *s, const struct steer_opts *all, unsigned number)
{
	const struct pool_opts *o = &all->pools[number];
	struct pool *p = &s->pools[number];
	struct pool_tree *t = arena_zalloc(&s->mem, sizeof *t);
	struct gather g = { .all = all,
		.leaves = memory_zeroed(POOL_EDGES_MOST, sizeof *g.leaves) };

	add_pool(&g, (uint16_t)number, 0);
	t->members = arena_memdup(&s->mem, o->members, o->n_members * sizeof *o->members);
	t->n = (unsigned)o->n_members;
	t->leaves = arena_memdup(&s->mem, g.leaves, g.n * sizeof *g.leaves);
	t->n_leaves = g.n;
	memory_free(g.leaves);
	fill_edges(s, p, t);
	fill_shares(s, t);
	t->merged = t->n_leaves == p->n && is_one(all, o);
	p->tree = t;
}

static bool looks(const struct steer *s, const struct pool *p)
{
	if (p->rank || p->n_pins || p->rules || p->affinity & AFFINITY_CLIENT)
		return true;
	for (unsigned i = 0; p->tree && i < p->tree->n; i++)
		if (p->tree->members[i].is_pool && looks(s, &s->pools[p->tree->members[i].number]))
			return true;
	return p->all_down == POOL_OTHER && looks(s, &s->pools[p->other]);
}

void steer_tree_look(struct steer *s)
{
	for (unsigned i = 0; i < s->n_pools; i++) {
		struct pool_tree *t = s->pools[i].tree;
		if (!t)
			continue;
		t->looks = looks(s, &s->pools[i]);
		t->draws = t->looks && !s->pools[i].affinity &&
			(t->whole || s->pools[i].policy == POOL_WEIGHTED ||
				s->pools[i].policy == POOL_ROUND_ROBIN);
	}
}

uint16_t steer_tree_holder(const struct pool *p, uint16_t edge)
{
	for (unsigned i = 0; i < p->n; i++)
		if (p->edges[i] == edge)
			return p->tree->holders[i];
	return p->tree->holders[0];
}
