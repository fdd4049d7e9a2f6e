#include "daemon/balancer_inner.h"

#include "base/clock.h"
#include "base/memory.h"
#include "daemon/load_bounds.h"
#include "daemon/parts_read.h"
#include "net/worker.h"

#include <limits.h>
#include <math.h>
#include <stdlib.h>
#include <string.h>
#include <time.h>

enum {
	RAMP_EVERY_S = 1,     /* shares of edges that come or go change so often */
	DRAIN_MOST_S = 300,
	DRAIN_LONGEST_S = 86400, /* that can be configured */
	/* Prices that are found so quickly are found on the loop, so that they are in the same
	 * world as the news that they follow. */
	AT_ONCE_PAIRS = 20000,  /* groups of clients times edges */
	AT_ONCE_US = 2000,      /* by the last time */
	AT_ONCE_EFFORT = 600000 /* and no further, since the last time may have been an easy
				 * one: 2 ms, at 300 offers a microsecond */
};
/* --- edges that come and go --------------------------------------------------------------- */

/* As long as what was answered lives. */
uint64_t balancer_drain_us(const struct balancer *b, uint32_t s)
{
	const unsigned ms = parts_conf(publisher_live(b->opts.publisher))->balance.drain_ms;

	if (ms != UINT_MAX)
		return ms * (uint64_t)1000;
	return (s < DRAIN_MOST_S ? s : DRAIN_MOST_S) * (uint64_t)1000000;
}

static uint64_t drain_us(const struct balancer *b, unsigned edge)
{
	return balancer_drain_us(b, b->lives_s[edge]);
}

/* Which are known once, so that this is asked as the first standing is made, and no more. */
uint64_t balancer_drains_since_us(
	const struct balancer *b, const struct forced_list *l, const char *edge, int pool, uint64_t now_us)
{
	const struct forced *f = b->started ? NULL : forced_in(l, b->steer, edge, pool, FORCED_STATE);
	const int64_t ago_s = f && f->state == EDGE_DRAIN ? time(NULL) - f->begun_s : INT64_MAX;

	if (ago_s > DRAIN_LONGEST_S)
		return 0;
	return now_us - (uint64_t)(ago_s > 0 ? ago_s : 0) * 1000000; /* before the machine's start: modulo 2^64, as all of them */
}

/* Just now, if it has clients. */
static uint64_t drains_since_us(const struct balancer *b, const struct forced_list *l, unsigned edge, uint64_t now)
{
	if (b->edges[edge].seen)
		return b->edges[edge].was_up ? now : 0;
	return balancer_drains_since_us(b, l, b->steer->edges[edge].name, -1, now);
}

void balancer_states(struct balancer *b, const struct forced_list *l, struct forced_effect *f)
{
	const uint64_t now = clock_us();

	balancer_follow(b);
	for (unsigned i = 0; i < b->n_edges; i++) {
		struct track *e = &b->edges[i];
		const bool drains = f->states[i] == EDGE_DRAIN;
		if (drains && !e->drains)
			e->drain_us = drains_since_us(b, l, i, now);
		e->drains = drains;
		if (drains && e->drain_us && now - e->drain_us < drain_us(b, i)) {
			f->states[i] = EDGE_UP;
			f->forced[i] = 0; /* one that fails is not answered with meanwhile */
		}
	}
	balancer_leaving_states(b, l, f, now);
}

static bool is_up(const struct standing *s, unsigned edge)
{
	for (unsigned row = 0; row < s->n_probed; row++)
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
	return (uint16_t)(share * b->loads[i].room);
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
		any = any || (up && e->share != b->loads[i].room);
	}
	return any;
}

static unsigned every_ms(const struct balancer *b)
{
	return parts_conf(publisher_live(b->opts.publisher))->balance.every_ms;
}

/* --- prices ------------------------------------------------------------------------------- */

