#include "report/report_edges.h"

#include "base/clock.h"
#include "daemon/publish.h"
#include "report/report_values.h"
#include "unit/daemon/house.h"
#include "unit/unit.h"
#include "world/world.h"

#include <jansson.h>
#include <stdio.h>
#include <string.h>

#define CONF                                                                                             \
	"edges:\n"                                                                                       \
	"  ams: { at: \"52,5\", a: 192.0.2.1, aaaa: \"2001:db8::1\" }\n"                                 \
	"  nyc: { at: \"40,-74\", a: 192.0.2.2 }\n"                                                      \
	"  far: { at: \"1,103\", a: 192.0.2.3 }\n"                                                       \
	"pools:\n"                                                                                       \
	"  web: { edges: [ { edge: ams, weight: 3 }, nyc ], policy: [ nearest within 20ms, weighted ] }\n" \
	"  turn: { edges: [ nyc, far ], policy: [ nearest within 50%, round-robin ] }\n"                 \
	"  both: { edges: [ { pool: web }, { pool: turn } ], policy: ordered }\n"                        \
	"  part: { edges: [ { pool: web, weight: 25% }, far ], policy: weighted }\n"

static struct house h;

static void open_house(void)
{
	house_open(&h, CONF);
	CU_ASSERT_TRUE_FATAL(house_start(&h));
}

static void close_house(void)
{
	house_stop(&h);
	house_close(&h);
}

static json_t *pool(const char *name)
{
	char words[64];

	snprintf(words, sizeof words, "pools %s --json", name);
	json_t *list = json_loads(house_tell(&h, words), 0, NULL);
	CU_ASSERT_EQUAL(h.status, 0);
	CU_ASSERT_EQUAL_FATAL(json_array_size(list), 1);
	json_t *o = json_incref(json_array_get(list, 0));
	json_decref(list);
	CU_ASSERT_STRING_EQUAL(values_text(o, "pool"), name);
	return o;
}

/* Of a list of objects, that whose `key` is `value`; borrowed. */
static const json_t *of(const json_t *o, const char *list, const char *key, const char *value)
{
	json_t *one;
	size_t i;

	json_array_foreach (json_object_get(o, list), i, one)
		if (strcmp(values_text(one, key), value) == 0)
			return one;
	printf("%s has no %s\n", list, value);
	CU_FAIL("a list");
	return NULL;
}

static void a_pool_is_told_with_its_policy_and_its_edges(void)
{
	open_house();
	json_t *o = pool("web");
	CU_ASSERT_STRING_EQUAL(values_text(o, "policy"), "[ nearest within 20ms, weighted ]");
	CU_ASSERT(values_number(o, "up") == 2 && values_number(o, "of") == 2 && values_number(o, "panic") == 0);
	CU_ASSERT_EQUAL(json_array_size(json_object_get(o, "edges")), 2);
	const json_t *ams = of(o, "edges", "edge", "ams"), *nyc = of(o, "edges", "edge", "nyc");
	CU_ASSERT_STRING_EQUAL(values_text(ams, "state"), "up");
	CU_ASSERT_TRUE(json_is_true(json_object_get(ams, "a")) && json_is_true(json_object_get(ams, "aaaa")));
	CU_ASSERT_TRUE(json_is_true(json_object_get(nyc, "a")) && json_is_false(json_object_get(nyc, "aaaa")));
	static const char *const none[] = { "probe", "can_change_s", "members", "skipped", "failed_over" };
	for (size_t i = 0; i < UNIT_COUNT(none); i++)
		CU_ASSERT_PTR_NULL(json_object_get(o, none[i]));
	static const char *const not_of_edges[] = { "weight", "rtt_ms", "load", "why", "share", "keeps" };
	for (size_t i = 0; i < UNIT_COUNT(not_of_edges); i++)
		CU_ASSERT_PTR_NULL(json_object_get(ams, not_of_edges[i]));
	json_decref(o);
	o = pool("turn");
	CU_ASSERT_STRING_EQUAL(values_text(o, "policy"), "[ nearest within 50%, round-robin ]");
	json_decref(o);
	house_tell(&h, "pools nobody --json");
	CU_ASSERT_NOT_EQUAL(h.status, 0);
	const char *text = house_tell(&h, "pools");
	CU_ASSERT_PTR_NOT_NULL(strstr(text, "web              [ nearest within 20ms, weighted ]    2 of    2 up\n  ams "));
	CU_ASSERT_PTR_NULL(strstr(text, "PANIC"));
	CU_ASSERT_PTR_NULL(strstr(text, "can change"));
	close_house();
}

