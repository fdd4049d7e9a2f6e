#include "measure/rank.h"

#include "geo/atlas.h"
#include "measure/estimates.h"
#include "unit/unit.h"

#include <math.h>
#include <string.h>

enum { AMS, LON, NYC, EDGES, NETS = 60, NOW = 1000000, HOUR = 3600 };

static const struct model_site sites[EDGES] = { { true, 52.37, 4.90 }, { true, 51.51, -0.13 }, { true, 40.71, -74.01 } };
static const char *const names[EDGES] = { "ams", "lon", "nyc" };
static struct atlas *atlas;
static struct latency *t;

static void begin(void)
{
	const char *city = "geoip/city.mmdb";
	struct fault why;

	atlas = atlas_read(&(struct atlas_opts){ &city, 1, NULL, 0 }, &why);
	CU_ASSERT_PTR_NOT_NULL_FATAL(atlas);
	t = latency_new(&(struct latency_opts){ names, EDGES, 0.3, 6 * HOUR, 1 << 26, { 1, 2 } });
}

static void end(void)
{
	latency_drop(t);
	atlas_drop(atlas);
}

static struct prefix net_of(const char *text)
{
	struct prefix p;

	CU_ASSERT_TRUE_FATAL(prefix_parse(&p, text, NULL));
	return p;
}

static void put(enum latency_kind kind, const struct prefix *net, unsigned edge, double ms)
{
	CU_ASSERT_TRUE_FATAL(latency_put(latency_of(t, kind), net, edge, &(struct latency_sample){ ms, 9, NOW, false }));
}

static struct client_map *map_of(bool ttfb)
{
	struct client_map_opts o = { { atlas, sites, EDGES, t, NOW }, NULL, { 0 } };

	o.kinds[LATENCY_TTFB] = o.kinds[LATENCY_LOSS] = ttfb;
	return client_map_new(&o);
}

/* Nets all over: of each the first byte takes 1.5 round trips, and what the edge's servers need. */
static void measure_first_bytes(const double *think_ms)
{
	struct client_map *m = map_of(false);
	float ms[EDGES];

	for (unsigned i = 0; i < NETS; i++) {
		char text[32];
		snprintf(text, sizeof text, "%u.%u.%u.0/24", i % 2 ? 83 : 24, 40 + i, i);
		const struct prefix p = net_of(text);
		const struct addr a = addr_plain(&p.addr, NULL);
		const uint32_t place = netmap_find(atlas->cities.map, &a).value;
		model_estimate(client_map_model(m), place, ms);
		for (unsigned e = 0; e < EDGES && !isnan(ms[e]); e++)
			put(LATENCY_TTFB, &p, e, 1.5 * (double)ms[e] + think_ms[e]);
	}
	client_map_settle(m);
	client_map_drop(m);
}

static void without_any_the_order_is_that_of_round_trips(void)
{
	begin();
	struct client_map *m = map_of(true);
	float ms[EDGES] = { 20, 50, (float)NAN };
	model_goal_estimate(client_map_model(m), LATENCY_TRANSFER, ms);
	CU_ASSERT_DOUBLE_EQUAL(ms[AMS], 60, 1e-4);
	CU_ASSERT_DOUBLE_EQUAL(ms[LON], 150, 1e-4);
	CU_ASSERT_TRUE(isnan(ms[NYC]));
	model_goal_estimate(client_map_model(m), LATENCY_RTT, ms);
	CU_ASSERT_DOUBLE_EQUAL(ms[AMS], 60, 1e-4);
	client_map_settle(m);
	client_map_drop(m);
	end();
}

static void factor_and_edges_constants_are_found(void)
{
	begin();
	measure_first_bytes((const double[]){ 90, 5, 7 });
	struct client_map *m = map_of(true);
	const struct model *model = client_map_model(m);
	const struct model_goal ams = model_goal(model, LATENCY_TTFB, AMS), lon = model_goal(model, LATENCY_TTFB, LON);
	CU_ASSERT_DOUBLE_EQUAL(ams.factor, 1.5, 0.05);
	CU_ASSERT_TRUE(ams.n > 20);
	CU_ASSERT_DOUBLE_EQUAL(ams.add_ms - lon.add_ms, 85, 12); /* shrunk a little */
	client_map_settle(m);
	client_map_drop(m);
	end();
}

static uint16_t first_of(const struct client_map *m, enum latency_kind kind, const char *net)
{
	static const uint16_t edges[EDGES] = { AMS, LON, NYC };
	struct rank *r = rank_new(&(struct rank_opts){ .clients = (struct client_map *)(uintptr_t)m, .edges = edges, .n = EDGES,
		.spread_ms = INFINITY, .spread_share = INFINITY, .kind = kind, .quick = true });
	const struct prefix p = net_of(net);
	const struct addr a = addr_plain(&p.addr, NULL);
	uint16_t room[EDGES];
	const uint32_t class = netmap_find(r->view, &a).value;
	const uint16_t first = rank_row(r, &r->order, class ? class - 1 : r->class_of[0], room)[0];

	rank_drop(r);
	return first;
}