/* An interval, or edges that have come or gone, as a job: all of it held or copied. */
struct counting {
	struct balancer *owner;
	struct part *conf;   /* held: what the numbers are of */
	struct steer *steer; /* held */
	struct world *world; /* held: its standing */
	bool *has_price;
	uint16_t *share;
	struct load_edge *loads;
	struct load_bound *bounds; /* NULL: there are none */
	struct load_memory memory; /* the balancer's, until it is back */
	uint64_t *staged_counted;  /* ... as it was: what a job has made that fails is gone */
	struct load_stage stage;   /* of the world */
	bool interval;             /* else prices alone */
	unsigned intervals;
	double seconds;
	uint32_t tick;
	bool has_fleet;
	struct load_fleet fleet; /* of an interval */
	bool changed, bounded;
	uint64_t took_us;
};

static void count_work(void *ctx, struct job *job)
{
	struct counting *x = ctx;
	const uint64_t from = clock_us();
	const struct load_count c = { x->steer, x->world->standing, x->owner->opts.workers,
		x->has_price, x->share, x->loads, &x->memory, x->seconds, x->tick, x->stage,
		x->bounds, x->intervals, &x->bounded, x->has_fleet ? &x->fleet : NULL };

	(void)job;
	x->changed = x->interval ? load_count_interval(&c) : load_count_prices(&c);
	x->took_us = clock_us() - from;
	world_drop(x->world); /* here, where nobody waits: it may be the last hold */
	x->world = NULL;
}

static void free_counting(struct counting *x)
{
	part_drop(x->conf);
	steer_drop(x->steer);
	world_drop(x->world);
	memory_free(x->has_price);
	memory_free(x->share);
	memory_free(x->loads);
	memory_free(x->bounds);
	fleet_demand_turn_free(&x->fleet);
	free(x);
}

static void start_count(struct balancer *b, uint32_t tick, double seconds);

static void tell_others(struct balancer *b, const struct counting *x)
{
	if (b->demand && x->has_fleet)
		fleet_demand_say(b->demand, x->fleet.counted);
	/* Who has just begun to lead has none yet. */
	if (!x->has_fleet || x->fleet.speaks)
		balancer_say_prices(b);
}

static void count_done(void *ctx, enum job_end end)
{
	struct counting *x = ctx;
	struct balancer *b = x->owner;
	const bool same = x->conf == b->conf, ok = end == JOB_DONE && same, moved = b->moves,
		   again = b->again;

	b->counts = b->again = false;
	b->memory = x->memory;
	if (end != JOB_DONE)
		b->memory.staged_counted = x->staged_counted;
	if (!same)
		balancer_renumber(&b->memory, x->steer, b->steer);
	if (ok) {
		memcpy(b->loads, x->loads, b->n_edges * sizeof *b->loads);
		if (x->bounds)
			memcpy(b->bounds, x->bounds, b->n_bounds * sizeof *b->bounds);
		b->moves = x->changed;
		b->solve_us = x->interval ? b->solve_us : x->took_us;
	}
	/* What a bound moves is right a while longer: answers live as long as ever. */
	if (ok && (b->moves || moved || x->bounded))
		publisher_soon(b->opts.publisher);
	if (ok)
		tell_others(b, x);
	if (b->told && b->demand)
		balancer_take_prices(b);
	free_counting(x);
	if (again)
		start_count(b, 0, 0);
}

/* `seconds` 0: prices alone. */
static void start_count(struct balancer *b, uint32_t tick, double seconds)
{
	struct counting *x = calloc(1, sizeof *x);

	if (!x)
		return;
	*x = (struct counting){ .owner = b,
		.conf = part_hold(b->conf),
		.steer = steer_hold(b->steer),
		.world = world_hold(publisher_world(b->opts.publisher)),
		.stage = balancer_stage(b, publisher_world(b->opts.publisher)),
		.has_price = memory_zeroed(b->n_edges, sizeof *x->has_price),
		.share = memory_zeroed(b->n_edges, sizeof *x->share),
		.loads = memory_zeroed(b->n_edges, sizeof *x->loads),
		.memory = b->memory,
		.staged_counted = b->memory.staged_counted,
		.interval = seconds > 0,
		.intervals = seconds > 0 && b->intervals < 1000 ? ++b->intervals : b->intervals,
		.seconds = seconds,
		.tick = tick };
	if (x->interval && b->limited && b->demand) {
		x->has_fleet = true;
		x->fleet = fleet_demand_turn(b->demand, every_ms(b));
		if (x->fleet.n && !x->memory.sum)
			x->memory.sum = b->memory.sum = groups_new();
	}
	memcpy(x->has_price, b->has_price, b->n_edges * sizeof *x->has_price);
	memcpy(x->loads, b->loads, b->n_edges * sizeof *x->loads);
	if (b->bounds) {
		x->bounds = memory_zeroed(b->n_bounds, sizeof *x->bounds);
		memcpy(x->bounds, b->bounds, b->n_bounds * sizeof *x->bounds);
	}
	for (unsigned i = 0; i < b->n_edges; i++)
		x->share[i] = b->edges[i].share;
	b->counts = jobs_start(b->opts.jobs,
			    &(struct job_opts){ .lane = b->lane,
				    .name = "load",
				    .ctx = x,
				    .work = count_work,
				    .done = count_done }) != NULL;
	if (b->counts)
		b->memory = (struct load_memory){ 0 };
	else
		free_counting(x);
}

