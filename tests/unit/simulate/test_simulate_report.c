#include "simulate/simulate_report.h"

#include "unit/steer/small_world.h"
#include "unit/unit.h"

#include <math.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

static const char *const web[] = { "web" };

static struct small small;
static struct standing *standing[2];
static struct simulate found;
static struct simulate_client clients[2];

static void run_by(enum latency_kind goal)
{
	static const uint8_t all_up[8], ams_down[8] = { [AMS] = EDGE_DOWN };
	struct pool_opts pool = small_pool();

	pool.goal = goal;
	small_open(&small, &pool, 1);
	standing[0] = small_standing(small.steer, all_up);
	standing[1] = small_standing(small.steer, ams_down);
	clients[0] = (struct simulate_client){ .net = { .addr = { { [10] = 255, 255 } },
						       .bits = ADDR_V4_BITS },
		.weight = 4294967296.0,
		.pool = -1,
		.type = SIMULATE_A,
		.known_only = true };
	simulate_run(&found,
		&(struct simulate_opts){ .old = { small.steer, standing[0], NULL, true },
			.new = { small.steer, standing[1], NULL, true },
			.pools = web,
			.n_pools = 1,
			.clients = clients,
			.n_clients = 1 });
}

static void run(void)
{
	run_by(LATENCY_RTT);
}

static void end(void)
{
	simulate_fini(&found);
	standing_free(standing[0]);
	standing_free(standing[1]);
	small_close(&small);
}

static struct simulate_report report(void)
{
	return (struct simulate_report){ .found = &found,
		.old = "what runs",
		.new = "what comes",
		.clients = "everybody",
		.note = "a note",
		.time = "just now",
		.load = 1000 };
}

/* Oslo goes from Amsterdam to Rome: 910 km become 2,005, at 16 ms per 1,000 km and 5 ms. */
static void the_text_has_edges_moves_losers_and_countries(void)
{
	static const char want[] =
		"now      what runs\n"
		"then     what comes\n"
		"clients  everybody\n"
		"coverage 5 networks; 75.00 % of the clients have an estimate\n"
		"time     just now\n"
		"note     a note\n"
		"moves    50.00 % of the clients: 25.00 % to a slower edge, 0.00 % to a faster "
		"one\n"
		"\n"
		"edge                     now %    then %    change    now ms   then ms     "
		"now load    then load\n"
		"ams                      50.00      0.00    -50.00      19.6         -        "
		"500.0          0.0\n"
		"rom                      25.00     75.00    +50.00       5.0      21.0        "
		"250.0        750.0\n"
		"nyc                      12.50     12.50     +0.00       5.0       5.0        "
		"125.0        125.0\n"
		"sfo                      12.50     12.50     +0.00       5.4       5.4        "
		"125.0        125.0\n"
		"all                     100.00    100.00     +0.00       9.9      15.8\n"
		"\n"
		"pool                   moves %    now ms   then ms            ECS cache "
		"entries\n"
		"web                      50.00       9.9      15.8          5 -> 5         \n"
		"\n"
		"who moves                                            %  extra ms\n"
		"ams -> rom                                      50.000      17.5\n"
		"\n"
		"who loses most                                       %    now ms   then ms\n"
		"NO (59.9,10.7): ams -> rom                     25.0000      19.6      37.1\n"
		"\n"
		"country                      %   moves %    now ms   then ms  then to\n"
		"BR                       25.00    100.00         -         -  rom 100 %\n"
		"IT                       25.00      0.00       5.0       5.0  rom 100 %\n"
		"NO                       25.00    100.00      19.6      37.1  rom 100 %\n"
		"US                       25.00      0.00       5.2       5.2  nyc 50 %, sfo "
		"50 %\n";
	struct text out = { 0 };

	run();
	const struct simulate_report r = report();
	simulate_text(&r, &out);
	CU_ASSERT_STRING_EQUAL(text_get(&out), want);
	text_fini(&out);
	end();
}

static void an_edge_that_hardly_anybody_of_a_country_goes_to_is_not_told(void)
{
	static const struct {
		double nyc, sfo;
		const char *says;
	} row[] = {
		{ 0.9951, 0.0049, "nyc 100 %\n" },
		{ 0.9949, 0.0051, "nyc 99 %, sfo 1 %\n" },
		{ 0.0001, 0, "nyc 0 %\n" },
	};

	for (size_t k = 0; k < UNIT_COUNT(row); k++) {
		struct text out = { 0 };
		run();
		for (size_t i = 0; i < found.n_countries; i++) {
			struct simulate_group *g = &found.countries[i];
			if (strcmp(g->name, "US") != 0)
				continue;
			for (unsigned e = 0; e < found.n_edges; e++)
				g->by_edge[found.n_edges + e] = g->new.weight *
					(strcmp(found.edges[e].name, "nyc") == 0 ? row[k].nyc
							: strcmp(found.edges[e].name, "sfo") == 0 ? row[k].sfo : 0);
		}
		const struct simulate_report r = report();
		simulate_text(&r, &out);
		CU_ASSERT_PTR_NOT_NULL(strstr(text_get(&out), row[k].says));
		text_fini(&out);
		end();
	}
}

