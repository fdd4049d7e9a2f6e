/* What is false among what was measured. */
#include "measure/model.h"

#include "unit/steer/small_world.h"
#include "unit/unit.h"

#include <math.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

enum { EDGES = 5, HOUR = 3600, NOW = 1000000 };
enum { OSLO = 1, ROME, SAN_FRANCISCO, NEW_YORK }; /* places of the small atlas */

static const char *const names[EDGES] = { "ams", "rom", "nyc", "sfo", "fra" };
static const struct model_site sites[EDGES] = { { true, 52.4, 4.9 }, { true, 41.9, 12.5 },
	{ true, 40.7, -74 }, { true, 37.8, -122.4 }, { true, 50.1, 8.7 } };

static struct atlas *atlas;
static struct latency *t;
static struct model *m;

static void begin(void)
{
	atlas = small_atlas();
	t = latency_new(&(struct latency_opts){ names, EDGES, 0.3, HOUR, 1 << 20, { 1, 2 } });
	m = NULL;
}

static void fit(void)
{
	model_drop(m);
	m = model_new(&(struct model_opts){ atlas, sites, EDGES, t, NOW });
}

static void end(void)
{
	model_drop(m);
	latency_drop(t);
	atlas_drop(atlas);
}

static void measure(unsigned net, unsigned edge, double rtt_ms)
{
	char text[32];
	struct prefix p;

	snprintf(text, sizeof text, "2.0.%u.0/24", net); /* Rome */
	if (!prefix_parse(&p, text, NULL))
		abort();
	latency_put(t, &p, edge, &(struct latency_sample){ rtt_ms, 1, NOW, false });
}

static double estimate(unsigned edge)
{
	fit();
	return model_explain(m, ROME, 0, edge).sum_ms;
}

static void a_false_time_among_many_moves_nobody(void)
{
	begin();
	for (unsigned i = 0; i < 8; i++)
		for (unsigned e = 0; e < EDGES; e++)
			measure(i, e, 40 + 30 * e);
	const double before = estimate(2);
	measure(3, 2, 40000);
	const double after = estimate(2);
	CU_ASSERT_TRUE(fabs(after - before) < 3);
	end();
}

/* They stay, whatever the line says. */
static void what_all_say_is_no_mistake(void)
{
	begin();
	for (unsigned i = 0; i < 8; i++) {
		measure(i, 0, 30);
		measure(i, 1, 400);
		measure(i, 4, 30);
	}
	CU_ASSERT_TRUE(estimate(1) > 250);
	end();
}

static void one_of_several_own_times_is_doubted(void)
{
	const double falls[] = { 105, 9.0, 2000 };
	float ms[EDGES];

	begin();
	fit();
	for (unsigned i = 0; i < 3; i++) {
		struct latency_cell cell[] = { { .rtt_ms = 30, .at_s = NOW, .edge = 0, .n = 1 }, { .rtt_ms = (float)falls[i], .at_s = NOW, .edge = 2, .n = 1 },
			{ .rtt_ms = 25, .at_s = NOW, .edge = 4, .n = 1 } };
		const struct latency_row row = { .n = 3, .cell = cell }, *const rows[] = { &row };
		for (unsigned e = 0; e < EDGES; e++)
			ms[e] = (float[]){ 28, 8, 100, 150, 22 }[e];
		const struct model_own own = { rows, 1, HOUR, NOW, NULL, 0, LATENCY_RTT };
		const double counts = model_own_counts(&own, ms, EDGES, 2);
		model_own(&own, ms, EDGES);
		CU_ASSERT_DOUBLE_EQUAL(ms[0], 30, 0.5);
		if (i == 0)
			CU_ASSERT_DOUBLE_EQUAL(ms[2], 105, 0.5);
		if (i == 1)
			CU_ASSERT_TRUE(counts > 0.5 && counts < 0.95);
		if (i == 2) /* no way is twenty times as long as it is estimated, unless that is measured again and again */
			CU_ASSERT_TRUE(ms[2] > 100 && ms[2] < 200 && counts < 0.05);
	}
	/* It would have to stand at Frankfurt's door, and two others say that it is in Rome. */
	struct latency_cell cell[] = { { .rtt_ms = 30, .at_s = NOW, .edge = 0, .n = 1 }, { .rtt_ms = 105, .at_s = NOW, .edge = 2, .n = 1 }, { .rtt_ms = 0.5f, .at_s = NOW, .edge = 4, .n = 1 } };
	const struct latency_row row = { .n = 3, .cell = cell }, *const rows[] = { &row };
	const struct model_own own = { rows, 1, HOUR, NOW, m, ROME, LATENCY_RTT };
	for (unsigned e = 0; e < EDGES; e++)
		ms[e] = (float[]){ 28, 8, 100, 150, 22 }[e];
	CU_ASSERT_TRUE(model_own_counts(&own, ms, EDGES, 4) <= 0.1);
	CU_ASSERT_TRUE(model_own_counts(&own, ms, EDGES, 0) > 0.9);
	end();
}

