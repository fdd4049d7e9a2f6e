#include "daemon/balancer.h"

#include "answer/choice_counts.h"
#include "base/clock.h"
#include "base/memory.h"
#include "net/worker.h"
#include "unit/daemon/site.h"
#include "unit/turns.h"
#include "unit/unit.h"

#include <ev.h>
#include <time.h>
#include <unistd.h>

/* Three edges, of which the last comes slowly; two pools that share one of them. */
#define CONF                                                                      \
	SITE_SERVER                                                               \
	"edges:\n"                                                                \
	"  ams: { at: \"52,5\", a: 192.0.2.1 }\n"                                 \
	"  nyc: { at: \"40,-74\", a: 192.0.2.2 }\n"                               \
	"  sfo: { at: \"37,-122\", a: 192.0.2.3, slow-start: 1h }\n"              \
	"pools: { web: { edges: [ ams, nyc ] }, two: { edges: [ nyc, sfo ] } }\n" \
	"balance: { every: 1s, drain: 1h }\n"
enum { WEB, TWO };
enum { AMS, NYC, SFO };

struct desk {
	struct site site;
	struct ev_loop *loop;
	struct jobs *jobs;
	struct epoch epoch;
	struct publisher *p;
	struct balancer *b;
	uint8_t states[3];
	struct forced_list forced; /* beside the states */
};

static struct standing *stand(struct desk *d)
{
	const struct steer *steer = publisher_live(d->p)->steer;
	struct forced_effect e = forced_effect_of(&d->forced, steer);

	for (unsigned i = 0; i < steer->n_edges; i++) {
		e.states[i] = d->states[i] != EDGE_UP ? d->states[i] : e.states[i];
		e.forced[i] = e.forced[i] || d->states[i] != EDGE_UP;
	}
	balancer_states(d->b, &d->forced, &e);
	struct standing *s = standing_new(&(struct standing_opts){
		.steer = steer, .states = e.states, .forced = e.forced, .effect = &e });
	balancer_cut(d->b, s);
	forced_effect_fini(&e);
	return s;
}

static struct standing *live(void *ctx, const struct standing *before)
{
	(void)before;
	return stand(ctx);
}

static void changes(void *ctx, const struct world *before, const struct standing *now)
{
	(void)ctx;
	(void)before;
	(void)now;
}

static void open_with(struct desk *d, const char *conf, const struct workers *workers)
{
	struct publisher_opts opts;
	struct fault why;

	d->loop = ev_loop_new(EVFLAG_NOENV);
	site_open(&d->site);
	site_put(&d->site, "t.yaml", conf);
	struct parts first = site_read(&d->site, NULL);
	d->jobs = jobs_new(d->loop);
	CU_ASSERT_TRUE_FATAL(epoch_open(&d->epoch, &why));
	opts = (struct publisher_opts){ .loop = d->loop, .jobs = d->jobs, .epoch = &d->epoch };
	d->p = publisher_new(&opts, &first);
	d->b = balancer_new(&(struct balancer_opts){ d->loop, d->jobs, d->p, workers });
	publisher_set_health(d->p, &(struct publisher_health){ d, live, NULL, changes });
	publisher_now(d->p);
}

static void open_desk(struct desk *d)
{
	*d = (struct desk){ 0 };
	open_with(d, CONF, NULL);
}

/* That is forced since so long. */
static void open_with_forced(struct desk *d, struct forced *f, int64_t ago_s)
{
	*d = (struct desk){ 0 };
	f->begun_s = time(NULL) - ago_s;
	forced_set(&d->forced, f);
	open_with(d, CONF, NULL);
}

static void close_desk(struct desk *d)
{
	CU_ASSERT_TRUE(jobs_stop(d->jobs, TURNS_PATIENCE_S));
	balancer_free(d->b);
	publisher_free(d->p);
	epoch_close(&d->epoch);
	jobs_free(d->jobs);
	ev_loop_destroy(d->loop);
	site_close(&d->site);
}

/* When a pool's answers last changed. */
static uint64_t steady(struct desk *d, unsigned pool)
{
	struct standing *s = stand(d);
	const uint64_t us = s->pools[pool].steady_us;

	standing_free(s);
	return us;
}

