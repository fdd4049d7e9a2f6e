#include "simulate/simulate.h"

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
	};

	unit_suite("simulate/simulate", cases, UNIT_COUNT(cases));
}
