#include "steer/choose.h"

#include "base/bytes.h"
#include "unit/steer/small_world.h"
#include "unit/unit.h"

#include <math.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

/* A standing as if probes had measured these loads and times; NAN: nothing. */
static struct standing *measured(struct small *s, const float *load, const float *rtt_ms)
{
	struct verdict v[8];
	uint32_t targets[8];
	const struct standing_row row = { 1, targets };
	static const uint16_t row_of[] = { 1, 1 };

	for (unsigned i = 0; i < 8; i++)
		targets[i] = STANDING_NO_TARGET;
	for (unsigned i = 0; i < s->steer->n_edges; i++) {
		targets[s->steer->edges[i].first_address] = i;
		v[i] = (struct verdict){ true, true, false, UINT64_MAX, rtt_ms[i], load[i] };
	}
	return standing_new(&(struct standing_opts){ .steer = s->steer,
		.states = s->states,
		.verdicts = v,
		.rows = &row,
		.n_rows = 1,
		.row_of = row_of });
}

static const char *ask(struct small *s, const struct standing *standing, const char *subnet)
{
	static char text[256];
	struct choose_ask a = { .steer = s->steer,
		.standing = standing,
		.has_subnet = true,
		.turns = s->turns,
		.name = (const uint8_t *)"\3www",
		.name_len = 5 };
	struct prefix p;
	int n = 0;

	prefix_parse(&p, subnet, NULL);
	a.subnet = p.addr;
	addr_parse(&a.source, "9.9.9.9");
	const struct choice c = choose(&a, NULL);
	for (unsigned i = 0; i < c.n; i++)
		n += snprintf(text + n, sizeof text - (size_t)n, "%s ",
			s->steer->edges[c.edges[i]].name);
	snprintf(text + n, sizeof text - (size_t)n, "/%u", c.scope);
	return text;
}

/* From Oslo: ams 19.6 ms, rom 37.1, nyc 99.4, sfo 138.6. */
static void each_link_narrows_and_the_last_one_orders(void)
{
	static const float none[4] = { NAN, NAN, NAN, NAN };
	static const struct {
		const char *say;
		struct pool_link links[2];
		unsigned n;
		enum pool_policy last;
		float load[4];
		int down;
		const char *want;
	} row[] = {
		{ "of two that are near the less loaded one",
			{ { POOL_NEAREST, 20, INFINITY } }, 1, POOL_LEAST_LOAD, { 5, 3, 1, 0 },
			-1, "rom ams /16" },
		{ "only one is near", { { POOL_NEAREST, 10, INFINITY } }, 1, POOL_LEAST_LOAD,
			{ 5, 3, 1, 0 }, -1, "ams /16" },
		{ "the distance counts from the nearest that is up",
			{ { POOL_NEAREST, 70, INFINITY } }, 1, POOL_LEAST_LOAD, { 5, 3, 1, 0 },
			AMS, "nyc rom /16" },
		{ "the least loaded, and of these the nearest",
			{ { POOL_LEAST_LOAD, INFINITY, 0.5 } }, 1, POOL_NEAREST,
			{ 9, 4, 3, 4.5f }, -1, "rom nyc /8" },
		{ "what is not measured is out", { { POOL_LEAST_LOAD, INFINITY, 0.5 } }, 1,
			POOL_NEAREST, { NAN, NAN, 3, 9 }, -1, "nyc /8" },
		{ "nothing is measured: all stay", { { POOL_LEAST_LOAD, INFINITY, 0.5 } }, 1,
			POOL_NEAREST, { NAN, NAN, NAN, NAN }, -1, "ams rom /8" },
		{ "three links",
			{ { POOL_NEAREST, 90, INFINITY }, { POOL_LEAST_LOAD, INFINITY, 1 } }, 2,
			POOL_ROUND_ROBIN, { 5, 3, 2, 0 }, -1, "rom nyc /16" },
	};

	for (size_t i = 0; i < UNIT_COUNT(row); i++) {
		struct pool_opts pool = small_pool();
		struct small s;
		memcpy(pool.links, row[i].links, sizeof row[i].links);
		pool.n_links = row[i].n;
		pool.policy = row[i].last;
		pool.answers = 2;
		small_open(&s, &pool, 1);
		if (row[i].down >= 0)
			s.states[row[i].down] = EDGE_DOWN;
		struct standing *standing = measured(&s, row[i].load, none);
		CU_ASSERT_STRING_EQUAL(ask(&s, standing, "1.0.5.0/24"), row[i].want);
		standing_free(standing);
		small_close(&s);
	}
}