/* Edges have come or gone. Where it takes long, the news goes out with the prices that there
 * are, and others follow. */
static void find_prices(struct balancer *b, const struct standing *s)
{
	uint16_t *share;

	if (b->counts) {
		b->again = true;
		return;
	}
	share = memory_zeroed(b->n_edges, sizeof *share);
	for (unsigned i = 0; i < b->n_edges; i++)
		share[i] = b->edges[i].share;
	const struct load_count c = { b->steer, s, b->opts.workers, b->has_price, share,
		b->loads, &b->memory, 0, 0, balancer_stage(b, publisher_world(b->opts.publisher)),
		NULL, 0, NULL, NULL };
	const uint64_t from = clock_us();
	if (load_count_pairs(&c) <= AT_ONCE_PAIRS && b->solve_us <= AT_ONCE_US &&
		load_count_prices_within(&c, AT_ONCE_EFFORT)) {
		b->solve_us = clock_us() - from;
		balancer_say_prices(b);
	} else {
		/* Of the world that is being made. */
		ev_timer_stop(b->opts.loop, &b->soon);
		ev_timer_set(&b->soon, 0, 0);
		ev_timer_start(b->opts.loop, &b->soon);
	}
	memory_free(share);
}

/* --- what a standing says of it ----------------------------------------------------------- */

static uint64_t like_edge(const struct standing *s, unsigned row, unsigned edge)
{
	return (standing_marks(s, row, edge) & ~STANDS_WHY) * (uint64_t)2654435761u + edge;
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
		uint64_t like = s->pools[i].row | (uint64_t)s->pools[i].first << 32;
		bool moves = false;
		for (unsigned k = 0; k < p->n; k++) {
			const struct track *e = &b->edges[p->edges[k]];
			const struct load_edge *load = &b->loads[p->edges[k]];
			const uint64_t edge = like_edge(
				s, standing_row_at(s, b->steer, i, k), p->edges[k]);
			like = hash_mix(like ^ edge ^ (uint64_t)(p->sheds && load->price) << 60,
				HASH_STEP);
			moves = moves || (ramps && e->share != SHED_ALL && e->was_up) ||
				(s->pools[i].shares && s->pools[i].shares[k] != SHED_ALL) ||
				(b->moves &&
					(p->sheds ? load->price != 0 : e->share != SHED_ALL));
		}
		if (state->like && state->like != like && b->started)
			state->steady_us = now;
		state->like = like;
		s->pools[i].steady_us = state->steady_us;
		const uint64_t next = now +
			(ramps ? RAMP_EVERY_S * (uint64_t)1000000
			       : every_ms(b) * (uint64_t)1000);
		if (moves && next < s->pools[i].changes_us)
			s->pools[i].changes_us = next;
	}
}

static void fill_cuts(const struct balancer *b, struct standing *s)
{
	bool any = false;

	for (unsigned i = 0; i < b->n_edges; i++)
		any = any || b->loads[i].price || b->edges[i].share != SHED_ALL;
	if (!any)
		return;
	s->cuts = arena_alloc(&s->mem, b->n_edges * sizeof *s->cuts);
	for (unsigned i = 0; i < b->n_edges; i++)
		s->cuts[i] = (struct shed_cut){ b->loads[i].price, b->edges[i].share };
}

