#include "steer/choose.h"

#include "unit/steer/small_world.h"
#include "unit/unit.h"

#include <math.h>
#include <stdio.h>
#include <string.h>

static void clients_get_the_nearest_edge(void)
{
	struct pool_opts pool = small_pool();
	struct small s;

	small_open(&s, &pool, 1);
	/* Oslo's order is that of unknown clients too: the scope is as wide as both together,
	 * up to 2.0.0.0 (Rome). */
	CU_ASSERT_STRING_EQUAL(small_ask(&s, "1.0.5.0/24", NULL, false), "ams /8");
	CU_ASSERT_STRING_EQUAL(small_ask(&s, "2.0.5.0/24", NULL, false), "rom /16");
	CU_ASSERT_STRING_EQUAL(small_ask(&s, "3.0.5.0/24", NULL, false), "sfo /17");
	CU_ASSERT_STRING_EQUAL(small_ask(&s, "3.0.200.0/24", NULL, false), "nyc /17");
	CU_ASSERT_STRING_EQUAL(small_ask(&s, "2a00::/48", NULL, true), "rom /32");
	/* Without a subnet the resolver's own address decides, and there is no scope to tell.
	 */
	CU_ASSERT_STRING_EQUAL(small_ask(&s, "", "3.0.200.1", false), "nyc /0");
	small_close(&s);
}

static void an_edge_without_the_address_type_is_passed_over(void)
{
	struct pool_opts pool = small_pool();
	struct small s;

	small_open(&s, &pool, 1);
	CU_ASSERT_STRING_EQUAL(small_ask(&s, "3.0.5.0/24", NULL, true), "nyc /17");
	small_close(&s);
}

static void a_pool_without_the_address_type_says_nodata(void)
{
	static const uint16_t only[] = { SFO };
	struct pool_opts pool = small_pool();
	struct small s;

	pool.edges = only;
	pool.n = 1;
	small_open(&s, &pool, 1);
	CU_ASSERT_STRING_EQUAL(small_ask(&s, "3.0.5.0/24", NULL, true), "/0");
	small_close(&s);
}

static void unknown_clients_go_by_the_default_order(void)
{
	static const uint16_t order[] = { NYC };
	struct pool_opts pool = small_pool();
	struct small s;

	pool.fallback = order;
	pool.n_fallback = 1;
	small_open(&s, &pool, 1);
	/* 4.0.0.0 and 6.0.0.0 have no place; 5.0.0.0/16 has a country but no coordinates: never
	 * (0,0). */
	CU_ASSERT_STRING_EQUAL(small_ask(&s, "6.0.0.0/24", NULL, false), "nyc /6");
	CU_ASSERT_STRING_EQUAL(small_ask(&s, "5.0.0.0/24", NULL, false), "nyc /6");
	s.states[NYC] = EDGE_DOWN;
	CU_ASSERT_STRING_EQUAL(small_ask(&s, "5.0.0.0/24", NULL, false), "ams /6");
	small_close(&s);
}

static void down_and_drained_edges_are_passed_over(void)
{
	struct pool_opts pool = small_pool();
	struct small s;

	small_open(&s, &pool, 1);
	s.states[AMS] = EDGE_DOWN;
	CU_ASSERT_STRING_EQUAL(small_ask(&s, "1.0.5.0/24", NULL, false), "rom /8");
	s.states[ROM] = EDGE_DRAIN;
	CU_ASSERT_STRING_EQUAL(small_ask(&s, "1.0.5.0/24", NULL, false), "nyc /8");
	small_close(&s);
}

