#include "unit/daemon/house.h"
#include "unit/net/serving.h"
#include "unit/unit.h"

#include <jansson.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#define CONF                                                                          \
	"edges:\n"                                                                    \
	"  ams: { at: \"52,5\", a: 192.0.2.1 }\n"                                     \
	"  nyc: { at: \"40,-74\", a: 192.0.2.2 }\n"                                   \
	"pools: { web: { edges: [ ams, nyc ] }, all: { edges: [ nyc, ams ], policy: " \
	"round-robin } }\n"

static struct house h;

static long long number(const json_t *o, const char *key)
{
	const json_t *v = json_object_get(o, key);

	if (!json_is_integer(v)) {
		printf("%s is no number\n", key);
		CU_FAIL(key);
	}
	return json_integer_value(v);
}

static json_t *status(void)
{
	json_t *o = json_loads(house_tell(&h, "status --json"), 0, NULL);

	CU_ASSERT_EQUAL(h.status, 0);
	CU_ASSERT_PTR_NOT_NULL_FATAL(o);
	return o;
}

static bool has_line(const char *text, const char *what, long long n)
{
	const char *at = strstr(text, what);

	return at && strtoll(at + strlen(what), NULL, 10) == n &&
		strspn(at + strlen(what), " 0123456789") == strcspn(at + strlen(what), "\n");
}

static void status_counts_what_was_asked_and_answered(void)
{
	house_open(&h, CONF);
	site_put(&h.site, "zones/a.example.zone", SITE_ZONE(1, "w EDGE web\nr EDGE all\n"));
	CU_ASSERT_TRUE_FATAL(house_start(&h));
	for (unsigned i = 0; i < 3; i++)
		house_ask(&h, "w.a.example");
	house_ask(&h, "r.a.example");
	house_ask(&h, "nope.a.example");
	house_ask(&h, "x.y");
	house_tell(&h, "force nyc down --why test");
	house_ask(&h, "r.a.example");
	json_t *o = status();
	CU_ASSERT_EQUAL(number(o, "udp_queries"), 7);
	CU_ASSERT_EQUAL(number(o, "tcp_queries"), 0);
	CU_ASSERT_EQUAL(number(o, "steered"), 5);
	CU_ASSERT_EQUAL(number(o, "unmet"), 0);
	CU_ASSERT_EQUAL(number(o, "zones"), 2);
	CU_ASSERT_EQUAL(number(o, "records"), 8);
	CU_ASSERT_EQUAL(number(o, "edges"), 2);
	CU_ASSERT_EQUAL(number(o, "pools"), 2);
	CU_ASSERT_EQUAL(number(o, "targets"), 0);
	CU_ASSERT_EQUAL(number(o, "threads"), 2);
	CU_ASSERT_EQUAL(number(o, "health_publications"), 1);
	CU_ASSERT_EQUAL(number(json_object_get(o, "rcodes"), "NOERROR"), 5);
	CU_ASSERT_EQUAL(number(json_object_get(o, "rcodes"), "NXDOMAIN"), 1);
	CU_ASSERT_EQUAL(number(json_object_get(o, "rcodes"), "REFUSED"), 1);
	const json_t *chosen = json_object_get(o, "chosen");
	CU_ASSERT_EQUAL(number(chosen, "best"), 3);
	CU_ASSERT_EQUAL(number(chosen, "turn"), 2);
	CU_ASSERT_EQUAL(number(chosen, "failover"), 0);
	json_decref(o);
	const char *text = house_tell(&h, "status");
	CU_ASSERT_TRUE(has_line(text, "queries over UDP", 7));
	CU_ASSERT_TRUE(has_line(text, "queries over TCP ", 0));
	CU_ASSERT_TRUE(has_line(text, "answers from pools", 5));
	CU_ASSERT_PTR_NOT_NULL(strstr(text, "alarms\n"));
	CU_ASSERT_PTR_NOT_NULL(strstr(text, "1 change by operators holds"));
	/* What was chosen, pool by pool. */
	o = json_loads(house_tell(&h, "pools --json"), 0, NULL);
	CU_ASSERT_PTR_NOT_NULL_FATAL(o);
	const json_t *web = json_array_get(o, 0), *all = json_array_get(o, 1);
	const json_t *ams = json_array_get(json_object_get(web, "edges"), 0);
	CU_ASSERT_EQUAL(number(json_object_get(ams, "chosen"), "best"), 3);
	unsigned turns = 0;
	for (unsigned i = 0; i < 2; i++)
		turns += (unsigned)json_integer_value(json_object_get(
			json_object_get(
				json_array_get(json_object_get(all, "edges"), i), "chosen"),
			"turn"));
	CU_ASSERT_EQUAL(turns, 2);
	json_decref(o);
	house_stop(&h);
	house_close(&h);
}

static void zones_that_are_wrong_are_among_the_alarms(void)
{
	house_open(&h, CONF);
	CU_ASSERT_TRUE_FATAL(house_start(&h));
	CU_ASSERT_PTR_NOT_NULL(strstr(house_tell(&h, "status"), "alarms: none"));
	site_put(&h.site, "zones/b.example.zone", "what\n");
	site_put(&h.site, "zones/c.example.zone", "what\n");
	house_tell(&h, "reload");
	CU_ASSERT_EQUAL(h.status, 1);
	json_t *o = status();
	CU_ASSERT_EQUAL(number(o, "zones"), 3);
	CU_ASSERT_EQUAL(number(o, "zones_faulty"), 2);
	CU_ASSERT_EQUAL(number(o, "zones_unready"), 1);
	CU_ASSERT_TRUE(json_array_size(json_object_get(o, "alarms")) >= 1);
	json_decref(o);
	const char *text = house_tell(&h, "zones --faulty");
	CU_ASSERT_PTR_NULL(strstr(text, "a.example."));
	CU_ASSERT_PTR_NOT_NULL(strstr(text, "b.example."));
	CU_ASSERT_PTR_NOT_NULL(strstr(text, "c.example."));
	text = house_tell(&h, "zones c.example");
	CU_ASSERT_EQUAL(h.status, 0);
	CU_ASSERT_PTR_NOT_NULL(strstr(text, "c.example.zone:"));
	CU_ASSERT_STRING_EQUAL(house_ask(&h, "x.c.example"), "rcode 2");
	CU_ASSERT_STRING_EQUAL(house_ask(&h, "ns.b.example"), "192.0.2.3");
	house_stop(&h);
	house_close(&h);
}

static const struct unit_case cases[] = {
	{ "status counts what was asked and answered",
		status_counts_what_was_asked_and_answered },
	{ "zones that are wrong are among the alarms",
		zones_that_are_wrong_are_among_the_alarms },
};

void suite_report_status(void);
void suite_report_status(void)
{
	unit_suite("report/report_status", cases, UNIT_COUNT(cases));
}
