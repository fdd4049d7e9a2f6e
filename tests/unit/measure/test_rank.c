#include "measure/rank.h"

#include "steer/choose.h"
#include "unit/steer/draw.h"
#include "unit/steer/small_world.h"
#include "unit/unit.h"

#include <math.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

static struct draw at_random = { 0x9e3779b97f4a7c15u };

enum { EDGES = 20, ADDRESSES = 200000, NEIGHBOURS = 2 };

struct wide {
	struct atlas *atlas;
	struct edge_opts edges[EDGES];
	uint16_t all[EDGES];
	struct steer *steer;
	uint8_t states[EDGES];
	struct standing *standing;
};

static void open_wide(struct wide *g, unsigned answers, double spread_ms)
{
	static const char *file = "geoip/city.mmdb";
	static const struct addr one = { { [10] = 255, 255, 192, 0, 2, 1 } };
	struct pool_opts pool = { .name = "web",
		.edges = g->all,
		.n = EDGES,
		.answers = answers,
		.spread_ms = spread_ms,
		.spread_share = INFINITY,
		.ttl_max_s = UINT32_MAX };
	struct fault why;

	memset(g, 0, sizeof *g);
	g->atlas = atlas_read(&(struct atlas_opts){ &file, 1, NULL, 0 }, &why);
	CU_ASSERT_PTR_NOT_NULL_FATAL(g->atlas);
	for (unsigned i = 0; i < EDGES; i++) {
		g->edges[i] = (struct edge_opts){ .name = "e",
			.placed = true,
			.lat = draw_between(&at_random, -50, 65),
			.lon = draw_between(&at_random, -180, 180),
			.a = &one,
			.n_a = 1 };
		g->all[i] = (uint16_t)i;
	}
	g->states[3] = g->states[11] = EDGE_DOWN;
	g->steer = steer_new(
		&(struct steer_opts){ g->edges, EDGES, &pool, 1, NULL, NULL }, g->atlas, NULL);
	g->standing = small_standing(g->steer, g->states);
}

static void close_wide(struct wide *g)
{
	standing_free(g->standing);
	steer_drop(g->steer);
	atlas_drop(g->atlas);
}

static struct choice ask(const struct wide *g, const struct addr *a)
{

	return choose(&(struct choose_ask){ .steer = g->steer,
			      .standing = g->standing,
			      .has_subnet = true,
			      .subnet = *a },
		NULL);
}

/* What the choice should be, the slow way: every edge's distance; who is unknown goes by the
 * pool's order. */
static unsigned best(const struct wide *g, const struct addr *a, double *least)
{
	const struct netmap_hit hit = netmap_find(g->atlas->cities.map, a);
	const bool known = hit.value && hit.value <= places_count(g->atlas->cities.places);
	const struct place *p = known ? places_get(g->atlas->cities.places, hit.value) : NULL;
	unsigned at = 0;

	*least = INFINITY;
	for (unsigned i = 0; i < EDGES; i++) {
		if (g->states[i] != EDGE_UP)
			continue;
		const double km = p
			? place_distance_km(p->lat, p->lon, g->edges[i].lat, g->edges[i].lon)
			: 0;
		if (km < *least) {
			*least = km;
			at = i;
		}
	}
	return at;
}

static void the_choice_is_the_brute_force_nearest(void)
{
	struct wide g;
	unsigned wrong = 0;

	open_wide(&g, 1, INFINITY);
	for (unsigned i = 0; i < ADDRESSES; i++) {
		const struct addr a = draw_addr(&at_random, i % 2);
		struct prefix within;
		double least;
		if (!addr_is_global(&a, &within))
			continue; /* the source's business */
		wrong += ask(&g, &a).edges[0] != best(&g, &a, &least);
	}
	CU_ASSERT_EQUAL(wrong, 0);
	close_wide(&g);
}

/* An address that shares the scope with `a`, else at random. */
static struct addr neighbour(const struct addr *a, unsigned scope)
{
	const unsigned bits = scope + (addr_is_v4(a) ? ADDR_V4_BITS : 0);
	struct addr n = *a;

	for (unsigned i = bits; i < 128; i++)
		if (draw_number(&at_random) & 1)
			n.b[i / 8] ^= (uint8_t)(0x80 >> i % 8);
	return n;
}

static void look_inside_scopes(unsigned answers, double spread_ms)
{
	struct wide g;
	unsigned wrong = 0;

	open_wide(&g, answers, spread_ms);
	for (unsigned i = 0; i < ADDRESSES / 2; i++) {
		const struct addr a = draw_addr(&at_random, i % 2);
		const struct choice c = ask(&g, &a);
		for (unsigned k = 0; k < NEIGHBOURS; k++) {
			const struct addr b = neighbour(&a, c.scope);
			const struct choice d = ask(&g, &b);
			wrong += d.n != c.n ||
				memcmp(c.edges, d.edges, c.n * sizeof *c.edges) != 0 ||
				d.scope != c.scope;
		}
	}
	CU_ASSERT_EQUAL(wrong, 0);
	close_wide(&g);
}

