#include "measure/latency_csv.h"

#include "unit/steer/small_world.h"
#include "unit/unit.h"

#include <math.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

enum { EDGES = 4, HOUR = 3600, NOW = 1000000 };
enum { OSLO = 1, ROME, SAN_FRANCISCO, NEW_YORK, PLACES }; /* of the small atlas */

static const char *const names[EDGES] = { "ams", "rom", "nyc", "sfo" };

struct world {
	struct atlas *atlas;
	struct latency *t;
	struct model *m;
};

static void fit(struct world *w)
{
	struct model_site sites[EDGES];

	model_drop(w->m);
	for (unsigned i = 0; i < EDGES; i++)
		sites[i] = (struct model_site){ small_edges[i].placed, small_edges[i].lat,
			small_edges[i].lon };
	w->m = model_new(&(struct model_opts){ w->atlas, sites, EDGES, w->t, NOW });
}

static void open_world(struct world *w)
{
	w->atlas = small_atlas();
	w->m = NULL;
	w->t = latency_new(
		&(struct latency_opts){ names, EDGES, 0.3, HOUR, 1 << 20, { 1, 2 } });
	fit(w);
}

static void close_world(struct world *w)
{
	model_drop(w->m);
	latency_drop(w->t);
	atlas_drop(w->atlas);
}

static struct prefix net(const char *text)
{
	struct prefix p;

	if (!prefix_parse(&p, text, NULL))
		abort();
	return p;
}

static void measure(struct world *w, const char *text, unsigned edge, double rtt_ms)
{
	const struct prefix p = net(text);

	latency_put(w->t, &p, edge, &(struct latency_sample){ rtt_ms, 1, NOW, false });
}

static double km_to(double lat, double lon, unsigned edge)
{
	return place_distance_km(lat, lon, small_edges[edge].lat, small_edges[edge].lon);
}

static bool could(const struct world *w, const char *text, unsigned edge, double ms)
{
	const struct prefix p = net(text);
	struct model_doubt doubt;

	return model_net_could_take(w->m, &p, edge, ms, &doubt);
}

static void a_time_is_possible_from_where_geoip_may_err_to(void)
{
	const double rome = (km_to(41.9, 12.5, AMS) - 1000) / 100,
		     oslo = (km_to(59.9, 10.7, SFO) - 1000) / 100;
	struct world w;

	open_world(&w);
	CU_ASSERT_TRUE(rome > 2 && rome < 4);
	CU_ASSERT_TRUE(could(&w, "2.0.7.0/24", AMS, rome + 0.01));
	CU_ASSERT_FALSE(could(&w, "2.0.7.0/24", AMS, rome - 0.01));
	CU_ASSERT_TRUE(could(&w, "1.0.7.0/24", SFO, oslo + 0.01));
	CU_ASSERT_FALSE(could(&w, "1.0.7.0/24", SFO, oslo - 0.01));
	CU_ASSERT_TRUE(could(&w, "2.0.7.0/24", ROM, 0.01));
	/* Nobody knows: in no file, without coordinates, private. */
	CU_ASSERT_TRUE(could(&w, "6.0.0.0/24", SFO, 0.01));
	CU_ASSERT_TRUE(could(&w, "5.0.0.0/24", SFO, 0.01));
	CU_ASSERT_TRUE(could(&w, "10.0.0.0/24", SFO, 0.01));
	/* Half of it is in San Francisco, half in New York. */
	CU_ASSERT_TRUE(could(&w, "3.0.0.0/16", SFO, 0.01));
	CU_ASSERT_TRUE(could(&w, "3.0.0.0/16", NYC, 0.01));
	CU_ASSERT_FALSE(could(&w, "3.0.0.0/16", AMS, 1));
	close_world(&w);
}

