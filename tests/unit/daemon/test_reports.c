#include "daemon/reports.h"

#include "report/report_values.h"
#include "unit/daemon/house.h"
#include "unit/net/serving.h"
#include "unit/unit.h"

#include <jansson.h>
#include <stdio.h>
#include <string.h>

#define CONF                                                                                             \
	"peers: { pri: { at: \"127.0.0.1:1\" } }\n"                                                      \
	"store: { file: w.db }\n"                                                                        \
	"templates: { second: { primary: pri } }\n"                                                      \
	"edges: { ams: { at: \"52,5\", a: 192.0.2.1 }, nyc: { at: \"40,-74\", a: 192.0.2.2 } }\n"        \
	"pools: { web: { edges: [ ams, nyc ] } }\n"

static struct house h;

static void open_house(void)
{
	house_open(&h, CONF);
	site_put(&h.site, "zones/a.example.zone", SITE_ZONE(1, "w EDGE web\n"));
	CU_ASSERT_TRUE_FATAL(house_start(&h));
}

static void close_house(void)
{
	house_stop(&h);
	house_close(&h);
}

static void what_is_said_wrongly_is_told_as_that(void)
{
	static const struct house_said row[] = {
		{ "status now", 2, "" },
		{ "status --jsn", 2, "" },
		{ "edges ams", 2, "" },
		{ "changes x", 2, "" },
		{ "jobs x", 2, "" },
		{ "rates x", 2, "" },
		{ "pools a b", 2, "" },
		{ "pools --x", 2, "" },
		{ "pools nobody", 1, "there is no pool \"nobody\" (\"waymarkctl pools\" lists them)\n" },
		{ "pools nobody --json", 1, "there is no pool \"nobody\" (\"waymarkctl pools\" lists them)\n" },
		{ "pools web", 0, "2 of    2 up" },
		{ "pools", 0, "web " },
		{ "explain", 2, "" },
		{ "explain w.a.example --client here", 2, "here" },
		{ "explain w.a.example --client 192.0.2.77", 0, "192.0.2.77" },
		{ "geo", 2, "" },
		{ "geo 192.0.2.1 more", 2, "" },
		{ "geo here", 2, "here is no address (write 192.0.2.1 or 2001:db8::1)\n" },
		{ "geo 192.0.2.1", 0, "192.0.2.0/24 is not of the public Internet" },
		{ "latency", 2, "" },
		{ "latency export x", 2, "" },
		{ "latency export", 0, "prefix,edge,rtt_ms" },
		{ "latency show", 0, "" },
		{ "export x", 2, "" },
		{ "export --config", 0, "" },
		{ "zones --what", 2, "" },
	};

	open_house();
	house_say(&h, row, UNIT_COUNT(row));
	close_house();
}

static void rates_count_what_was_asked_and_by_whom_it_is_answered(void)
{
	open_house();
	for (unsigned i = 0; i < 3; i++)
		house_ask(&h, "w.a.example");
	house_ask(&h, "nope.a.example");
	house_tell(&h, "force nyc down");
	house_tell(&h, "force ams drain --pool web");
	json_t *o = json_loads(house_tell(&h, "rates --json"), 0, NULL);
	CU_ASSERT_PTR_NOT_NULL_FATAL(o);
	CU_ASSERT_EQUAL(values_number(json_object_get(o, "queries"), "udp"), 4);
	CU_ASSERT_EQUAL(values_number(json_object_get(o, "queries"), "tcp"), 0);
	CU_ASSERT_EQUAL(values_number(json_object_get(o, "queries_ipv6"), "udp"), 0);
	CU_ASSERT_EQUAL(values_number(json_object_get(o, "questions"), "A"), 4);
	CU_ASSERT_EQUAL(json_object_size(json_object_get(o, "questions")), 1);
	CU_ASSERT_EQUAL(values_number(json_object_get(o, "answers"), "NOERROR"), 3);
	CU_ASSERT_EQUAL(values_number(json_object_get(o, "answers"), "NXDOMAIN"), 1);
	CU_ASSERT(values_number(o, "steered") == 3 && values_number(o, "without_edge") == 0 && values_number(o, "dropped") == 0);
	CU_ASSERT(values_number(o, "time_ms") > 1.6e12 && values_number(o, "started") > 1.6e9);
	CU_ASSERT(values_number(o, "time_ms") / 1e3 - values_number(o, "started") < 600);
	CU_ASSERT(values_number(o, "up_s") >= 0 && values_number(o, "up_s") < 600);
	const json_t *edges = json_object_get(o, "edges"), *one;
	double sum = 0;
	size_t i;
	CU_ASSERT_EQUAL(json_array_size(edges), 2);
	json_array_foreach ((json_t *)(uintptr_t)edges, i, one) {
		const bool nyc = strcmp(values_text(one, "edge"), "nyc") == 0;
		sum += values_number(one, "answers");
		CU_ASSERT_STRING_EQUAL(values_text(one, "state"), nyc ? "down" : "up");
		CU_ASSERT_TRUE(json_is_true(json_object_get(one, "forced")));
	}
	CU_ASSERT_EQUAL(sum, 3);
	const json_t *web = json_array_get(json_object_get(o, "pools"), 0);
	CU_ASSERT_EQUAL(values_number(web, "answers"), 3);
	CU_ASSERT_PTR_NULL(json_object_get(web, "panics"));
	json_decref(o);
	const char *text = house_tell(&h, "rates");
	CU_ASSERT_PTR_NOT_NULL(strstr(text, "queries     udp 4\n"));
	CU_ASSERT_PTR_NOT_NULL(strstr(text, "answers     NOERROR 3  NXDOMAIN 1\n"));
	CU_ASSERT_PTR_NOT_NULL(strstr(text, "from pools  3, 0 of them without an edge\n"));
	close_house();
}