static void no_two_clients_inside_a_scope_get_different_answers(void)
{
	look_inside_scopes(3, 10);
	look_inside_scopes(1, INFINITY);
	look_inside_scopes(3, INFINITY);
}

/* Nothing but the first few is looked at, of most clients: they are those of the rank's own order. */
static void who_is_in_front_is_first_in_the_rank(void)
{
	for (unsigned answers = 1; answers <= RANK_FRONT_MOST + 1; answers++) {
		struct choose_trace trace;
		unsigned wrong = 0, wider = 0;
		struct wide g;

		open_wide(&g, answers, INFINITY);
		CU_ASSERT_EQUAL(g.steer->pools[0].front != NULL, answers <= RANK_FRONT_MOST);
		for (unsigned i = 0; i < ADDRESSES / 10; i++) {
			const struct addr a = draw_addr(&at_random, i % 2);
			struct choose_ask ask = { .steer = g.steer, .standing = g.standing, .has_subnet = true, .subnet = a };
			const struct choice c = choose(&ask, NULL), d = choose(&ask, &trace);
			const struct rank *r = g.steer->pools[0].rank;
			const struct netmap_hit hit = netmap_find(client_map_netmap(r->clients), &d.who);
			const unsigned class = hit.value < client_map_keys(r->clients) ? r->class_of[hit.value] : r->class_of[0];
			uint16_t room[EDGES];
			const uint16_t *order = rank_row(r, &r->order, class, room);
			for (unsigned k = 0, n = 0; n < c.n; k++)
				if (g.states[order[k]] == EDGE_UP)
					wrong += c.edges[n++] != order[k];
			wrong += c.n != answers || c.scope != d.scope || memcmp(c.edges, d.edges, c.n * sizeof *c.edges) != 0;
			wider += g.steer->pools[0].front && r->seams &&
				c.scope < netmap_scope(client_map_netmap(r->clients), r->seams, &c.who, hit);
		}
		CU_ASSERT_EQUAL(wrong, 0);
		CU_ASSERT_EQUAL(wider > 0, answers <= RANK_FRONT_MOST);
		close_wide(&g);
	}
}

static void pools_with_equal_edges_share_a_rank(void)
{
	struct wide g;

	open_wide(&g, 1, INFINITY);
	struct pool_opts two[2] = { { .name = "a",
		.edges = g.all,
		.n = EDGES,
		.answers = 1,
		.spread_ms = INFINITY,
		.spread_share = INFINITY } };
	two[1] = two[0];
	two[1].name = "b";
	struct steer *s = steer_new(
		&(struct steer_opts){ g.edges, EDGES, two, 2, NULL, NULL }, g.atlas, g.steer);
	CU_ASSERT_PTR_EQUAL(s->pools[0].rank, s->pools[1].rank);
	CU_ASSERT_PTR_EQUAL(s->pools[0].rank, g.steer->pools[0].rank);
	steer_drop(s);
	close_wide(&g);
}

/* The same edges in another order have other rows, and clients fall into the same classes. */
static void ranks_share_the_classes_of_clients_whatever_the_order_of_edges(void)
{
	enum { SITES = 5 };
	static const double at[SITES][2] = { { 50.11, 8.68 }, { 40.71, -74.01 },
		{ 1.35, 103.82 }, { -23.55, -46.63 }, { -33.87, 151.21 } };
	static const uint16_t list[3][SITES] = { { 0, 1, 2, 3, 4 }, { 4, 2, 0, 3, 1 },
		{ 1, 2, 3, 4, 5 } };
	struct pool_opts pools[3];
	struct wide g;
	unsigned wrong = 0;

	open_wide(&g, 1, INFINITY);
	for (unsigned i = 0; i < SITES; i++) {
		g.edges[i].lat = at[i][0];
		g.edges[i].lon = at[i][1];
	}
	for (unsigned i = 0; i < 3; i++)
		pools[i] = (struct pool_opts){ .name = "p",
			.edges = list[i],
			.n = SITES,
			.fallback = list[0],
			.n_fallback = SITES,
			.answers = 1,
			.spread_ms = INFINITY,
			.spread_share = INFINITY };
	struct steer *s = steer_new(
		&(struct steer_opts){ g.edges, EDGES, pools, 3, NULL, NULL }, g.atlas, NULL);
	const struct rank *a = s->pools[0].rank, *b = s->pools[1].rank;
	CU_ASSERT_PTR_NOT_EQUAL(a, b);
	CU_ASSERT_PTR_EQUAL(a->class_of, b->class_of);
	CU_ASSERT_PTR_NOT_NULL(a->seams);
	CU_ASSERT_PTR_EQUAL(a->seams, b->seams);
	CU_ASSERT_PTR_NOT_EQUAL(a->class_of, s->pools[2].rank->class_of);
	for (uint32_t key = 1; key < client_map_keys(s->clients); key++) {
		uint16_t room[2][SITES];
		const uint16_t *of_a = rank_row(a, &a->order, a->class_of[key], room[0]),
			       *of_b = rank_row(b, &b->order, b->class_of[key], room[1]);
		for (unsigned i = 0; i < SITES; i++)
			wrong += list[0][of_a[i]] != list[1][of_b[i]];
	}
	CU_ASSERT_EQUAL(wrong, 0);
	steer_drop(s);
	close_wide(&g);
}

