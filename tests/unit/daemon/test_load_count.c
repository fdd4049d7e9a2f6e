#include "daemon/load_count.h"

#include "answer/choice_counts.h"
#include "base/memory.h"
#include "net/worker.h"
#include "steer/demand.h"
#include "steer/stage.h"
#include "unit/steer/small_world.h"
#include "unit/unit.h"

#include <math.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

/* A worker that answers nobody: the test counts for it. */
struct desk {
	struct workers *workers;
	struct choice_counts *counts;
	struct edge_opts edges[4];
	struct pool_opts pools[2]; /* of all edges, and of sfo alone */
	struct atlas *atlas;
	struct steer *steer;
	struct standing *standing;
	struct load_edge loads[4];
	struct load_memory memory;
	bool has_price[4];
	uint16_t share[4];
	struct load_stage stage;
	float told[4]; /* what probes say of the edges' load; NAN */
};

static void stand(struct desk *d)
{
	struct verdict verdicts[8];
	uint32_t targets[8];
	const uint8_t states[4] = { 0 };
	const uint16_t row_of[] = { 1, 1 };
	uint32_t at = 0;

	for (unsigned i = 0; i < 4; i++)
		for (size_t k = 0; k < d->edges[i].n_a + d->edges[i].n_aaaa; k++, at++) {
			targets[at] = at;
			verdicts[at] = (struct verdict){ true, true, false, UINT64_MAX, NAN,
				d->told[i] };
		}
	if (d->standing)
		standing_free(d->standing);
	d->standing = standing_new(&(struct standing_opts){ .steer = d->steer,
		.states = states,
		.verdicts = verdicts,
		.rows = &(struct standing_row){ 1, targets },
		.n_rows = 1,
		.row_of = row_of });
}

/* `capacity` of ams, and `answers` of the pool. */
static void open_desk(struct desk *d, double capacity, unsigned answers)
{
	const struct net_opts net = {
		.workers = 1, .batch = 1, .tcp_clients = 1, .tcp_clients_per_net = 1
	};
	static const uint16_t only_sfo[] = { SFO };
	static struct epoch epoch;
	struct fault why;

	memset(d, 0, sizeof *d);
	d->workers = workers_open(&net, &epoch, NULL, &why);
	CU_ASSERT_PTR_NOT_NULL_FATAL(d->workers);
	d->counts = workers_counts(d->workers, 0);
	CU_ASSERT_PTR_NOT_NULL_FATAL(d->counts);
	memcpy(d->edges, small_edges, sizeof d->edges);
	d->edges[AMS].capacity = capacity;
	d->edges[AMS].low = 0.8;
	d->edges[AMS].high = 0.95;
	d->pools[0] = d->pools[1] = small_pool();
	d->pools[0].answers = answers;
	d->pools[1].name = "aux";
	d->pools[1].edges = only_sfo;
	d->pools[1].n = 1;
	d->atlas = small_atlas();
	d->steer = steer_new(
		&(struct steer_opts){ d->edges, 4, d->pools, 2, NULL, NULL }, d->atlas, NULL);
	for (unsigned i = 0; i < 4; i++) {
		d->loads[i].room = d->share[i] = SHED_ALL;
		d->has_price[i] = d->steer->pools[0].sheds;
		d->told[i] = NAN;
	}
	stand(d);
	d->memory = (struct load_memory){ .groups = groups_new(),
		.n_counted = load_count_cells(d->steer),
		.is_first = true };
	d->memory.counted = memory_zeroed(d->memory.n_counted, sizeof *d->memory.counted);
}

static void close_desk(struct desk *d)
{
	groups_free(d->memory.groups);
	if (d->memory.staged)
		groups_free(d->memory.staged);
	if (d->memory.sum)
		groups_free(d->memory.sum);
	memory_free(d->memory.staged_counted);
	memory_free(d->memory.counted);
	standing_free(d->standing);
	steer_drop(d->steer);
	atlas_drop(d->atlas);
	workers_stop(d->workers);
}

/* So many answers of a pool with an edge, for a reason. */
static void answer_of(
	struct desk *d, unsigned pool, unsigned n, unsigned edge, enum choose_why why)
{
	const uint64_t key = choice_counts_reason(
		d->steer->pools[pool].hash, d->steer->edges[edge].hash, why);

	for (unsigned i = 0; i < n; i++)
		tally_keep(&d->counts->reasons, key, 1);
}

