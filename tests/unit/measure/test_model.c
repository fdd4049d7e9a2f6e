#include "measure/model.h"

#include "unit/steer/small_world.h"
#include "unit/unit.h"

#include <math.h>
#include <stdlib.h>

enum { EDGES = 4, HOUR = 3600, NOW = 1000000 };
enum { OSLO = 1, ROME, SAN_FRANCISCO, NEW_YORK, BRAZIL }; /* places of the small atlas */

static const char *const names[EDGES] = { "ams", "rom", "nyc", "sfo" };

struct fitted {
	struct atlas *atlas;
	struct latency *t;
	struct model *m;
};

static void open_table(struct fitted *g)
{
	g->atlas = small_atlas();
	g->m = NULL;
	g->t = latency_new(
		&(struct latency_opts){ names, EDGES, 0.3, HOUR, 1 << 20, { 1, 2 } });
}

static void fit(struct fitted *g)
{
	struct model_site sites[EDGES];

	model_drop(g->m);
	for (unsigned i = 0; i < EDGES; i++)
		sites[i] = (struct model_site){ small_edges[i].placed, small_edges[i].lat,
			small_edges[i].lon };
	g->m = model_new(&(struct model_opts){ g->atlas, sites, EDGES, g->t, NOW });
}

static void close_table(struct fitted *g)
{
	model_drop(g->m);
	latency_drop(g->t);
	atlas_drop(g->atlas);
}

static void measure(
	struct fitted *g, const char *net, unsigned edge, double rtt_ms, uint32_t age_s)
{
	struct prefix p;

	if (!prefix_parse(&p, net, NULL))
		abort();
	latency_put(g->t, &p, edge, &(struct latency_sample){ rtt_ms, 1, NOW - age_s, false });
}

static double line(uint32_t place, unsigned edge)
{
	static const double at[][2] = { { 0, 0 }, { 59.9, 10.7 }, { 41.9, 12.5 },
		{ 37.8, -122.4 }, { 40.7, -74 } };

	return 5 +
		0.016 *
		place_distance_km(at[place][0], at[place][1], small_edges[edge].lat,
			small_edges[edge].lon);
}

static void with_nothing_measured_the_line_is_all(void)
{
	struct fitted g;
	float ms[EDGES];

	open_table(&g);
	fit(&g);
	model_estimate(g.m, NEW_YORK, ms);
	for (unsigned e = 0; e < EDGES; e++)
		CU_ASSERT_DOUBLE_EQUAL(ms[e], line(NEW_YORK, e), 1e-2);
	CU_ASSERT_DOUBLE_EQUAL(ms[NYC], 5, 1e-3);
	CU_ASSERT_DOUBLE_EQUAL(model_line_ms(1000), 21, 1e-9);
	model_estimate(g.m, BRAZIL, ms); /* it has no coordinates */
	CU_ASSERT_TRUE(isnan(ms[AMS]));
	model_estimate(g.m, 0, ms);
	CU_ASSERT_TRUE(isnan(ms[AMS]));
	close_table(&g);
}

/* Of one pair nobody can tell whose fault its time is. Of three edges, 12 ms more on both pairs
 * of the first: with each median halved (2 pairs: 2 / (2 + 2)), a = (12 - b) / 2 and b = (12 -
 * a - b) / 4 (the median of 12 - a and -b) give a = 16/3, b = 4/3; less the median edge's, 4
 * and 0. */
static void offsets_are_medians_over_pairs(void)
{
	static const double one_pair[] = { NAN, 30, 30, NAN }, one[] = { 1, 1 };
	static const double three[] = { NAN, 12, 12, 12, NAN, 0, 12, 0, NAN },
			    two[] = { 2, 2, 2 };
	double offset[3];

	model_offsets(one_pair, one, 2, offset);
	CU_ASSERT_DOUBLE_EQUAL(offset[0], 0, 1e-9);
	CU_ASSERT_DOUBLE_EQUAL(offset[1], 0, 1e-9);
	model_offsets(three, two, 3, offset);
	CU_ASSERT_DOUBLE_EQUAL(offset[0], 4, 1e-3);
	CU_ASSERT_DOUBLE_EQUAL(offset[1], 0, 1e-3);
	CU_ASSERT_DOUBLE_EQUAL(offset[2], 0, 1e-3);
}