static uint16_t share(struct desk *d, unsigned edge)
{
	struct standing *s = stand(d);
	const uint16_t of = s->cuts ? s->cuts[edge].share : SHED_ALL;

	standing_free(s);
	return of;
}

static uint32_t tick(struct desk *d)
{
	struct standing *s = stand(d);
	const uint32_t t = s->tick;

	standing_free(s);
	return t;
}

static bool has_begun(void *ctx)
{
	/* An edge that changes now is a change: the first interval is over. */
	struct desk *d = ctx;

	d->states[AMS] = EDGE_DOWN;
	const bool begun = steady(d, WEB) != 0;
	d->states[AMS] = EDGE_UP;
	steady(d, WEB);
	return begun;
}

/* One whose first interval is over, for all that follows: it takes a second. */
static struct desk *started(void)
{
	static struct desk d;

	if (!d.loop) {
		open_desk(&d);
		CU_ASSERT_TRUE_FATAL(turns_until(d.loop, has_begun, &d));
		CU_ASSERT_EQUAL(steady(&d, TWO), 0); /* AMS is none of its edges */
	}
	for (unsigned i = 0; i < 3; i++)
		d.states[i] = EDGE_UP;
	steady(&d, WEB);
	return &d;
}

static void what_changes_when_the_server_starts_was_always_so(void)
{
	struct desk d;

	open_desk(&d);
	CU_ASSERT_EQUAL(steady(&d, WEB), 0);
	d.states[NYC] = EDGE_DOWN;
	CU_ASSERT_EQUAL(steady(&d, WEB), 0);
	CU_ASSERT_EQUAL(steady(&d, TWO), 0);
	/* Nor does an edge come slowly that the start has found. */
	CU_ASSERT_EQUAL(share(&d, SFO), SHED_ALL);
	close_desk(&d);
}

static void a_pool_is_steady_since_one_of_its_own_edges_changed(void)
{
	struct desk *d = started();

	const uint64_t web = steady(d, WEB);
	CU_ASSERT_EQUAL(steady(d, WEB), web); /* nothing has changed since */

	const uint64_t before = clock_us();
	d->states[NYC] = EDGE_DOWN;
	const uint64_t changed = steady(d, WEB);
	CU_ASSERT_TRUE(changed >= before && changed <= clock_us());
	CU_ASSERT_TRUE(steady(d, TWO) >= before);
	CU_ASSERT_EQUAL(steady(d, WEB), changed);
	const uint64_t two_changed = steady(d, TWO);
	d->states[AMS] = EDGE_DOWN; /* of the one pool alone */
	CU_ASSERT_TRUE(steady(d, WEB) > changed);
	CU_ASSERT_EQUAL(steady(d, TWO), two_changed);
	/* Another balance of its edges alone is none of the pool's business. */
	struct standing *s = stand(d);
	CU_ASSERT_EQUAL(s->pools[WEB].changes_us, UINT64_MAX);
	CU_ASSERT_PTR_NULL(s->cuts);
	standing_free(s);
}

static void an_edge_that_comes_takes_its_share_slowly_and_its_pool_says_so(void)
{
	struct desk *d = started();

	d->states[SFO] = EDGE_DOWN;
	steady(d, TWO);
	d->states[SFO] = EDGE_UP;
	const uint64_t before = clock_us();
	struct standing *s = stand(d);
	CU_ASSERT_PTR_NOT_NULL_FATAL(s->cuts);
	CU_ASSERT_EQUAL(s->cuts[SFO].share, SHED_ALL / 16);
	CU_ASSERT_EQUAL(s->cuts[NYC].share, SHED_ALL);
	/* Its answers may be others in a second; those of the other pool not. */
	CU_ASSERT_TRUE(s->pools[TWO].changes_us >= before + 1000000);
	CU_ASSERT_TRUE(s->pools[TWO].changes_us <= clock_us() + 1000000);
	CU_ASSERT_EQUAL(s->pools[WEB].changes_us, UINT64_MAX);
	standing_free(s);
}