static void answer(struct desk *d, unsigned n, unsigned edge, enum choose_why why)
{
	answer_of(d, 0, n, edge, why);
}

/* So many queries of a net. */
static void ask_of(struct tally *t, unsigned n, const char *net, uint32_t tick)
{
	struct prefix p;

	if (!prefix_parse(&p, net, NULL))
		abort();
	const uint64_t key = demand_key(0, false, &p.addr);
	for (unsigned i = 0; i < n; i++)
		tally_add(t, key, tick);
}

static void ask(struct desk *d, unsigned n, const char *net, uint32_t tick)
{
	ask_of(&d->counts->demand, n, net, tick);
}

static struct load_count count_of(struct desk *d, double seconds, uint32_t tick)
{
	return (struct load_count){ .steer = d->steer,
		.standing = d->standing,
		.workers = d->workers,
		.has_price = d->has_price,
		.share = d->share,
		.loads = d->loads,
		.memory = &d->memory,
		.seconds = seconds,
		.tick = tick,
		.stage = d->stage };
}

static bool interval(struct desk *d, double seconds, uint32_t tick)
{
	const struct load_count c = count_of(d, seconds, tick);

	return load_count_interval(&c);
}

static void what_was_counted_before_the_first_interval_is_no_rate(void)
{
	struct desk d;

	open_desk(&d, 1000, 1);
	CU_ASSERT_EQUAL(load_count_cells(d.steer), (4 + 1) * CHOOSE_WHYS);
	answer(&d, 500, AMS, WHY_PINNED);
	CU_ASSERT_FALSE(interval(&d, 10, 1));
	CU_ASSERT_EQUAL(d.loads[AMS].other, 0);
	CU_ASSERT_FALSE(d.memory.is_first);
	/* From then on it is what has come since. */
	answer(&d, 50, AMS, WHY_PINNED);
	answer(&d, 20, NYC, WHY_PINNED);
	interval(&d, 10, 2);
	CU_ASSERT_DOUBLE_EQUAL(d.loads[AMS].other, 5, 1e-9);
	CU_ASSERT_DOUBLE_EQUAL(d.loads[NYC].other, 2, 1e-9);
	CU_ASSERT_EQUAL(d.loads[ROM].other, 0);
	interval(&d, 10, 3);
	CU_ASSERT_EQUAL(d.loads[AMS].other, 0);
	close_desk(&d);
}

static void what_a_price_moves_is_not_counted_with_what_none_does(void)
{
	static const enum choose_why moved[] = { WHY_BEST, WHY_SHED, WHY_EXPLORED,
		WHY_FAILOVER };
	struct desk d;

	open_desk(&d, 1000, 1);
	CU_ASSERT_TRUE_FATAL(d.steer->pools[0].sheds);
	interval(&d, 10, 1);
	for (unsigned i = 0; i < UNIT_COUNT(moved); i++)
		answer(&d, 100, AMS, moved[i]);
	answer(&d, 10, AMS, WHY_PINNED);
	interval(&d, 10, 2);
	CU_ASSERT_DOUBLE_EQUAL(d.loads[AMS].other, 1, 1e-9);
	close_desk(&d);
}

static void of_a_pool_that_answers_with_two_edges_each_is_half_a_query(void)
{
	struct desk d;

	open_desk(&d, 1000, 2);
	interval(&d, 10, 1);
	answer(&d, 100, AMS, WHY_PINNED);
	interval(&d, 10, 2);
	CU_ASSERT_DOUBLE_EQUAL(d.loads[AMS].other, 5, 1e-9);
	close_desk(&d);
}

static void what_is_answered_by_several_pools_is_one_rate(void)
{
	struct desk d;

	open_desk(&d, 1000, 1);
	interval(&d, 10, 1);
	answer_of(&d, 0, 50, SFO, WHY_PINNED);
	answer_of(&d, 1, 20, SFO, WHY_PINNED);
	interval(&d, 10, 2);
	CU_ASSERT_DOUBLE_EQUAL(d.loads[SFO].other, 7, 1e-9);
	close_desk(&d);
}

static void a_count_that_begins_anew_is_all_new(void)
{
	struct desk d;

	open_desk(&d, 1000, 1);
	answer(&d, 30, AMS, WHY_PINNED);
	for (size_t i = 0; i < d.memory.n_counted; i++)
		d.memory.counted[i] = 1000;
	d.memory.is_first = false;
	interval(&d, 10, 1);
	CU_ASSERT_DOUBLE_EQUAL(d.loads[AMS].other, 3, 1e-9);
	CU_ASSERT_EQUAL(d.loads[NYC].other, 0);
	close_desk(&d);
}

