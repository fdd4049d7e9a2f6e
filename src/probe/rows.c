#include "probe/rows.h"

#include "base/memory.h"

/* Of an edge in a row that is made: a pool wants it not to be asked. */
enum { NOT_ASKED = UINT16_MAX };

static bool is_probe(const struct rows_opts *o, unsigned probe)
{
	return probe && o->probes[probe - 1].kind != PROBE_NONE;
}

static bool same(const struct rows_opts *o, unsigned a, unsigned b)
{
	return a == b ||
		(a && b && a != NOT_ASKED && b != NOT_ASKED &&
			probe_same(&o->probes[a - 1], &o->probes[b - 1]));
}

/* How a pool asks an edge, which is named by its membership where that is a mapping. */
static unsigned probe_of(const struct rows_opts *o, const struct pool_opts *pool, unsigned edge,
	const struct pool_member *m)
{
	const unsigned probe = m && m->probe ? m->probe
		: o->edges && o->edges[edge].probe ? o->edges[edge].probe
						   : pool->probe;

	return is_probe(o, probe) ? probe : NOT_ASKED;
}

/* Of each of the pool's edges: 1 + how it is asked, or NOT_ASKED. True when one is. */
static bool ask_edges(const struct rows_opts *o, const struct pool_opts *pool, uint16_t *to)
{
	bool any = false;

	for (size_t i = 0; i < pool->n; i++)
		to[pool->edges[i]] = (uint16_t)probe_of(o, pool, pool->edges[i], NULL);
	for (size_t i = 0; i < pool->n_members; i++)
		if (!pool->members[i].is_pool)
			to[pool->members[i].number] = (uint16_t)probe_of(
				o, pool, pool->members[i].number, &pool->members[i]);
	for (size_t i = 0; i < pool->n; i++)
		any = any || to[pool->edges[i]] != NOT_ASKED ||
			(o->edges && o->edges[pool->edges[i]].n_needs);
	return any;
}

/* Does the row ask these edges in the same way, or not yet? */
static bool fits(const struct rows_opts *o, const struct round_row *row,
	const struct pool_opts *pool, const uint16_t *asks)
{
	for (size_t i = 0; i < pool->n; i++) {
		const uint16_t edge = pool->edges[i];
		if (row->edges[edge] && !same(o, row->edges[edge], asks[edge]))
			return false;
	}
	return true;
}

static unsigned find(struct rows *r, const struct rows_opts *o, const struct pool_opts *pool,
	const uint16_t *asks)
{
	const unsigned base = is_probe(o, pool->probe) ? pool->probe : 0;
	unsigned i = 0;

	while (i < r->n &&
		(r->need[i] != pool->up_when || !same(o, r->base[i], base) ||
			!fits(o, &r->row[i], pool, asks)))
		i++;
	if (i == r->n) {
		r->row = memory_grow(r->row, (i + 1) * sizeof *r->row);
		r->need = memory_grow(r->need, (i + 1) * sizeof *r->need);
		r->base = memory_grow(r->base, (i + 1) * sizeof *r->base);
		r->row[i] = (struct round_row){ o->probes,
			memory_zeroed(o->n_edges, sizeof *r->row[i].edges) };
		r->need[i] = pool->up_when;
		r->base[i] = (uint16_t)base;
		r->n++;
	}
	return i;
}

static void add_pool(struct rows *r, const struct rows_opts *o, size_t pool, uint16_t *asks)
{
	const struct pool_opts *p = &o->pools[pool];

	if (ask_edges(o, p, asks)) {
		const unsigned row = find(r, o, p, asks);
		uint16_t *edges = (uint16_t *)(uintptr_t)r->row[row].edges; /* ours */
		for (size_t i = 0; i < p->n; i++)
			if (!edges[p->edges[i]])
				edges[p->edges[i]] = asks[p->edges[i]];
		r->row_of[pool] = (uint16_t)(row + 1);
	}
}

/* Of an edge by its own probe: of pools that ask it so, or one more. */
static unsigned find_own(struct rows *r, const struct rows_opts *o, uint16_t edge, uint16_t probe)
{
	const struct pool_opts alone = { .edges = &edge, .n = 1, .probe = probe, .up_when = 1 };
	unsigned i = 0;

	while (i < r->n && (r->need[i] != 1 || !same(o, r->row[i].edges[edge], probe)))
		i++;
	if (i < r->n)
		return i;
	uint16_t *asks = memory_zeroed(o->n_edges, sizeof *asks);
	asks[edge] = probe;
	i = find(r, o, &alone, asks);
	((uint16_t *)(uintptr_t)r->row[i].edges)[edge] = probe; /* ours */
	memory_free(asks);
	return i;
}

static void add_needs(struct rows *r, const struct rows_opts *o)
{
	for (size_t i = 0; o->edges && i < o->n_edges; i++)
		for (size_t k = 0; k < o->edges[i].n_needs; k++) {
			const uint16_t need = o->edges[i].needs[k];
			const unsigned probe = o->edges[need].probe;
			if (is_probe(o, probe) && !r->own_row[need])
				r->own_row[need] =
					(uint16_t)(find_own(r, o, need, (uint16_t)probe) + 1);
		}
}

static void end_row(struct round_row *row, size_t n_edges)
{
	uint16_t *edges = (uint16_t *)(uintptr_t)row->edges; /* ours */

	for (size_t i = 0; i < n_edges; i++)
		edges[i] = edges[i] == NOT_ASKED ? 0 : edges[i];
}

struct rows rows_new(const struct rows_opts *o)
{
	struct rows r = { .row_of = memory_zeroed(o->n_pools, sizeof *r.row_of),
		.own_row = memory_zeroed(o->n_edges, sizeof *r.own_row) };
	uint16_t *asks = memory_zeroed(o->n_edges, sizeof *asks);

	for (size_t i = 0; i < o->n_pools; i++)
		add_pool(&r, o, i, asks);
	add_needs(&r, o);
	for (unsigned i = 0; i < r.n; i++)
		end_row(&r.row[i], o->n_edges);
	memory_free(asks);
	return r;
}

void rows_free(struct rows *r)
{
	for (unsigned i = 0; i < r->n; i++)
		memory_free((void *)(uintptr_t)r->row[i].edges);
	memory_free(r->row);
	memory_free(r->need);
	memory_free(r->base);
	memory_free(r->row_of);
	memory_free(r->own_row);
	*r = (struct rows){ 0 };
}

const char *rows_name(const struct rows *r, unsigned row)
{
	const unsigned base = r->base[row - 1];

	return base ? r->row[row - 1].probes[base - 1].name : NULL;
}