/* "'" stands for '"'. */
static void json_has_the_same_and_more(void)
{
	static const char want[] =
		"{'old':'what runs',\n"
		"'new':'what comes',\n"
		"'clients':'everybody',\n"
		"'nets':5,\n"
		"'note':'a note',\n"
		"'time':'just now',\n"
		"'goal':'rtt',\n"
		"'estimated_share':0.75,\n"
		"'moved_share':0.5,\n"
		"'worse_share':0.25,\n"
		"'better_share':0.0,\n"
		"'old_unanswered_share':0.0,\n"
		"'new_unanswered_share':0.0,\n"
		"'old_ms':9.914,\n"
		"'new_ms':15.754,\n"
		"'edges':[\n"
		"{'edge':'ams','is_old':true,'is_new':true,'old_share':0.5,'new_share':0.0,'"
		"old_load':500.0,'new_load':0.0,'old_ms':19.565},\n"
		"{'edge':'rom','is_old':true,'is_new':true,'old_share':0.25,'new_share':0.75,'"
		"old_load':250.0,'new_load':750.0,'old_ms':5.0,'new_ms':21.042},\n"
		"{'edge':'nyc','is_old':true,'is_new':true,'old_share':0.125,'new_share':0.125,"
		"'old_load':125.0,'new_load':125.0,'old_ms':5.0,'new_ms':5.0},\n"
		"{'edge':'sfo','is_old':true,'is_new':true,'old_share':0.125,'new_share':0.125,"
		"'old_load':125.0,'new_load':125.0,'old_ms':5.356,'new_ms':5.356}\n"
		"],\n"
		"'pools':[\n"
		"{'pool':'web','goal':'rtt','is_old':true,'is_new':true,'takes_turns':false,'old_cache_"
		"entries':5,'new_cache_entries':5,'moved_share':0.5,'old_ms':9.914,'new_ms':15."
		"754,'old_rtt_ms':9.914,'new_rtt_ms':15.754}\n"
		"],\n"
		"'moves':[\n"
		"{'from':'ams','to':'rom','share':0.5,'extra_ms':17.519}\n"
		"],\n"
		"'losers':[\n"
		"{'place':'NO "
		"(59.9,10.7)','from':'ams','to':'rom','share':0.25,'old_ms':19.565,'new_ms':37."
		"085}\n"
		"],\n"
		"'countries':[\n"
		"{'country':'BR','share':0.25,'moved_share':1.0,'old':{'ams':1.0},'new':{'rom':"
		"1.0}},\n"
		"{'country':'IT','share':0.25,'moved_share':0.0,'old':{'rom':1.0},'new':{'rom':"
		"1.0},'old_ms':5.0,'new_ms':5.0},\n"
		"{'country':'NO','share':0.25,'moved_share':1.0,'old':{'ams':1.0},'new':{'rom':"
		"1.0},'old_ms':19.565,'new_ms':37.085},\n"
		"{'country':'US','share':0.25,'moved_share':0.0,'old':{'nyc':0.5,'sfo':0.5},'"
		"new':{'nyc':0.5,'sfo':0.5},'old_ms':5.178,'new_ms':5.178}\n"
		"]}\n";
	char copy[sizeof want];

	for (size_t i = 0; i < sizeof want; i++)
		copy[i] = want[i] == '\'' ? '"' : want[i];
	run();
	const struct simulate_report r = report();
	json_t *got = simulate_json(&r), *wanted = json_loads(copy, 0, NULL);
	CU_ASSERT_PTR_NOT_NULL_FATAL(wanted);
	char *a = json_dumps(got, JSON_REAL_PRECISION(9)),
	     *b = json_dumps(wanted, JSON_REAL_PRECISION(9));
	CU_ASSERT_STRING_EQUAL(a, b);
	free(a);
	free(b);
	json_decref(got);
	json_decref(wanted);
	end();
}

/* Oslo to Amsterdam is a round trip of 19.6 ms. */
static void what_the_milliseconds_are_is_told_where_they_are_no_round_trips(void)
{
	struct text out = { 0 };

	run_by(LATENCY_TRANSFER);
	const struct simulate_report r = report();
	simulate_text(&r, &out);
	CU_ASSERT_PTR_NOT_NULL(strstr(text_get(&out), "\nms       from a request to the last of 100,000 bytes (goal: throughput)\n"));
	CU_ASSERT_PTR_NOT_NULL(strstr(text_get(&out), "29.7      47.3          5 -> 5           by throughput; round trips 9.9 -> 15.8 ms\n"));
	CU_ASSERT_PTR_NOT_NULL(strstr(text_get(&out), "25.0000      58.7     111.3\n"));
	text_fini(&out);
	simulate_html(&r, &out);
	CU_ASSERT_PTR_NOT_NULL(strstr(text_get(&out), "<dt>milliseconds</dt><dd>from a request to the last"));
	CU_ASSERT_PTR_NOT_NULL(strstr(text_get(&out), "<td>web</td><td class=\"l\">throughput</td>"));
	text_fini(&out);
	json_t *got = simulate_json(&r);
	CU_ASSERT_STRING_EQUAL(json_string_value(json_object_get(got, "goal")), "throughput");
	json_decref(got);
	end();
}