/* What a network of Rome that measures edge 2 so often at so many ms is believed to need, and how far that counts. */
static double believed(double rtt_ms, unsigned samples, double *counts)
{
	struct latency_cell cell[] = { { .rtt_ms = (float)rtt_ms, .at_s = NOW, .edge = 2, .n = samples & 0x7fff } };
	const struct latency_row row = { .n = 1, .cell = cell }, *const rows[] = { &row };
	const struct model_own own = { rows, 1, HOUR, NOW, m, ROME, LATENCY_RTT };
	float ms[EDGES], before[EDGES];

	model_estimate(m, ROME, ms);
	model_estimate(m, ROME, before);
	*counts = model_own_counts(&own, before, EDGES, 2);
	model_own(&own, ms, EDGES);
	return (double)ms[2];
}

/* Even alone, where nothing else of its own tells who is right. */
static void a_time_that_networks_of_its_place_contradict_waits_for_more(void)
{
	double counts;

	begin();
	for (unsigned i = 0; i < 4; i++)
		measure(i, 2, 250 + i);
	fit();
	CU_ASSERT_DOUBLE_EQUAL(believed(2500, 1, &counts), 251.5, 3);
	CU_ASSERT_TRUE(counts < 0.01);
	CU_ASSERT_DOUBLE_EQUAL(believed(70, 1, &counts), 251.5, 3);
	CU_ASSERT_DOUBLE_EQUAL(believed(280, 1, &counts), 280, 0.5); /* that is no contradiction */
	CU_ASSERT_TRUE(counts > 0.99);
	CU_ASSERT_DOUBLE_EQUAL(believed(70, 9, &counts), 161, 3); /* again and again: it may have a way of its own */
	CU_ASSERT_DOUBLE_EQUAL(counts, 0.5, 0.01);
	/* What is longer is soon believed: a way that has become slow is so for all of them, and not all have measured it yet. */
	CU_ASSERT_DOUBLE_EQUAL(believed(2500, 4, &counts), (2500 + 251.5) / 2, 3);
	CU_ASSERT_DOUBLE_EQUAL(believed(2500, 36, &counts), 251.5 + 0.9 * (2500 - 251.5), 3);
	CU_ASSERT_DOUBLE_EQUAL(counts, 0.9, 0.01);
	end();
}

/* To other edges all of them have the same. */
static void measure_alike(unsigned nets)
{
	for (unsigned i = 0; i < nets; i++)
		for (unsigned e = 0; e < EDGES; e++)
			if (e != 2)
				measure(i, e, 60 + 20 * e);
}

/* Half of them have it ten times as long as the others. */
static void where_as_many_say_this_as_that_the_line_decides(void)
{
	double counts;

	begin();
	measure_alike(4);
	for (unsigned i = 0; i < 4; i++)
		measure(i, 2, i % 2 ? 1300 + i : 130 + i);
	fit();
	CU_ASSERT_DOUBLE_EQUAL(believed(1300, 1, &counts), 131, 2);
	CU_ASSERT_DOUBLE_EQUAL(believed(130, 1, &counts), 130, 1);
	CU_ASSERT_TRUE(counts > 0.99);
	end();
}

/* Most say so, however near the line a fourth one is. */
static void most_of_them_are_right_against_the_line(void)
{
	double counts;

	begin();
	measure_alike(4);
	for (unsigned i = 0; i < 4; i++)
		measure(i, 2, i ? 400 + i : 120);
	fit();
	CU_ASSERT_DOUBLE_EQUAL(believed(120, 1, &counts), 402, 3);
	end();
}

