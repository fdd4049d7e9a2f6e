#include "daemon/load_count.h"

#include "answer/choice_counts.h"
#include "base/memory.h"
#include "daemon/load_bounds.h"
#include "daemon/load_fleet.h"
#include "net/worker.h"
#include "steer/stage.h"

#include <math.h>
#include <string.h>

/* What edges tell of their load is smoothed over so many intervals: slowly, since clients
 * follow answers as late as caches let them. */
enum { LOAD_INTERVALS = 10 };

/* --- demand ------------------------------------------------------------------------------- */

static uint64_t count_of(const struct load_count *c, uint64_t key)
{
	const struct choice_counts *counts;
	uint64_t sum = 0;

	for (unsigned k = 0; (counts = workers_counts(c->workers, k)); k++)
		sum += tally_kept(&counts->reasons, key);
	return sum;
}

/* Is an answer of that reason, with the pool's edge `k`, among those that are counted by group? A
 * pool in a pool counts its own, whosever turn it was above. */
static bool is_by_group(
	const struct steer *s, const struct pool *p, unsigned k, enum choose_why why)
{
	if (p->tree && !p->tree->merged)
		return s->pools[p->tree->holders[k]].sheds && why != WHY_PINNED &&
			why != WHY_ALL_DOWN;
	return p->sheds &&
		(why == WHY_BEST || why == WHY_SHED || why == WHY_EXPLORED ||
			why == WHY_FAILOVER);
}

/* The rate at which an edge of a pool was answered with for a reason, since the last time. */
static double rate_of(const struct load_count *c, const struct pool *p, uint64_t edge_hash,
	unsigned why, uint64_t *at)
{
	const uint64_t n = count_of(
		c, choice_counts_reason(p->hash, edge_hash, (enum choose_why)why));
	/* Less than before: its place was another's meanwhile. */
	const uint64_t since = n < *at ? n : n - *at;
	const double rate = c->memory->is_first ? 0 : (double)since / c->seconds / p->answers;

	*at = n;
	return rate;
}

static bool has_edge(const struct steer *s, int pool, int edge)
{
	for (unsigned i = 0; pool >= 0 && i < s->pools[pool].n; i++)
		if (s->pools[pool].edges[i] == edge)
			return true;
	return false;
}

/* Is the demand for a pool of a stage known by group? Where the served one of its name has no
 * prices, its answers count as they come. */
static bool staged_by_group(const struct load_count *c, const struct pool *p)
{
	const int pool = steer_pool(c->steer, p->name);

	return (p->sheds || p->tree) &&
		(pool < 0 || c->steer->pools[pool].sheds || c->steer->pools[pool].tree);
}

/* What only pools of a stage have answered with: the others' answers count under the same names
 * as those of what is served. */
static void fetch_staged(const struct load_count *c, double *rate)
{
	const struct steer *s = c->stage.steer;
	struct load_memory *m = c->memory;
	const bool first = !m->staged_counted;
	size_t at = 0;

	if (!c->stage.share || !m->staged)
		return;
	if (first)
		m->staged_counted = memory_zeroed(load_count_cells(s), sizeof(uint64_t));
	for (unsigned i = 0; i < s->n_pools; i++) {
		const struct pool *p = &s->pools[i];
		const int pool = steer_pool(c->steer, p->name);
		const bool by_group = staged_by_group(c, p);
		for (unsigned k = 0; k < p->n; k++, at += CHOOSE_WHYS) {
			const struct edge *e = &s->edges[p->edges[k]];
			const int edge = steer_edge(c->steer, e->name);
			if (edge < 0 || has_edge(c->steer, pool, edge))
				continue;
			for (unsigned why = 0; why < CHOOSE_WHYS; why++) {
				const double r = rate_of(
					c, p, e->hash, why, m->staged_counted + at + why);
				rate[edge] += first ? 0 : r;
				if (!first &&
					!(by_group && is_by_group(s, p, k, (enum choose_why)why)))
					c->loads[edge].other += r;
			}
		}
	}
}