static void an_edge_that_is_drained_goes_slowly(void)
{
	struct desk *d = started();
	unsigned n;

	d->states[NYC] = EDGE_DRAIN;
	steady(d, WEB);
	usleep(1000);
	struct standing *s = stand(d);
	CU_ASSERT_TRUE(standing_marks(s, 0, NYC) & STANDS_A); /* it is up until it is over */
	CU_ASSERT_PTR_NOT_NULL_FATAL(s->cuts);
	CU_ASSERT_TRUE(s->cuts[NYC].share > SHED_ALL - 1000 && s->cuts[NYC].share < SHED_ALL);
	standing_free(s);
	struct shed_state *edges = balancer_edges(d->b, &n);
	CU_ASSERT_EQUAL(n, 3);
	CU_ASSERT_TRUE(edges[NYC].drains);
	CU_ASSERT_FALSE(edges[AMS].drains);
	memory_free(edges);
	/* One that was not up has nobody to wait for. */
	d->states[NYC] = EDGE_DOWN;
	steady(d, WEB);
	d->states[NYC] = EDGE_DRAIN;
	s = stand(d);
	CU_ASSERT_FALSE(standing_marks(s, 0, NYC) & STANDS_A);
	standing_free(s);
}

/* `pool` is patterns. */
static void drain_in(struct desk *d, const char *edge, const char *pool)
{
	forced_set(&d->forced,
		&(struct forced){ .edge = (char *)(uintptr_t)edge,
			.pool = (char *)(uintptr_t)pool,
			.state = EDGE_DRAIN,
			.begun = true,
			.until_us = UINT64_MAX });
}

static void an_edge_that_is_drained_in_one_pool_goes_slowly_from_that(void)
{
	struct desk own, *d = &own;

	open_desk(d);
	CU_ASSERT_TRUE_FATAL(turns_until(d->loop, has_begun, d));
	publisher_now(d->p);
	drain_in(d, "nyc", "two");
	standing_free(stand(d));
	usleep(1000);
	struct standing *s = stand(d);
	CU_ASSERT_PTR_NULL(s->pools[WEB].shares);
	CU_ASSERT_PTR_NOT_NULL_FATAL(s->pools[TWO].shares);
	CU_ASSERT_TRUE(s->pools[TWO].shares[0] > SHED_ALL - 1000 && s->pools[TWO].shares[0] < SHED_ALL);
	CU_ASSERT_EQUAL(s->pools[TWO].shares[1], SHED_ALL);
	CU_ASSERT_TRUE(standing_marks(s, s->pools[TWO].row, NYC) & STANDS_A);
	CU_ASSERT_TRUE(s->pools[TWO].changes_us != UINT64_MAX); /* answers live no longer than that */
	CU_ASSERT_EQUAL(s->pools[WEB].changes_us, UINT64_MAX);
	standing_free(s);
	/* Once it was down in all, nobody waits for it in the one. */
	d->states[NYC] = EDGE_DOWN;
	forced_fini(&d->forced);
	publisher_now(d->p);
	drain_in(d, "nyc", "two");
	s = stand(d);
	CU_ASSERT_PTR_NULL(s->pools[TWO].shares);
	CU_ASSERT_EQUAL(standing_marks(s, s->pools[TWO].row, NYC), STANDS_DRAINED);
	standing_free(s);
	forced_fini(&d->forced);
	close_desk(d);
}

/* As the state file has it: begun so long ago. */
static void drained_before(struct desk *d, const char *edge, const char *pool, int64_t ago_s)
{
	forced_set(&d->forced,
		&(struct forced){ .edge = (char *)(uintptr_t)edge,
			.pool = (char *)(uintptr_t)pool,
			.state = EDGE_DRAIN,
			.begun = true,
			.begun_s = time(NULL) - ago_s,
			.until_us = UINT64_MAX });
}

static bool is_about(uint16_t share, double of_all)
{
	return share > (of_all - 0.02) * SHED_ALL && share < (of_all + 0.02) * SHED_ALL;
}

static void drains_that_a_server_before_began_go_on(void)
{
	struct desk own, *d = &own;

	open_desk(d);
	/* The first standing of a server is made with what was kept; this one has made none with a drain in it. */
	for (unsigned i = 0; i < 3; i++)
		CU_ASSERT_EQUAL(d->states[i], EDGE_UP);
	drained_before(d, "nyc", "two", 900);
	drained_before(d, "sfo", "two", 7200);
	struct standing *s = stand(d);
	CU_ASSERT_PTR_NULL(s->pools[WEB].shares);
	CU_ASSERT_PTR_NOT_NULL_FATAL(s->pools[TWO].shares);
	CU_ASSERT_TRUE(is_about(s->pools[TWO].shares[0], 0.75));
	CU_ASSERT_EQUAL(standing_marks(s, s->pools[TWO].row, SFO), STANDS_DRAINED); /* its hour is over */
	standing_free(s);
	forced_fini(&d->forced);
	close_desk(d);
}