/* The first 2.0.0.0/24 are at 41.9 degrees north, these beyond 42: another cell of the map. */
static void networks_on_both_sides_of_a_seam_are_witnesses_of_each_other(void)
{
	struct places *p = places_new();
	struct netmap *map = netmap_new(false);
	struct prefix net;
	double counts;

	begin();
	netmap_drop(atlas->cities.map);
	places_drop(atlas->cities.places);
	for (unsigned i = 0; i < 2; i++) {
		const uint32_t place = places_add(p, &(struct place){ .lat = 41.9 + 0.2 * i, .lon = 12.5, .country = "IT" });
		CU_ASSERT_TRUE(prefix_parse(&net, i ? "2.0.8.0/21" : "2.0.0.0/21", NULL) && netmap_append(map, &net, place));
	}
	netmap_seal(map);
	places_seal(p);
	atlas->cities.map = map;
	atlas->cities.places = p;
	for (unsigned i = 6; i < 10; i++)
		measure(i, 2, 250);
	fit();
	CU_ASSERT_DOUBLE_EQUAL(believed(2500, 1, &counts), 250, 3);
	CU_ASSERT_TRUE(counts < 0.01);
	end();
}

/* Not only by how much it is off: what it is worth to others is what its siblings say. */
static void what_networks_of_its_place_contradict_moves_no_other(void)
{
	begin();
	measure_alike(5);
	for (unsigned i = 0; i < 5; i++)
		measure(i, 2, 130);
	const double before = estimate(2);
	measure(0, 2, 40);
	measure(1, 2, 250);
	const double after = estimate(2);
	CU_ASSERT_DOUBLE_EQUAL(after, before, 1.2);
	end();
}

/* One other network is no witness. */
static void two_networks_of_a_place_contradict_nobody(void)
{
	double counts;

	begin();
	measure(0, 2, 150);
	measure(1, 2, 150);
	fit();
	CU_ASSERT_DOUBLE_EQUAL(believed(1500, 1, &counts), 1500, 1);
	CU_ASSERT_TRUE(counts > 0.99);
	end();
}

static void where_networks_of_a_place_differ_none_is_doubted_for_that(void)
{
	double counts;

	begin();
	for (unsigned i = 0; i < 7; i++)
		measure(i, 2, (double[]){ 90, 110, 140, 190, 250, 330, 420 }[i]);
	fit();
	CU_ASSERT_DOUBLE_EQUAL(believed(420, 1, &counts), 420, 15);
	CU_ASSERT_TRUE(counts > 0.9);
	end();
}

static void a_long_way_that_was_measured_often_counts_half_and_more(void)
{
	struct latency_cell cell[] = { { .rtt_ms = 30, .at_s = NOW, .edge = 0, .n = 1 }, { .rtt_ms = 500, .at_s = NOW, .edge = 2, .n = 40 }, { .rtt_ms = 25, .at_s = NOW, .edge = 4, .n = 1 } };
	const struct latency_row row = { .n = 3, .cell = cell }, *const rows[] = { &row };
	const struct model_own own = { rows, 1, HOUR, NOW, NULL, 0, LATENCY_RTT };
	float ms[] = { 28, 8, 33, 150, 22 };

	CU_ASSERT_DOUBLE_EQUAL(model_own_counts(&own, ms, EDGES, 2), 40 / 44.0, 1e-6);
	cell[1].jumps = 1; /* the 39 before it had another one */
	CU_ASSERT_DOUBLE_EQUAL(model_own_counts(&own, ms, EDGES, 2), 0.5, 1e-6);
	cell[1].jumps = 2;
	CU_ASSERT_DOUBLE_EQUAL(model_own_counts(&own, ms, EDGES, 2), 40 / 44.0, 1e-6);
	cell[1].n = 4;
	CU_ASSERT_DOUBLE_EQUAL(model_own_counts(&own, ms, EDGES, 2), 0.5, 1e-6);
	cell[1].n = 3;
	CU_ASSERT_DOUBLE_EQUAL(model_own_counts(&own, ms, EDGES, 2), 0.02, 1e-6);
	CU_ASSERT_DOUBLE_EQUAL(model_own_counts(&own, ms, EDGES, 1), 0, 1e-9);
}

/* GeoIP has it in the wrong place. */
static void own_times_that_all_differ_are_believed(void)
{
	struct latency_cell cell[] = { { .rtt_ms = 120, .at_s = NOW, .edge = 0, .n = 1 }, { .rtt_ms = 8, .at_s = NOW, .edge = 3, .n = 1 }, { .rtt_ms = 130, .at_s = NOW, .edge = 4, .n = 1 } };
	const struct latency_row row = { .n = 3, .cell = cell }, *const rows[] = { &row };
	float ms[] = { 20, 8, 100, 160, 22 };

	model_own(&(struct model_own){ rows, 1, HOUR, NOW, NULL, 0, LATENCY_RTT }, ms, EDGES);
	CU_ASSERT_DOUBLE_EQUAL(ms[3], 8, 1e-3);
}