/* From Amsterdam, whose own edge is slow to answer. */
static void a_rank_by_first_bytes_leaves_an_edge_that_is_slow_to_answer(void)
{
	begin();
	measure_first_bytes((const double[]){ 90, 5, 7 });
	struct client_map *m = map_of(true);
	CU_ASSERT_EQUAL(first_of(m, LATENCY_RTT, "145.100.0.0/24"), AMS);
	CU_ASSERT_EQUAL(first_of(m, LATENCY_TTFB, "145.100.0.0/24"), LON);
	client_map_settle(m);
	client_map_drop(m);
	end();
}

/* Four networks of a place have the same round trips, and first bytes that are far longer at one edge: those are no contradiction. */
static void round_trips_of_a_place_say_nothing_of_its_first_bytes(void)
{
	begin();
	for (unsigned i = 0; i < 4; i++) {
		char text[32];
		snprintf(text, sizeof text, "145.100.%u.0/24", i);
		const struct prefix p = net_of(text);
		put(LATENCY_RTT, &p, AMS, 12);
		put(LATENCY_RTT, &p, LON, 20);
		put(LATENCY_TTFB, &p, AMS, 312);
		put(LATENCY_TTFB, &p, LON, 21);
	}
	struct client_map *m = map_of(true);
	const struct addr a = net_of("145.100.2.0/24").addr;
	struct estimates e;
	estimates_init(&e, &(struct estimates_of){ m, t, LATENCY_TTFB, NOW }, &a);
	CU_ASSERT_DOUBLE_EQUAL(e.ms[AMS], 312, 1);
	CU_ASSERT_DOUBLE_EQUAL(e.rtt_ms[AMS], 12, 0.1);
	estimates_fini(&e);
	CU_ASSERT_EQUAL(first_of(m, LATENCY_RTT, "145.100.2.0/24"), AMS);
	CU_ASSERT_EQUAL(first_of(m, LATENCY_TTFB, "145.100.2.0/24"), LON);
	client_map_settle(m);
	client_map_drop(m);
	end();
}

/* Of one network only: it goes elsewhere, and its neighbour does not; and it has a key though it has no round trip. */
static void a_networks_own_first_bytes_move_it_alone(void)
{
	begin();
	const struct prefix own = net_of("145.100.7.0/24");
	put(LATENCY_TTFB, &own, AMS, 300);
	put(LATENCY_TTFB, &own, LON, 40);
	struct client_map *m = map_of(true);
	CU_ASSERT_TRUE(client_map_is_measured(m));
	CU_ASSERT_EQUAL(first_of(m, LATENCY_TTFB, "145.100.7.0/24"), LON);
	CU_ASSERT_EQUAL(first_of(m, LATENCY_RTT, "145.100.7.0/24"), AMS);
	CU_ASSERT_EQUAL(first_of(m, LATENCY_TTFB, "145.100.9.0/24"), AMS);
	client_map_settle(m);
	client_map_drop(m);
	end();
}

/* Three in three countries agree on an edge, and one says it of another. */
static void several_networks_that_agree_move_others(void)
{
	static const char *const nets[] = { "83.50.1.0/24", "24.50.1.0/24", "81.2.69.0/24" };

	begin();
	for (unsigned i = 0; i < 3; i++) {
		const struct prefix p = net_of(nets[i]);
		put(LATENCY_TTFB, &p, AMS, 800);
		put(LATENCY_TTFB, &p, LON, 200);
		put(LATENCY_TTFB, &p, NYC, i ? 200 : 800);
	}
	struct client_map *m = map_of(true);
	const double ams = model_goal(client_map_model(m), LATENCY_TTFB, AMS).add_ms,
		     lon = model_goal(client_map_model(m), LATENCY_TTFB, LON).add_ms;
	CU_ASSERT_TRUE(ams > lon + 100);
	CU_ASSERT_TRUE(model_goal(client_map_model(m), LATENCY_TTFB, NYC).add_ms < lon + 100);
	CU_ASSERT_EQUAL(first_of(m, LATENCY_TTFB, "145.100.9.0/24"), LON);
	client_map_settle(m);
	client_map_drop(m);
	end();
}

static double ms_of(const struct client_map *m, enum latency_kind kind, const char *net, unsigned edge)
{
	const struct prefix p = net_of(net);
	const struct addr a = addr_plain(&p.addr, NULL);
	struct estimates e;

	estimates_init(&e, &(struct estimates_of){ m, t, kind, NOW }, &a);
	const double ms = (double)e.ms[edge];
	estimates_fini(&e);
	return ms;
}

static void lose(const char *net, unsigned edge, double permille, unsigned packets)
{
	const struct prefix p = net_of(net);

	CU_ASSERT_TRUE_FATAL(latency_put(latency_of(t, LATENCY_LOSS), &p, edge, &(struct latency_sample){ permille, packets, NOW, false }));
}