/* What is shared outlives those who made it. */
static void a_rank_keeps_classes_of_a_world_that_is_gone(void)
{
	static const uint16_t list[2][2] = { { 0, 1 }, { 1, 0 } };
	struct pool_opts pool = { .name = "p",
		.edges = list[0],
		.n = 2,
		.fallback = list[0],
		.n_fallback = 2,
		.answers = 1,
		.spread_ms = INFINITY,
		.spread_share = INFINITY };
	struct wide g;

	open_wide(&g, 1, INFINITY);
	const struct steer_opts opts = { g.edges, EDGES, &pool, 1, NULL, NULL };
	struct steer *old = steer_new(&opts, g.atlas, NULL);
	pool.edges = list[1];
	struct steer *now = steer_new(&opts, g.atlas, old);
	const struct rank *r = now->pools[0].rank;
	CU_ASSERT_PTR_NOT_EQUAL(r, old->pools[0].rank);
	CU_ASSERT_PTR_EQUAL(r->class_of, old->pools[0].rank->class_of);
	steer_drop(old);
	unsigned far = 0;
	for (uint32_t key = 0; key < client_map_keys(now->clients); key++)
		far += r->class_of[key] >= r->classes;
	CU_ASSERT_EQUAL(far, 0);
	steer_drop(now);
	close_wide(&g);
}

/* Many different pools: the last of them does without a view and with narrow rows, and must say
 * just what it says with a view and wide ones. */
static void views_and_seams_say_the_same(void)
{
	enum { POOLS = 6 };
	struct pool_opts pools[POOLS];
	struct wide g;
	unsigned wrong = 0, several = 0;

	open_wide(&g, 1, INFINITY);
	for (unsigned i = 0; i < POOLS; i++) {
		pools[i] = (struct pool_opts){ .name = "p",
			.edges = g.all + i,
			.n = EDGES - i,
			.answers = 3,
			.spread_ms = 200, /* so that whole orders are asked for */
			.spread_share = INFINITY,
			.ttl_max_s = UINT32_MAX };
	}
	struct steer *many = steer_new(
		&(struct steer_opts){ g.edges, EDGES, pools, POOLS, NULL, NULL }, g.atlas, NULL);
	struct steer *one = steer_new(
		&(struct steer_opts){ g.edges, EDGES, &pools[POOLS - 1], 1, NULL, NULL }, g.atlas,
		NULL);
	struct standing *stands_many = small_standing(many, g.states);
	CU_ASSERT_PTR_NULL(many->pools[POOLS - 1].rank->view);
	CU_ASSERT_PTR_NOT_NULL(one->pools[0].rank->view);
	CU_ASSERT_PTR_NOT_NULL(many->pools[POOLS - 1].rank->within.narrow);
	CU_ASSERT_PTR_NULL(many->pools[POOLS - 1].rank->order.wide);
	CU_ASSERT_PTR_NOT_NULL(one->pools[0].rank->order.wide);
	for (unsigned i = 0; i < ADDRESSES / 2; i++) {
		struct choose_ask a = { .steer = many,
			.standing = stands_many,
			.pool = POOLS - 1,
			.has_subnet = true,
			.subnet = draw_addr(&at_random, i % 2) };
		const struct choice seams = choose(&a, NULL);
		a.steer = one;
		a.standing = g.standing; /* of one pool */
		a.pool = 0;
		const struct choice view = choose(&a, NULL);
		wrong += seams.n != view.n || seams.scope != view.scope ||
			memcmp(seams.edges, view.edges, view.n * sizeof *view.edges) != 0;
		several += view.n > 1;
	}
	CU_ASSERT_EQUAL(wrong, 0);
	CU_ASSERT_TRUE(several > 1000);
	standing_free(stands_many);
	steer_drop(many);
	steer_drop(one);
	close_wide(&g);
}

void suite_rank(void)
{
	static const struct unit_case cases[] = {
		{ "the choice is the brute-force nearest",
			the_choice_is_the_brute_force_nearest },
		{ "no two clients inside a scope get different answers",
			no_two_clients_inside_a_scope_get_different_answers },
		{ "who is in front is first in the rank", who_is_in_front_is_first_in_the_rank },
		{ "views and seams say the same", views_and_seams_say_the_same },
		{ "pools with equal edges share a rank", pools_with_equal_edges_share_a_rank },
		{ "ranks share the classes of clients, whatever the order of edges",
			ranks_share_the_classes_of_clients_whatever_the_order_of_edges },
		{ "a rank keeps classes of a world that is gone",
			a_rank_keeps_classes_of_a_world_that_is_gone },
	};

	unit_suite("measure/rank", cases, UNIT_COUNT(cases));
}
