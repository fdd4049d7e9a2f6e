#include "daemon/balancer.h"

#include "base/clock.h"
#include "base/memory.h"
#include "daemon/daemon.h"
#include "daemon/groups.h"

#include <ev.h>
#include <limits.h>
#include <math.h>
#include <string.h>

enum {
	RAMP_EVERY_S = 1,     /* shares of edges that come or go change so often */
	DRAIN_DEFAULT_S = 60, /* where pools do not say how long answers live */
	DRAIN_MOST_S = 300
};
/* What edges tell of their load is smoothed over so many intervals: slowly, since clients
 * follow answers as late as caches let them. */
enum { LOAD_INTERVALS = 10 };

struct track {
	char *name;
	bool was_up, drains, seen;
	uint64_t up_us, drain_us; /* since when; 0: long ago */
	double base;              /* load that is not foreseen, smoothed */
	unsigned base_n;          /* intervals in it, up to LOAD_INTERVALS */
	uint32_t price;
	uint16_t share; /* as published */
	uint16_t room;  /* of SHED_ALL: what its load leaves of it, in pools without detours */
	struct shed_edge use;
};

struct pool_state {
	char *name;
	uint64_t like; /* a hash of what its answers depend on */
	uint64_t steady_us;
};

struct balancer {
	struct daemon *daemon;
	struct ev_loop *loop;
	ev_timer tick, ramp;
	struct steer *steer; /* held: what the states are of */
	struct track *edges;
	unsigned n_edges;
	struct pool_state *pools;
	unsigned n_pools;
	struct groups *groups;
	double *other; /* [edge] queries a second that no price moves */
	double per_query;
	/* Smoothed, of edges that tell their load: a query's part in it is one through the
	 * other. */
	double told_load, told_rate;
	unsigned told_n; /* intervals in both, up to LOAD_INTERVALS */
	bool told;       /* some edge with a capacity tells its load */
	uint64_t fetched_us, like;
	uint64_t *counted; /* [pool's edges, whys] as last fetched; see count_at() */
	size_t n_counted;
	uint32_t tick_no;
	bool started, moves; /* prices have changed in the last interval */
};

/* --- following the configuration ---------------------------------------------------------- */

static const struct track *find_track(const struct track *of, unsigned n, const char *name)
{
	for (unsigned i = 0; i < n; i++)
		if (strcmp(of[i].name, name) == 0)
			return &of[i];
	return NULL;
}

static int find_pool(const struct pool_state *of, unsigned n, const char *name)
{
	for (unsigned i = 0; i < n; i++)
		if (strcmp(of[i].name, name) == 0)
			return (int)i;
	return -1;
}

static void free_states(struct track *edges, unsigned n, struct pool_state *pools, unsigned m)
{
	for (unsigned i = 0; i < n; i++)
		memory_free(edges[i].name);
	for (unsigned i = 0; i < m; i++)
		memory_free(pools[i].name);
	memory_free(edges);
	memory_free(pools);
}

/* Do numbers mean what they meant? New rankings come every few seconds, and change no name. */
static bool is_same(const struct balancer *b, const struct steer *s)
{
	bool same = b->steer && s->n_edges == b->n_edges && s->n_pools == b->n_pools;

	for (unsigned i = 0; same && i < b->n_edges; i++)
		same = strcmp(b->edges[i].name, s->edges[i].name) == 0;
	for (unsigned i = 0; same && i < b->n_pools; i++) {
		const struct pool *p = &s->pools[i], *was = &b->steer->pools[i];
		same = strcmp(p->name, was->name) == 0 && p->n == was->n &&
			memcmp(p->edges, was->edges, p->n * sizeof *p->edges) == 0;
	}
	return same;
}

