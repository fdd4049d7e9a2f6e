#include "daemon/load_bounds.h"

#include "steer/choose.h"
#include "steer/shed.h"
#include "unit/steer/draw.h"
#include "unit/steer/small_world.h"
#include "unit/unit.h"

#include <math.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

enum { EDGES = 10, NAMES = 400, ASKED = 20000 };

static struct draw at_random = { 0x7f4a7c159e3779b9u };

/* One pool with affinity, and a world of clients whose names are asked for by Zipf's law. */
struct wide {
	struct atlas *atlas;
	struct edge_opts edges[EDGES];
	char names[EDGES][8];
	uint16_t all[EDGES];
	struct steer *steer;
	struct standing *standing;
	struct load_bound of[EDGES];
	double rate[EDGES];
	unsigned intervals;
	double sums[NAMES]; /* of the names' parts so far */
};

static void open_wide(struct wide *w, enum pool_affinity affinity, double bound, double zipf)
{
	static const struct addr one = { { [10] = 255, 255, 192, 0, 2, 1 } };
	struct pool_opts pool = { .name = "img",
		.edges = w->all,
		.n = EDGES,
		.policy = POOL_ROUND_ROBIN,
		.affinity = affinity,
		.bound = bound,
		.answers = 1,
		.spread_ms = INFINITY,
		.spread_share = INFINITY,
		.ttl_max_s = UINT32_MAX };
	uint8_t states[EDGES] = { 0 };
	double sum = 0;

	memset(w, 0, sizeof *w);
	w->atlas = small_atlas();
	for (unsigned i = 0; i < EDGES; i++) {
		snprintf(w->names[i], sizeof w->names[i], "e%u", i);
		w->edges[i] = (struct edge_opts){
			.name = w->names[i], .a = &one, .n_a = 1, .weight = 1
		};
		w->all[i] = (uint16_t)i;
		w->of[i].share = SHED_ALL;
	}
	w->steer = steer_new(
		&(struct steer_opts){ w->edges, EDGES, &pool, 1, NULL, NULL }, w->atlas, NULL);
	w->standing = small_standing(w->steer, states);
	for (unsigned i = 0; i < NAMES; i++)
		w->sums[i] = sum += pow(i + 1, -zipf);
	for (unsigned i = 0; i < NAMES; i++)
		w->sums[i] /= sum;
}

static void close_wide(struct wide *w)
{
	standing_free(w->standing);
	steer_drop(w->steer);
	atlas_drop(w->atlas);
}

static unsigned ask(const struct wide *w, unsigned name, const struct addr *client)
{
	uint8_t text[8] = { 5, 'n', 'a', 'm', (uint8_t)name, (uint8_t)(name >> 8) };

	return choose(&(struct choose_ask){ .steer = w->steer,
			      .standing = w->standing,
			      .name = text,
			      .name_len = 7,
			      .has_subnet = true,
			      .subnet = *client },
		NULL)
		.edges[0];
}

static unsigned draw_name(const struct wide *w)
{
	const double at = draw_between(&at_random, 0, 1);
	unsigned i = 0;

	while (i < NAMES - 1 && w->sums[i] < at)
		i++;
	return i;
}

/* An interval of 10 seconds; returns the share of the edge that has most. */
static double pass(struct wide *w, unsigned asked)
{
	uint16_t shares[EDGES];
	double most = 0;
	bool any = false;

	memset(w->rate, 0, sizeof w->rate);
	for (unsigned i = 0; i < asked; i++) {
		const struct addr a = draw_addr(&at_random, false);
		w->rate[ask(w, draw_name(w), &a)] += 0.1;
	}
	w->intervals++;
	load_bounds_follow(
		&(struct load_bounds){ w->steer, w->standing, w->rate, 10, w->intervals }, w->of);
	for (unsigned i = 0; i < EDGES; i++) {
		shares[i] = w->of[i].share;
		any = any || shares[i] != SHED_ALL;
		most = fmax(most, w->rate[i] / (asked / 10.0));
	}
	w->standing->pools[0].bounds =
		any ? arena_memdup(&w->standing->mem, shares, sizeof shares) : NULL;
	return most;
}

