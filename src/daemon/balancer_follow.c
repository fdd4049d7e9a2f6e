/* balancer_follow.c - the balancer goes with the configuration that is served.
 */
#include "daemon/balancer_inner.h"

#include "base/memory.h"
#include "daemon/parts_read.h"

enum { DRAIN_DEFAULT_S = 60 }; /* where pools do not say how long answers live */

uint32_t balancer_ttl_of(const struct pool *p)
{
	return p->ttl_most_s == UINT32_MAX ? DRAIN_DEFAULT_S : p->ttl_most_s;
}

static void look_at_pools(struct balancer *b)
{
	memory_free(b->has_price);
	memory_free(b->lives_s);
	b->has_price = memory_zeroed(b->n_edges, sizeof *b->has_price);
	b->lives_s = memory_zeroed(b->n_edges, sizeof *b->lives_s);
	b->limited = false;
	for (unsigned i = 0; i < b->n_edges; i++)
		b->limited = b->limited || b->steer->edges[i].capacity > 0;
	for (unsigned i = 0; i < b->n_pools; i++) {
		const struct pool *p = &b->steer->pools[i];
		for (unsigned k = 0; k < p->n; k++) {
			b->has_price[p->edges[k]] = b->has_price[p->edges[k]] || p->sheds;
			if (balancer_ttl_of(p) > b->lives_s[p->edges[k]])
				b->lives_s[p->edges[k]] = balancer_ttl_of(p);
		}
	}
}

static void forget_counted(struct load_memory *m, const struct steer *now)
{
	memory_free(m->counted);
	m->n_counted = load_count_cells(now);
	m->counted = memory_zeroed(m->n_counted, sizeof *m->counted);
	m->is_first = true;
	m->sums = false; /* its pools have other numbers, too; it is made anew with every interval */
}

/* Pools of `now` have other numbers than those of `was`. */
void balancer_renumber(struct load_memory *m, const struct steer *was, const struct steer *now)
{
	int *numbers = memory_zeroed(was->n_pools, sizeof *numbers);

	for (unsigned i = 0; i < was->n_pools; i++)
		numbers[i] = steer_pool(now, was->pools[i].name);
	groups_renumber(m->groups, numbers, was->n_pools);
	memory_free(numbers);
	forget_counted(m, now);
}

/* What was known of edges and pools of the same names is known of these. */
static void take_over(struct balancer *b, const struct steer *was, const struct steer *now)
{
	struct track *edges = memory_zeroed(now->n_edges, sizeof *edges);
	struct load_edge *loads = memory_zeroed(now->n_edges, sizeof *loads);
	struct pool_state *pools = memory_zeroed(now->n_pools, sizeof *pools);

	for (unsigned i = 0; i < now->n_edges; i++) {
		const int at = was ? steer_edge(was, now->edges[i].name) : -1;
		edges[i] = at >= 0 ? b->edges[at] : (struct track){ .share = SHED_ALL };
		loads[i] = at >= 0 ? b->loads[at] : (struct load_edge){ .room = SHED_ALL };
	}
	for (unsigned i = 0; i < now->n_pools; i++) {
		const int at = was ? steer_pool(was, now->pools[i].name) : -1;
		if (at >= 0)
			pools[i] = b->pools[at];
	}
	memory_free(b->edges);
	memory_free(b->loads);
	memory_free(b->pools);
	b->edges = edges;
	b->loads = loads;
	b->pools = pools;
	b->n_edges = now->n_edges;
	b->n_pools = now->n_pools;
}

/* New rankings come every few seconds, and change no name. */
void balancer_follow(struct balancer *b)
{
	const struct parts *live = publisher_live(b->opts.publisher);
	struct steer *was = b->steer;

	if (b->steer == live->steer)
		return;
	b->steer = steer_hold(live->steer);
	if (b->conf != live->conf) {
		struct part *conf = b->conf;
		b->conf = part_hold(live->conf);
		b->tick_no++; /* pools have other numbers */
		take_over(b, was, b->steer);
		balancer_bounds_take_over(b, was, b->steer);
		balancer_leaving_take_over(b, was, b->steer);
		look_at_pools(b);
		if (b->demand)
			fleet_demand_set(b->demand, b->limited);
		if (!b->counts && was)
			balancer_renumber(&b->memory, was, b->steer);
		else if (!b->counts)
			forget_counted(&b->memory, b->steer);
		part_drop(conf);
	}
	steer_drop(was);
}

void balancer_forget_staged(struct load_memory *m)
{
	if (m->staged)
		groups_free(m->staged);
	memory_free(m->staged_counted);
	m->staged = NULL;
	m->staged_counted = NULL;
}

/* While nothing counts. Of another stage nothing is known. */
void balancer_follow_stage(struct balancer *b)
{
	const struct parts *staged = publisher_staged(b->opts.publisher);
	struct part *was = b->stage_conf;

	if ((staged ? staged->conf : NULL) == was)
		return;
	b->stage_conf = staged ? part_hold(staged->conf) : NULL;
	balancer_forget_staged(&b->memory);
	if (staged)
		b->memory.staged = groups_new();
	part_drop(was);
}

/* Of the world, when it has the stage that is known. */
struct load_stage balancer_stage(const struct balancer *b, const struct world *w)
{
	const struct parts *staged = publisher_staged(b->opts.publisher);

	if (!w || !w->stage.share || !staged || staged->conf != b->stage_conf)
		return (struct load_stage){ 0 };
	return (struct load_stage){ w->stage.share, w->stage.steer, w->stage.standing };
}
