#include "probe/rows.h"

#include "base/memory.h"

static unsigned find(struct rows *r, const struct rows_opts *o, const struct pool_opts *pool)
{
	const struct probe_opts *probe = &o->probes[pool->probe - 1];
	unsigned i = 0;

	while (i < r->n && (r->need[i] != pool->up_when || !probe_same(r->row[i].probe, probe)))
		i++;
	if (i == r->n) {
		r->row = memory_grow(r->row, (i + 1) * sizeof *r->row);
		r->need = memory_grow(r->need, (i + 1) * sizeof *r->need);
		r->row[i] = (struct round_row){ probe, memory_zeroed(o->n_edges, 1) };
		r->need[i] = pool->up_when;
		r->n++;
	}
	return i;
}

struct rows rows_new(const struct rows_opts *o)
{
	struct rows r = { .row_of = memory_zeroed(o->n_pools, sizeof *r.row_of) };

	for (size_t i = 0; i < o->n_pools; i++) {
		const struct pool_opts *pool = &o->pools[i];
		if (!pool->probe || o->probes[pool->probe - 1].kind == PROBE_NONE)
			continue;
		const unsigned row = find(&r, o, pool);
		uint8_t *edges = (uint8_t *)(uintptr_t)r.row[row].edges; /* ours */
		for (size_t k = 0; k < pool->n; k++)
			edges[pool->edges[k]] = 1;
		r.row_of[i] = (uint16_t)(row + 1);
	}
	return r;
}

void rows_free(struct rows *r)
{
	for (unsigned i = 0; i < r->n; i++)
		memory_free((void *)(uintptr_t)r->row[i].edges);
	memory_free(r->row);
	memory_free(r->need);
	memory_free(r->row_of);
	*r = (struct rows){ 0 };
}