/* Where an edge stands in its pool is no matter, however many there are: all are in San Francisco
 * but one. */
static void a_link_finds_the_near_edge_wherever_it_stands_in_the_pool(void)
{
	enum { LOT = 200 };
	static const unsigned near[] = { 0, 1, 62, 63, 64, 65, 126, 127, 128, 129, LOT - 1 };
	static struct edge_opts edges[LOT];
	static struct addr addrs[LOT];
	static char names[LOT][8];
	static uint16_t numbers[LOT];
	struct pool_opts pool = small_pool();

	pool.links[0] = (struct pool_link){ POOL_NEAREST, 10, INFINITY };
	pool.n_links = 1;
	pool.policy = POOL_ROUND_ROBIN;
	pool.answers = 2;
	pool.edges = numbers;
	pool.n = LOT;
	for (size_t k = 0; k < UNIT_COUNT(near); k++) {
		struct small s = { .atlas = small_atlas() };
		for (unsigned i = 0; i < LOT; i++) {
			const bool is_near = i == near[k];
			snprintf(names[i], sizeof names[i], "e%u", i);
			addrs[i] = (struct addr){ { [10] = 255, 255, 192, 0, 2, (uint8_t)i } };
			edges[i] = (struct edge_opts){ .name = names[i],
				.placed = true,
				.lat = is_near ? 59.9 : 37.6,
				.lon = is_near ? 10.7 : -122.4,
				.a = &addrs[i],
				.n_a = 1,
				.weight = 1 };
			numbers[i] = (uint16_t)i;
		}
		s.steer = steer_new(
			&(struct steer_opts){ edges, LOT, &pool, 1, NULL, NULL }, s.atlas, NULL);
		uint8_t states[LOT] = { 0 };
		struct standing *standing = small_standing(s.steer, states);
		char want[32];
		snprintf(want, sizeof want, "e%u /16", near[k]);
		CU_ASSERT_STRING_EQUAL(ask(&s, standing, "1.0.5.0/24"), want);
		standing_free(standing);
		small_close(&s);
	}
}

static void a_chain_heeds_the_all_down_rule(void)
{
	struct pool_opts pool = small_pool();
	struct small s;

	pool.links[0] = (struct pool_link){ POOL_NEAREST, 10, INFINITY };
	pool.n_links = 1;
	pool.policy = POOL_ROUND_ROBIN;
	small_open(&s, &pool, 1);
	s.states[AMS] = s.states[ROM] = s.states[NYC] = s.states[SFO] = EDGE_DOWN;
	CU_ASSERT_STRING_EQUAL(small_ask(&s, "1.0.5.0/24", NULL, false), "ams /16");
	small_close(&s);
}

/* Pools of n edges, all in one place. */
enum { MANY = 12 };
struct many {
	struct edge_opts edges[MANY];
	char names[MANY][8];
	struct addr addrs[MANY];
	uint16_t numbers[MANY];
	struct small s;
};

static void open_many(struct many *m, struct pool_opts pool)
{
	memset(m, 0, sizeof *m);
	for (unsigned i = 0; i < MANY; i++) {
		snprintf(m->names[i], sizeof m->names[i], "e%u", i);
		m->addrs[i] = (struct addr){ { [10] = 255, 255, 192, 0, 2, (uint8_t)i } };
		m->edges[i] = (struct edge_opts){ .name = m->names[i],
			.placed = true,
			.lat = 50,
			.lon = 8,
			.a = &m->addrs[i],
			.n_a = 1,
			.weight = 1 + i % 3 };
		m->numbers[i] = (uint16_t)i;
	}
	pool.edges = m->numbers;
	pool.n = MANY;
	m->s.atlas = small_atlas();
	m->s.steer = steer_new(
		&(struct steer_opts){ m->edges, MANY, &pool, 1, NULL, NULL }, m->s.atlas, NULL);
}

