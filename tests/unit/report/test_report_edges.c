#include "report/report_edges.h"

#include "report/report_values.h"
#include "unit/daemon/house.h"
#include "unit/unit.h"

#include <jansson.h>
#include <stdio.h>
#include <string.h>

#define CONF                                                                            \
	"edges:\n"                                                                      \
	"  ams: { at: \"52,5\", a: [ 192.0.2.1, 192.0.2.2 ], aaaa: \"2001:db8::1\" }\n" \
	"  nyc: { a: 192.0.2.3, capacity: 50 }\n"                                       \
	"  off: { a: 192.0.2.4, state: down }\n"                                        \
	"  slow: { a: 192.0.2.5, state: drain }\n"                                      \
	"  core: { a: 192.0.2.6 }\n"                                                    \
	"  leaf: { a: 192.0.2.7, needs: core }\n"                                       \
	"  tip: { a: 192.0.2.8, needs: leaf }\n"                                        \
	"pools: { web: { edges: [ ams, nyc, off, slow ], policy: ordered },\n"           \
	"  all: { edges: [ nyc, ams, leaf, tip ], policy: round-robin } }\n"

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

/* That edge's object, of a list that is told anew. */
static json_t *edge(const char *name)
{
	json_t *list = json_loads(house_tell(&h, "edges --json"), 0, NULL), *one, *found = NULL;
	size_t i;

	json_array_foreach (list, i, one)
		if (strcmp(values_text(one, "edge"), name) == 0)
			found = json_incref(one);
	json_decref(list);
	CU_ASSERT_PTR_NOT_NULL_FATAL(found);
	return found;
}

struct wanted {
	const char *edge, *state, *by, *why; /* why: NULL: none */
};

static void check(const struct wanted *row, size_t n)
{
	for (size_t i = 0; i < n; i++) {
		json_t *o = edge(row[i].edge);
		if (strcmp(values_text(o, "state"), row[i].state) != 0 || strcmp(values_text(o, "by"), row[i].by) != 0 ||
			strcmp(values_text(o, "why"), row[i].why ? row[i].why : "") != 0) {
			printf("%s: %s by %s, \"%s\"\n", row[i].edge, values_text(o, "state"), values_text(o, "by"),
				values_text(o, "why"));
			CU_FAIL("an edge");
		}
		json_decref(o);
	}
}

static void each_edge_is_told_with_what_made_its_state(void)
{
	static const struct wanted row[] = {
		{ "ams", "up", "config", NULL },
		{ "nyc", "up", "config", NULL },
		{ "off", "down", "config", "configured down" },
		{ "slow", "drain", "config", "configured drain" },
		{ "core", "up", "config", NULL },
		{ "tip", "up", "config", NULL },
	};

	open_house();
	check(row, UNIT_COUNT(row));
	json_t *o = edge("ams");
	CU_ASSERT_EQUAL(values_number(o, "a"), 2);
	CU_ASSERT_EQUAL(values_number(o, "aaaa"), 1);
	CU_ASSERT_EQUAL(values_number(o, "lat"), 52);
	CU_ASSERT_EQUAL(values_number(o, "lon"), 5);
	CU_ASSERT_EQUAL(json_array_size(json_object_get(o, "targets")), 0);
	static const char *const none[] = { "forced", "changes", "needs", "capacity", "role_of", "flatten", "staged", "share" };
	for (size_t i = 0; i < UNIT_COUNT(none); i++)
		CU_ASSERT_PTR_NULL(json_object_get(o, none[i]));
	json_decref(o);
	o = edge("nyc");
	CU_ASSERT_PTR_NULL(json_object_get(o, "lat"));
	CU_ASSERT_EQUAL(values_number(o, "capacity"), 50);
	CU_ASSERT_PTR_NOT_NULL(json_object_get(o, "used"));
	json_decref(o);
	o = edge("leaf");
	CU_ASSERT_STRING_EQUAL(json_string_value(json_array_get(json_object_get(o, "needs"), 0)), "core");
	json_decref(o);
	const char *text = house_tell(&h, "edges");
	CU_ASSERT_PTR_NOT_NULL(strstr(text, "edge             state  by               lat       lon    A AAAA\n"));
	CU_ASSERT_PTR_NOT_NULL(strstr(text, "ams              up     config       52.0000    5.0000    2    1\n"));
	CU_ASSERT_PTR_NOT_NULL(strstr(text, "nyc              up     config             -         -    1    0  0% of 50 used\n"));
	CU_ASSERT_PTR_NOT_NULL(strstr(text, "off              down   config             -         -    1    0  configured down\n"));
	close_house();
}