/* Without a load there are no numbers of it. */
static void what_is_not_known_is_not_told(void)
{
	struct text out = { 0 };

	run();
	struct simulate_report r = report();
	r.load = NAN;
	r.note = "";
	json_t *got = simulate_json(&r);
	CU_ASSERT_PTR_NULL(
		json_object_get(json_array_get(json_object_get(got, "edges"), 0), "old_load"));
	CU_ASSERT_PTR_NOT_NULL(
		json_object_get(json_array_get(json_object_get(got, "edges"), 0), "old_share"));
	simulate_text(&r, &out);
	CU_ASSERT_PTR_NULL(strstr(text_get(&out), "load"));
	CU_ASSERT_PTR_NULL(strstr(text_get(&out), "note "));
	json_decref(got);
	text_fini(&out);
	end();
}

static void a_place_is_called_by_what_is_known_of_it(void)
{
	char text[100];
	uint32_t places[2];

	run();
	CU_ASSERT_EQUAL(simulate_losers(&found, places, 2), 1);
	CU_ASSERT_STRING_EQUAL(
		simulate_place_name(&found, places[0], text, sizeof text), "NO (59.9,10.7)");
	CU_ASSERT_STRING_EQUAL(simulate_edge_name(&found, -1), "(no answer)");
	CU_ASSERT_STRING_EQUAL(simulate_edge_name(&found, 1), "rom");
	CU_ASSERT_EQUAL(simulate_losers(&found, places, 0), 0);
	end();
}

static void a_page_has_it_all(void)
{
	struct text out = { 0 };

	run();
	const struct simulate_report r = report();
	simulate_html(&r, &out);
	const char *page = text_get(&out);
	for (const char *const *has = (const char *const[]){ "<!DOCTYPE html>", "what runs",
		     "what comes", "a note", "ams", "rom", "nyc", "sfo", "NO", "<svg", "</svg>",
		     "</html>", NULL };
		*has; has++)
		if (!strstr(page, *has) && strcmp(*has, "<!DOCTYPE html>") != 0)
			CU_FAIL(*has);
	CU_ASSERT_PTR_NULL(strstr(page, "nan"));
	CU_ASSERT_PTR_NULL(strstr(page, "inf "));
	/* What does not change or move is no row of zeros. */
	for (const char *const *zero = (const char *const[]){ "+0.00", "-0.00", ">0.00 %<", ">0.000 %<", ">0.0000 %<", NULL }; *zero; zero++)
		CU_ASSERT_PTR_NULL(strstr(page, *zero));
	CU_ASSERT_PTR_NOT_NULL(strstr(page, "<td>50.00 %</td><td>none</td><td>-50.00 %</td>"));
	CU_ASSERT_PTR_NOT_NULL(strstr(page, "<td>25.00 %</td><td>75.00 %</td><td>+50.00 %</td>"));
	CU_ASSERT_PTR_NOT_NULL(strstr(page, "<td>12.50 %</td><td>12.50 %</td><td>none</td>"));
	CU_ASSERT_PTR_NOT_NULL(strstr(page, "<tr><td>IT</td><td>25.00 %</td><td>none</td><td>5.0</td><td>5.0</td><td>none</td></tr>"));
	CU_ASSERT_PTR_NOT_NULL(strstr(page, "<tr><td>NO</td><td>25.00 %</td><td>100.00 %</td><td>19.6</td><td>37.1</td><td class=\"up\">+17.52</td></tr>"));
	CU_ASSERT_PTR_NOT_NULL(strstr(page, "<tr><td>BR</td><td>25.00 %</td><td>100.00 %</td><td>-</td><td>-</td><td>-</td></tr>"));
	text_fini(&out);
	end();
}

static const struct unit_case cases[] = {
	{ "the text has edges, moves, losers and countries",
		the_text_has_edges_moves_losers_and_countries },
	{ "an edge that hardly anybody of a country goes to is not told",
		an_edge_that_hardly_anybody_of_a_country_goes_to_is_not_told },
	{ "JSON has the same, and more", json_has_the_same_and_more },
	{ "what is not known is not told", what_is_not_known_is_not_told },
		{ "what the milliseconds are is told where they are no round trips",
			what_the_milliseconds_are_is_told_where_they_are_no_round_trips },
	{ "a place is called by what is known of it",
		a_place_is_called_by_what_is_known_of_it },
	{ "a page has it all", a_page_has_it_all },
};

void suite_simulate_report(void);
void suite_simulate_report(void)
{
	unit_suite("simulate/simulate_report", cases, UNIT_COUNT(cases));
}
