#include "steer/shed.h"

#include "base/bytes.h"
#include "unit/steer/sixty.h"
#include "unit/steer/small_world.h"
#include "unit/unit.h"

#include <math.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

/* --- by hand ------------------------------------------------------------------------------ */

/* What had a price comes down, step by step: the last half of a millisecond, too, and the last 1024th. */
static void fall_to_nothing(struct shed_problem *p)
{
	struct shed_edge out[4];

	p->steady = true;
	for (uint32_t last = 1; last <= 18000; last *= 60) {
		uint32_t price[4] = { [AMS] = last, [ROM] = last };
		for (unsigned i = 0; i < 30; i++)
			CU_ASSERT_TRUE(shed_solve(p, price, out));
		CU_ASSERT_EQUAL(price[AMS], 0);
		CU_ASSERT_EQUAL(price[ROM], 0);
	}
	p->steady = false;
}

/* ams and rom in a pool, for clients in Oslo (19.6 and 37.1 ms) and Rome (5 and 26 or so). */
static void what_costs_least_goes_first_and_no_more_than_must(void)
{
	struct edge_opts edges[4];
	struct pool_opts pool = small_pool();
	static const uint16_t two[] = { AMS, ROM };
	struct shed_demand demand[32];
	struct shed_edge out[4];
	uint32_t price[4] = { 0 };
	const uint8_t states[4] = { 0 };

	memcpy(edges, small_edges, sizeof edges);
	edges[AMS].capacity = edges[ROM].capacity = 100;
	edges[AMS].low = edges[ROM].low = 0.8;
	edges[AMS].high = edges[ROM].high = 0.9;
	pool.edges = two;
	pool.n = 2;
	struct atlas *atlas = small_atlas();
	struct steer *s = steer_new(
		&(struct steer_opts){ edges, 4, &pool, 1, NULL, NULL }, atlas, NULL);
	struct standing *st = small_standing(s, states);
	/* Sixteen groups in Oslo with 120 in all, sixteen in Rome with 32. */
	for (unsigned i = 0; i < 32; i++) {
		demand[i] = (struct shed_demand){ .pool = 0, .rate = i < 16 ? 7.5 : 2 };
		addr_parse(&demand[i].addr, i < 16 ? "1.0.0.0" : "2.0.0.0");
		demand[i].addr.b[14] = (uint8_t)(i % 16 * 16);
	}
	struct shed_problem p = {
		.steer = s, .standing = st, .demand = demand, .n = 32, .per_query = 1
	};
	CU_ASSERT_TRUE(shed_solve(&p, price, out));
	/* 152 on 180 that may be used: Oslo's overflow costs 17.5 ms more, and up to one more.
	 */
	CU_ASSERT_DOUBLE_EQUAL(out[AMS].own, 120, 1e-6);
	CU_ASSERT(out[AMS].load <= 90 && out[AMS].load > 82);
	CU_ASSERT_DOUBLE_EQUAL(out[AMS].load + out[ROM].load, 152, 1e-6);
	CU_ASSERT_DOUBLE_EQUAL(price[AMS] / 1024.0, 17.5, 1.5);
	CU_ASSERT_EQUAL(price[ROM], 0);
	CU_ASSERT_DOUBLE_EQUAL(out[AMS].extra_ms, 17.5, 1.5);
	CU_ASSERT_DOUBLE_EQUAL(out[AMS].moved, (120 - out[AMS].load) / 120, 1e-6);

	/* Below the low watermark nothing has a price. */
	p.per_query = 0.6;
	memset(price, 0, sizeof price);
	CU_ASSERT_TRUE(shed_solve(&p, price, out));
	CU_ASSERT(price[AMS] == 0 && price[ROM] == 0 && out[AMS].moved == 0);

	fall_to_nothing(&p);
	/* Who may look at a few alone tells that he has not come to the end: of what is to be found, and of what is too full now. */
	p.per_query = 1;
	p.effort = 1;
	for (unsigned steady = 0; steady < 2; steady++) {
		p.steady = steady;
		memset(price, 0, sizeof price);
		CU_ASSERT_FALSE(shed_solve(&p, price, out));
		CU_ASSERT_DOUBLE_EQUAL(out[AMS].load + out[ROM].load, 152, 1e-6);
	}
	p.steady = false;
	p.effort = 0;
	/* More than both can bear: each bears its part. */
	p.per_query = 2;
	CU_ASSERT_TRUE(shed_solve(&p, price, out));
	CU_ASSERT_DOUBLE_EQUAL(out[AMS].load, out[ROM].load, 16);

	standing_free(st);
	steer_drop(s);
	atlas_drop(atlas);
}