static void answers_stay_within_the_spread_of_the_best_that_is_up(void)
{
	static const struct {
		const char *say;
		double ms, share;
		unsigned answers;
		int down;
		const char *want;
	} row[] = {
		/* From Oslo: ams 0.91 thousand km, rom 2.0, nyc 5.9, sfo 8.3: 19.6, 37.1, 99.4,
		   138.6 ms. */
		{ "no limit", INFINITY, INFINITY, 3, -1, "ams rom nyc /8" },
		{ "10 ms", 10, INFINITY, 3, -1, "ams /16" },
		{ "20 ms", 20, INFINITY, 3, -1, "ams rom /16" },
		{ "double the time", INFINITY, 1, 3, -1, "ams rom /16" },
		{ "half as much again", INFINITY, 0.5, 3, -1, "ams /16" },
		{ "the best is down: 45 % behind the second", INFINITY, 0.45, 3, AMS,
			"rom /16" },
		{ "the best two are down", 40, INFINITY, 3, AMS, "rom /16" },
		{ "65 ms behind rom", 65, INFINITY, 3, AMS, "rom nyc /16" },
	};

	for (size_t i = 0; i < UNIT_COUNT(row); i++) {
		struct pool_opts pool = small_pool();
		struct small s;
		pool.answers = row[i].answers;
		pool.spread_ms = row[i].ms;
		pool.spread_share = row[i].share;
		small_open(&s, &pool, 1);
		if (row[i].down >= 0)
			s.states[row[i].down] = EDGE_DOWN;
		CU_ASSERT_STRING_EQUAL(small_ask(&s, "1.0.5.0/24", NULL, false), row[i].want);
		small_close(&s);
	}
}

static void the_strongest_pin_wins(void)
{
	static const uint16_t ams = AMS, rom = ROM, nyc = NYC, sfo = SFO;
	struct pool_pin pins[] = {
		{ .kind = PIN_CONTINENT, .code = "NA", .edges = &ams, .n = 1 },
		{ .kind = PIN_COUNTRY, .code = "US", .edges = &rom, .n = 1 },
		{ .kind = PIN_REGION, .code = "US-CA", .edges = &nyc, .n = 1 },
		{ .kind = PIN_ASN, .asn = 64500, .edges = &ams, .n = 1 },
		{ .kind = PIN_NET, .edges = &sfo, .n = 1 },
		{ .kind = PIN_NET, .edges = &rom, .n = 1 },
	};
	struct pool_opts pool = small_pool();
	struct small s;

	prefix_parse(&pins[4].net, "3.0.0.0/20", NULL);
	prefix_parse(&pins[5].net, "3.0.1.0/24", NULL);
	pool.pins = pins;
	pool.n_pins = 6;
	small_open(&s, &pool, 1);
	CU_ASSERT_STRING_EQUAL(
		small_ask(&s, "3.0.1.0/24", NULL, false), "rom /24"); /* the longest prefix */
	CU_ASSERT_STRING_EQUAL(small_ask(&s, "3.0.2.0/24", NULL, false), "sfo /23");
	CU_ASSERT_STRING_EQUAL(
		small_ask(&s, "3.0.64.0/24", NULL, false), "ams /18"); /* ASN before region */
	CU_ASSERT_STRING_EQUAL(small_ask(&s, "3.0.200.0/24", NULL, false),
		"rom /17"); /* country before continent */
	pool.n_pins = 3;
	small_close(&s);
	small_open(&s, &pool, 1);
	CU_ASSERT_STRING_EQUAL(small_ask(&s, "3.0.1.0/24", NULL, false),
		"nyc /17");        /* region before country */
	s.states[NYC] = EDGE_DOWN; /* a pin that is down is no pin */
	CU_ASSERT_STRING_EQUAL(small_ask(&s, "3.0.1.0/24", NULL, false), "sfo /17");
	small_close(&s);
}