/* The rate at which each edge was answered with, also by pools, and that which no price moves. */
static void fetch_rates(const struct load_count *c, double *rate, double *in_pool)
{
	const struct steer *s = c->steer;
	uint64_t *at = c->memory->counted;

	bool any = false;

	for (unsigned i = 0; i < s->n_edges; i++) {
		c->loads[i].other = 0;
		any = any || s->edges[i].capacity > 0;
	}
	for (unsigned i = 0; i < s->n_pools; i++) {
		const struct pool *p = &s->pools[i];
		const bool matters = any || p->bound > 0;
		for (unsigned k = 0; k < p->n && matters; k++)
			for (unsigned why = 0; why < CHOOSE_WHYS; why++) {
				const double r = rate_of(
					c, p, s->edges[p->edges[k]].hash, why, at++);
				rate[p->edges[k]] += r;
				in_pool[k] += r;
				if (!is_by_group(s, p, k, (enum choose_why)why))
					c->loads[p->edges[k]].other += r;
			}
		at += matters ? 0 : p->n * (size_t)CHOOSE_WHYS;
		in_pool += p->n;
	}
	fetch_staged(c, rate);
	/* What goes to a role goes to its edge; there it moves by the role's price alone. */
	for (unsigned i = s->n_origins; i < s->n_edges; i++) {
		rate[s->edges[i].origin] += rate[i];
		c->loads[s->edges[i].origin].other += rate[i];
	}
	c->memory->is_first = false;
}

/* What an edge's probes say of its load; NAN. They say it of the whole edge, and a role's part of
 * it is what its queries make. */
static double told_load(const struct load_count *c, unsigned edge)
{
	const struct standing *s = c->standing;
	float load = NAN;

	if (edge >= c->steer->n_origins)
		return NAN;

	for (unsigned row = 0; row < s->n_rows; row++)
		load = fmaxf(load, s->load[(size_t)row * s->n_edges + edge]);
	return load;
}

double load_count_lag(unsigned *n)
{
	if (*n < LOAD_INTERVALS)
		++*n;
	return 1.0 / *n;
}

/* How much load a query makes, by all edges that tell theirs. Where others ask, too, and are not heard, nothing is learned of it. */
static void learn_per_query(const struct load_count *c, const struct load_counted *all)
{
	const struct steer *steer = c->steer;
	struct load_memory *m = c->memory;
	double load = 0, queries = 0;

	m->told = false;
	for (unsigned i = 0; i < steer->n_edges; i++)
		if (steer->edges[i].capacity > 0 && all[i].n) {
			m->told = true;
			load += all[i].told;
			queries += all[i].rate;
		}
	if (queries <= 0 || m->part)
		return;
	/* Not a mean of quotients: one of seconds in which hardly anybody asked would make each
	 * query look as heavy as all that an edge does beside them. */
	const double lag = load_count_lag(&m->told_n);
	m->told_load += lag * (load - m->told_load);
	m->told_rate += lag * (queries - m->told_rate);
	m->per_query = m->told_load / m->told_rate;
}

void load_count_set_per_query(struct load_memory *m, struct load_edge *loads, unsigned n, double per_query)
{
	m->told_rate = 0;
	for (unsigned i = 0; i < n; i++) {
		m->told_rate += loads[i].whole;
		loads[i].base_n = LOAD_INTERVALS;
	}
	m->per_query = per_query;
	m->told_load = per_query * m->told_rate;
	m->told_n = LOAD_INTERVALS;
	m->was = m->slow;
}

/* What each edge tells beside what queries make. */
static void take_loads(const struct load_count *c, const struct load_counted *all)
{
	for (unsigned i = 0; i < c->steer->n_edges; i++) {
		struct load_edge *e = &c->loads[i];
		if (!all[i].n) {
			e->base = 0;
			e->base_n = 0;
			e->told_all = false;
			continue;
		}
		if (c->memory->part) {
			load_fleet_follow(c, i, &all[i]);
			continue;
		}
		const double beside = all[i].told - c->memory->per_query * all[i].rate;
		e->base += load_count_lag(&e->base_n) * (beside - e->base);
	}
}

/* --- prices ------------------------------------------------------------------------------- */

/* What is known of clients of a stage counts there, and no more where they were before. */
static void drop_staged(const struct load_count *c, struct shed_demand *list, size_t *n)
{
	size_t left = 0;

	for (size_t i = 0; i < *n; i++)
		if (!stage_has(c->stage.share, &list[i].addr))
			list[left++] = list[i];
	*n = left;
}