/* --- load that edges tell ------------------------------------------------------------------ */

static void a_querys_load_is_what_edges_tell_by_what_they_are_asked(void)
{
	struct desk d;

	open_desk(&d, 1000, 1);
	interval(&d, 10, 1);
	CU_ASSERT_FALSE(d.memory.told);
	d.told[AMS] = 60;
	stand(&d);
	answer(&d, 300, AMS, WHY_BEST);
	interval(&d, 10, 2); /* 30 a second make 60 */
	CU_ASSERT_TRUE(d.memory.told);
	CU_ASSERT_DOUBLE_EQUAL(d.memory.per_query, 2, 1e-6);
	CU_ASSERT_DOUBLE_EQUAL(d.loads[AMS].base, 0, 1e-6);
	CU_ASSERT_EQUAL(d.loads[AMS].base_n, 1);
	CU_ASSERT_EQUAL(d.loads[NYC].base_n, 0); /* it tells nothing */
	/* The second counts as much as the first: 10 a second make 60 too. */
	answer(&d, 100, AMS, WHY_BEST);
	interval(&d, 10, 3);
	CU_ASSERT_DOUBLE_EQUAL(d.memory.told_load, 60, 1e-6);
	CU_ASSERT_DOUBLE_EQUAL(d.memory.told_rate, 20, 1e-6);
	CU_ASSERT_DOUBLE_EQUAL(d.memory.per_query, 3, 1e-6);
	CU_ASSERT_DOUBLE_EQUAL(d.loads[AMS].base, (60 - 30) / 2.0, 1e-6);
	/* An interval in which nobody asks says nothing of a query. */
	interval(&d, 10, 4);
	CU_ASSERT_DOUBLE_EQUAL(d.memory.per_query, 3, 1e-6);
	CU_ASSERT_EQUAL(d.memory.told_n, 2);
	CU_ASSERT_DOUBLE_EQUAL(d.loads[AMS].base, 15 + (60 - 15) / 3.0, 1e-6);
	/* It is forgotten with what it told. */
	d.told[AMS] = NAN;
	stand(&d);
	interval(&d, 10, 5);
	CU_ASSERT_FALSE(d.memory.told);
	CU_ASSERT_EQUAL(d.loads[AMS].base, 0);
	CU_ASSERT_EQUAL(d.loads[AMS].base_n, 0);
	close_desk(&d);
}

/* sfo is ams in another role: 20 a second of its own, and 10 of ams. */
static void what_goes_to_a_role_is_load_of_its_edge(void)
{
	struct desk d;

	open_desk(&d, 1000, 1);
	steer_drop(d.steer);
	d.edges[SFO].role_of = AMS + 1;
	d.steer = steer_new(
		&(struct steer_opts){ d.edges, 4, d.pools, 2, NULL, NULL }, d.atlas, NULL);
	interval(&d, 10, 1);
	d.told[AMS] = d.told[SFO] = 60; /* the same machine */
	stand(&d);
	answer(&d, 100, AMS, WHY_BEST);
	answer_of(&d, 1, 200, SFO, WHY_BEST);
	interval(&d, 10, 2);
	CU_ASSERT_DOUBLE_EQUAL(d.memory.per_query, 2, 1e-6);
	CU_ASSERT_DOUBLE_EQUAL(d.loads[AMS].base, 0, 1e-6);
	CU_ASSERT_DOUBLE_EQUAL(d.loads[AMS].other, 20, 1e-9);
	CU_ASSERT_EQUAL(d.loads[SFO].base_n, 0);
	close_desk(&d);
}

/* --- prices and shares --------------------------------------------------------------------- */