static void follow(struct balancer *b)
{
	struct steer *s = b->daemon->loaded.steer;
	struct track *edges = b->edges;
	struct pool_state *pools = b->pools;
	const unsigned n = b->n_edges, m = b->n_pools;

	if (b->steer == s)
		return;
	const bool same = is_same(b, s);
	struct steer *before = b->steer;
	b->steer = steer_hold(s);
	steer_drop(before);
	if (same)
		return;
	b->tick_no++; /* pools have other numbers */
	b->n_edges = s->n_edges;
	b->n_pools = s->n_pools;
	b->edges = memory_zeroed(s->n_edges, sizeof *b->edges);
	b->pools = memory_zeroed(s->n_pools, sizeof *b->pools);
	for (unsigned i = 0; i < s->n_edges; i++) {
		const struct track *was = find_track(edges, n, s->edges[i].name);
		b->edges[i] = was ? *was
				  : (struct track){ .share = SHED_ALL, .room = SHED_ALL };
		b->edges[i].name = memory_strdup(s->edges[i].name);
	}
	for (unsigned i = 0; i < s->n_pools; i++) {
		const int was = find_pool(pools, m, s->pools[i].name);
		b->pools[i] = was >= 0 ? pools[was] : (struct pool_state){ 0 };
		b->pools[i].name = memory_strdup(s->pools[i].name);
	}
	int *numbers = memory_zeroed(m, sizeof *numbers);
	for (unsigned i = 0; i < m; i++)
		numbers[i] = steer_pool(s, pools[i].name);
	groups_renumber(b->groups, numbers, m);
	memory_free(numbers);
	free_states(edges, n, pools, m);
	memory_free(b->other);
	memory_free(b->counted);
	b->other = memory_zeroed(s->n_edges, sizeof *b->other);
	b->counted = NULL;
	b->n_counted = 0;
	for (unsigned i = 0; i < s->n_pools; i++)
		b->n_counted += s->pools[i].n * (size_t)CHOOSE_WHYS;
}

/* Is the edge in a pool that knows detours? Then it has a price. */
static bool has_price(const struct balancer *b, unsigned edge)
{
	for (unsigned i = 0; i < b->n_pools; i++)
		for (unsigned k = 0; b->steer->pools[i].sheds && k < b->steer->pools[i].n; k++)
			if (b->steer->pools[i].edges[k] == edge)
				return true;
	return false;
}

static bool is_limited(const struct balancer *b)
{
	for (unsigned i = 0; i < b->n_edges; i++)
		if (b->steer->edges[i].capacity > 0)
			return true;
	return false;
}

/* --- edges that come and go --------------------------------------------------------------- */

/* As long as what was answered lives. */
static uint64_t drain_us(const struct balancer *b, unsigned edge)
{
	const unsigned ms = b->daemon->loaded.conf.balance.drain_ms;
	uint32_t s = 0;

	if (ms != UINT_MAX)
		return ms * (uint64_t)1000;
	for (unsigned i = 0; i < b->steer->n_pools; i++) {
		const struct pool *p = &b->steer->pools[i];
		const uint32_t ttl_s = p->ttl_most_s == UINT32_MAX ? DRAIN_DEFAULT_S
								   : p->ttl_most_s;
		for (unsigned k = 0; k < p->n; k++)
			if (p->edges[k] == edge && ttl_s > s)
				s = ttl_s;
	}
	return (s < DRAIN_MOST_S ? s : DRAIN_MOST_S) * (uint64_t)1000000;
}

void balancer_states(struct balancer *b, uint8_t *states)
{
	const uint64_t now = clock_us();

	follow(b);
	for (unsigned i = 0; i < b->n_edges; i++) {
		struct track *e = &b->edges[i];
		const bool drains = states[i] == EDGE_DRAIN;
		if (drains && !e->drains)
			e->drain_us = e->seen && e->was_up ? now : 0;
		e->drains = drains;
		if (drains && e->drain_us && now - e->drain_us < drain_us(b, i))
			states[i] = EDGE_UP;
	}
}

static bool is_up(const struct standing *s, unsigned edge)
{
	for (unsigned row = 0; row < s->n_rows; row++)
		if (!(standing_marks(s, row, edge) & (STANDS_A | STANDS_AAAA)))
			return false;
	return true;
}

/* From a sixteenth to all of it, or from all to nothing. */
static uint16_t share_of(const struct balancer *b, unsigned i, uint64_t now)
{
	const struct track *e = &b->edges[i];
	const uint64_t up = b->steer->edges[i].slow_start_ms * (uint64_t)1000;
	double share = 1;

	if (e->up_us && now - e->up_us < up)
		share = fmax(1 / 16.0, (double)(now - e->up_us) / (double)up);
	if (e->drains && e->drain_us)
		share = fmin(share,
			fmax(0,
				1 -
					(double)(now - e->drain_us) /
						fmax((double)drain_us(b, i), 1)));
	return (uint16_t)(share * e->room);
}