/* What is not known by group has its load by its answers. */
static void drop_uncounted(const struct load_count *c, struct shed_demand *list, size_t *n)
{
	const struct steer *s = c->stage.steer;
	bool *counts = memory_zeroed(s->n_pools, sizeof *counts);
	size_t left = 0;

	for (unsigned i = 0; i < s->n_pools; i++)
		counts[i] = staged_by_group(c, &s->pools[i]);
	for (size_t i = 0; i < *n; i++)
		if (list[i].pool < s->n_pools && counts[list[i].pool])
			list[left++] = list[i];
	*n = left;
	memory_free(counts);
}

/* What clients of the stage ask for. False: there is none. The caller frees both lists. */
static bool list_staged(const struct load_count *c, struct shed_stage *to,
	struct shed_demand **demand, int **edges)
{
	const struct steer *s = c->stage.steer;

	*demand = NULL;
	*edges = NULL;
	if (!c->stage.share || !c->memory->staged)
		return false;
	*demand = groups_list(c->memory->staged, &to->n);
	*edges = memory_zeroed(s->n_edges, sizeof **edges);
	for (unsigned i = 0; i < s->n_edges; i++)
		(*edges)[i] = steer_edge(c->steer, s->edges[i].name);
	drop_uncounted(c, *demand, &to->n);
	to->steer = s;
	to->standing = c->stage.standing;
	to->edge_of = *edges;
	to->demand = *demand;
	return to->n > 0;
}

/* True when it came to an end; `*changed` is when a price has changed then. */
static bool solve(const struct load_count *c, bool steady, size_t effort, bool *changed)
{
	const unsigned n = c->steer->n_edges;
	const struct load_memory *m = c->memory;
	/* What probes tell has a unit of its own, which is not known before clients came. */
	const double per_query = m->per_query > 0 || m->told ? m->per_query : 1;
	uint32_t *price = memory_zeroed(n, sizeof *price);
	double *base = memory_zeroed(n, sizeof *base);
	struct shed_edge *out = memory_zeroed(n, sizeof *out);
	double *capacity = memory_zeroed(n, sizeof *capacity), *part = memory_zeroed(n, sizeof *part);
	size_t n_demand;
	struct shed_demand *demand = groups_list(m->sums ? m->sum : m->groups, &n_demand), *staged;
	struct shed_stage stage;
	int *edges;
	const bool has_stage = list_staged(c, &stage, &staged, &edges);

	*changed = false;
	if (has_stage && !m->sums) /* what was summed up has none */
		drop_staged(c, demand, &n_demand);
	for (unsigned i = 0; i < n; i++) {
		capacity[i] = load_fleet_capacity(c, i);
		part[i] = load_fleet_part(c, i);
		price[i] = c->loads[i].price;
		base[i] = c->loads[i].base + per_query * c->loads[i].other;
	}
	const bool ended = shed_solve(&(struct shed_problem){ .steer = c->steer,
					      .standing = c->standing,
					      .demand = demand,
					      .n = n_demand,
					      .stage = has_stage ? &stage : NULL,
					      .per_query = per_query,
					      .base = base,
					      .share = c->share,
					      .capacity = capacity,
					      .part = part,
					      .steady = steady,
					      .effort = effort },
		price, out);
	for (unsigned i = 0; i < n && (ended || !effort); i++) {
		*changed = *changed || price[i] != c->loads[i].price;
		c->loads[i].price = price[i];
		c->loads[i].use = out[i];
	}
	memory_free(price);
	memory_free(base);
	memory_free(out);
	memory_free(capacity);
	memory_free(part);
	memory_free(demand);
	memory_free(staged);
	memory_free(edges);
	return ended;
}

/* Edges without a price have a share instead. True when one has changed. */
static bool share_out(const struct load_count *c, const struct load_counted *all)
{
	bool changed = false;

	for (unsigned i = 0; i < c->steer->n_edges; i++) {
		const struct edge *e = &c->steer->edges[i];
		struct load_edge *t = &c->loads[i];
		/* A role's capacity is in what its edge tells. */
		const bool role = all[e->origin].n && !all[i].n && c->memory->per_query > 0;
		const double each = role ? c->memory->per_query : 1,
			     load = all[i].n ? all[i].told : each * all[i].rate,
			     most = all[i].n ? e->capacity : load_fleet_capacity(c, i);
		const uint16_t before = t->room;
		if (e->capacity <= 0 || c->has_price[i]) {
			t->room = SHED_ALL;
		} else {
			t->room = shed_share(before, load / most, e->low, e->high);
			t->use.load = load;
		}
		changed = changed || t->room != before;
	}
	return changed;
}