static void an_edge_that_is_asked_too_much_gets_a_price(void)
{
	struct desk d;

	open_desk(&d, 100, 1);
	CU_ASSERT_FALSE(interval(&d, 10, 1));
	CU_ASSERT_EQUAL(d.loads[AMS].price, 0);
	/* 300 a second from where it is the nearest. */
	for (unsigned i = 0; i < 16; i++) {
		char net[32];
		snprintf(net, sizeof net, "1.0.%u.0/20", i * 16);
		ask(&d, 190, net, 2);
	}
	CU_ASSERT_TRUE(interval(&d, 10, 2));
	const struct load_count c = count_of(&d, 0, 0);
	CU_ASSERT_EQUAL(load_count_pairs(&c), 16 * 4);
	/* With too little effort there is no end to it, and nothing has changed. */
	const uint32_t first = d.loads[AMS].price;
	d.loads[AMS].price = 0;
	CU_ASSERT_FALSE(load_count_prices_within(&c, 1));
	CU_ASSERT_EQUAL(d.loads[AMS].price, 0);
	d.loads[AMS].price = first;
	CU_ASSERT_TRUE(load_count_prices_within(&c, 100000));
	const uint32_t price = d.loads[AMS].price;
	CU_ASSERT_TRUE(price > 0);
	CU_ASSERT_EQUAL(d.loads[NYC].price, 0);
	CU_ASSERT_TRUE(d.loads[AMS].use.load <= 100);
	CU_ASSERT_TRUE(d.loads[AMS].use.own > 290);
	CU_ASSERT_FALSE(load_count_prices(&c)); /* they were right */
	CU_ASSERT_EQUAL(d.loads[AMS].price, price);
	close_desk(&d);
}

/* The same tables for all clients, or for none: they count once, wherever they are counted. */
static void clients_of_a_stage_are_demand(void)
{
	struct desk d;

	open_desk(&d, 100, 1);
	d.memory.staged = groups_new();
	CU_ASSERT_FALSE(interval(&d, 10, 1));
	for (unsigned i = 0; i < 16; i++) {
		char net[32];
		snprintf(net, sizeof net, "1.0.%u.0/20", i * 16);
		ask(&d, 190, net, 2);
		ask_of(&d.counts->staged, 190, net, 2);
	}
	interval(&d, 10, 2);
	CU_ASSERT_DOUBLE_EQUAL(d.loads[AMS].use.own, 304, 1e-6); /* no stage is on */
	d.stage = (struct load_stage){ STAGE_ALL, d.steer, d.standing };
	for (unsigned i = 0; i < 16; i++) {
		char net[32];
		snprintf(net, sizeof net, "1.0.%u.0/20", i * 16);
		ask_of(&d.counts->staged, 190, net, 3);
	}
	d.loads[AMS].price = 0;
	CU_ASSERT_TRUE(interval(&d, 10, 3));
	CU_ASSERT_TRUE(d.loads[AMS].price > 0);
	CU_ASSERT_DOUBLE_EQUAL(d.loads[AMS].use.own, 304, 1e-6);
	const struct load_count c = count_of(&d, 0, 0);
	load_count_prices(&c);
	CU_ASSERT_TRUE(d.loads[AMS].use.load <= 100);
	CU_ASSERT_EQUAL(load_count_pairs(&c), 2 * 16 * 4);
	close_desk(&d);
}

/* In other tables edges have other numbers, and one is nearer to Oslo that is not served. */
static void an_edge_is_the_same_in_a_stage_by_its_name(void)
{
	static const uint16_t all[] = { 0, 1, 2, 3, 4 };
	const uint8_t states[5] = { 0 };
	struct edge_opts edges[5];
	struct pool_opts pool = small_pool(), aux = small_pool();
	struct desk d;

	open_desk(&d, 1000, 1);
	for (unsigned i = 0; i < 4; i++)
		edges[i] = d.edges[3 - i];
	edges[4] = d.edges[AMS];
	edges[4].name = "osl";
	edges[4].lat = 59.9;
	edges[4].lon = 10.7;
	pool.edges = all;
	pool.n = 5;
	aux.name = "more"; /* which is not served */
	aux.edges = all;
	aux.n = 5;
	struct pool_opts pools[] = { aux, pool };
	struct steer *s = steer_new(
		&(struct steer_opts){ edges, 5, pools, 2, NULL, NULL }, d.atlas, NULL);
	struct standing *st = small_standing(s, states);
	d.memory.staged = groups_new();
	d.stage = (struct load_stage){ STAGE_ALL, s, st };
	interval(&d, 10, 1);
	ask_of(&d.counts->staged, 500, "2.0.0.0/20", 2); /* of "more", which is first here */
	ask_of(&d.counts->staged, 100, "3.0.0.0/20", 2);
	ask_of(&d.counts->staged, 300, "1.0.0.0/20", 2);
	const uint64_t pinned = choice_counts_reason(
		s->pools[0].hash, d.steer->edges[ROM].hash, WHY_PINNED);
	for (unsigned i = 0; i < 40; i++)
		tally_keep(&d.counts->reasons, pinned, 1);
	interval(&d, 10, 2);
	CU_ASSERT_DOUBLE_EQUAL(d.loads[ROM].other, 4, 1e-6);
	CU_ASSERT_EQUAL(d.loads[AMS].use.own, 0);
	CU_ASSERT_DOUBLE_EQUAL(d.loads[ROM].use.own, 54, 1e-6);
	CU_ASSERT_DOUBLE_EQUAL(d.loads[SFO].use.own, 10, 1e-6);
	standing_free(st);
	steer_drop(s);
	close_desk(&d);
}