/* A few pairs that are far off do not matter; true offsets are found, shrunk by 20 / 22. */
static void offsets_bear_outliers(void)
{
	enum { N = 21 };
	double residual[N * N], counts[N], offset[N];

	for (unsigned i = 0; i < N; i++) {
		counts[i] = N - 1;
		for (unsigned j = 0; j < N; j++)
			residual[i * N + j] = i == j
				? (double)NAN
				: (i == 3 ? 20.0 : 0) + (j == 3 ? 20.0 : 0);
	}
	residual[5 * N + 6] = residual[6 * N + 5] = 400;
	residual[5 * N + 7] = residual[7 * N + 5] = 300;
	model_offsets(residual, counts, N, offset);
	CU_ASSERT_DOUBLE_EQUAL(offset[3], 20 * 20.0 / 22, 0.2);
	CU_ASSERT_DOUBLE_EQUAL(offset[5], 0, 0.2);
	CU_ASSERT_DOUBLE_EQUAL(offset[0], 0, 1e-6);
}

/* The cell of Rome (40-42 N, 12-14 E) has its middle at 41 N 13 E. */
static void a_residual_goes_to_neighbours_country_and_as(void)
{
	const double km = place_distance_km(41, 13, 41.9, 12.5), near = exp(-km / 1500);
	struct fitted g;
	struct model_terms t;

	open_table(&g);
	measure(&g, "2.0.7.0/24", AMS, line(ROME, AMS) + 40, 0);
	fit(&g);
	/* One network may be alone with it. */
	t = model_explain(g.m, ROME, 0, AMS);
	CU_ASSERT_DOUBLE_EQUAL(t.sum_ms, line(ROME, AMS), 1e-3);
	measure(&g, "2.0.8.0/24", AMS, line(ROME, AMS) + 40, 0);
	fit(&g);
	t = model_explain(g.m, ROME, 0, AMS);
	/* Half of it is laid to the networks' own ways in: of one time nobody knows. Two in one place count
	 * 4/3, and the second of them 1/3. */
	const double two = near / 3, near_ms = 20 * two / (two + 0.3), country_ms = (20 - near_ms) / 2;
	CU_ASSERT_DOUBLE_EQUAL(t.line_ms, line(ROME, AMS), 1e-3);
	CU_ASSERT_DOUBLE_EQUAL(t.near_ms, near_ms, 1e-2);
	CU_ASSERT_DOUBLE_EQUAL(t.country_ms, country_ms, 1e-2);
	CU_ASSERT_DOUBLE_EQUAL(t.country_n, 2, 1e-6);
	CU_ASSERT_DOUBLE_EQUAL(t.sum_ms, line(ROME, AMS) + near_ms + country_ms, 1e-2);
	/* New York is too far away to be told anything. */
	t = model_explain(g.m, NEW_YORK, 0, AMS);
	CU_ASSERT_DOUBLE_EQUAL(t.sum_ms, line(NEW_YORK, AMS), 1e-2);
	/* Oslo is near enough, and in another country. */
	t = model_explain(g.m, OSLO, 0, AMS);
	CU_ASSERT_TRUE(t.near_ms > 1 && t.near_ms < near_ms);
	CU_ASSERT_DOUBLE_EQUAL(t.country_ms, 0, 1e-9);
	close_table(&g);
}

