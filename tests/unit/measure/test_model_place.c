/* What networks of a place have, for those of it that nobody has measured. */
#include "measure/model.h"

#include "unit/steer/small_world.h"
#include "unit/unit.h"

#include <math.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

enum { EDGES = 5, HOUR = 3600, NOW = 1000000 };
enum { HERE = 1, CITY_OFF, FAR }; /* places: Rome, 100 km off in the same cell, New York */

static const char *const names[EDGES] = { "ams", "rom", "nyc", "sfo", "fra" };
static const struct model_site sites[EDGES] = { { true, 52.4, 4.9 }, { true, 41.9, 12.5 },
	{ true, 40.7, -74 }, { true, 37.8, -122.4 }, { true, 50.1, 8.7 } };

static struct atlas *atlas;
static struct latency *t;

static void begin(void)
{
	struct places *p = places_new();
	struct netmap *map = netmap_new(false);
	struct prefix net;

	atlas = small_atlas();
	netmap_drop(atlas->cities.map);
	places_drop(atlas->cities.places);
	for (unsigned i = 0; i < 3; i++) {
		const uint32_t place = places_add(p, &(struct place){ .lat = (double[]){ 41.9, 42.48, 40.7 }[i], .lon = (double[]){ 12.5, 13.49, -74 }[i], .country = { i == 2 ? 'U' : 'I', i == 2 ? 'S' : 'T' } });
		char text[32];
		snprintf(text, sizeof text, "2.%u.0.0/16", i);
		CU_ASSERT_TRUE(prefix_parse(&net, text, NULL) && netmap_append(map, &net, place));
	}
	netmap_seal(map);
	places_seal(p);
	atlas->cities.map = map;
	atlas->cities.places = p;
	t = latency_new(&(struct latency_opts){ names, EDGES, 0.3, HOUR, 1 << 20, { 1, 2 } });
}

static void end(void)
{
	latency_drop(t);
	atlas_drop(atlas);
}

static void measure_at(unsigned place, unsigned net, unsigned edge, double rtt_ms, uint32_t at_s)
{
	char text[32];
	struct prefix p;

	snprintf(text, sizeof text, "2.%u.%u.0/24", place - 1, net);
	if (!prefix_parse(&p, text, NULL))
		abort();
	latency_put(t, &p, edge, &(struct latency_sample){ rtt_ms, 1, at_s, false });
}

static void measure(unsigned net, unsigned edge, double rtt_ms)
{
	measure_at(HERE, net, edge, rtt_ms, NOW);
}

static struct model *fit(void)
{
	return model_new(&(struct model_opts){ atlas, sites, EDGES, t, NOW });
}

static struct model_terms terms(uint32_t place, unsigned edge)
{
	struct model *m = fit();
	const struct model_terms is = model_explain(m, place, 0, edge);

	model_drop(m);
	return is;
}

/* Networks of Rome, 10 ms to its own edge and 20 ms more than the line to two others. */
static void measure_rome(unsigned nets)
{
	for (unsigned i = 0; i < nets; i++) {
		measure(i, 0, 48);
		measure(i, 1, 10);
		measure(i, 4, 42);
	}
}

/* 30 ms more than the line to each: a way in that other terms leave alone. */
static void measure_slow(unsigned nets)
{
	static const double ms[] = { 55.68, 35, 0, 0, 50.33 };

	for (unsigned i = 0; i < nets; i++)
		for (unsigned e = 0; e < EDGES; e++)
			if (ms[e] > 0)
				measure(i, e, ms[e]);
}

static void three_networks_tell_what_a_fourth_one_has(void)
{
	const unsigned by[] = { 0, 1, 4 };
	const double ms[] = { 48, 10, 42 };

	begin();
	measure_rome(8);
	for (unsigned i = 0; i < 3; i++) {
		const struct model_terms is = terms(HERE, by[i]);
		CU_ASSERT_DOUBLE_EQUAL(is.place_n, 8, 1e-6);
		CU_ASSERT_DOUBLE_EQUAL(is.sum_ms, ms[i], 1.5);
	}
	end();
	begin();
	measure_rome(3);
	CU_ASSERT_DOUBLE_EQUAL(terms(HERE, 0).place_n, 3, 1e-6);
	end();
}

