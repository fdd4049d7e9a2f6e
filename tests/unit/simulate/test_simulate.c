#include "simulate/simulate.h"

#include "base/memory.h"
#include "simulate/simulate_names.h"
#include "unit/steer/small_world.h"
#include "unit/unit.h"

#include <math.h>
#include <stdlib.h>
#include <string.h>

/* Two sides of one small world, with states of their own. */
struct sides {
	struct small small;
	struct standing *standing[2];
	struct simulate_client clients[4];
	struct simulate_opts opts;
};

static const char *const web[] = { "web" };

static void open_sides(struct sides *s, const struct pool_opts *pools, size_t n,
	const uint8_t old[8], const uint8_t new[8])
{
	small_open(&s->small, pools, n);
	s->standing[0] = small_standing(s->small.steer, old);
	s->standing[1] = small_standing(s->small.steer, new);
	s->opts = (struct simulate_opts){
		.old = { s->small.steer, s->standing[0], NULL, true },
		.new = { s->small.steer, s->standing[1], NULL, true },
		.pools = web,
		.n_pools = 1,
		.clients = s->clients,
		.n_clients = 1,
	};
	/* All of IPv4 that has a place. */
	s->clients[0] = (struct simulate_client){ .net = { .addr = { { [10] = 255, 255 } },
							  .bits = ADDR_V4_BITS },
		.weight = 4294967296.0,
		.pool = -1,
		.type = SIMULATE_A,
		.known_only = true };
}

static void close_sides(struct sides *s)
{
	standing_free(s->standing[0]);
	standing_free(s->standing[1]);
	small_close(&s->small);
}

static const uint8_t all_up[8], ams_down[8] = { [AMS] = EDGE_DOWN };

static const struct simulate_edge *edge(const struct simulate *s, const char *name)
{
	for (unsigned i = 0; i < s->n_edges; i++)
		if (strcmp(s->edges[i].name, name) == 0)
			return &s->edges[i];
	abort();
}

/* Oslo and Brazil (no coordinates: the order of edges) leave ams for rom; a /16 has 65536
 * addresses. */
static void every_address_with_a_place_is_counted_once(void)
{
	struct pool_opts pool = small_pool();
	struct simulate found;
	struct sides s;

	open_sides(&s, &pool, 1, all_up, ams_down);
	simulate_run(&found, &s.opts);
	CU_ASSERT_EQUAL(found.weight, 4 * 65536.0);
	CU_ASSERT_EQUAL(edge(&found, "ams")->old.weight, 2 * 65536.0);
	CU_ASSERT_EQUAL(edge(&found, "ams")->new.weight, 0);
	CU_ASSERT_EQUAL(edge(&found, "rom")->old.weight, 65536.0);
	CU_ASSERT_EQUAL(edge(&found, "rom")->new.weight, 3 * 65536.0);
	CU_ASSERT_EQUAL(edge(&found, "nyc")->new.weight, 32768.0);
	CU_ASSERT_EQUAL(edge(&found, "sfo")->new.weight, 32768.0);
	CU_ASSERT_EQUAL(found.moved, 2 * 65536.0);
	CU_ASSERT_EQUAL(found.n_moves, 1);
	/* What is estimated is the line: 16 ms per 1000 km, for Oslo alone. */
	const double extra = 16e-3 *
		(place_distance_km(59.9, 10.7, 41.9, 12.5) -
			place_distance_km(59.9, 10.7, 52.37, 4.9));
	CU_ASSERT_DOUBLE_EQUAL(found.moves[0].extra_ms / found.moves[0].ms_weight, extra, 0.01);
	CU_ASSERT_EQUAL(found.n_countries, 4);
	simulate_fini(&found);
	close_sides(&s);
}

struct held {
	struct small *small;
	const uint8_t *states[2];
	unsigned n;
};

static void hold_against_choose(
	void *ctx, const struct simulate *s, const struct simulate_each *e)
{
	struct held *h = ctx;
	char net[ADDR_TEXT], text[512];

	prefix_text(net, &e->net);
	for (unsigned side = 0; side < 2; side++) {
		const int *edges = side ? e->new : e->old;
		const unsigned n = side ? e->n_new : e->n_old;
		size_t len = 0;
		text[0] = 0;
		for (unsigned i = 0; i < n; i++)
			len += (size_t)snprintf(
				text + len, sizeof text - len, "%s ", s->edges[edges[i]].name);
		memcpy(h->small->states, h->states[side], sizeof h->small->states);
		const char *want = small_ask(h->small, net, NULL, false);
		CU_ASSERT(strncmp(want, text, len) == 0 && want[len] == '/');
	}
	h->n++;
}