/* Which edges have come; true while some come or go. */
static bool ramp(struct balancer *b, const struct standing *s)
{
	const uint64_t now = clock_us();
	bool any = false;

	for (unsigned i = 0; i < b->n_edges; i++) {
		struct track *e = &b->edges[i];
		const bool up = is_up(s, i);
		if (up && !e->was_up && !e->drains)
			e->up_us = e->seen && b->started ? now : 0;
		e->was_up = up;
		e->seen = true;
		e->share = share_of(b, i, now);
		any = any || (up && e->share != e->room);
	}
	return any;
}

/* --- demand ------------------------------------------------------------------------------- */

static uint64_t count_of(const struct balancer *b, uint64_t key)
{
	const struct choice_counts *counts;
	uint64_t sum = 0;

	for (unsigned k = 0; (counts = workers_counts(b->daemon->workers, k)); k++)
		sum += tally_kept(&counts->reasons, key);
	return sum;
}

/* Is an answer of that reason among those that are counted by group? */
static bool is_by_group(const struct pool *p, enum choose_why why)
{
	return p->sheds &&
		(why == WHY_BEST || why == WHY_SHED || why == WHY_EXPLORED ||
			why == WHY_FAILOVER);
}

/* The rate at which each edge was answered with, and that which no price moves. */
static void fetch_rates(struct balancer *b, double seconds, double *rate)
{
	const bool first = !b->counted;
	size_t at = 0;

	if (first)
		b->counted = memory_zeroed(b->n_counted, sizeof *b->counted);
	memset(b->other, 0, b->n_edges * sizeof *b->other);
	for (unsigned i = 0; i < b->n_pools; i++) {
		const struct pool *p = &b->steer->pools[i];
		for (unsigned k = 0; k < p->n; k++)
			for (unsigned why = 0; why < CHOOSE_WHYS; why++, at++) {
				const uint64_t n = count_of(b,
					choice_counts_reason(p->hash,
						b->steer->edges[p->edges[k]].hash,
						(enum choose_why)why));
				/* Less than before: its place was another's meanwhile. */
				const uint64_t since = n < b->counted[at] ? n
									  : n - b->counted[at];
				const double r = first ? 0
						       : (double)since / seconds / p->answers;
				b->counted[at] = n;
				rate[p->edges[k]] += r;
				if (!is_by_group(p, (enum choose_why)why))
					b->other[p->edges[k]] += r;
			}
	}
}

/* What an edge's probes say of its load; NAN. */
static double told_load(const struct standing *s, unsigned edge)
{
	float load = NAN;

	for (unsigned row = 0; row < s->n_rows; row++)
		load = fmaxf(load, s->load[(size_t)row * s->n_edges + edge]);
	return load;
}

/* How much of a smoothed load is its newest interval: at first each counts alike, for the very
 * first, right after a start, is the worst to go by. */
static double load_lag(unsigned *n)
{
	if (*n < LOAD_INTERVALS)
		++*n;
	return 1.0 / *n;
}

/* How much load a query makes, by all edges that tell theirs; and what each tells beside that.
 */
static void fetch_loads(struct balancer *b, const struct standing *s, const double *rate)
{
	double load = 0, queries = 0;

	b->told = false;
	for (unsigned i = 0; i < b->n_edges; i++)
		if (b->steer->edges[i].capacity > 0 && !isnan(told_load(s, i))) {
			b->told = true;
			load += told_load(s, i);
			queries += rate[i];
		}
	/* Not a mean of quotients: one of seconds in which hardly anybody asked would make each
	 * query look as heavy as all that an edge does beside them. */
	if (queries > 0) {
		const double lag = load_lag(&b->told_n);
		b->told_load += lag * (load - b->told_load);
		b->told_rate += lag * (queries - b->told_rate);
		b->per_query = b->told_load / b->told_rate;
	}
	for (unsigned i = 0; i < b->n_edges; i++) {
		struct track *e = &b->edges[i];
		const double told = told_load(s, i);
		if (isnan(told)) {
			e->base = 0;
			e->base_n = 0;
			continue;
		}
		const double beside = told - b->per_query * rate[i];
		e->base += load_lag(&e->base_n) * (beside - e->base);
	}
}