static void one_name_that_is_most_of_all_is_spread_to_its_bound(void)
{
	struct wide w;
	double first, last = 0;
	unsigned moved = 0, edge[64];
	const struct addr client = { { [10] = 255, 255, 81, 2, 3, 4 } };

	open_wide(&w, AFFINITY_NAME, 2, 1.5); /* the first name has 39 % */
	first = pass(&w, ASKED);
	CU_ASSERT_TRUE(first > 0.35);
	for (unsigned i = 0; i < 60; i++)
		pass(&w, ASKED);
	for (unsigned i = 0; i < 64; i++)
		edge[i] = ask(&w, 100 + i, &client);
	for (unsigned i = 0; i < 20; i++)
		last = fmax(last, pass(&w, ASKED));
	printf("  asserts: bounded by 200 %%, of 10 edges the fullest has %.1f %% instead of %.1f %%\n",
		last * 100, first * 100);
	CU_ASSERT_TRUE(last < 0.225);
	/* It is where it is to be: hardly anybody moves any more. */
	for (unsigned i = 0; i < 64; i++)
		moved += ask(&w, 100 + i, &client) != edge[i];
	CU_ASSERT_TRUE(moved <= 4);
	close_wide(&w);
}

static void what_is_within_its_bound_stays_where_it_was(void)
{
	struct wide w;

	open_wide(&w, AFFINITY_BOTH, 2, 0.5);
	for (unsigned i = 0; i < 10; i++)
		pass(&w, ASKED);
	CU_ASSERT_PTR_NULL(w.standing->pools[0].bounds);
	close_wide(&w);
}

static void few_queries_say_nothing(void)
{
	struct wide w;

	open_wide(&w, AFFINITY_NAME, 2, 1.5);
	pass(&w, EDGES * 50 - 1);
	CU_ASSERT_PTR_NULL(w.standing->pools[0].bounds);
	close_wide(&w);
	open_wide(&w, AFFINITY_NAME, 2, 1.5);
	pass(&w, EDGES * 50 + 1);
	CU_ASSERT_PTR_NOT_NULL(w.standing->pools[0].bounds);
	close_wide(&w);
}

/* Over six intervals, or as many as there were. */
static void rates_are_smoothed_and_shares_come_back(void)
{
	static const double skewed[] = { 2, 0.6, 0.6, 0.6 }, even[] = { 1, 1, 1, 1 };
	struct pool_opts pool = small_pool();
	uint8_t states[4] = { 0 };
	struct load_bound of[4];
	struct atlas *atlas = small_atlas();

	pool.policy = POOL_ROUND_ROBIN;
	pool.affinity = AFFINITY_CLIENT;
	pool.bound = 1.5;
	for (unsigned k = 0; k < 4; k++)
		of[k] = (struct load_bound){ skewed[k], SHED_ALL };
	struct steer *s = steer_new(
		&(struct steer_opts){ small_edges, 4, &pool, 1, NULL, NULL }, atlas, NULL);
	struct standing *st = small_standing(s, states);
	struct load_bounds b = { s, st, skewed, 10, 100 };
	/* 3.8 a second are 228 in six intervals, and 190 in five: 200 are wanted. */
	CU_ASSERT_TRUE(load_bounds_follow(&b, of));
	const uint16_t cut = of[0].share;
	CU_ASSERT_EQUAL(cut, (uint16_t)(SHED_ALL * 0.9));
	b.rate = even;
	load_bounds_follow(&b, of);
	CU_ASSERT_DOUBLE_EQUAL(of[0].rate, 2 - 1 / 6.0, 1e-9);
	for (unsigned i = 0; i < 20; i++)
		load_bounds_follow(&b, of);
	CU_ASSERT_EQUAL(of[0].share, SHED_ALL);
	CU_ASSERT_FALSE(load_bounds_follow(&b, of));
	b.intervals = 2;
	b.rate = skewed;
	load_bounds_follow(&b, of);
	CU_ASSERT_DOUBLE_EQUAL(of[1].rate, 0.8, 0.02);
	standing_free(st);
	steer_drop(s);
	atlas_drop(atlas);
}