static void shares_move_in_steps_and_not_to_and_fro(void)
{
	uint16_t share = SHED_ALL;

	CU_ASSERT_EQUAL(shed_share(share, 0.79, 0.8, 0.9), SHED_ALL);
	share = shed_share(share, 1.2, 0.8, 0.9);
	CU_ASSERT_EQUAL(share, 58981); /* nine tenths */
	CU_ASSERT_EQUAL(shed_share(share, 0.78, 0.8, 0.9), share);
	CU_ASSERT(shed_share(share, 0.85, 0.8, 0.9) < share);
	CU_ASSERT_EQUAL(shed_share(share, 0.7, 0.8, 0.9), share + SHED_ALL / 20);
	for (unsigned i = 0; i < 100; i++)
		share = shed_share(share, 2, 0.8, 0.9);
	CU_ASSERT_EQUAL(share, SHED_ALL / 16);
	/* One whose load follows its share settles, whatever it starts with. */
	unsigned turns = 0;
	int last = 0;
	for (unsigned i = 0; i < 200; i++) {
		const uint16_t next = shed_share(share, 1.6 * share / SHED_ALL, 0.8, 0.9);
		const int way = next > share ? 1 : next < share ? -1 : 0;
		turns += way && last && way != last;
		last = way ? way : last;
		share = next;
	}
	CU_ASSERT(turns <= 1);
	CU_ASSERT(1.6 * share / SHED_ALL < 0.9);
}

/* --- a world of sixty edges --------------------------------------------------------------- */

static void the_largest_edge_fails_and_nobody_drowns(void)
{
	static struct sixty w;
	static struct sixty_outcome o;
	struct shed_edge out[EDGES];
	uint32_t price[EDGES] = { 0 };
	const bool solver = system("glpsol --version >/dev/null 2>&1") == 0;

	if (!solver)
		printf("skipped: the optimum to compare with: no glpsol (glpk-utils)\n");
	sixty_open(&w, 1, 1);
	for (int gone = 0; gone < 2; gone++) {
		w.states[w.largest] = gone ? EDGE_DOWN : EDGE_UP;
		struct standing *st = small_standing(w.steer, w.states);
		struct shed_problem p = { .steer = w.steer,
			.standing = st,
			.demand = w.groups,
			.n = GROUPS,
			.per_query = 1 };
		CU_ASSERT_TRUE(shed_solve(&p, price, out));
		sixty_play(&w, price, &o);
		unsigned over = 0, wrong = 0;
		for (unsigned e = 0; e < EDGES; e++) {
			over += o.load[e] > w.edges[e].capacity * SIXTY_HIGH * 1.000001;
			wrong += fabs(o.load[e] - out[e].load) > 1e-6 * out[e].limit + 1e-6;
		}
		CU_ASSERT_EQUAL(over, 0);
		CU_ASSERT_EQUAL(wrong, 0); /* choose() does what the auction foresees */
		const double best = solver ? sixty_optimum(&w) : NAN;
		printf("  asserts: %s, mean extra %.3f ms (optimum %.3f)%s\n",
			gone ? "the largest edge gone" : "all edges up", o.extra_ms, best,
			gone ? "" : "");
		if (solver)
			CU_ASSERT(o.extra_ms <= best * 1.2);
		standing_free(st);
	}
	sixty_close(&w);
}