static void all_down_has_four_ways(void)
{
	struct pool_opts pools[2] = { small_pool(), small_pool() };
	static const uint16_t backup[] = { SFO };
	struct small s;

	pools[1].name = "backup";
	pools[1].edges = backup;
	pools[1].n = 1;
	for (int how = POOL_ALL; how <= POOL_EMPTY; how++) {
		static const char *const want[] = { "rom /16", "ams /16", "sfo /16",
			"/0" }; /* that there is none holds for all */
		static const uint16_t first_three[] = { AMS, ROM, NYC };
		pools[0].edges = first_three;
		pools[0].n = 3;
		pools[0].all_down = (enum pool_all_down)how;
		pools[0].other = 1;
		small_open(&s, pools, 2);
		s.states[AMS] = s.states[ROM] = s.states[NYC] = EDGE_DOWN;
		CU_ASSERT_STRING_EQUAL(small_ask(&s, "2.0.5.0/24", NULL, false), want[how]);
		small_close(&s);
	}
	/* "all" takes those that have failed before those that the operator empties. */
	pools[0].all_down = POOL_ALL;
	small_open(&s, pools, 2);
	s.states[AMS] = s.states[NYC] = EDGE_DOWN;
	s.states[ROM] = EDGE_DRAIN;
	CU_ASSERT_STRING_EQUAL(small_ask(&s, "2.0.5.0/24", NULL, false), "ams /16");
	small_close(&s);
}

static void turns_are_in_exact_proportion_and_apart_by_type(void)
{
	struct pool_opts pool = small_pool();
	struct small s;
	unsigned count[4];

	pool.policy = POOL_WEIGHTED;
	small_open(&s, &pool, 1);
	/* Weights 1 2 3 1: over any 7 turns, whatever AAAA queries come between. */
	for (unsigned from = 0; from < 20; from++) {
		memset(count, 0, sizeof count);
		for (unsigned i = 0; i < 7; i++) {
			const char *got = small_ask(&s, "1.0.5.0/24", NULL, false);
			for (unsigned e = 0; e < 4; e++)
				count[e] += strncmp(got, small_edges[e].name, 3) == 0;
			CU_ASSERT_STRING_EQUAL(got + 4, "/0"); /* the client plays no part */
			small_ask(&s, "1.0.5.0/24", NULL, true);
		}
		CU_ASSERT(count[AMS] == 1 && count[ROM] == 2 && count[NYC] == 3 &&
			count[SFO] == 1);
		small_ask(&s, "1.0.5.0/24", NULL, false); /* the next window starts elsewhere */
	}
	small_close(&s);

	pool.policy = POOL_ROUND_ROBIN;
	small_open(&s, &pool, 1);
	s.states[ROM] = EDGE_DOWN;
	CU_ASSERT_STRING_EQUAL(small_ask(&s, "", NULL, false), "ams /0");
	CU_ASSERT_STRING_EQUAL(small_ask(&s, "", NULL, false), "nyc /0");
	CU_ASSERT_STRING_EQUAL(small_ask(&s, "", NULL, false), "sfo /0");
	CU_ASSERT_STRING_EQUAL(small_ask(&s, "", NULL, false), "ams /0");
	small_close(&s);
}

static void subnets_that_are_not_global_leave_it_to_the_source(void)
{
	static const uint16_t rom = ROM;
	struct pool_pin pin = { .kind = PIN_NET, .edges = &rom, .n = 1 };
	struct pool_opts pool = small_pool();
	struct small s;

	prefix_parse(&pin.net, "10.1.0.0/16", NULL);
	small_open(&s, &pool, 1);
	CU_ASSERT_STRING_EQUAL(small_ask(&s, "10.1.2.0/24", "3.0.200.1", false), "nyc /8");
	CU_ASSERT_STRING_EQUAL(small_ask(&s, "192.168.7.0/24", "1.0.0.1", false), "ams /16");
	small_close(&s);
	/* ... but the operator may know better. */
	pool.pins = &pin;
	pool.n_pins = 1;
	small_open(&s, &pool, 1);
	CU_ASSERT_STRING_EQUAL(small_ask(&s, "10.1.2.0/24", "3.0.200.1", false), "rom /16");
	CU_ASSERT_STRING_EQUAL(small_ask(&s, "10.9.2.0/24", "3.0.200.1", false), "nyc /13");
	small_close(&s);
}