static void what_is_forced_shows_in_the_pools_it_holds_for(void)
{
	open_house();
	house_tell(&h, "force nyc drain --pool web");
	CU_ASSERT_EQUAL(h.status, 0);
	house_tell(&h, "force ams weight 9 --pool web");
	CU_ASSERT_EQUAL(h.status, 0);
	json_t *web = pool("web"), *turn = pool("turn");
	CU_ASSERT_STRING_EQUAL(values_text(of(web, "edges", "edge", "nyc"), "state"), "drain");
	CU_ASSERT_PTR_NOT_NULL(strstr(values_text(of(web, "edges", "edge", "nyc"), "why"), "forced drain by root"));
	CU_ASSERT_STRING_EQUAL(values_text(of(turn, "edges", "edge", "nyc"), "state"), "up");
	const json_t *weight = json_object_get(of(web, "edges", "edge", "ams"), "weight");
	CU_ASSERT(values_number(weight, "now") == 9 && values_number(weight, "configured") == 3);
	CU_ASSERT_PTR_NULL(json_object_get(of(web, "edges", "edge", "nyc"), "weight"));
	json_decref(web);
	json_decref(turn);
	CU_ASSERT_PTR_NOT_NULL(strstr(house_tell(&h, "pools web"), "  weighs 9, not 3"));
	/* What is as configured is no other weight. */
	house_tell(&h, "force ams weight 3 --pool web");
	web = pool("web");
	CU_ASSERT_PTR_NULL(json_object_get(of(web, "edges", "edge", "ams"), "weight"));
	json_decref(web);
	house_tell(&h, "force far down");
	turn = pool("turn");
	CU_ASSERT_STRING_EQUAL(values_text(of(turn, "edges", "edge", "far"), "state"), "down");
	CU_ASSERT(values_number(turn, "up") == 1 && values_number(turn, "of") == 1); /* those that operators have up */
	json_decref(turn);
	close_house();
}

static void a_pool_of_pools_is_told_with_them_and_where_it_has_gone(void)
{
	open_house();
	json_t *o = pool("both");
	CU_ASSERT_EQUAL(json_array_size(json_object_get(o, "members")), 2);
	const json_t *web = of(o, "members", "pool", "web");
	CU_ASSERT_STRING_EQUAL(values_text(web, "state"), "up");
	CU_ASSERT(values_number(web, "up") == 2 && values_number(web, "of") == 2);
	CU_ASSERT_PTR_NULL(json_object_get(web, "share"));
	CU_ASSERT_PTR_NULL(json_object_get(o, "failed_over"));
	json_decref(o);
	o = pool("part");
	CU_ASSERT_DOUBLE_EQUAL(values_number(of(o, "members", "pool", "web"), "share"), 0.25, 1e-6);
	CU_ASSERT_PTR_NULL(json_object_get(of(o, "members", "pool", "web"), "weight"));
	CU_ASSERT_EQUAL(values_number(of(o, "members", "edge", "far"), "weight"), 1);
	json_decref(o);
	const char *text = house_tell(&h, "pools part");
	CU_ASSERT_PTR_NOT_NULL(strstr(text, "  web              up     a pool, 2 of 2 up; 25 % of all\n"));
	CU_ASSERT_PTR_NULL(strstr(text, "far              up     a pool"));
	house_tell(&h, "force ams down");
	house_tell(&h, "force nyc down --pool web");
	o = pool("both");
	web = of(o, "members", "pool", "web");
	CU_ASSERT_STRING_EQUAL(values_text(web, "state"), "down");
	CU_ASSERT(values_number(web, "up") == 0 && values_number(web, "of") == 0);
	json_decref(o);
	close_house();
}

/* Of balance and staged changes; never less than nothing. */
static void when_a_pool_can_change_is_told(void)
{
	open_house();
	const struct world *w = publisher_world(h.server.publisher);
	uint16_t unprobed[4] = { 0 };
	struct report_view v = { .world = w, .live = *publisher_live(h.server.publisher), .health.rows.row_of = unprobed };
	static const struct {
		long long in_us;
		double least, most;
	} row[] = { { 500000000, 400, 500 }, { -500000000, 0, 0 } };

	for (size_t i = 0; i < UNIT_COUNT(row); i++) {
		struct text out = { 0 };
		((struct standing_pool *)(uintptr_t)w->standing->pools)[0].changes_us = (uint64_t)((long long)clock_us() + row[i].in_us);
		CU_ASSERT_EQUAL(report_pools(&v, "web", true, &out), 1);
		json_t *list = json_loads(text_get(&out), 0, NULL);
		const json_t *o = json_array_get(list, 0);
		CU_ASSERT_PTR_NOT_NULL(json_object_get(o, "can_change_s"));
		CU_ASSERT(values_number(o, "can_change_s") >= row[i].least && values_number(o, "can_change_s") <= row[i].most);
		json_decref(list);
		text_fini(&out);
		out = (struct text){ 0 };
		CU_ASSERT_EQUAL(report_pools(&v, "web", false, &out), 1);
		CU_ASSERT_PTR_NOT_NULL(strstr(text_get(&out), row[i].most > 0 ? " min\n" : " up; can change in 0.0 s\n"));
		text_fini(&out);
	}
	close_house();
}

static const struct unit_case cases[] = {
	{ "a pool is told with its policy and its edges", a_pool_is_told_with_its_policy_and_its_edges },
	{ "what is forced shows in the pools it holds for", what_is_forced_shows_in_the_pools_it_holds_for },
	{ "a pool of pools is told with them and where it has gone", a_pool_of_pools_is_told_with_them_and_where_it_has_gone },
	{ "when a pool can change is told", when_a_pool_can_change_is_told },
};

void suite_report_pools(void);
void suite_report_pools(void)
{
	unit_suite("report/report_pools", cases, UNIT_COUNT(cases));
}