/* Demand flutters by a tenth in each interval; the edge goes and comes back. */
static void prices_do_not_swing(void)
{
	static struct sixty w;
	static struct sixty_outcome o, before;
	static double rate[GROUPS];
	uint32_t price[EDGES] = { 0 }, was[EDGES] = { 0 };
	int direction[EDGES] = { 0 };
	unsigned turns = 0, over = 0, moved = 0;

	sixty_open(&w, 5, 1);
	for (unsigned i = 0; i < GROUPS; i++)
		rate[i] = w.groups[i].rate;
	for (unsigned t = 0; t < 60; t++) {
		const bool change = t == 20 || t == 40;
		w.states[w.largest] = t >= 20 && t < 40 ? EDGE_DOWN : EDGE_UP;
		for (unsigned i = 0; i < GROUPS; i++)
			w.groups[i].rate += 0.2 *
				(rate[i] * (0.9 + 0.2 * sixty_draw(&w)) - w.groups[i].rate);
		struct standing *st = small_standing(w.steer, w.states);
		shed_solve(&(struct shed_problem){ .steer = w.steer,
				   .standing = st,
				   .demand = w.groups,
				   .n = GROUPS,
				   .per_query = 1,
				   .steady = t && !change },
			price, NULL);
		standing_free(st);
		before = o;
		sixty_play(&w, price, &o);
		for (unsigned e = 0; e < EDGES; e++) {
			const int now = price[e] > was[e] ? 1 : price[e] < was[e] ? -1 : 0;
			/* The first steps after a change are on their way. */
			turns += t % 20 > 8 && now && direction[e] && now != direction[e];
			direction[e] = now ? now : direction[e];
			over += t > 8 && o.load[e] > w.edges[e].capacity;
		}
		for (unsigned i = 0; t % 20 > 8 && i < GROUPS; i++)
			moved += o.went[i] != before.went[i];
		memcpy(was, price, sizeof was);
	}
	printf("  asserts: in 33 steady intervals prices of 60 edges turned %u times, %.2f %% "
	       "of "
	       "groups moved in each\n",
		turns, moved * 100.0 / GROUPS / 33);
	CU_ASSERT_EQUAL(over, 0);
	CU_ASSERT(turns <= 33 * EDGES / 20);
	CU_ASSERT(moved <= 33 * GROUPS / 50);
	sixty_close(&w);
}

static void the_scope_of_a_split_answer_holds(void)
{
	static struct sixty w;
	uint32_t price[EDGES] = { 0 };
	unsigned wrong = 0, split = 0;

	for (unsigned answers = 1; answers <= 2; answers++) {
		sixty_open(&w, 3, answers);
		struct standing *st = small_standing(w.steer, w.states);
		struct shed_cut cuts[EDGES];
		memset(price, 0, sizeof price);
		shed_solve(&(struct shed_problem){ .steer = w.steer,
				   .standing = st,
				   .demand = w.groups,
				   .n = GROUPS,
				   .per_query = 1 },
			price, NULL);
		for (unsigned i = 0; i < EDGES; i++)
			cuts[i] = (struct shed_cut){ price[i], i % 7 ? SHED_ALL : 30000 };
		st->cuts = cuts;
		for (unsigned i = 0; i < 20000; i++) {
			struct choose_ask ask = { .steer = w.steer,
				.standing = st,
				.has_subnet = true,
				.subnet = w.groups[i % GROUPS].addr };
			ask.subnet.b[14] |= (uint8_t)(sixty_draw(&w) * 16);
			const struct choice c = choose(&ask, NULL);
			const uint32_t v4 = be32_get(ask.subnet.b + 12),
				       in = c.scope ? UINT32_MAX << (32 - c.scope) : 0,
				       r = (uint32_t)(sixty_draw(&w) * 4294967296.0);
			split += c.scope == 20;
			be32_put(ask.subnet.b + 12, (v4 & in) | (r & ~in));
			const struct choice d = choose(&ask, NULL);
			wrong += d.n != c.n || d.scope != c.scope ||
				memcmp(d.edges, c.edges, c.n * sizeof *c.edges) != 0;
		}
		CU_ASSERT_EQUAL(wrong, 0);
		CU_ASSERT(split > 1000);
		standing_free(st);
		sixty_close(&w);
	}
}