static void the_trace_says_why_each_edge_was_passed_over(void)
{
	static struct choose_trace t;
	struct pool_opts pool = small_pool();
	struct small s;

	small_open(&s, &pool, 1);
	s.states[SFO] = EDGE_DOWN;
	struct standing *standing = small_standing(s.steer, s.states);
	struct choose_ask ask = {
		.steer = s.steer, .standing = standing, .has_subnet = true, .turns = s.turns
	};
	addr_parse(&ask.subnet, "3.0.5.0");
	const struct choice c = choose(&ask, &t);
	CU_ASSERT_EQUAL(c.edges[0], NYC);
	CU_ASSERT_EQUAL_FATAL(t.n, 1);
	CU_ASSERT_EQUAL(t.steps[0].by, BY_RANK);
	CU_ASSERT_EQUAL_FATAL(t.steps[0].n, 4);
	CU_ASSERT(t.steps[0].edges[0] == SFO && t.steps[0].verdicts[0] == PASSED_DOWN);
	CU_ASSERT(t.steps[0].edges[1] == NYC && t.steps[0].verdicts[1] == CHOSEN);
	CU_ASSERT(t.steps[0].edges[2] == AMS && t.steps[0].verdicts[2] == PASSED_ENOUGH);
	CU_ASSERT_EQUAL(t.asn, 1);
	CU_ASSERT_EQUAL(t.place_bits, 17);
	standing_free(standing);
	small_close(&s);
}

/* Of 16 groups in Oslo, a /20 each, whose order is ams, rom, nyc, sfo. */
static void who_leaves_a_draining_edge_goes_to_the_next_one(void)
{
	struct shed_cut cuts[4] = { { 0, SHED_ALL / 2 }, { 0, SHED_ALL }, { 0, SHED_ALL },
		{ 0, SHED_ALL } };
	unsigned went[4] = { 0 };
	struct pool_opts pool = small_pool();
	struct small s;

	small_open(&s, &pool, 1);
	struct standing *standing = small_standing(s.steer, s.states);
	standing->cuts = cuts;
	for (unsigned i = 0; i < 16; i++) {
		struct choose_ask ask = { .steer = s.steer,
			.standing = standing,
			.has_subnet = true,
			.turns = s.turns };
		char text[32];
		snprintf(text, sizeof text, "1.0.%u.0", i * 16);
		addr_parse(&ask.subnet, text);
		went[choose(&ask, NULL).edges[0]]++;
	}
	CU_ASSERT(went[AMS] > 2 && went[ROM] > 2);
	CU_ASSERT_EQUAL(went[AMS] + went[ROM], 16);
	standing->cuts = NULL;
	standing_free(standing);
	small_close(&s);
}

/* A pool in which Rome's may be too full. Who is unknown has Rome in front as Romans have, and others behind it. */
static void open_with_room(struct small *s, unsigned answers)
{
	static const uint16_t order[] = { ROM, AMS, SFO };
	struct edge_opts edges[4];
	struct pool_opts pool = small_pool();

	memcpy(edges, small_edges, sizeof edges);
	edges[ROM].capacity = 100;
	pool.fallback = order;
	pool.n_fallback = 3;
	pool.answers = answers;
	*s = (struct small){ .atlas = small_atlas() };
	s->steer = steer_new(&(struct steer_opts){ edges, 4, &pool, 1, NULL, NULL }, s->atlas, NULL);
}

static struct choice ask_with_cuts(struct small *s, struct shed_cut *cuts, const char *who)
{
	struct standing *standing = small_standing(s->steer, s->states);
	struct choose_ask ask = { .steer = s->steer, .standing = standing, .has_subnet = true, .turns = s->turns };

	standing->cuts = cuts;
	addr_parse(&ask.subnet, who);
	const struct choice c = choose(&ask, NULL);
	standing->cuts = NULL;
	standing_free(standing);
	return c;
}