static uint16_t edge_of_key(struct many *m, const struct standing *standing, unsigned key)
{
	uint8_t name[8] = { 6, 'k' };
	struct choose_ask a = { .steer = m->s.steer,
		.standing = standing,
		.has_subnet = true,
		.turns = m->s.turns,
		.name = name,
		.name_len = 8 };

	memcpy(name + 2, &key, sizeof key);
	addr_parse(&a.subnet, "1.0.5.0");
	/* One /20 a key, all over IPv4. */
	be32_put(a.subnet.b + 12, 0x0b000000u + (key << 12));
	const struct choice c = choose(&a, NULL);
	CU_ASSERT_EQUAL_FATAL(c.n, 1);
	return c.edges[0];
}

static void removing_one_edge_moves_only_its_keys(void)
{
	enum { KEYS = 12000 };
	static uint16_t before[KEYS];
	struct pool_opts pool = small_pool();
	static struct many m;

	for (unsigned how = AFFINITY_NAME; how <= AFFINITY_BOTH; how++)
		for (unsigned policy = POOL_NEAREST; policy <= POOL_WEIGHTED; policy++) {
			pool.affinity = (enum pool_affinity)how;
			pool.policy = (enum pool_policy)policy;
			open_many(&m, pool);
			struct standing *all = small_standing(m.s.steer, m.s.states);
			double most = 0;
			unsigned wrong = 0;
			for (unsigned k = 0; k < KEYS; k++)
				before[k] = edge_of_key(&m, all, k);
			for (unsigned gone = 0; gone < MANY; gone++) {
				uint8_t states[MANY] = { 0 };
				unsigned moved = 0;
				states[gone] = EDGE_DOWN;
				struct standing *less = small_standing(m.s.steer, states);
				for (unsigned k = 0; k < KEYS; k++) {
					const bool moves = edge_of_key(&m, less, k) !=
						before[k];
					moved += moves;
					wrong += moves != (before[k] == gone);
				}
				const double share = policy == POOL_WEIGHTED
					? (1 + gone % 3) / 24.0
					: 1.0 / MANY;
				most = fmax(most, moved / (share * KEYS));
				standing_free(less);
			}
			CU_ASSERT_EQUAL(wrong, 0);
			CU_ASSERT(most <= 1.2);
			standing_free(all);
			small_close(&m.s);
		}
}

static void affinity_stays_in_one_location(void)
{
	struct pool_opts pool = small_pool();
	struct small s;

	pool.affinity = AFFINITY_NAME;
	small_open(&s, &pool, 1);
	/* They all stand alone: the nearest it is, whatever the key. */
	CU_ASSERT_STRING_EQUAL(small_ask(&s, "1.0.5.0/24", NULL, false), "ams /8");
	CU_ASSERT_STRING_EQUAL(small_ask(&s, "2.0.5.0/24", NULL, false), "rom /16");
	small_close(&s);
	pool.spread_ms = 20;
	pool.answers = 4;
	small_open(&s, &pool, 1);
	const char *got = small_ask(&s, "1.0.5.0/24", NULL, false);
	CU_ASSERT(strcmp(got, "ams rom /16") == 0 || strcmp(got, "rom ams /16") == 0);
	small_close(&s);
}

static void all_in_the_scope_of_an_answer_get_that_answer(void)
{
	struct pool_opts pool = small_pool();
	uint32_t r = 7;

	for (unsigned how = AFFINITY_CLIENT; how <= AFFINITY_BOTH; how++)
		for (unsigned policy = POOL_NEAREST; policy <= POOL_ROUND_ROBIN; policy++) {
			struct small s;
			unsigned wrong = 0;
			pool.affinity = (enum pool_affinity)how;
			pool.policy = (enum pool_policy)policy;
			pool.spread_ms = 100;
			small_open(&s, &pool, 1);
			struct standing *st = small_standing(s.steer, s.states);
			struct choose_ask a = { .steer = s.steer,
				.standing = st,
				.has_subnet = true,
				.turns = s.turns,
				.name = (const uint8_t *)"",
				.name_len = 1 };
			for (unsigned i = 0; i < 3000; i++) {
				addr_parse(&a.subnet, "1.2.3.4");
				r = r * 1664525u + 1013904223u;
				const uint32_t v4 = ((1 + (r >> 29)) << 24) | (r & 0xffffff);
				be32_put(a.subnet.b + 12, v4);
				const struct choice c = choose(&a, NULL);
				for (unsigned k = 0; k < 8; k++) {
					r = r * 1664525u + 1013904223u;
					const uint32_t in = c.scope
						? UINT32_MAX << (32 - c.scope)
						: 0;
					be32_put(a.subnet.b + 12, (v4 & in) | (r & ~in));
					const struct choice d = choose(&a, NULL);
					wrong += d.edges[0] != c.edges[0] || d.scope != c.scope;
				}
			}
			CU_ASSERT_EQUAL(wrong, 0);
			standing_free(st);
			small_close(&s);
		}
}