static void an_edge_much_of_whose_times_cannot_be_true_is_not_believed(void)
{
	begin();
	for (unsigned i = 0; i < 8; i++) {
		measure(i, 0, 60);
		measure(i, 4, 50);
		latency_count_source(t, 0, true, NOW);
		latency_count_source(t, 4, true, NOW);
	}
	const double before = estimate(0);
	CU_ASSERT_DOUBLE_EQUAL(model_trust(m, 0).share, 1, 1e-9);
	for (unsigned i = 0; i < 20; i++)
		latency_count_source(t, 0, false, NOW);
	const double after = estimate(0);
	CU_ASSERT_DOUBLE_EQUAL(model_trust(m, 0).share, 0, 1e-9);
	CU_ASSERT_DOUBLE_EQUAL(model_trust(m, 0).impossible, 20.0 / 28, 1e-6);
	CU_ASSERT_DOUBLE_EQUAL(model_trust(m, 4).share, 1, 1e-9);
	CU_ASSERT_TRUE(after < before - 5);
	/* It is forgiven. */
	CU_ASSERT_TRUE(latency_source(t, 0, NOW + 20 * HOUR).impossible < 0.001);
	end();
}

static void an_edge_that_is_at_odds_with_the_others_is_not_believed(void)
{
	begin();
	for (unsigned i = 0; i < EDGES; i++)
		for (unsigned j = 0; j < EDGES; j++)
			if (i != j)
				latency_put_mesh(t, i, j, &(struct latency_sample){ i == 1 ? 10000 : 100, 1, NOW, false });
	fit();
	for (unsigned i = 0; i < EDGES; i++)
		CU_ASSERT_DOUBLE_EQUAL(model_trust(m, i).share, i != 1, 1e-9);
	CU_ASSERT_DOUBLE_EQUAL(model_trust(m, 1).at_odds, 1, 1e-9);
	end();
}

static void an_edge_all_of_whose_times_are_late_is_not_believed(void)
{
	begin();
	for (unsigned i = 0; i < 10; i++) {
		measure(i, 0, 10000);
		measure(i, 4, 30);
	}
	CU_ASSERT_TRUE(estimate(0) < 60);
	CU_ASSERT_DOUBLE_EQUAL(model_trust(m, 0).share, 0, 1e-9);
	CU_ASSERT_DOUBLE_EQUAL(model_trust(m, 0).late, 1, 1e-9);
	CU_ASSERT_DOUBLE_EQUAL(model_trust(m, 4).share, 1, 1e-9);
	end();
}

/* Each of them may be: GeoIP errs. All of them are not, unless they are in one place. */
static void an_edge_most_of_whose_times_are_too_short_is_not_believed(void)
{
	static const struct { const char *say; double rtt_ms; unsigned far, near; bool one_place, believed; } row[] = {
		{ "as light has it", 30, 9, 0, false, true },
		{ "0.1 ms for all", 0.1, 9, 0, false, false },
		{ "... also where as many are near", 0.1, 9, 9, false, false },
		{ "... of one place", 0.1, 9, 0, true, true },
		{ "... of few", 0.1, 7, 0, false, true },
	};

	for (unsigned i = 0; i < UNIT_COUNT(row); i++) {
		begin();
		for (unsigned k = 0; k < row[i].far + row[i].near; k++) {
			char text[32];
			struct prefix p;
			snprintf(text, sizeof text, "%u.0.%u.0/24", k >= row[i].far ? 11 : row[i].one_place ? 10 : 7 + k % 3, k);
			CU_ASSERT_TRUE(prefix_parse(&p, text, NULL));
			latency_put(t, &p, 4, &(struct latency_sample){ row[i].rtt_ms, 1, NOW, false });
		}
		struct netmap *map = netmap_new(false);
		struct places *places = places_new();
		for (unsigned k = 7; k <= 11; k++) {
			char text[32];
			struct prefix p;
			/* Two to five degrees south of Frankfurt, and there. */
			const uint32_t place = places_add(places, &(struct place){ .lat = k == 11 ? 50.1 : 38.0 + k, .lon = k == 11 ? 8.7 : 8.0, .country = "DE" });
			snprintf(text, sizeof text, "%u.0.0.0/16", k);
			CU_ASSERT_TRUE(prefix_parse(&p, text, NULL) && netmap_append(map, &p, place));
		}
		netmap_seal(map);
		places_seal(places);
		netmap_drop(atlas->cities.map);
		places_drop(atlas->cities.places);
		atlas->cities.map = map;
		atlas->cities.places = places;
		fit();
		const struct model_trust trust = model_trust(m, 4);
		if (trust.share != (row[i].believed ? 1 : 0))
			printf("%s: believed %g, early %g\n", row[i].say, trust.share, trust.early);
		CU_ASSERT_DOUBLE_EQUAL(trust.share, row[i].believed, 1e-9);
		CU_ASSERT_DOUBLE_EQUAL(trust.early, row[i].rtt_ms < 1, 1e-9);
		end();
	}
}