static const struct forced drained_for_half_an_hour = { .edge = (char *)(uintptr_t)"nyc", .pool = (char *)(uintptr_t)"",
	.state = EDGE_DRAIN, .begun = true, .until_us = UINT64_MAX };

/* In all pools, in the first standing that there is. */
static void a_drain_in_all_pools_goes_on_too(void)
{
	struct desk own, *d = &own;
	struct forced f = drained_for_half_an_hour;

	open_with_forced(d, &f, 1800);
	struct standing *s = stand(d);
	CU_ASSERT_PTR_NOT_NULL_FATAL(s->cuts);
	CU_ASSERT_TRUE(is_about(s->cuts[NYC].share, 0.5));
	CU_ASSERT_TRUE(standing_marks(s, 0, NYC) & STANDS_A);
	standing_free(s);
	forced_fini(&d->forced);
	close_desk(d);
	/* One that is as the clock of the day has it yet to begin has just begun. */
	open_with_forced(d, &f, -50);
	s = stand(d);
	CU_ASSERT_PTR_NOT_NULL_FATAL(s->cuts);
	CU_ASSERT_TRUE(is_about(s->cuts[NYC].share, 1));
	standing_free(s);
	forced_fini(&d->forced);
	close_desk(d);
}

static void edges_and_pools_are_known_by_their_names_after_a_reload(void)
{
	struct desk *d = started();
	unsigned n;

	d->states[SFO] = EDGE_DOWN;
	steady(d, TWO);
	d->states[SFO] = EDGE_UP;
	const uint64_t two = steady(d, TWO);
	const uint32_t before = tick(d);
	/* The edges and pools in another order, and one of each less. */
	site_put(&d->site, "t.yaml",
		SITE_SERVER "edges:\n"
			    "  sfo: { at: \"37,-122\", a: 192.0.2.3, slow-start: 1h }\n"
			    "  nyc: { at: \"40,-74\", a: 192.0.2.2 }\n"
			    "pools: { two: { edges: [ nyc, sfo ] }, web: { edges: [ nyc ] } }\n"
			    "balance: { every: 1s, drain: 1h }\n");
	struct parts next = site_read(&d->site, publisher_live(d->p));
	publisher_take(d->p, &next);
	publisher_now(d->p);
	const struct standing *s = publisher_world(d->p)->standing;
	CU_ASSERT_PTR_NOT_NULL_FATAL(s->cuts);
	CU_ASSERT_TRUE(s->cuts[0].share < SHED_ALL); /* sfo still comes */
	CU_ASSERT_EQUAL(s->cuts[1].share, SHED_ALL);
	CU_ASSERT_TRUE(s->pools[0].steady_us >= two);
	CU_ASSERT_EQUAL(s->tick, before + 1); /* demand has other pools' numbers now */
	memory_free(balancer_edges(d->b, &n));
	CU_ASSERT_EQUAL(n, 2);
	close_desk(d); /* the last that needs it */
}

/* --- load --------------------------------------------------------------------------------- */

/* Of pools without detours: an edge that is too full has a share. */
#define LIMITED                                                          \
	SITE_SERVER                                                      \
	"edges:\n"                                                       \
	"  ams: { at: \"52,5\", a: 192.0.2.1, capacity: 1 }\n"           \
	"  nyc: { at: \"40,-74\", a: 192.0.2.2 }\n"                      \
	"  sfo: { at: \"37,-122\", a: 192.0.2.3 }\n"                     \
	"pools: { web: { edges: [ ams, nyc ], policy: round-robin },\n"  \
	"         two: { edges: [ nyc, sfo ], policy: round-robin } }\n" \
	"balance: { every: 1s }\n"

struct filling {
	struct desk *d;
	struct choice_counts *counts;
};