void balancer_cut(struct balancer *b, struct standing *s)
{
	balancer_follow(b);
	const bool leave = balancer_leaving_put(b, s, clock_us()), ramps = ramp(b, s) || leave;
	const uint64_t like = like_all(b, s);

	if (b->limited && b->like && b->like != like)
		find_prices(b, s);
	b->like = like;
	s->tick = b->tick_no;
	fill_cuts(b, s);
	balancer_bounds_put(b, s);
	fill_steady(b, s, ramps);
	if (ramps && !ev_is_active(&b->ramp)) {
		ev_timer_set(&b->ramp, RAMP_EVERY_S, 0);
		ev_timer_start(b->opts.loop, &b->ramp);
	}
}

/* --- time --------------------------------------------------------------------------------- */

static void on_ramp(struct ev_loop *loop, ev_timer *t, int events)
{
	struct balancer *b = t->data;

	(void)loop;
	(void)events;
	publisher_soon(b->opts.publisher);
}

static void on_soon(struct ev_loop *loop, ev_timer *t, int events)
{
	struct balancer *b = t->data;

	(void)loop;
	(void)events;
	if (b->counts)
		b->again = true;
	else
		start_count(b, 0, 0);
}

/* The workers go on to another tick, so that what they counted under the last one is whole. */
static void on_tick(struct ev_loop *loop, ev_timer *t, int events)
{
	struct balancer *b = t->data;
	const uint32_t counted = b->tick_no;
	const uint64_t now = clock_us();
	const double seconds = (double)(now - b->fetched_us) / 1e6;

	(void)events;
	t->repeat = every_ms(b) / 1000.0;
	ev_timer_again(loop, t);
	b->started = true;
	balancer_follow(b);
	if (b->counts)
		return; /* the next one counts a longer interval */
	b->fetched_us = now;
	balancer_follow_stage(b);
	if (!b->opts.workers || (!b->limited && !b->bounds) || seconds <= 0)
		return;
	/* Bounds go by counts that are kept, whatever the tick. */
	if (b->limited) {
		b->tick_no++;
		publisher_now(b->opts.publisher);
	}
	start_count(b, counted, seconds);
}

struct balancer *balancer_new(const struct balancer_opts *opts)
{
	struct balancer *b = memory_zeroed(1, sizeof *b);

	b->opts = *opts;
	b->lane = jobs_lane(opts->jobs, 1, JOBS_POLITE);
	b->tick_no = 1;
	b->memory.groups = groups_new();
	b->fetched_us = clock_us();
	ev_timer_init(&b->tick, on_tick, 1, 0);
	ev_timer_init(&b->ramp, on_ramp, 0, 0);
	ev_timer_init(&b->soon, on_soon, 0, 0);
	b->tick.data = b->ramp.data = b->soon.data = b;
	ev_timer_start(opts->loop, &b->tick);
	balancer_follow(b);
	return b;
}

void balancer_free(struct balancer *b)
{
	if (!b)
		return;
	ev_timer_stop(b->opts.loop, &b->tick);
	ev_timer_stop(b->opts.loop, &b->ramp);
	ev_timer_stop(b->opts.loop, &b->soon);
	fleet_demand_free(b->demand);
	memory_free(b->edges);
	memory_free(b->loads);
	memory_free(b->bounds);
	memory_free(b->pools);
	memory_free(b->leaving);
	memory_free(b->has_price);
	memory_free(b->lives_s);
	groups_free(b->memory.groups);
	if (b->memory.sum)
		groups_free(b->memory.sum);
	memory_free(b->memory.counted);
	balancer_forget_staged(&b->memory);
	part_drop(b->stage_conf);
	steer_drop(b->steer);
	part_drop(b->conf);
	memory_free(b);
}

struct shed_state *balancer_edges(const struct balancer *b, unsigned *n)
{
	struct shed_state *to = memory_zeroed(b->n_edges, sizeof *to);

	for (unsigned i = 0; i < b->n_edges; i++)
		to[i] = (struct shed_state){ b->loads[i].use, b->loads[i].price,
			b->edges[i].share, b->edges[i].drains };
	*n = b->n_edges;
	return to;
}