/* --- prices ------------------------------------------------------------------------------- */

/* True when a price has changed. */
static bool solve(struct balancer *b, const struct standing *s, bool steady)
{
	const unsigned n = b->n_edges;
	/* What probes tell has a unit of its own, which is not known before clients came. */
	const double per_query = b->per_query > 0 || b->told ? b->per_query : 1;
	uint32_t *price = memory_zeroed(n, sizeof *price);
	uint16_t *share = memory_zeroed(n, sizeof *share);
	double *base = memory_zeroed(n, sizeof *base);
	struct shed_edge *out = memory_zeroed(n, sizeof *out);
	size_t n_demand;
	struct shed_demand *demand = groups_list(b->groups, &n_demand);
	bool changed = false;

	for (unsigned i = 0; i < n; i++) {
		price[i] = b->edges[i].price;
		share[i] = b->edges[i].share;
		base[i] = b->edges[i].base + per_query * b->other[i];
	}
	shed_solve(&(struct shed_problem){ .steer = b->steer,
			   .standing = s,
			   .demand = demand,
			   .n = n_demand,
			   .per_query = per_query,
			   .base = base,
			   .share = share,
			   .steady = steady },
		price, out);
	for (unsigned i = 0; i < n; i++) {
		changed = changed || price[i] != b->edges[i].price;
		b->edges[i].price = price[i];
		b->edges[i].use = out[i];
	}
	memory_free(price);
	memory_free(share);
	memory_free(base);
	memory_free(out);
	memory_free(demand);
	return changed;
}

/* Edges without a price have a share instead. True when one has changed. */
static bool share_out(struct balancer *b, const struct standing *s, const double *rate)
{
	bool changed = false;

	for (unsigned i = 0; i < b->n_edges; i++) {
		const struct edge *e = &b->steer->edges[i];
		struct track *t = &b->edges[i];
		const double told = told_load(s, i), load = isnan(told) ? rate[i] : told;
		const uint16_t before = t->room;
		if (e->capacity <= 0 || has_price(b, i)) {
			t->room = SHED_ALL;
		} else {
			t->room = shed_share(before, load / e->capacity, e->low, e->high);
			t->use.load = load;
		}
		changed = changed || t->room != before;
	}
	return changed;
}

/* --- what a standing says of it ----------------------------------------------------------- */

static uint64_t like_edge(const struct standing *s, unsigned row, unsigned edge)
{
	return (standing_marks(s, row, edge) & ~STANDS_FAILS) * (uint64_t)2654435761u + edge;
}

/* Which edges may answer. */
static uint64_t like_all(const struct balancer *b, const struct standing *s)
{
	uint64_t h = 1;

	for (unsigned row = 0; row < s->n_rows; row++)
		for (unsigned i = 0; i < b->n_edges; i++)
			h = hash_mix(h ^ like_edge(s, row, i), HASH_STEP);
	return h;
}

static void fill_steady(struct balancer *b, struct standing *s, bool ramps)
{
	const uint64_t now = clock_us();

	for (unsigned i = 0; i < b->n_pools; i++) {
		const struct pool *p = &b->steer->pools[i];
		struct pool_state *state = &b->pools[i];
		uint64_t like = s->pools[i].row;
		bool moves = false;
		for (unsigned k = 0; k < p->n; k++) {
			const struct track *e = &b->edges[p->edges[k]];
			const uint64_t edge = like_edge(s, s->pools[i].row, p->edges[k]);
			like = hash_mix(like ^ edge ^ (uint64_t)(p->sheds && e->price) << 60,
				HASH_STEP);
			moves = moves || (ramps && e->share != SHED_ALL && e->was_up) ||
				(b->moves && (p->sheds ? e->price != 0 : e->share != SHED_ALL));
		}
		if (state->like && state->like != like && b->started)
			state->steady_us = now;
		state->like = like;
		s->pools[i].steady_us = state->steady_us;
		const uint64_t next = now +
			(ramps ? RAMP_EVERY_S * (uint64_t)1000000
			       : b->daemon->loaded.conf.balance.every_ms * (uint64_t)1000);
		if (moves && next < s->pools[i].changes_us)
			s->pools[i].changes_us = next;
	}
}