/* More is answered at each look, until the share is one of an edge that is too full. */
static bool is_full(void *ctx)
{
	struct filling *f = ctx;

	turns_now(f->d->loop); /* a world that is due is made as the next turn begins */
	const struct world *w = publisher_world(f->d->p);
	const uint64_t key = choice_counts_reason(
		w->steer->pools[WEB].hash, w->steer->edges[AMS].hash, WHY_TURN);

	for (unsigned i = 0; i < 10000; i++)
		tally_keep(&f->counts->reasons, key, 1);
	return w->standing->cuts != NULL;
}

static struct workers *one_worker(void)
{
	const struct net_opts net = {
		.workers = 1, .batch = 1, .tcp_clients = 1, .tcp_clients_per_net = 1
	};
	static struct epoch unused;
	struct fault why;
	struct workers *workers = workers_open(&net, &unused, NULL, &why);

	CU_ASSERT_PTR_NOT_NULL_FATAL(workers);
	return workers;
}

/* The first interval, while no edge changes: a change would have loads counted at once. */
static bool is_over(void *ctx)
{
	return clock_us() - *(const uint64_t *)ctx > 1500000;
}

static void without_capacities_nothing_is_counted(void)
{
	struct desk d = { 0 };
	struct workers *workers = one_worker();

	open_with(&d, CONF, workers);
	const uint32_t begun = tick(&d);
	uint64_t begun_us = clock_us();
	CU_ASSERT_TRUE(turns_until(d.loop, is_over, &begun_us));
	CU_ASSERT_TRUE(turns_until(d.loop, has_begun, &d));
	CU_ASSERT_EQUAL(tick(&d), begun);
	close_desk(&d);
	workers_stop(workers);
}

static void an_edge_that_is_too_full_has_a_share_and_its_pool_may_change_again(void)
{
	unsigned n;
	struct desk d = { 0 };
	struct workers *workers = one_worker();

	open_with(&d, LIMITED, workers);
	struct filling f = { &d, workers_counts(workers, 0) };
	const uint64_t before = clock_us();
	CU_ASSERT_TRUE(turns_until(d.loop, is_full, &f));
	const struct standing *s = publisher_world(d.p)->standing;
	CU_ASSERT_TRUE(s->cuts[AMS].share < SHED_ALL);
	CU_ASSERT_EQUAL(s->cuts[NYC].share, SHED_ALL);
	CU_ASSERT_TRUE(s->pools[WEB].changes_us > before + 1000000);
	CU_ASSERT_TRUE(s->pools[WEB].changes_us <= clock_us() + 1000000);
	CU_ASSERT_EQUAL(s->pools[TWO].changes_us, UINT64_MAX); /* it has no such edge */
	struct shed_state *edges = balancer_edges(d.b, &n);
	CU_ASSERT_EQUAL(edges[AMS].share, s->cuts[AMS].share);
	CU_ASSERT_TRUE(edges[AMS].use.load > 1);
	memory_free(edges);
	close_desk(&d);
	workers_stop(workers);
}

void suite_balancer(void);
void suite_balancer(void)
{
	static const struct unit_case cases[] = {
		{ "what changes when the server starts was always so",
			what_changes_when_the_server_starts_was_always_so },
		{ "a pool is steady since one of its own edges changed",
			a_pool_is_steady_since_one_of_its_own_edges_changed },
		{ "an edge that comes takes its share slowly and its pool says so",
			an_edge_that_comes_takes_its_share_slowly_and_its_pool_says_so },
		{ "an edge that is drained goes slowly", an_edge_that_is_drained_goes_slowly },
		{ "drains that a server before began go on", drains_that_a_server_before_began_go_on },
		{ "a drain in all pools goes on, too", a_drain_in_all_pools_goes_on_too },
		{ "an edge that is drained in one pool goes slowly from that",
			an_edge_that_is_drained_in_one_pool_goes_slowly_from_that },
		{ "edges and pools are known by their names after a reload",
			edges_and_pools_are_known_by_their_names_after_a_reload },
		{ "without capacities nothing is counted", without_capacities_nothing_is_counted },
		{ "an edge that is too full has a share, and its pool may change again",
			an_edge_that_is_too_full_has_a_share_and_its_pool_may_change_again },
	};

	unit_suite("daemon/balancer", cases, UNIT_COUNT(cases));
}
