#include "simulate/simulate_load.h"

#include "base/bytes.h"
#include "base/memory.h"
#include "steer/shed.h"

#include <string.h>

enum { SPLIT_MOST = 20 };

/* Clients of one group, as they are gone through one after the other. */
struct gather {
	const struct steer *steer;
	bool is_new;
	struct shed_demand *demand;
	size_t n, room;
	double *base; /* [edge] of what no price moves */
	double weight;
};

static bool same_group(const struct shed_demand *d, const struct shed_demand *last)
{
	return d->pool == last->pool && d->v6 == last->v6 &&
		addr_common_bits(&d->addr, &last->addr) >=
		(addr_is_v4(&d->addr) ? ADDR_V4_BITS + GROUP_V4 : GROUP_V6);
}

static void add(struct gather *g, const struct shed_demand *d)
{
	if (g->n && same_group(d, &g->demand[g->n - 1])) {
		g->demand[g->n - 1].rate += d->rate;
		return;
	}
	if (g->n == g->room) {
		g->room = g->room ? 2 * g->room : 1024;
		g->demand = memory_grow(g->demand, g->room * sizeof *g->demand);
	}
	g->demand[g->n++] = *d;
}

/* A net that is wider than a group is many of them. */
static void add_groups(struct gather *g, int pool, const struct simulate_each *e)
{
	const unsigned least = addr_is_v4(&e->net.addr) ? ADDR_V4_BITS + GROUP_V4 : GROUP_V6,
		       more = e->net.bits < least ? least - e->net.bits : 0,
		       split = more < SPLIT_MOST ? more : SPLIT_MOST;
	struct shed_demand d = { (uint16_t)pool, e->type == SIMULATE_AAAA, e->net.addr,
		e->weight / (double)(1u << split) };

	for (uint32_t i = 0; i < 1u << split; i++) {
		uint64_t high = be64_get(e->net.addr.b), low = be64_get(e->net.addr.b + 8);
		const unsigned shift = 128 - e->net.bits - split; /* of the counter */
		if (shift >= 64)
			high |= (uint64_t)i << (shift - 64);
		else
			low |= (uint64_t)i << shift;
		be64_put(d.addr.b, high);
		be64_put(d.addr.b + 8, low);
		add(g, &d);
	}
}

static void take(void *ctx, const struct simulate *s, const struct simulate_each *e)
{
	struct gather *g = ctx;
	const int pool = steer_pool(g->steer, e->pool);
	const int *edges = g->is_new ? e->new : e->old;
	const unsigned n = g->is_new ? e->n_new : e->n_old;

	g->weight += e->weight;
	if (pool < 0)
		return;
	if (g->steer->pools[pool].sheds) {
		add_groups(g, pool, e);
		return;
	}
	for (unsigned i = 0; i < n; i++)
		g->base[steer_edge(g->steer, s->edges[edges[i]].name)] += e->weight / n;
}

/* What goes to roles is load of their edges, which no price of those moves: first it is found how much
 * that is (daemon/load_count.c counts it). */
static void solve(struct gather *g, const struct standing *standing, uint32_t *price)
{
	const struct steer *s = g->steer;
	struct shed_edge *out = memory_zeroed(s->n_edges, sizeof *out);
	const struct shed_problem p = { .steer = s,
		.standing = standing,
		.demand = g->demand,
		.n = g->n,
		.per_query = 1,
		.base = g->base };

	shed_solve(&p, price, out);
	for (unsigned i = s->n_origins; i < s->n_edges; i++)
		g->base[s->edges[i].origin] += out[i].load;
	if (s->n_origins < s->n_edges)
		shed_solve(&p, price, NULL);
	memory_free(out);
}

void simulate_load(const struct simulate_load *l)
{
	const struct simulate_side *side = l->is_new ? &l->asked->new : &l->asked->old;
	const unsigned n = side->steer->n_edges;
	struct gather g = { .steer = side->steer,
		.is_new = l->is_new,
		.base = memory_zeroed(n, sizeof *g.base) };
	uint32_t *price = memory_zeroed(n, sizeof *price);
	struct simulate_opts opts = *l->asked;
	struct simulate unpriced;

	opts.each = take;
	opts.ctx = &g;
	simulate_run(&unpriced, &opts);
	simulate_fini(&unpriced);
	for (size_t i = 0; i < g.n; i++)
		g.demand[i].rate *= l->total / g.weight;
	for (unsigned i = 0; i < n; i++)
		g.base[i] *= l->total / g.weight;
	solve(&g, side->standing, price);
	l->standing->cuts = arena_alloc(&l->standing->mem, n * sizeof *l->standing->cuts);
	for (unsigned i = 0; i < n; i++)
		l->standing->cuts[i] = (struct shed_cut){ price[i], SHED_ALL };
	memory_free(g.demand);
	memory_free(g.base);
	memory_free(price);
}