/* A million queries, A and AAAA apart: the counts are what the weights say, to the turn, and so
 * is each window of as many turns as the weights' sum. */
static void weights_are_exact_over_a_million_queries(void)
{
	static const double want[2][4] = { { 1, 2, 3, 1 }, { 1, 2, 3, 0 } };
	static const double sum[2] = { 7, 6 };
	struct pool_opts pool = small_pool();
	double count[2][4] = { { 0 } };
	struct small s;

	pool.policy = POOL_WEIGHTED;
	small_open(&s, &pool, 1);
	struct standing *st = small_standing(s.steer, s.states);
	struct choose_ask a = { .steer = s.steer, .standing = st, .turns = s.turns };
	for (unsigned i = 0; i < 1000000; i++) {
		a.v6 = i % 3 == 1;
		count[a.v6][choose(&a, NULL).edges[0]]++;
	}
	for (unsigned v6 = 0; v6 < 2; v6++) {
		double n = 0, chi = 0;
		for (unsigned e = 0; e < 4; e++)
			n += count[v6][e];
		for (unsigned e = 0; e < 4; e++) {
			const double expected = n * want[v6][e] / sum[v6];
			chi += expected > 0 ? (count[v6][e] - expected) *
					(count[v6][e] - expected) / expected
					    : count[v6][e];
			CU_ASSERT(fabs(count[v6][e] - expected) <= want[v6][e]);
		}
		CU_ASSERT(chi < 1e-4); /* chance alone would make it about 3 */
	}
	standing_free(st);
	small_close(&s);
}

/* Two of ams 1, rom 2, nyc 3: the first as the weights say, the second as those say that are left. */
static void further_answers_are_drawn_by_weight(void)
{
	static const double weight[4] = { 1, 2, 3, 0 };
	struct pool_opts pool = small_pool();
	double count[4][4] = { { 0 } };
	struct small s;
	enum { QUERIES = 120000 };

	pool.policy = POOL_WEIGHTED;
	pool.answers = 2;
	small_open(&s, &pool, 1);
	s.states[SFO] = EDGE_DOWN;
	struct standing *st = small_standing(s.steer, s.states);
	struct choose_ask a = { .steer = s.steer, .standing = st, .turns = s.turns };
	for (unsigned i = 0; i < QUERIES; i++) {
		a.now_us = 1000 + i / 7 * 13;
		const struct choice c = choose(&a, NULL);
		CU_ASSERT_EQUAL_FATAL(c.n, 2);
		count[c.edges[0]][c.edges[1]]++;
	}
	for (unsigned i = 0; i < 3; i++)
		for (unsigned k = 0; k < 3; k++) {
			const double want = i == k
				? 0
				: QUERIES * weight[i] / 6 * weight[k] / (6 - weight[i]);
			CU_ASSERT(fabs(count[i][k] - want) <= 5 * sqrt(want + 1));
		}
	standing_free(st);
	small_close(&s);
}

/* A client's net keeps its edge while that is there, and only then goes; each has as many as its
 * weight says. */