/* The edges of a place, the nearest by the model first. */
static void rank(uint32_t place, unsigned to[EDGES])
{
	double ms[EDGES];

	for (unsigned e = 0; e < EDGES; e++) {
		unsigned at = e;
		ms[e] = model_explain(m, place, 0, e).sum_ms;
		for (; at > 0 && ms[to[at - 1]] > ms[e]; at--)
			to[at] = to[at - 1];
		to[at] = e;
	}
}

static void a_few_times_of_one_network_move_nobody_elsewhere(void)
{
	const double lies[][3] = { { 12, 12, 12 }, { 9000, 9000, 9000 }, { 300, 110, 190 }, { 35, 2000, 2000 } };
	const uint32_t elsewhere[] = { OSLO, SAN_FRANCISCO, NEW_YORK };
	unsigned before[3][EDGES], after[3][EDGES];

	begin();
	fit();
	for (unsigned i = 0; i < 3; i++)
		rank(elsewhere[i], before[i]);
	end();
	for (unsigned k = 0; k < 4; k++) {
		begin();
		for (unsigned e = 0; e < 3; e++)
			measure(7, e, lies[k][e]);
		fit();
		for (unsigned i = 0; i < 3; i++) {
			rank(elsewhere[i], after[i]);
			CU_ASSERT_EQUAL(memcmp(before[i], after[i], sizeof before[i]), 0);
		}
		end();
	}
}

void suite_model_doubt(void);
void suite_model_doubt(void)
{
	static const struct unit_case cases[] = {
		{ "a false time among many moves nobody", a_false_time_among_many_moves_nobody },
		{ "a few times of one network move nobody elsewhere", a_few_times_of_one_network_move_nobody_elsewhere },
		{ "what all say is no mistake", what_all_say_is_no_mistake },
		{ "one of several own times is doubted", one_of_several_own_times_is_doubted },
		{ "a time that networks of its place contradict waits for more", a_time_that_networks_of_its_place_contradict_waits_for_more },
		{ "where as many say this as that, the line decides", where_as_many_say_this_as_that_the_line_decides },
		{ "most of them are right, against the line", most_of_them_are_right_against_the_line },
		{ "networks on both sides of a seam are witnesses of each other", networks_on_both_sides_of_a_seam_are_witnesses_of_each_other },
		{ "what networks of its place contradict moves no other", what_networks_of_its_place_contradict_moves_no_other },
		{ "two networks of a place contradict nobody", two_networks_of_a_place_contradict_nobody },
		{ "where networks of a place differ none is doubted for that", where_networks_of_a_place_differ_none_is_doubted_for_that },
		{ "a long way that was measured often counts half and more",
			a_long_way_that_was_measured_often_counts_half_and_more },
		{ "own times that all differ are believed", own_times_that_all_differ_are_believed },
		{ "an edge much of whose times cannot be true is not believed",
			an_edge_much_of_whose_times_cannot_be_true_is_not_believed },
		{ "an edge that is at odds with the others is not believed",
			an_edge_that_is_at_odds_with_the_others_is_not_believed },
		{ "an edge all of whose times are late is not believed",
			an_edge_all_of_whose_times_are_late_is_not_believed },
		{ "an edge most of whose times are too short is not believed", an_edge_most_of_whose_times_are_too_short_is_not_believed },
	};

	unit_suite("measure/model_doubt", cases, UNIT_COUNT(cases));
}