static void edges_are_known_to_stand_where_they_are_said_to(void)
{
	const double ms = (km_to(small_edges[AMS].lat, small_edges[AMS].lon, ROM) - 100) / 100;
	struct model_doubt doubt;
	struct world w;

	open_world(&w);
	CU_ASSERT_TRUE(model_edge_could_take(w.m, AMS, ROM, ms + 0.01, &doubt));
	CU_ASSERT_FALSE(model_edge_could_take(w.m, AMS, ROM, ms - 0.01, &doubt));
	CU_ASSERT_FALSE(model_edge_could_take(w.m, ROM, AMS, ms - 0.01, &doubt));
	CU_ASSERT_DOUBLE_EQUAL(doubt.least_ms, ms, 1e-3);
	close_world(&w);
}

/* Where other places have a city, one without is the middle of a country. */
static void what_is_known_by_its_country_only_may_be_farther_off(void)
{
	struct places *p = places_new();
	struct netmap *map = netmap_new(false);
	struct world w;

	places_add(p, &(struct place){ .lat = 37.75, .lon = -97.8, .country = { 'U', 'S' } });
	places_add(p,
		&(struct place){ .lat = 37.75,
			.lon = -97.8,
			.country = { 'U', 'S' },
			.city = places_intern(p, "Wichita", 7) });
	places_seal(p);
	const struct prefix country = net("8.8.8.0/24"), city = net("8.8.9.0/24");
	netmap_append(map, &country, 1);
	netmap_append(map, &city, 2);
	netmap_seal(map);
	open_world(&w);
	netmap_drop(w.atlas->cities.map);
	places_drop(w.atlas->cities.places);
	w.atlas->cities.map = map;
	w.atlas->cities.places = p;
	CU_ASSERT_TRUE(could(&w, "8.8.8.0/24", NYC, 1));
	CU_ASSERT_FALSE(could(&w, "8.8.9.0/24", NYC, 1));
	CU_ASSERT_FALSE(could(&w, "8.8.8.0/24", AMS, 1));
	close_world(&w);
}

/* It is in the table all the same: of a time when some database had it elsewhere. */
static void what_cannot_be_true_changes_no_estimate(void)
{
	struct world w, plain;
	float ms[EDGES], line[EDGES];

	open_world(&plain);
	open_world(&w);
	measure(&w, "2.0.7.0/24", SFO, 0.1);
	measure(&w, "1.0.7.0/24", NYC, 3);
	latency_put_mesh(w.t, AMS, NYC, &(struct latency_sample){ 2, 1, NOW, false });
	fit(&w);
	for (uint32_t place = OSLO; place < PLACES; place++) {
		model_estimate(w.m, place, ms);
		model_estimate(plain.m, place, line);
		for (unsigned e = 0; e < EDGES; e++)
			CU_ASSERT_DOUBLE_EQUAL(ms[e], line[e], 1e-4);
	}
	const struct prefix p = net("2.0.7.0/24");
	const struct latency_row *row = latency_find(w.t, &p);
	model_estimate(w.m, ROME, ms);
	model_estimate(w.m, ROME, line);
	model_own(&(struct model_own){ &row, 1, HOUR, NOW, w.m, ROME, LATENCY_RTT }, ms, EDGES);
	for (unsigned e = 0; e < EDGES; e++)
		CU_ASSERT_DOUBLE_EQUAL(ms[e], line[e], 1e-4);
	model_own(&(struct model_own){ &row, 1, HOUR, NOW, w.m, SAN_FRANCISCO, LATENCY_RTT }, ms, EDGES);
	CU_ASSERT_DOUBLE_EQUAL(ms[SFO], 0.1, 1e-4);
	close_world(&w);
	close_world(&plain);
}