static void each_client_gets_what_choose_says(void)
{
	struct pool_opts pool = small_pool();
	struct simulate found;
	struct sides s;

	pool.answers = 2;
	open_sides(&s, &pool, 1, all_up, ams_down);
	struct held held = { &s.small, { all_up, ams_down }, 0 };
	s.clients[0].known_only = false;
	s.opts.each = hold_against_choose;
	s.opts.ctx = &held;
	simulate_run(&found, &s.opts);
	CU_ASSERT(held.n > 10);
	CU_ASSERT_EQUAL(found.weight, 4294967296.0);
	/* Both edges of an answer have a half of its client. */
	CU_ASSERT_DOUBLE_EQUAL(edge(&found, "ams")->new.weight, 0, 0);
	CU_ASSERT_DOUBLE_EQUAL(edge(&found, "ams")->old.weight +
			edge(&found, "rom")->old.weight + edge(&found, "nyc")->old.weight +
			edge(&found, "sfo")->old.weight,
		4294967296.0, 1);
	simulate_fini(&found);
	close_sides(&s);
}

static void clients_of_pools_that_take_turns_do_not_move(void)
{
	struct pool_opts pool = small_pool();
	struct simulate found;
	struct sides s;

	pool.policy = POOL_ROUND_ROBIN;
	open_sides(&s, &pool, 1, all_up, ams_down);
	simulate_run(&found, &s.opts);
	CU_ASSERT_TRUE(found.pools[0].turns);
	CU_ASSERT_EQUAL(found.moved, 0);
	CU_ASSERT_EQUAL(found.n_moves, 0);
	CU_ASSERT_EQUAL(found.pools[0].entries_old, 1);
	simulate_fini(&found);
	close_sides(&s);
}

/* By hand: with one edge all answers are one entry each side of what is not global, which the
 * scope does not span; asked for three nets of Rome and Oslo there are as many as scopes. */
static void cache_entries_are_the_scopes_that_were_answered(void)
{
	struct pool_opts pool = small_pool();
	struct simulate found;
	struct sides s;

	open_sides(&s, &pool, 1, all_up, all_up);
	for (unsigned i = 0; i < 4; i++) {
		static const uint8_t nets[4][4] = { { 1, 0, 5, 0 }, { 2, 0, 5, 0 },
			{ 2, 0, 9, 0 }, { 3, 0, 200, 0 } };
		s.clients[i] = (struct simulate_client){ .net = { addr_from_v4(nets[i]),
								 ADDR_V4_BITS + 24 },
			.weight = 1,
			.pool = -1,
			.type = SIMULATE_A };
	}
	s.opts.n_clients = 4;
	simulate_run(&found, &s.opts);
	CU_ASSERT_EQUAL(found.clients, 4);
	CU_ASSERT_EQUAL(
		found.pools[0].entries_old, 3); /* 1.0.0.0/8, 2.0.0.0/16, 3.0.128.0/17 */
	simulate_fini(&found);
	close_sides(&s);
}

/* What choose() says to each name, as it is asked by nobody in particular. */
struct by_name {
	const struct sides *s;
	unsigned rows, wrong;
	double weight[32];
};

static unsigned edge_of_name(const struct sides *s, const uint8_t *name)
{
	const uint8_t net[4] = { 2, 0, 5, 0 };
	struct choose_turn turns[2] = { 0 };
	const struct choice c = choose(&(struct choose_ask){ .steer = s->small.steer,
					       .standing = s->standing[1],
					       .has_subnet = true,
					       .subnet = addr_from_v4(net),
					       .source = addr_from_v4(net),
					       .turns = turns,
					       .name = name,
					       .name_len = (unsigned)name_len(name) },
		NULL);
	return c.edges[0];
}

static void hold_against_name(
	void *ctx, const struct simulate *s, const struct simulate_each *e)
{
	struct by_name *b = ctx;

	b->rows++;
	if (!e->name || e->n_new != 1 ||
		strcmp(s->edges[e->new[0]].name,
			b->s->small.steer->edges[edge_of_name(b->s, e->name)].name) != 0)
		b->wrong++;
	else if (e->name[1] >= 'a' && e->name[1] < 'a' + 26)
		b->weight[e->name[1] - 'a'] += e->weight;
}