static void a_hash_keeps_clients_and_heeds_weights(void)
{
	static const double want[4] = { 1, 2, 3, 1 };
	struct pool_opts pool = small_pool();
	double count[4] = { 0 }, chi = 0;
	struct small s;
	enum { NETS = 70000 };
	static uint16_t had[NETS];

	pool.policy = POOL_HASH;
	pool.affinity = AFFINITY_CLIENT;
	small_open(&s, &pool, 1);
	for (unsigned round = 0; round < 2; round++) {
		s.states[NYC] = round ? EDGE_DOWN : EDGE_UP;
		struct standing *st = small_standing(s.steer, s.states);
		struct choose_ask a = {
			.steer = s.steer, .standing = st, .has_subnet = true, .turns = s.turns
		};
		for (unsigned i = 0; i < NETS; i++) {
			const uint32_t net = i << 12; /* a /20 each */
			a.subnet = addr_from_v4((const uint8_t[]){ (uint8_t)(20 + (net >> 24)),
				(uint8_t)(net >> 16), (uint8_t)(net >> 8), (uint8_t)i });
			const struct choice c = choose(&a, NULL);
			CU_ASSERT_EQUAL_FATAL(c.n, 1);
			CU_ASSERT_EQUAL_FATAL(c.scope, 20);
			if (round)
				CU_ASSERT(c.edges[0] == had[i] || had[i] == NYC);
			had[i] = c.edges[0];
			count[c.edges[0]] += !round;
		}
		standing_free(st);
	}
	for (unsigned e = 0; e < 4; e++)
		chi += pow(count[e] - NETS * want[e] / 7, 2) / (NETS * want[e] / 7);
	CU_ASSERT(chi < 16.3); /* 3 degrees of freedom: more in one of 1000 */
	small_close(&s);
}

/* A chain, too: its last link draws each answer by weight among those that are left. */
static void a_chain_draws_further_answers_by_weight(void)
{
	static const double weight[4] = { 1, 2, 3, 1 };
	struct pool_opts pool = small_pool();
	double count[4][4] = { { 0 } }, chi = 0;
	struct small s;
	enum { QUERIES = 140000 };

	pool.policy = POOL_WEIGHTED;
	pool.answers = 2;
	pool.n_links = 1;
	pool.links[0] = (struct pool_link){ POOL_LEAST_LATENCY, INFINITY, INFINITY };
	small_open(&s, &pool, 1);
	struct standing *st = small_standing(s.steer, s.states);
	struct choose_ask a = { .steer = s.steer, .standing = st, .turns = s.turns };
	for (unsigned i = 0; i < QUERIES; i++) {
		a.now_us = 1000 + i / 5 * 13;
		const struct choice c = choose(&a, NULL);
		CU_ASSERT_EQUAL_FATAL(c.n, 2);
		count[c.edges[0]][c.edges[1]]++;
	}
	for (unsigned i = 0; i < 4; i++)
		for (unsigned k = 0; k < 4; k++) {
			const double want = QUERIES * weight[i] / 7 * weight[k] / (7 - weight[i]);
			CU_ASSERT(i != k || count[i][k] == 0);
			if (i != k)
				chi += pow(count[i][k] - want, 2) / want;
		}
	CU_ASSERT(chi < 27.9); /* 9 degrees of freedom: more in one of 1000 */
	standing_free(st);
	small_close(&s);
}

void suite_choose_links(void)
{
	static const struct unit_case cases[] = {
		{ "each link narrows and the last one orders",
			each_link_narrows_and_the_last_one_orders },
		{ "a link finds the near edge wherever it stands in the pool",
			a_link_finds_the_near_edge_wherever_it_stands_in_the_pool },
		{ "a chain heeds the all-down rule", a_chain_heeds_the_all_down_rule },
		{ "removing one edge moves only its keys",
			removing_one_edge_moves_only_its_keys },
		{ "affinity stays in one location", affinity_stays_in_one_location },
		{ "all in the scope of an answer get that answer",
			all_in_the_scope_of_an_answer_get_that_answer },
		{ "further answers are drawn by weight", further_answers_are_drawn_by_weight },
		{ "a chain draws further answers by weight",
			a_chain_draws_further_answers_by_weight },
		{ "a hash keeps clients and heeds weights", a_hash_keeps_clients_and_heeds_weights },
		{ "weights are exact over a million queries",
			weights_are_exact_over_a_million_queries },
	};

	unit_suite("steer/choose_links", cases, UNIT_COUNT(cases));
}