static void an_as_has_what_its_country_leaves_over(void)
{
	struct fitted g;
	float with[EDGES], without[EDGES];

	open_table(&g);
	measure(&g, "3.0.7.0/24", SFO, line(SAN_FRANCISCO, SFO) + 40, 0); /* AS64500 */
	measure(&g, "3.0.8.0/24", SFO, line(SAN_FRANCISCO, SFO) + 40, 0);
	measure(&g, "3.0.200.0/24", SFO, line(NEW_YORK, SFO), 0);
	fit(&g);
	const struct model_terms t = model_explain(g.m, SAN_FRANCISCO, 1, SFO);
	CU_ASSERT_DOUBLE_EQUAL(t.asn_n, 2, 1e-6);
	CU_ASSERT_DOUBLE_EQUAL(t.asn_ms, (20 - t.near_ms - t.country_ms) / 2, 1e-2);
	CU_ASSERT_DOUBLE_EQUAL(t.country_n, 3, 1e-6);
	model_estimate(g.m, SAN_FRANCISCO, without);
	model_estimate(g.m, SAN_FRANCISCO, with);
	CU_ASSERT_EQUAL(model_asn(g.m, NEW_YORK, 0), 0);
	CU_ASSERT_EQUAL(model_asn(g.m, ROME, 1), 0); /* not in that country */
	model_add_asn(g.m, SAN_FRANCISCO, model_asn(g.m, SAN_FRANCISCO, 1), with);
	CU_ASSERT_DOUBLE_EQUAL(with[SFO] - without[SFO], t.asn_ms, 1e-3);
	CU_ASSERT_DOUBLE_EQUAL(with[SFO], t.sum_ms, 1e-3);
	CU_ASSERT_DOUBLE_EQUAL(with[AMS], without[AMS], 1e-6);
	close_table(&g);
}

static void a_table_that_nobody_feeds_turns_back_into_geography(void)
{
	static const uint32_t age_s[] = { 0, 3 * HOUR, 30 * HOUR };
	double ms[3];

	for (unsigned i = 0; i < 3; i++) {
		struct fitted g;
		open_table(&g);
		for (unsigned k = 0; k < 20; k++) {
			char net[32];
			snprintf(net, sizeof net, "2.0.%u.0/24", 7 + k);
			measure(&g, net, AMS, line(ROME, AMS) + 40, age_s[i]);
		}
		fit(&g);
		ms[i] = model_explain(g.m, ROME, 0, AMS).sum_ms;
		close_table(&g);
	}
	CU_ASSERT_TRUE(ms[0] > ms[1] + 0.5);
	CU_ASSERT_TRUE(ms[1] > ms[2] + 0.3);
	CU_ASSERT_DOUBLE_EQUAL(ms[2], line(ROME, AMS), 1e-2);
}

/* All that a slow network says of three edges is that it is slow. */
static void a_slow_way_in_makes_no_edge_slow(void)
{
	struct fitted g;
	float ms[EDGES];

	open_table(&g);
	for (unsigned e = 0; e < 3; e++)
		measure(&g, "2.0.7.0/24", e, line(ROME, e) + 80, 0);
	fit(&g);
	model_estimate(g.m, ROME, ms);
	for (unsigned e = 0; e < 3; e++)
		CU_ASSERT_TRUE(
			ms[e] < line(ROME, e) + 25); /* a quarter of it is left to doubt */
	CU_ASSERT_DOUBLE_EQUAL(ms[AMS] - line(ROME, AMS), ms[ROM] - line(ROME, ROM), 1e-2);
	close_table(&g);
}

static void own_times_stand_and_shift_the_others(void)
{
	struct latency_cell inner[] = { { .rtt_ms = 16, .at_s = NOW, .edge = 0, .n = 1 } },
			    outer[] = { { .rtt_ms = 99, .at_s = NOW, .edge = 0, .n = 1 }, { .rtt_ms = 30, .at_s = NOW, .edge = 1, .n = 1 } };
	const struct latency_row rows[] = { { .n = 1, .cell = inner },
		{ .n = 2, .cell = outer } };
	const struct latency_row *const both[] = { &rows[0], &rows[1] };
	struct model_own own = { both, 2, HOUR, NOW, NULL, 0, LATENCY_RTT };
	float ms[] = { 10, 20, 30, (float)NAN };

	model_own(&own, ms, 4);
	CU_ASSERT_DOUBLE_EQUAL(ms[0], 16, 1e-4); /* the narrower prefix's */
	CU_ASSERT_DOUBLE_EQUAL(ms[1], 30, 1e-4);
	/* The median of 6 and 10, shrunk by 2 / 2.5. */
	CU_ASSERT_DOUBLE_EQUAL(ms[2], 30 + 8 * 0.8, 1e-4);
	CU_ASSERT_TRUE(isnan(ms[3]));
}