/* With affinity by name each has its own edge, and the net is shared among them; of more names
 * than one net asks for, all have the same share in the end. */
static void names_have_edges_of_their_own(unsigned n)
{
	struct pool_opts pool = small_pool();
	uint8_t wire[26][4];
	const uint8_t *list[26];
	struct simulate found;
	struct sides s;

	pool.policy = POOL_ROUND_ROBIN;
	pool.affinity = AFFINITY_NAME;
	open_sides(&s, &pool, 1, all_up, ams_down);
	for (unsigned i = 0; i < n; i++) {
		memcpy(wire[i], (uint8_t[]){ 1, (uint8_t)('a' + i), 0 }, 3);
		list[i] = wire[i];
	}
	const struct simulate_names names = { list, n, n };
	struct by_name b = { .s = &s };
	s.opts.names = &names;
	s.opts.each = hold_against_name;
	s.opts.ctx = &b;
	simulate_run(&found, &s.opts);
	CU_ASSERT_EQUAL(b.wrong, 0);
	CU_ASSERT_EQUAL(
		b.rows, found.clients * (n < SIMULATE_NAMES_EACH ? n : SIMULATE_NAMES_EACH));
	CU_ASSERT_DOUBLE_EQUAL(found.weight, 4 * 65536.0, 1e-6);
	CU_ASSERT_FALSE(found.pools[0].turns);
	CU_ASSERT(edge(&found, "ams")->old.weight > 0);
	CU_ASSERT_DOUBLE_EQUAL(found.moved, edge(&found, "ams")->old.weight, 1e-6);
	CU_ASSERT(found.moved < found.weight / 2);
	for (unsigned i = 0; i < n; i++)
		CU_ASSERT(b.weight[i] > 0);
	simulate_fini(&found);
	close_sides(&s);
}

static void names_of_a_pool_share_its_clients(void)
{
	names_have_edges_of_their_own(9);
	names_have_edges_of_their_own(26);
}

static void a_client_with_a_name_asks_for_that_alone(void)
{
	static const uint8_t q[] = { 1, 'q', 0 };
	const uint8_t *list[] = { (const uint8_t *)"\1a", (const uint8_t *)"\1b" };
	const struct simulate_names names = { list, 2, 2 };
	struct pool_opts pool = small_pool();
	struct simulate found;
	struct sides s;

	pool.affinity = AFFINITY_NAME;
	pool.policy = POOL_ROUND_ROBIN;
	open_sides(&s, &pool, 1, all_up, all_up);
	struct by_name b = { .s = &s };
	s.clients[0].name = q;
	s.opts.names = &names;
	s.opts.each = hold_against_name;
	s.opts.ctx = &b;
	simulate_run(&found, &s.opts);
	CU_ASSERT_EQUAL(b.wrong, 0);
	CU_ASSERT_EQUAL(b.rows, found.clients);
	CU_ASSERT_DOUBLE_EQUAL(b.weight['q' - 'a'], 4 * 65536.0, 1e-6);
	simulate_fini(&found);
	close_sides(&s);
}

/* A wildcard is asked for as another name below it each time. */
static void a_wildcard_is_many_names(void)
{
	static const uint8_t star[] = { 1, '*', 3, 'a', 'n', 'y', 0 };
	const uint8_t *list[] = { star };
	const struct simulate_names names = { list, 1, 1 };
	uint8_t made[NAME_MOST], other[NAME_MOST];
	char text[NAME_TEXT];

	CU_ASSERT_STRING_EQUAL(name_text(text, simulate_names_get(&names, 0, made)), "0.any.");
	CU_ASSERT_STRING_EQUAL(
		name_text(text, simulate_names_get(&names, 0x1f, other)), "1f.any.");
}