/* 9 % to Amsterdam are 90 ms: 900 packets of them count 0.9. */
static void a_network_that_loses_packets_on_the_way_to_an_edge_goes_elsewhere(void)
{
	begin();
	lose("145.100.7.0/24", AMS, 90, 900);
	lose("145.100.7.0/24", LON, 0, 900);
	struct client_map *m = map_of(true);
	const double rtt = ms_of(m, LATENCY_RTT, "145.100.7.0/24", AMS), middle = model_goal(client_map_model(m), LATENCY_LOSS, AMS).add_ms;
	CU_ASSERT_DOUBLE_EQUAL(model_goal(client_map_model(m), LATENCY_LOSS, AMS).factor, 1, 0);
	CU_ASSERT_DOUBLE_EQUAL(ms_of(m, LATENCY_LOSS, "145.100.7.0/24", AMS), rtt + middle + 0.9 * (90 - middle), 0.01);
	CU_ASSERT_EQUAL(first_of(m, LATENCY_RTT, "145.100.7.0/24"), AMS);
	CU_ASSERT_EQUAL(first_of(m, LATENCY_LOSS, "145.100.7.0/24"), LON);
	CU_ASSERT_EQUAL(first_of(m, LATENCY_LOSS, "145.100.9.0/24"), AMS);
	client_map_settle(m);
	client_map_drop(m);
	end();
}

/* An edge that loses to everybody does so to those whom nobody has measured; one network's own way moves nobody else. */
static void losses_of_an_edge_are_those_in_the_middle(void)
{
	begin();
	for (unsigned i = 0; i < NETS; i++) {
		char text[32];
		snprintf(text, sizeof text, "83.%u.%u.0/24", 40 + i, i);
		lose(text, AMS, 60, 1000);
		lose(text, LON, i == 7 ? 500 : 0, 1000);
	}
	struct client_map *m = map_of(true);
	CU_ASSERT_DOUBLE_EQUAL(model_goal(client_map_model(m), LATENCY_LOSS, AMS).add_ms, 60, 5);
	CU_ASSERT_DOUBLE_EQUAL(model_goal(client_map_model(m), LATENCY_LOSS, LON).add_ms, 0, 5);
	CU_ASSERT_EQUAL(first_of(m, LATENCY_RTT, "145.100.7.0/24"), AMS);
	CU_ASSERT_EQUAL(first_of(m, LATENCY_LOSS, "145.100.7.0/24"), LON);
	client_map_settle(m);
	client_map_drop(m);
	end();
}

/* A copy has them, too, and what is forgotten is gone of all kinds. */
static void kinds_go_with_the_table(void)
{
	begin();
	const struct prefix net = net_of("145.100.7.0/24");
	put(LATENCY_RTT, &net, AMS, 20);
	put(LATENCY_TTFB, &net, AMS, 30);
	put(LATENCY_TRANSFER, &net, LON, 90);
	struct latency *copy = latency_copy(t), *taken = latency_new(latency_options(t));
	CU_ASSERT_TRUE(latency_take(taken, t, LATENCY_ALL));
	struct latency *const of[] = { t, copy, taken };
	for (unsigned i = 0; i < 3; i++) {
		const struct latency_row *r = latency_find(latency_kind_of(of[i], LATENCY_TTFB), &net);
		CU_ASSERT_PTR_NOT_NULL_FATAL(r);
		CU_ASSERT_DOUBLE_EQUAL(latency_cell(r, AMS)->rtt_ms, 30, 1e-6);
		CU_ASSERT_PTR_NULL(latency_cell(r, LON));
		CU_ASSERT_EQUAL(latency_size(of[i]).kinds[LATENCY_TRANSFER], 1);
		CU_ASSERT_EQUAL(latency_size(of[i]).cells, 1);
	}
	const uint16_t round = latency_round(latency_kind_of(t, LATENCY_TTFB));
	latency_next_round(t);
	CU_ASSERT_EQUAL(latency_round(latency_kind_of(t, LATENCY_TTFB)), (uint16_t)(round + 1));
	CU_ASSERT_EQUAL(latency_forget_edge(t, AMS), 2);
	CU_ASSERT_EQUAL(latency_forget_net(t, &net), 1);
	CU_ASSERT_EQUAL(latency_dropped(t), latency_round(t));
	latency_drop(copy);
	latency_drop(taken);
	end();
}

static const struct unit_case cases[] = {
	{ "without any the order is that of round trips", without_any_the_order_is_that_of_round_trips },
	{ "factor and edges' constants are found", factor_and_edges_constants_are_found },
	{ "a rank by first bytes leaves an edge that is slow to answer", a_rank_by_first_bytes_leaves_an_edge_that_is_slow_to_answer },
	{ "a network's own first bytes move it alone", a_networks_own_first_bytes_move_it_alone },
	{ "round trips of a place say nothing of its first bytes", round_trips_of_a_place_say_nothing_of_its_first_bytes },
	{ "several networks that agree move others", several_networks_that_agree_move_others },
	{ "a network that loses packets on the way to an edge goes elsewhere", a_network_that_loses_packets_on_the_way_to_an_edge_goes_elsewhere },
	{ "losses of an edge are those in the middle", losses_of_an_edge_are_those_in_the_middle },
	{ "kinds go with the table", kinds_go_with_the_table },
};

void suite_model_goal(void)
{
	unit_suite("measure/model_goal", cases, UNIT_COUNT(cases));
}