static void fill_cuts(const struct balancer *b, struct standing *s)
{
	bool any = false;

	for (unsigned i = 0; i < b->n_edges; i++)
		any = any || b->edges[i].price || b->edges[i].share != SHED_ALL;
	if (!any)
		return;
	s->cuts = arena_alloc(&s->mem, b->n_edges * sizeof *s->cuts);
	for (unsigned i = 0; i < b->n_edges; i++)
		s->cuts[i] = (struct shed_cut){ b->edges[i].price, b->edges[i].share };
}

void balancer_cut(struct balancer *b, struct standing *s)
{
	follow(b);
	const bool ramps = ramp(b, s);
	const uint64_t like = like_all(b, s);

	if (is_limited(b) && b->like && b->like != like)
		solve(b, s, false);
	b->like = like;
	s->tick = b->tick_no;
	fill_cuts(b, s);
	fill_steady(b, s, ramps);
	if (ramps && !ev_is_active(&b->ramp)) {
		ev_timer_set(&b->ramp, RAMP_EVERY_S, 0);
		ev_timer_start(b->loop, &b->ramp);
	}
}

/* --- time --------------------------------------------------------------------------------- */

static void on_ramp(struct ev_loop *loop, ev_timer *t, int events)
{
	struct balancer *b = t->data;

	(void)loop;
	(void)events;
	probes_refresh(b->daemon->probes);
}

/* The workers go on to another tick, so that what they counted under the last one is whole. */
static void on_tick(struct ev_loop *loop, ev_timer *t, int events)
{
	struct balancer *b = t->data;
	const uint32_t counted = b->tick_no;
	const uint64_t now = clock_us();
	const double seconds = (double)(now - b->fetched_us) / 1e6;

	(void)events;
	t->repeat = b->daemon->loaded.conf.balance.every_ms / 1000.0;
	ev_timer_again(loop, t);
	b->started = true;
	follow(b);
	b->fetched_us = now;
	if (!b->daemon->workers || !is_limited(b) || seconds <= 0)
		return;
	b->tick_no++;
	probes_refresh(b->daemon->probes);
	const struct standing *s = epoch_current(&b->daemon->epoch)->standing;
	double *rate = memory_zeroed(b->n_edges, sizeof *rate);
	const struct choice_counts *counts;
	for (unsigned k = 0; (counts = workers_counts(b->daemon->workers, k)); k++)
		groups_count(b->groups, &counts->demand, counted, seconds);
	groups_settle(b->groups);
	fetch_rates(b, seconds, rate);
	fetch_loads(b, s, rate);
	const bool moved = b->moves;
	b->moves = solve(b, s, true);
	const bool shares = share_out(b, s, rate);
	memory_free(rate);
	b->moves = b->moves || shares;
	if (b->moves || moved)
		probes_refresh(b->daemon->probes);
}

struct balancer *balancer_new(struct daemon *d, struct ev_loop *loop)
{
	struct balancer *b = memory_zeroed(1, sizeof *b);

	b->daemon = d;
	b->loop = loop;
	b->tick_no = 1;
	b->groups = groups_new();
	b->fetched_us = clock_us();
	ev_timer_init(&b->tick, on_tick, 1, 0);
	ev_timer_init(&b->ramp, on_ramp, 0, 0);
	b->tick.data = b->ramp.data = b;
	ev_timer_start(loop, &b->tick);
	return b;
}

void balancer_free(struct balancer *b)
{
	if (!b)
		return;
	ev_timer_stop(b->loop, &b->tick);
	ev_timer_stop(b->loop, &b->ramp);
	free_states(b->edges, b->n_edges, b->pools, b->n_pools);
	steer_drop(b->steer);
	groups_free(b->groups);
	memory_free(b->other);
	memory_free(b->counted);
	memory_free(b);
}

struct shed_state balancer_edge(const struct balancer *b, unsigned edge)
{
	const struct track *e = &b->edges[edge];

	return (struct shed_state){ e->use, e->price, e->share, e->drains };
}