/* With nothing measured 100,000 bytes take three round trips. */
static void milliseconds_are_what_the_pools_goal_says(void)
{
	struct pool_opts pools[2] = { small_pool(), small_pool() };
	static const char *const both[] = { "web", "near" };
	struct simulate found;
	struct sides s;

	pools[0].goal = LATENCY_TRANSFER;
	pools[1].name = both[1];
	open_sides(&s, pools, 2, all_up, ams_down);
	simulate_run(&found, &s.opts);
	const struct simulate_pool *web_pool = &found.pools[0];
	CU_ASSERT_EQUAL(found.goal, LATENCY_TRANSFER);
	CU_ASSERT_DOUBLE_EQUAL(simulate_ms(&web_pool->old), 3 * simulate_ms(&web_pool->old_rtt), 1e-3);
	CU_ASSERT_DOUBLE_EQUAL(simulate_ms(&web_pool->new), 3 * simulate_ms(&web_pool->new_rtt), 1e-3);
	CU_ASSERT_EQUAL(simulate_ms(&found.old), simulate_ms(&web_pool->old));
	CU_ASSERT_EQUAL(found.moves[0].extra_ms, web_pool->new.ms - web_pool->old.ms);
	simulate_fini(&found);

	/* Over both only round trips mean something. */
	s.opts.pools = both;
	s.opts.n_pools = 2;
	simulate_run(&found, &s.opts);
	CU_ASSERT_EQUAL(found.goal, LATENCY_RTT);
	CU_ASSERT_EQUAL(found.pools[0].goal, LATENCY_TRANSFER);
	CU_ASSERT_DOUBLE_EQUAL(simulate_ms(&found.pools[0].old), 3 * simulate_ms(&found.pools[1].old), 1e-3);
	CU_ASSERT_DOUBLE_EQUAL(simulate_ms(&found.old), simulate_ms(&found.pools[1].old), 1e-9);
	simulate_fini(&found);
	close_sides(&s);
}

/* Pools that are each pinned to the next by many nets: were each of the ways gone, this would
 * take for ever. */
static void names_matter_as_far_as_pools_lead(void)
{
	enum { POOLS = 8, PINS = 64 };
	struct pool_opts pools[POOLS + 2];
	struct pool_pin pins[POOLS][PINS];
	struct small small;

	for (unsigned i = 0; i < POOLS + 2; i++) {
		pools[i] = small_pool();
		pools[i].name = (const char *const[]){ "web", "b", "c", "d", "e", "f", "g", "h",
			"before", "beside" }[i];
		pools[i].policy = POOL_ROUND_ROBIN;
	}
	for (unsigned i = 0; i + 1 < POOLS; i++) {
		for (unsigned k = 0; k < PINS; k++)
			pins[i][k] = (struct pool_pin){ .kind = PIN_NET,
				.net = { { { [10] = 255, 255, 10, (uint8_t)k } },
					ADDR_V4_BITS + 16 },
				.to_pool = true,
				.pool = (uint16_t)(i + 1) };
		pools[i].pins = pins[i];
		pools[i].n_pins = PINS;
	}
	/* The last but one has who stands in. */
	pools[POOLS].all_down = POOL_OTHER;
	pools[POOLS].other = 0;
	for (unsigned by_name = 0; by_name < 2; by_name++) {
		pools[POOLS - 1].affinity = by_name ? AFFINITY_NAME : 0;
		small_open(&small, pools, POOLS + 2);
		bool *matter = simulate_names_matter(small.steer);
		for (unsigned i = 0; i <= POOLS; i++)
			CU_ASSERT_EQUAL(matter[i], by_name);
		CU_ASSERT_FALSE(matter[POOLS + 1]);
		memory_free(matter);
		small_close(&small);
	}
}

void suite_simulate(void);
void suite_simulate(void)
{
	static const struct unit_case cases[] = {
		{ "every address with a place is counted once",
			every_address_with_a_place_is_counted_once },
		{ "each client gets what choose() says", each_client_gets_what_choose_says },
		{ "clients of pools that take turns do not move",
			clients_of_pools_that_take_turns_do_not_move },
		{ "cache entries are the scopes that were answered",
			cache_entries_are_the_scopes_that_were_answered },
		{ "names of a pool share its clients", names_of_a_pool_share_its_clients },
		{ "a client with a name asks for that alone",
			a_client_with_a_name_asks_for_that_alone },
		{ "a wildcard is many names", a_wildcard_is_many_names },
		{ "milliseconds are what the pool's goal says", milliseconds_are_what_the_pools_goal_says },
		{ "names matter as far as pools lead", names_matter_as_far_as_pools_lead },
	};

	unit_suite("simulate/simulate", cases, UNIT_COUNT(cases));
}