/* Of a weight of its own an edge has as many as it weighs; one that is down takes no part. */
static void weights_and_the_dead_count(void)
{
	static const struct {
		const char *say;
		enum pool_policy policy;
		unsigned dead;
		uint8_t state;
		double rate[4];
		bool cut[4];
		double spread_ms;
	} row[] = {
		{ "in turn each is to have a quarter", POOL_ROUND_ROBIN, 9, 0, { 60, 20, 10, 10 },
			{ true, false, false, false }, INFINITY },
		{ "the first weighs three of six", POOL_HASH, 9, 0, { 60, 20, 10, 10 },
			{ false, false, false, false }, INFINITY },
		{ "of three that are left one has most", POOL_ROUND_ROBIN, 3, EDGE_DOWN,
			{ 0, 90, 5, 5 }, { false, true, false, false }, INFINITY },
		{ "of an edge that is drained nothing is expected", POOL_ROUND_ROBIN, 3, EDGE_DRAIN,
			{ 10, 45, 45, 0 }, { false, false, false, false }, INFINITY },
		{ "... else two of four would have too much", POOL_ROUND_ROBIN, 9, 0,
			{ 10, 45, 45, 0 }, { false, true, true, false }, INFINITY },
		{ "nearest: all stand elsewhere", POOL_NEAREST, 9, 0, { 97, 1, 1, 1 },
			{ false, false, false, false }, INFINITY },
		{ "nearest: Amsterdam and Rome are 1,300 km apart, 21 ms", POOL_NEAREST, 9, 0,
			{ 97, 1, 100, 1 }, { true, false, false, false }, 22 },
		{ "... and not within 20 ms", POOL_NEAREST, 9, 0, { 97, 1, 100, 1 },
			{ false, false, false, false }, 20 },
	};

	for (size_t i = 0; i < sizeof row / sizeof *row; i++) {
		struct edge_opts edges[4];
		struct pool_opts pool = small_pool();
		uint8_t states[4] = { 0 };
		struct load_bound all[6], *of = all + 2;
		struct pool_opts pools[2] = { pool, pool };
		double rate[6] = { 1000, 1 };
		struct atlas *atlas = small_atlas();
		memcpy(edges, small_edges, sizeof edges);
		for (unsigned k = 0; k < 4; k++)
			edges[k].weight = k ? 1 : 3;
		for (unsigned k = 0; k < 6; k++)
			all[k] = (struct load_bound){ 0, SHED_ALL };
		pool.policy = row[i].policy;
		pool.affinity = AFFINITY_NAME;
		pool.bound = 1.5;
		pool.spread_ms = row[i].spread_ms;
		pools[0].name = "aux";
		pools[0].n = 2;
		pools[1] = pool;
		memcpy(rate + 2, row[i].rate, sizeof row[i].rate);
		if (row[i].dead < 4)
			states[row[i].dead] = row[i].state;
		struct steer *s = steer_new(
			&(struct steer_opts){ edges, 4, pools, 2, NULL, NULL }, atlas, NULL);
		struct standing *st = small_standing(s, states);
		CU_ASSERT_EQUAL(load_bounds_cells(s), 6);
		const bool any = load_bounds_follow(&(struct load_bounds){ s, st, rate, 10, 1 }, all);
		CU_ASSERT_EQUAL(all[0].share, SHED_ALL); /* that pool has no bound */
		CU_ASSERT_EQUAL(all[0].rate, 0);
		bool cut = false;
		for (unsigned k = 0; k < 4; k++) {
			CU_ASSERT_EQUAL((of[k].share != SHED_ALL), row[i].cut[k]);
			cut = cut || row[i].cut[k];
		}
		CU_ASSERT_EQUAL(any, cut);
		standing_free(st);
		steer_drop(s);
		atlas_drop(atlas);
	}
}

void suite_load_bounds(void)
{
	static const struct unit_case cases[] = {
		{ "one name that is most of all is spread to its bound",
			one_name_that_is_most_of_all_is_spread_to_its_bound },
		{ "what is within its bound stays where it was",
			what_is_within_its_bound_stays_where_it_was },
		{ "few queries say nothing", few_queries_say_nothing },
		{ "rates are smoothed, and shares come back",
			rates_are_smoothed_and_shares_come_back },
		{ "weights and the dead count", weights_and_the_dead_count },
	};

	unit_suite("daemon/load_bounds", cases, UNIT_COUNT(cases));
}