/* Every network says the least that is possible of one edge. */
static void no_estimate_is_below_what_light_needs(void)
{
	static const double at[][2] = { { 0, 0 }, { 59.9, 10.7 }, { 41.9, 12.5 },
		{ 37.8, -122.4 }, { 40.7, -74 } };
	static const char *const in[] = { "", "1.0.%u.0/24", "2.0.%u.0/24", "3.0.%u.0/24",
		"3.0.%u.0/24" };
	char text[32];
	struct world w;
	float ms[EDGES];
	unsigned low = 0, at_floor = 0;

	open_world(&w);
	for (uint32_t place = OSLO; place < PLACES; place++)
		for (unsigned i = 0; i < 40; i++)
			for (unsigned e = 0; e < EDGES; e++) {
				snprintf(text, sizeof text, in[place],
					i + (place == NEW_YORK ? 128 : 0));
				const double km = km_to(at[place][0], at[place][1], e);
				measure(&w, text, e,
					e == SFO ? fmax((km - 99) / 100, 0) + 0.1
						 : model_line_ms(km));
			}
	fit(&w);
	for (uint32_t place = OSLO; place < PLACES; place++) {
		model_estimate(w.m, place, ms);
		model_add_asn(w.m, place, model_asn(w.m, place, 1), ms);
		for (unsigned e = 0; e < EDGES; e++) {
			const double least = km_to(at[place][0], at[place][1], e) / 100;
			const struct model_terms t = model_explain(w.m, place, 1, e);
			low += (double)ms[e] < least - 1e-3;
			at_floor += t.floor_ms > 0.01;
			CU_ASSERT_DOUBLE_EQUAL(t.sum_ms, ms[e], 1e-3);
		}
	}
	CU_ASSERT_EQUAL(low, 0);
	CU_ASSERT_TRUE(at_floor >= 3);
	close_world(&w);
}

static void rows_of_a_file_that_cannot_be_true_are_passed_over_and_told(void)
{
	static const char text[] =
		"prefix,edge,rtt_ms\n2.0.7.0/24,sfo,0.1\n2.0.7.0/24,ams,30\n@ams,sfo,5\n";
	struct latency_csv from = { .path = "/tmp/waymark-possible.csv", .now_s = NOW };
	char path[] = "/tmp/waymark-possible-XXXXXX";
	struct faults f;
	struct world w;
	size_t rows;

	open_world(&w);
	faults_init(&f);
	const int fd = mkstemp(path);
	if (fd < 0 || write(fd, text, sizeof text - 1) != sizeof text - 1)
		abort();
	close(fd);
	from.path = path;
	from.judge = w.m;
	CU_ASSERT_TRUE(latency_csv_read(w.t, &from, &rows, &f));
	CU_ASSERT_EQUAL(rows, 1);
	CU_ASSERT_EQUAL(f.warnings, 2);
	CU_ASSERT_EQUAL(latency_size(w.t).impossible, 2);
	CU_ASSERT_EQUAL(latency_size(w.t).cells, 1);
	CU_ASSERT_EQUAL(latency_size(w.t).mesh_cells, 0);
	CU_ASSERT_PTR_NOT_NULL(strstr(text_get(&f.text),
		":2:16: warning: 0.1 ms cannot be "
		"true: 2.0.7.0/24 is by GeoIP "));
	CU_ASSERT_PTR_NOT_NULL(strstr(text_get(&f.text),
		":4:10: warning: 5 ms cannot be true: "
		"ams stands "));
	unlink(path);
	faults_fini(&f);
	close_world(&w);
}

void suite_model_possible(void);
void suite_model_possible(void)
{
	static const struct unit_case cases[] = {
		{ "a time is possible from where GeoIP may err to",
			a_time_is_possible_from_where_geoip_may_err_to },
		{ "edges are known to stand where they are said to",
			edges_are_known_to_stand_where_they_are_said_to },
		{ "what is known by its country only may be farther off",
			what_is_known_by_its_country_only_may_be_farther_off },
		{ "what cannot be true changes no estimate",
			what_cannot_be_true_changes_no_estimate },
		{ "no estimate is below what light needs",
			no_estimate_is_below_what_light_needs },
		{ "rows of a file that cannot be true are passed over, and told",
			rows_of_a_file_that_cannot_be_true_are_passed_over_and_told },
	};

	unit_suite("measure/model_possible", cases, UNIT_COUNT(cases));
}