/* GeoIP has it in the wrong place: the edge that is near is, and no other. */
static void a_short_time_makes_no_other_edge_near(void)
{
	struct latency_cell cell[] = { { .rtt_ms = 3, .at_s = NOW, .edge = 2, .n = 1 } };
	const struct latency_row row = { .n = 1, .cell = cell }, *const rows[] = { &row };
	float ms[] = { 10, 20, 90, 95 };

	model_own(&(struct model_own){ rows, 1, HOUR, NOW, NULL, 0, LATENCY_RTT }, ms, 4);
	CU_ASSERT_DOUBLE_EQUAL(ms[2], 3, 1e-4);
	CU_ASSERT_DOUBLE_EQUAL(ms[0], 10, 1e-4);
	CU_ASSERT_DOUBLE_EQUAL(ms[3], 95, 1e-4);
}

static void own_times_fade_into_the_estimate(void)
{
	struct latency_cell cell[] = { { .rtt_ms = 16, .at_s = NOW, .edge = 0, .n = 1 }, { .rtt_ms = 30, .at_s = NOW, .edge = 1, .n = 1 } };
	const struct latency_row row = { .n = 2, .cell = cell }, *const rows[] = { &row };
	struct model_own own = { rows, 1, HOUR, NOW + HOUR, NULL, 0, LATENCY_RTT };
	float ms[] = { 10, 20, 30 };

	model_own(&own, ms, 3);
	/* Two halves count one: the shift is 8 * 1 / 1.5, and half of the way is left to each.
	 */
	CU_ASSERT_DOUBLE_EQUAL(ms[0], (10 + 16.0 / 3 + 16) / 2, 1e-4);
	CU_ASSERT_DOUBLE_EQUAL(ms[1], (20 + 16.0 / 3 + 30) / 2, 1e-4);
	CU_ASSERT_DOUBLE_EQUAL(ms[2], 30 + 16.0 / 3, 1e-4);
	own.now_s = NOW + 60 * HOUR;
	float late[] = { 10, 20, 30 };
	model_own(&own, late, 3);
	CU_ASSERT_DOUBLE_EQUAL(late[0], 10, 1e-3);
	CU_ASSERT_DOUBLE_EQUAL(late[2], 30, 1e-3);
}

static void an_edge_without_a_place_has_its_own_time_only(void)
{
	struct latency_cell cell[] = { { .rtt_ms = 16, .at_s = NOW, .edge = 0, .n = 1 }, { .rtt_ms = 33, .at_s = NOW, .edge = 3, .n = 1 } };
	const struct latency_row row = { .n = 2, .cell = cell }, *const rows[] = { &row };
	float ms[] = { 10, 20, 30, (float)NAN };

	model_own(&(struct model_own){ rows, 1, HOUR, NOW, NULL, 0, LATENCY_RTT }, ms, 4);
	CU_ASSERT_DOUBLE_EQUAL(ms[3], 33, 1e-4);
	CU_ASSERT_DOUBLE_EQUAL(ms[1], 20 + 6 / 1.5, 1e-4); /* by the first alone */
}

void suite_model(void)
{
	static const struct unit_case cases[] = {
		{ "with nothing measured the line is all",
			with_nothing_measured_the_line_is_all },
		{ "offsets are medians over pairs", offsets_are_medians_over_pairs },
		{ "offsets bear outliers", offsets_bear_outliers },
		{ "a residual goes to neighbours, country and AS",
			a_residual_goes_to_neighbours_country_and_as },
		{ "an AS has what its country leaves over",
			an_as_has_what_its_country_leaves_over },
		{ "a table that nobody feeds turns back into geography",
			a_table_that_nobody_feeds_turns_back_into_geography },
		{ "a slow way in makes no edge slow", a_slow_way_in_makes_no_edge_slow },
		{ "own times stand, and shift the others",
			own_times_stand_and_shift_the_others },
		{ "a short time makes no other edge near",
			a_short_time_makes_no_other_edge_near },
		{ "own times fade into the estimate", own_times_fade_into_the_estimate },
		{ "an edge without a place has its own time only",
			an_edge_without_a_place_has_its_own_time_only },
	};

	unit_suite("measure/model", cases, UNIT_COUNT(cases));
}