/* Any policy, any state, price and share, any client: WAYMARK_TUPLES of them, or some. */
static void the_trace_tells_what_is_answered(void)
{
	static struct sixty w;
	static struct choose_trace t;
	const char *wanted = getenv("WAYMARK_TUPLES");
	const unsigned tuples = wanted ? (unsigned)atoi(wanted) : 6000;
	unsigned wrong = 0, shed = 0, n = 0;

	while (n < tuples) {
		sixty_open(&w, n + 9, 1 + n % 3);
		struct pool *pool = &w.steer->pools[0]; /* as if it were configured so */
		const unsigned kind = n / 1000 % 6;
		pool->affinity = kind >= 4 ? (enum pool_affinity)(1 + n / 6000 % 3)
					   : AFFINITY_NONE;
		pool->n_links = kind == 3;
		pool->links[0] = (struct pool_link){ POOL_NEAREST, INFINITY, INFINITY };
		pool->policy = kind == 2 || kind == 5 ? POOL_WEIGHTED : POOL_NEAREST;
		for (unsigned i = 0; i < EDGES; i++)
			w.states[i] = (uint8_t)(sixty_draw(&w) < 0.8 ? EDGE_UP : 1 + i % 2);
		struct standing *st = small_standing(w.steer, w.states);
		struct shed_cut cuts[EDGES];
		for (unsigned i = 0; i < EDGES; i++)
			cuts[i] = (struct shed_cut){
				sixty_draw(&w) < 0.5 ? 0 : (uint32_t)(sixty_draw(&w) * 9000),
				(uint16_t)(sixty_draw(&w) < 0.8 ? SHED_ALL : sixty_draw(&w) * SHED_ALL)
			};
		st->cuts = cuts;
		for (unsigned i = 0; i < 1000 && n < tuples; i++, n++) {
			struct choose_turn one[64] = { 0 }, two[64] = { 0 };
			uint8_t name[] = { 1, (uint8_t)(i % 250), 0 };
			struct choose_ask ask = { .steer = w.steer,
				.standing = st,
				.has_subnet = n % 4,
				.subnet = w.groups[(unsigned)(sixty_draw(&w) * GROUPS)].addr,
				.source = w.groups[(unsigned)(sixty_draw(&w) * GROUPS)].addr,
				.turns = one,
				.name = name,
				.name_len = 3 };
			const struct choice c = choose(&ask, NULL);
			ask.turns = two;
			const struct choice d = choose(&ask, &t);
			unsigned k = 0;
			for (unsigned step = 0; step < t.n; step++)
				for (unsigned e = 0; e < t.steps[step].n; e++)
					if (t.steps[step].verdicts[e] == CHOSEN)
						wrong += k >= c.n ||
							t.steps[step].edges[e] != c.edges[k++];
			wrong += k != c.n || c.n != d.n || c.scope != d.scope ||
				c.why != d.why || c.demand != d.demand ||
				memcmp(c.edges, d.edges, c.n * sizeof *c.edges) != 0;
			shed += c.why == WHY_SHED;
		}
		standing_free(st);
		sixty_close(&w);
	}
	CU_ASSERT_EQUAL(wrong, 0);
	CU_ASSERT(shed > tuples / 20);
}

void suite_shed(void)
{
	static const struct unit_case cases[] = {
		{ "what costs least goes first, and no more than must",
			what_costs_least_goes_first_and_no_more_than_must },
		{ "shares move in steps, and not to and fro",
			shares_move_in_steps_and_not_to_and_fro },
		{ "the largest edge fails and nobody drowns",
			the_largest_edge_fails_and_nobody_drowns },
		{ "prices do not swing", prices_do_not_swing },
		{ "the trace tells what is answered", the_trace_tells_what_is_answered },
		{ "the scope of a split answer holds", the_scope_of_a_split_answer_holds },
	};

	unit_suite("steer/shed", cases, UNIT_COUNT(cases));
}