static void while_there_is_room_the_scope_is_of_who_comes_first(void)
{
	static struct shed_cut none[4] = { { 0, SHED_ALL }, { 0, SHED_ALL }, { 0, SHED_ALL }, { 0, SHED_ALL } },
		behind[4] = { { 0, SHED_ALL }, { 0, SHED_ALL }, { 9, SHED_ALL }, { 9, 9 } },
		full[4] = { { 0, SHED_ALL }, { 9, SHED_ALL }, { 0, SHED_ALL }, { 0, SHED_ALL } };
	static const struct {
		const char *say;
		struct shed_cut *cuts;
		bool wide;
	} row[] = {
		{ "nobody is full", NULL, true },
		{ "nobody is any more", none, true },
		{ "those behind them are", behind, true },
		{ "one of the first is", full, false },
	};

	for (unsigned answers = 1; answers <= 2; answers++) {
		struct small s;
		open_with_room(&s, answers);
		for (unsigned i = 0; i < sizeof row / sizeof *row; i++) {
			const struct choice c = ask_with_cuts(&s, row[i].cuts, "2.0.5.0");
			CU_ASSERT(c.n == answers && c.edges[0] == ROM && (answers == 1 || c.edges[1] == AMS));
			if (row[i].wide ? c.scope != 8 : c.scope < 16)
				printf("  %s: /%u\n", row[i].say, c.scope);
			CU_ASSERT(row[i].wide ? c.scope == 8 : c.scope >= 16);
			/* The demand is of those who cost the same, not of all who are answered alike. */
			CU_ASSERT_EQUAL(c.demand, ask_with_cuts(&s, row[i].cuts, "2.0.6.0").demand);
			CU_ASSERT_NOT_EQUAL(c.demand, ask_with_cuts(&s, row[i].cuts, "2.9.5.0").demand);
		}
		small_close(&s);
	}
}

/* Rome: 5 ms to ROM, 25.8 to AMS, 115 to NYC. Prices in 1024ths of a millisecond. */
static void groups_are_told_apart_only_where_what_is_drawn_decides(void)
{
	enum { MS = SHED_UNIT };
	static struct shed_cut dear[4] = { { 0, SHED_ALL }, { MS / 100, SHED_ALL }, { 0, SHED_ALL }, { 0, SHED_ALL } },
		as_dear[4] = { { 0, SHED_ALL }, { 21 * MS, SHED_ALL }, { 0, SHED_ALL }, { 0, SHED_ALL } },
		second[4] = { { 89 * MS + MS / 2, SHED_ALL }, { 0, SHED_ALL }, { 0, SHED_ALL }, { 0, SHED_ALL } },
		out[4] = { { 100 * MS, SHED_ALL }, { 0, SHED_ALL }, { 0, SHED_ALL }, { 0, SHED_ALL } },
		some[4] = { { 0, SHED_ALL / 2 }, { 0, SHED_ALL }, { 0, SHED_ALL }, { 0, SHED_ALL } },
		none[4] = { { 0, 0 }, { 0, SHED_ALL }, { 0, SHED_ALL }, { 0, SHED_ALL } };
	static const struct {
		const char *say;
		struct shed_cut *cuts;
		bool drawn[2]; /* with one answer, and with two */
	} row[] = {
		{ "the nearest has a price, and stays", dear, { false, false } },
		{ "it is as dear as the next one", as_dear, { true, true } },
		{ "the second is as dear as the third", second, { false, true } },
		{ "... and out", out, { false, false } },
		{ "some may go to the second", some, { false, true } },
		{ "... and nobody", none, { false, false } },
	};

	for (unsigned answers = 1; answers <= 2; answers++) {
		struct small s;
		open_with_room(&s, answers);
		for (unsigned i = 0; i < sizeof row / sizeof *row; i++) {
			const struct choice c = ask_with_cuts(&s, row[i].cuts, "2.0.5.0");
			if ((c.scope == GROUP_V4) != row[i].drawn[answers - 1])
				printf("  %s: /%u with %u\n", row[i].say, c.scope, answers);
			CU_ASSERT_EQUAL(c.scope == GROUP_V4, row[i].drawn[answers - 1]);
		}
		small_close(&s);
	}
}

static bool same_edges(const struct choice *a, const struct choice *b)
{
	return a->n == b->n && a->scope == b->scope && memcmp(a->edges, b->edges, a->n * sizeof *a->edges) == 0;
}