/* What clients of a stage ask for is told under the names of its pools. */
static struct shed_demand *with_staged(const struct load_count *c, struct shed_demand *demand, size_t n,
	const struct shed_stage *stage, size_t *all)
{
	struct shed_demand *to = memory_zeroed(n + stage->n, sizeof *to);

	memcpy(to, demand, n * sizeof *to);
	memory_free(demand);
	*all = n;
	for (size_t i = 0; i < stage->n; i++) {
		const int pool = steer_pool(c->steer, stage->steer->pools[stage->demand[i].pool].name);
		if (pool < 0)
			continue;
		to[*all] = stage->demand[i];
		to[(*all)++].pool = (uint16_t)pool;
	}
	return to;
}

/* What we have counted, and what others have. */
static void gather(const struct load_count *c, struct load_counted *counted)
{
	size_t n, all;
	struct shed_demand *demand = groups_list(c->memory->groups, &n), *staged;
	struct shed_stage stage;
	int *edges;

	all = n;
	if (list_staged(c, &stage, &staged, &edges)) {
		drop_staged(c, demand, &n);
		demand = with_staged(c, demand, n, &stage, &all);
	}
	load_fleet_gather(c, counted, &(struct load_own){ demand, n, all });
	memory_free(staged);
	memory_free(edges);
	memory_free(demand);
}

static void count_groups(const struct load_count *c)
{
	const struct choice_counts *counts;

	for (unsigned k = 0; (counts = workers_counts(c->workers, k)); k++)
		groups_count(c->memory->groups, &counts->demand, c->tick, c->seconds);
	groups_settle(c->memory->groups);
	if (!c->stage.share || !c->memory->staged)
		return;
	for (unsigned k = 0; (counts = workers_counts(c->workers, k)); k++)
		groups_count(c->memory->staged, &counts->staged, c->tick, c->seconds);
	groups_settle(c->memory->staged);
}

bool load_count_settle(const struct load_count *c, struct load_counted *all)
{
	bool prices, shares;

	if (c->fleet)
		gather(c, all);
	else
		load_fleet_leave(c);
	learn_per_query(c, all);
	if (c->fleet && !c->fleet->speaks)
		return false;
	take_loads(c, all);
	solve(c, true, 0, &prices);
	if (c->fleet)
		load_fleet_foresee(c);
	shares = share_out(c, all);
	return prices || shares;
}

bool load_count_interval(const struct load_count *c)
{
	const unsigned n = c->steer->n_edges;
	double *rate = memory_zeroed(n, sizeof *rate),
	       *in_pool = memory_zeroed(load_bounds_cells(c->steer), sizeof *in_pool);
	struct load_counted *all = memory_zeroed(n, sizeof *all);
	const bool first = c->memory->is_first;

	count_groups(c);
	fetch_rates(c, rate, in_pool);
	for (unsigned i = 0; i < n; i++) {
		const double told = told_load(c, i);
		all[i] = (struct load_counted){ rate[i], c->loads[i].other, told, !isnan(told) };
	}
	const bool changed = load_count_settle(c, all);
	if (c->bounds && !first)
		*c->bounded = load_bounds_follow(&(struct load_bounds){ c->steer, c->standing, in_pool, c->seconds,
					   c->intervals },
			c->bounds);
	memory_free(rate);
	memory_free(in_pool);
	memory_free(all);
	return changed;
}

bool load_count_prices(const struct load_count *c)
{
	bool changed;

	solve(c, false, 0, &changed);
	return changed;
}

bool load_count_prices_within(const struct load_count *c, size_t effort)
{
	bool changed;

	return solve(c, false, effort, &changed);
}

size_t load_count_pairs(const struct load_count *c)
{
	const size_t staged = c->stage.share && c->memory->staged
		? groups_size(c->memory->staged) * c->stage.steer->n_edges
		: 0;

	const struct groups *asked = c->memory->sums ? c->memory->sum : c->memory->groups;

	return groups_size(asked) * c->steer->n_edges + staged;
}

size_t load_count_cells(const struct steer *s)
{
	size_t n = 0;

	for (unsigned i = 0; i < s->n_pools; i++)
		n += s->pools[i].n * (size_t)CHOOSE_WHYS;
	return n;
}