/* Who has a long way in has it to every edge. */
static void edges_that_measured_none_there_move_up_with_the_others(void)
{
	begin();
	for (unsigned i = 0; i < 6; i++)
		for (unsigned e = 0; e < EDGES; e++)
			if (e != 2 && e != 3)
				measure(i, e, model_line_ms(terms(HERE, e).km) + 30);
	const struct model_terms is = terms(HERE, 2);
	CU_ASSERT_DOUBLE_EQUAL(is.place_n, 0, 1e-9);
	CU_ASSERT_DOUBLE_EQUAL(is.place_ms, 24, 6);
	CU_ASSERT_DOUBLE_EQUAL(terms(FAR, 2).place_ms, 0, 1e-9);
	end();
}

static void two_networks_are_not_enough(void)
{
	begin();
	measure_rome(2);
	for (unsigned e = 0; e < EDGES; e++) {
		const struct model_terms is = terms(HERE, e);
		CU_ASSERT_EQUAL(is.place_ms, 0);
		CU_ASSERT_EQUAL(is.place_n, 0);
	}
	end();
}

static void one_network_that_lies_moves_nobody(void)
{
	const double lies[] = { 15, 480, 4000 };
	double before[EDGES];

	begin();
	measure_rome(5);
	for (unsigned e = 0; e < EDGES; e++)
		before[e] = terms(HERE, e).sum_ms;
	end();
	for (unsigned i = 0; i < 3; i++) {
		begin();
		measure_rome(5);
		for (unsigned e = 0; e < EDGES; e++)
			measure(4, e, lies[i]);
		for (unsigned e = 0; e < EDGES; e++)
			CU_ASSERT_DOUBLE_EQUAL(terms(HERE, e).sum_ms, before[e], 1.5);
		end();
	}
}

/* Two others are as the line has them: that it is at their door, or on the moon, is one agent's word. */
static void one_agent_that_lies_of_all_moves_no_estimate_of_others(void)
{
	const double lies[] = { 0.1, 900 };
	struct model_terms before[EDGES];

	begin();
	for (unsigned i = 0; i < 5; i++)
		for (unsigned e = 0; e < EDGES; e++)
			measure(i, e, model_line_ms(terms(HERE, e).km) + 3);
	for (unsigned e = 0; e < EDGES; e++)
		before[e] = terms(HERE, e);
	for (unsigned k = 0; k < 2; k++) {
		for (unsigned i = 0; i < 5; i++)
			for (unsigned j = 0; j < 8; j++)
				measure(i, 4, lies[k]);
		for (unsigned e = 0; e < EDGES; e++)
			if (e != 4)
				CU_ASSERT_DOUBLE_EQUAL(terms(HERE, e).sum_ms, before[e].sum_ms, 2);
		if (k == 0) /* nor does it draw the place to itself */
			CU_ASSERT_TRUE(terms(HERE, 4).place_ms > -4 && terms(HERE, 4).place_n > 4);
	}
	end();
}

static void a_place_100_km_off_is_not_moved(void)
{
	begin();
	measure_rome(8);
	for (unsigned e = 0; e < EDGES; e++) {
		const double here = terms(HERE, e).place_ms, off = terms(CITY_OFF, e).place_ms;
		CU_ASSERT_TRUE(fabs(off) <= 0.02 * fmax(fabs(here), 10));
		CU_ASSERT_EQUAL(terms(FAR, e).place_ms, 0);
	}
	CU_ASSERT_TRUE(fabs(terms(HERE, 0).place_ms) > 1);
	end();
}

static void old_ones_count_less_and_then_nothing(void)
{
	const unsigned half_lives[] = { 0, 1, 2, 3 };
	const double n[] = { 4, 2, 1, 0 };

	for (unsigned k = 0; k < 4; k++) {
		begin();
		for (unsigned i = 0; i < 4; i++)
			measure_at(HERE, i, 1, 30, NOW - half_lives[k] * HOUR);
		CU_ASSERT_DOUBLE_EQUAL(terms(HERE, 1).place_n, n[k], 1e-3);
		end();
	}
}