/* AMS has a name and no address: behind ROM it is passed over, and who comes third matters. */
static void who_is_behind_one_that_is_passed_over_is_drawn_by_groups(void)
{
	static const uint16_t order[] = { ROM, AMS, SFO };
	struct edge_opts edges[4];
	struct pool_opts pool = small_pool();
	unsigned drawn = 0, wrong = 0;

	memcpy(edges, small_edges, sizeof edges);
	edges[ROM].capacity = 100;
	edges[AMS].n_a = edges[AMS].n_aaaa = 0;
	edges[AMS].cname = (const uint8_t *)"\003www\007example";
	pool.fallback = order;
	pool.n_fallback = 3;
	pool.answers = 2;
	struct small s = { .atlas = small_atlas() };
	s.steer = steer_new(&(struct steer_opts){ edges, 4, &pool, 1, NULL, NULL }, s.atlas, NULL);
	for (uint32_t price = 0; price < 100 * SHED_UNIT; price += SHED_UNIT / 2) {
		struct shed_cut cuts[4] = { { 0, SHED_ALL }, { SHED_UNIT / 100, SHED_ALL }, { price, SHED_ALL }, { 0, SHED_ALL } };
		const struct choice c = ask_with_cuts(&s, cuts, "2.0.0.0");
		drawn += c.scope == GROUP_V4;
		for (unsigned i = 1; c.scope <= 16 && i < 16; i++) {
			char who[32];
			snprintf(who, sizeof who, "2.0.%u.0", 16 * i);
			const struct choice d = ask_with_cuts(&s, cuts, who);
			wrong += !same_edges(&c, &d);
		}
	}
	CU_ASSERT_EQUAL(wrong, 0);
	CU_ASSERT(drawn > 0);
	small_close(&s);
}

/* "ams rom, 30 s": the edges chosen for Oslo, and the pool's ceiling. */
static const char *chosen_with(struct small *s, struct choose_own own, uint16_t pool)
{
	struct standing *standing = small_standing(s->steer, s->states);
	struct choose_ask ask = { .steer = s->steer,
		.standing = standing,
		.pool = pool,
		.has_subnet = true,
		.turns = s->turns,
		.own = own };
	static char text[128];
	int n = 0;

	addr_parse(&ask.subnet, "1.0.5.0");
	const struct choice c = choose(&ask, NULL);
	text[0] = 0;
	for (unsigned i = 0; i < c.n; i++)
		n += snprintf(text + n, sizeof text - (size_t)n, "%s ",
			s->steer->edges[c.edges[i]].name);
	snprintf(text + n, sizeof text - (size_t)n, "%u", c.ttl_most_s);
	standing_free(standing);
	return text;
}

static void a_name_has_answers_and_ttl_of_its_own(void)
{
	struct pool_opts pool = small_pool();
	struct small s;

	pool.ttl_max_s = 60;
	small_open(&s, &pool, 1);
	CU_ASSERT_STRING_EQUAL(chosen_with(&s, (struct choose_own){ .answers = 0 }, 0), "ams 60");
	CU_ASSERT_STRING_EQUAL(
		chosen_with(&s, (struct choose_own){ .answers = 3 }, 0), "ams rom nyc 60");
	CU_ASSERT_STRING_EQUAL(
		chosen_with(&s,
			(struct choose_own){ .has_ttl = true, .ttl_least_s = 90, .ttl_most_s = 90 },
			0),
		"ams 90");
	small_close(&s);
	/* Within the pool's spread, though the pool has one answer. */
	pool.spread_ms = 1;
	small_open(&s, &pool, 1);
	CU_ASSERT_STRING_EQUAL(
		chosen_with(&s, (struct choose_own){ .answers = 3 }, 0), "ams 60");
	small_close(&s);
}