static void what_an_operator_did_is_told_with_who_and_how_long(void)
{
	open_house();
	static const char *const force[] = { "force", "ams", "down", "--for", "1h", "--why", "new disks", NULL };
	house_tell_words(&h, force);
	CU_ASSERT_EQUAL(h.status, 0);
	json_t *o = edge("ams");
	const json_t *f = json_object_get(o, "forced");
	CU_ASSERT_STRING_EQUAL(values_text(o, "by"), "operator");
	CU_ASSERT_STRING_EQUAL(values_text(o, "state"), "down");
	CU_ASSERT_STRING_EQUAL(values_text(f, "state"), "down");
	CU_ASSERT_STRING_EQUAL(values_text(f, "why"), "new disks");
	CU_ASSERT_STRING_NOT_EQUAL(values_text(f, "who"), "");
	CU_ASSERT_TRUE(values_number(f, "left_s") > 3000 && values_number(f, "left_s") <= 3600);
	CU_ASSERT_TRUE(values_number(f, "when_s") > 0 && values_number(f, "change") > 0);
	CU_ASSERT_PTR_NULL(json_object_get(f, "weight"));
	CU_ASSERT_PTR_NOT_NULL(strstr(values_text(o, "why"), "forced down by "));
	CU_ASSERT_PTR_NOT_NULL(strstr(values_text(o, "why"), " min (new disks)"));
	json_decref(o);
	/* Up for good, where the configuration says down. */
	house_tell(&h, "force off up");
	o = edge("off");
	f = json_object_get(o, "forced");
	CU_ASSERT_STRING_EQUAL(values_text(o, "state"), "up");
	CU_ASSERT_PTR_NULL(json_object_get(f, "left_s"));
	CU_ASSERT_PTR_NULL(json_object_get(f, "until_s"));
	CU_ASSERT_PTR_NOT_NULL(strstr(values_text(o, "why"), "forced up by "));
	CU_ASSERT_PTR_NULL(strstr(values_text(o, "why"), "for another"));
	json_decref(o);
	house_tell(&h, "force ams auto");
	check((const struct wanted[]){ { "ams", "up", "config", NULL } }, 1);
	close_house();
}

/* A state in one pool, and weights, leave the edge itself as it is. */
static void changes_in_some_pools_are_told_beside_the_edge(void)
{
	open_house();
	house_tell(&h, "force nyc drain --pool web");
	CU_ASSERT_EQUAL(h.status, 0);
	house_tell(&h, "force nyc weight 7 --pool all");
	CU_ASSERT_EQUAL(h.status, 0);
	json_t *o = edge("nyc");
	const json_t *list = json_object_get(o, "changes"), *one;
	bool state = false, weight = false;
	size_t i;
	CU_ASSERT_STRING_EQUAL(values_text(o, "state"), "up");
	CU_ASSERT_STRING_EQUAL(values_text(o, "by"), "config");
	CU_ASSERT_PTR_NULL(json_object_get(o, "forced"));
	CU_ASSERT_EQUAL(json_array_size(list), 2);
	json_array_foreach ((json_t *)(uintptr_t)list, i, one) {
		if (strcmp(values_text(one, "pool"), "web") == 0)
			state = strcmp(values_text(one, "state"), "drain") == 0 &&
				strstr(values_text(one, "say"), "forced drain by ") && !json_object_get(one, "weight");
		else
			weight = strcmp(values_text(one, "pool"), "all") == 0 && values_number(one, "weight") == 7 &&
				!json_object_get(one, "state");
	}
	CU_ASSERT_TRUE(state && weight);
	json_decref(o);
	o = edge("ams");
	CU_ASSERT_PTR_NULL(json_object_get(o, "changes"));
	json_decref(o);
	const char *text = house_tell(&h, "edges");
	CU_ASSERT_PTR_NOT_NULL(strstr(text, "  in pool web: forced drain by "));
	CU_ASSERT_PTR_NOT_NULL(strstr(text, "  in pool all: forced weight 7 by "));
	/* One of all pools is the edge's own state, and is no change beside it. */
	house_tell(&h, "force leaf drain");
	o = edge("leaf");
	CU_ASSERT_PTR_NULL(json_object_get(o, "changes"));
	CU_ASSERT_STRING_EQUAL(values_text(o, "state"), "drain");
	json_decref(o);
	close_house();
}

static void who_needs_what_is_down_names_it_to_the_last(void)
{
	open_house();
	house_tell(&h, "force core down");
	static const struct wanted row[] = {
		{ "leaf", "down", "needs", "needs core, which is down: forced down by root" },
		{ "tip", "down", "needs", "needs leaf, which is down: needs core, which is down: forced down by root" },
		{ "nyc", "up", "config", NULL },
	};
	check(row, UNIT_COUNT(row));
	json_t *o = edge("tip");
	CU_ASSERT_PTR_NULL(json_object_get(o, "forced"));
	json_decref(o);
	/* What is forced says itself why, whatever it needs. */
	house_tell(&h, "force leaf up");
	o = edge("leaf");
	CU_ASSERT_STRING_EQUAL(values_text(o, "by"), "operator");
	CU_ASSERT_PTR_NOT_NULL(strstr(values_text(o, "why"), "forced up by "));
	json_decref(o);
	house_tell(&h, "force leaf auto");
	house_tell(&h, "force core auto");
	check((const struct wanted[]){ { "tip", "up", "config", NULL } }, 1);
	close_house();
}

static const struct unit_case cases[] = {
	{ "each edge is told with what made its state", each_edge_is_told_with_what_made_its_state },
	{ "what an operator did is told with who and how long", what_an_operator_did_is_told_with_who_and_how_long },
	{ "changes in some pools are told beside the edge", changes_in_some_pools_are_told_beside_the_edge },
	{ "who needs what is down names it to the last", who_needs_what_is_down_names_it_to_the_last },
};

void suite_report_edges(void);
void suite_report_edges(void)
{
	unit_suite("report/report_edges", cases, UNIT_COUNT(cases));
}