/* Zones that come from others are asked about, in turns of the loop; those that stand here are not. */
static void zones_say_how_they_come_from_others(void)
{
	open_house();
	house_tell(&h, "zone add far.test second");
	CU_ASSERT_EQUAL_FATAL(h.status, 0);
	CU_ASSERT_PTR_NULL(strstr(house_tell(&h, "zones --json"), "1970-01-01"));
	for (unsigned k = 0; k < 500 && !strstr(house_tell(&h, "zones --json"), "\"primary\": {"); k++)
		house_pass(&h, 0.02);
	for (unsigned k = 0; k < 2; k++) {
		json_t *list = json_loads(house_tell(&h, "zones --json"), 0, NULL), *zones = json_object_get(list, "zones"), *one;
		size_t i;
		unsigned seen = 0;
		if (!zones)
			zones = list;
		json_array_foreach (zones, i, one) {
			const bool far = strncmp(values_text(one, "zone"), "far.test", 8) == 0;
			seen += far;
			CU_ASSERT_EQUAL(json_object_get(one, "primary") != NULL, far);
			/* What never came has nothing, and was not loaded at any time. */
			static const char *const has[] = { "loaded", "serial", "records", "bytes" };
			for (size_t m = 0; m < UNIT_COUNT(has); m++)
				CU_ASSERT_EQUAL(json_object_get(one, has[m]) != NULL, !far);
		}
		CU_ASSERT_EQUAL(seen, 1);
		json_decref(list);
	}
	close_house();
}

static void end(struct command_call *c, int status)
{
	(void)c;
	(void)status;
	CU_FAIL("nobody waits any more");
}

/* A session that ends while its report is made, or still gathered, is forgotten. */
static void who_does_not_wait_is_not_told(void)
{
	static const char *const words[] = { "zones --json", "status", "export" };

	open_house();
	house_tell(&h, "zone add far.test second");
	for (unsigned i = 0; i < 3; i++) {
		struct text out = { 0 };
		struct command_call call = { .out = &out, .done = end };
		const char *list[] = { i ? words[i] : "zones", i ? NULL : "--json" };
		CU_ASSERT_EQUAL_FATAL(commands_run(&h.server.commands, list, i ? 1 : 2, &call), COMMAND_LATER);
		call.forget(&call);
		house_tell(&h, "edges"); /* which waits for nobody, and goes on */
		CU_ASSERT_EQUAL(h.status, 0);
		house_pass(&h, 0.05);
		CU_ASSERT_EQUAL(out.len, 0);
		text_fini(&out);
	}
	close_house();
}

static const struct unit_case cases[] = {
	{ "what is said wrongly is told as that", what_is_said_wrongly_is_told_as_that },
	{ "rates count what was asked, and by whom it is answered", rates_count_what_was_asked_and_by_whom_it_is_answered },
	{ "zones say how they come from others", zones_say_how_they_come_from_others },
	{ "who does not wait is not told", who_does_not_wait_is_not_told },
};

void suite_reports(void);
void suite_reports(void)
{
	unit_suite("daemon/reports", cases, UNIT_COUNT(cases));
}