static void the_answers_of_a_name_are_those_of_the_pool_that_it_names(void)
{
	static const uint16_t eu[] = { AMS, ROM }, us[] = { NYC, SFO };
	static const struct pool_member members[] = { { .is_pool = true, .number = 1, .weight = 1 },
		{ .is_pool = true, .number = 2, .weight = 1 } };
	struct pool_opts p[3] = { small_pool(), small_pool(), small_pool() };
	struct small s;

	p[0].name = "top";
	p[0].n = p[0].n_fallback = 0;
	p[0].members = members;
	p[0].n_members = 2;
	p[1].name = "eu";
	p[1].edges = eu;
	p[2].name = "us";
	p[2].edges = us;
	p[1].n = p[2].n = 2;
	small_open(&s, p, 3);
	CU_ASSERT_STRING_EQUAL(
		chosen_with(&s, (struct choose_own){ .answers = 0 }, 0), "ams 4294967295");
	/* Of each member one, as with a pool of two answers. */
	CU_ASSERT_STRING_EQUAL(
		chosen_with(&s, (struct choose_own){ .answers = 2 }, 0), "ams nyc 4294967295");
	small_close(&s);
	p[0].answers = 2;
	small_open(&s, p, 3);
	CU_ASSERT_STRING_EQUAL(
		chosen_with(&s, (struct choose_own){ .answers = 0 }, 0), "ams nyc 4294967295");
	CU_ASSERT_STRING_EQUAL(
		chosen_with(&s, (struct choose_own){ .answers = 1 }, 0), "ams 4294967295");
	small_close(&s);
}

static void a_name_of_one_edge_gets_it_whatever_its_state(void)
{
	struct pool_opts pool = small_pool();
	struct small s;

	small_open(&s, &pool, 1);
	s.states[NYC] = EDGE_DOWN;
	CU_ASSERT_STRING_EQUAL(
		chosen_with(&s, (struct choose_own){ .one = true, .edge = NYC }, 0),
		"nyc 4294967295");
	CU_ASSERT_STRING_EQUAL(
		chosen_with(&s, (struct choose_own){ .one = true, .edge = UINT16_MAX }, 0),
		"4294967295");
	small_close(&s);
}

void suite_choose(void)
{
	static const struct unit_case cases[] = {
		{ "a name has answers and ttl of its own", a_name_has_answers_and_ttl_of_its_own },
		{ "the answers of a name are those of the pool that it names",
			the_answers_of_a_name_are_those_of_the_pool_that_it_names },
		{ "a name of one edge gets it whatever its state",
			a_name_of_one_edge_gets_it_whatever_its_state },
		{ "clients get the nearest edge", clients_get_the_nearest_edge },
		{ "an edge without the address type is passed over",
			an_edge_without_the_address_type_is_passed_over },
		{ "a pool without the address type says NODATA",
			a_pool_without_the_address_type_says_nodata },
		{ "unknown clients go by the default order",
			unknown_clients_go_by_the_default_order },
		{ "down and drained edges are passed over",
			down_and_drained_edges_are_passed_over },
		{ "answers stay within the spread of the best that is up",
			answers_stay_within_the_spread_of_the_best_that_is_up },
		{ "the strongest pin wins", the_strongest_pin_wins },
		{ "all-down has four ways", all_down_has_four_ways },
		{ "turns are in exact proportion and apart by type",
			turns_are_in_exact_proportion_and_apart_by_type },
		{ "subnets that are not global leave it to the source",
			subnets_that_are_not_global_leave_it_to_the_source },
		{ "who leaves a draining edge goes to the next one",
			who_leaves_a_draining_edge_goes_to_the_next_one },
		{ "while there is room, the scope is of who comes first",
			while_there_is_room_the_scope_is_of_who_comes_first },
		{ "groups are told apart only where what is drawn decides",
			groups_are_told_apart_only_where_what_is_drawn_decides },
		{ "who is behind one that is passed over is drawn by groups",
			who_is_behind_one_that_is_passed_over_is_drawn_by_groups },
		{ "the trace says why each edge was passed over",
			the_trace_says_why_each_edge_was_passed_over },
	};

	unit_suite("steer/choose", cases, UNIT_COUNT(cases));
}