static void queries_of_another_tick_are_not_of_the_interval(void)
{
	struct desk d;

	open_desk(&d, 100, 1);
	interval(&d, 10, 1);
	ask(&d, 1000, "1.0.0.0/20", 3);
	interval(&d, 10, 2);
	const struct load_count c = count_of(&d, 0, 0);
	CU_ASSERT_EQUAL(load_count_pairs(&c), 0);
	interval(&d, 10, 3);
	CU_ASSERT_EQUAL(load_count_pairs(&c), 4);
	close_desk(&d);
}

static void without_detours_a_full_edge_has_a_share(void)
{
	struct desk d;

	open_desk(&d, 100, 1);
	memset(d.has_price, 0, sizeof d.has_price);
	CU_ASSERT_FALSE(interval(&d, 10, 1));
	CU_ASSERT_EQUAL(d.loads[AMS].room, SHED_ALL);
	answer(&d, 3000, AMS, WHY_BEST); /* 300 a second */
	answer(&d, 3000, NYC, WHY_BEST); /* which has no limit */
	CU_ASSERT_TRUE(interval(&d, 10, 2));
	CU_ASSERT_EQUAL(d.loads[AMS].room, shed_share(SHED_ALL, 3, 0.8, 0.95));
	CU_ASSERT_TRUE(d.loads[AMS].room < SHED_ALL);
	CU_ASSERT_DOUBLE_EQUAL(d.loads[AMS].use.load, 300, 1e-6);
	CU_ASSERT_EQUAL(d.loads[NYC].room, SHED_ALL);
	/* What it tells itself counts before what it was asked. */
	const uint16_t room = d.loads[AMS].room;
	d.told[AMS] = 10;
	stand(&d);
	answer(&d, 3000, AMS, WHY_BEST);
	CU_ASSERT_TRUE(interval(&d, 10, 3));
	CU_ASSERT_EQUAL(d.loads[AMS].room, shed_share(room, 0.1, 0.8, 0.95));
	CU_ASSERT_DOUBLE_EQUAL(d.loads[AMS].use.load, 10, 1e-6);
	/* With detours the price says it. */
	d.has_price[AMS] = true;
	interval(&d, 10, 4);
	CU_ASSERT_EQUAL(d.loads[AMS].room, SHED_ALL);
	close_desk(&d);
}

void suite_load_count(void);
void suite_load_count(void)
{
	static const struct unit_case cases[] = {
		{ "what was counted before the first interval is no rate",
			what_was_counted_before_the_first_interval_is_no_rate },
		{ "what a price moves is not counted with what none does",
			what_a_price_moves_is_not_counted_with_what_none_does },
		{ "of a pool that answers with two edges each is half a query",
			of_a_pool_that_answers_with_two_edges_each_is_half_a_query },
		{ "what is answered by several pools is one rate",
			what_is_answered_by_several_pools_is_one_rate },
		{ "a count that begins anew is all new", a_count_that_begins_anew_is_all_new },
		{ "a query's load is what edges tell by what they are asked",
			a_querys_load_is_what_edges_tell_by_what_they_are_asked },
		{ "what goes to a role is load of its edge", what_goes_to_a_role_is_load_of_its_edge },
		{ "an edge that is asked too much gets a price",
			an_edge_that_is_asked_too_much_gets_a_price },
		{ "clients of a stage are demand", clients_of_a_stage_are_demand },
		{ "an edge is the same in a stage by its name",
			an_edge_is_the_same_in_a_stage_by_its_name },
		{ "queries of another tick are not of the interval",
			queries_of_another_tick_are_not_of_the_interval },
		{ "without detours a full edge has a share",
			without_detours_a_full_edge_has_a_share },
	};

	unit_suite("daemon/load_count", cases, UNIT_COUNT(cases));
}