/* All ways to ask say the same, of all edges and of some. */
static void all_ways_to_ask_say_the_same(void)
{
	const uint16_t some[] = { 3, 0 };
	float all[EDGES], few[EDGES] = { -1, -1, -1, -1, -1 };

	begin();
	measure_rome(6);
	struct model *m = fit();
	model_estimate(m, HERE, all);
	model_estimate_some(m, HERE, &(struct model_edges){ some, 2 }, few);
	for (unsigned e = 0; e < EDGES; e++) {
		const struct model_terms is = model_explain(m, HERE, 0, e);
		CU_ASSERT_DOUBLE_EQUAL(all[e], is.sum_ms, 1e-3);
		CU_ASSERT_DOUBLE_EQUAL(few[e], e == 3 || e == 0 ? all[e] : -1, 1e-6);
		CU_ASSERT_DOUBLE_EQUAL(is.sum_ms, is.line_ms + is.offset_ms + is.near_ms + is.country_ms + is.place_ms + is.asn_ms + is.floor_ms, 1e-3);
		CU_ASSERT_TRUE(is.sum_ms >= is.km / MODEL_KM_PER_MS);
		CU_ASSERT_DOUBLE_EQUAL(model_distance_km(m, HERE, e), is.km, 1e-9);
	}
	CU_ASSERT_TRUE(isnan(model_distance_km(m, 0, 0)));
	model_drop(m);
	end();
}

/* Keeps `before` as it was where nothing is told to have changed, and else is what would be built anew. */
static void check_follow(const struct model *before, bool changed)
{
	struct model *m = fit(), *anew = fit();
	float was[EDGES], is[EDGES], new[EDGES];

	CU_ASSERT_TRUE(model_follow(m, before));
	CU_ASSERT_EQUAL(model_is_changed(m, HERE, 0), changed);
	model_estimate(before, HERE, was);
	model_estimate(m, HERE, is);
	model_estimate(anew, HERE, new);
	for (unsigned e = 0; e < EDGES; e++) {
		CU_ASSERT_DOUBLE_EQUAL(is[e], new[e], 2 * MODEL_CHANGE_MS);
		if (!changed)
			CU_ASSERT_EQUAL(is[e], was[e]);
	}
	model_drop(m);
	model_drop(anew);
}

static void following_is_building_anew(void)
{
	begin();
	measure_rome(4);
	struct model *before = fit();
	check_follow(before, false);
	measure(0, 0, 48.2);
	check_follow(before, false);
	model_drop(before);
	end();

	begin(); /* another network, that says what the others do: it counts more */
	measure_slow(3);
	before = fit();
	measure_slow(8);
	check_follow(before, true);
	model_drop(before);
	end();

	begin(); /* and fewer, until they are too few */
	measure_slow(3);
	before = fit();
	struct prefix p;
	CU_ASSERT_TRUE(prefix_parse(&p, "2.0.2.0/24", NULL));
	latency_forget_net(t, &p);
	check_follow(before, true);
	model_drop(before);
	end();
}

/* What pages take is estimated by round trips, and so by those of the place. */
static void first_bytes_go_by_the_round_trips_of_the_place(void)
{
	float rtt[EDGES], ttfb[EDGES], loss[EDGES];

	begin();
	measure_rome(8);
	struct model *m = fit();
	model_estimate(m, HERE, rtt);
	memcpy(ttfb, rtt, sizeof rtt);
	memcpy(loss, rtt, sizeof rtt);
	model_goal_estimate(m, LATENCY_TTFB, ttfb);
	model_goal_estimate(m, LATENCY_LOSS, loss);
	CU_ASSERT_DOUBLE_EQUAL(rtt[0], 48, 1.5);
	for (unsigned e = 0; e < EDGES; e++) {
		const struct model_goal g = model_goal(m, LATENCY_TTFB, e);
		CU_ASSERT_DOUBLE_EQUAL(ttfb[e], g.factor * (double)rtt[e] + g.add_ms, 1e-3);
		CU_ASSERT_DOUBLE_EQUAL(loss[e], rtt[e], 1e-6); /* none was lost */
	}
	model_drop(m);
	end();
}

void suite_model_place(void);
void suite_model_place(void)
{
	static const struct unit_case cases[] = {
		{ "three networks tell what a fourth one has", three_networks_tell_what_a_fourth_one_has },
		{ "edges that measured none there move up with the others", edges_that_measured_none_there_move_up_with_the_others },
		{ "two networks are not enough", two_networks_are_not_enough },
		{ "one network that lies moves nobody", one_network_that_lies_moves_nobody },
		{ "one agent that lies of all moves no estimate of others", one_agent_that_lies_of_all_moves_no_estimate_of_others },
		{ "a place 100 km off is not moved", a_place_100_km_off_is_not_moved },
		{ "old ones count less, and then nothing", old_ones_count_less_and_then_nothing },
		{ "all ways to ask say the same", all_ways_to_ask_say_the_same },
		{ "following is building anew", following_is_building_anew },
		{ "first bytes go by the round trips of the place", first_bytes_go_by_the_round_trips_of_the_place },
	};

	unit_suite("measure/model_place", cases, UNIT_COUNT(cases));
}
