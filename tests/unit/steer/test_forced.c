#include "steer/forced.h"

#include "unit/unit.h"

#include <string.h>

static uint32_t force(
	struct forced_list *l, const char *edge, enum edge_state state, uint64_t until_us)
{
	char name[20];

	strcpy(name, edge); /* copied: the caller's goes */
	const uint32_t id = forced_set(l,
		&(struct forced){ .edge = name,
			.state = state,
			.when_s = 7,
			.begun = true,
			.until_us = until_us });
	memset(name, 'x', sizeof name - 1);
	return id;
}

static const struct forced *find(const struct forced_list *l, const char *edge)
{
	return forced_find(l, edge, NULL, FORCED_STATE);
}

static void an_edge_is_forced_once(void)
{
	struct forced_list l = { 0 };

	CU_ASSERT_PTR_NULL(find(&l, "a"));
	CU_ASSERT_FALSE(forced_drop(&l, 1));
	force(&l, "a", EDGE_DOWN, UINT64_MAX);
	force(&l, "b", EDGE_DRAIN, UINT64_MAX);
	const uint32_t id = force(&l, "a", EDGE_UP, 5);
	CU_ASSERT_EQUAL(l.n, 2);
	CU_ASSERT_EQUAL(id, 3);
	const struct forced *a = find(&l, "a");
	CU_ASSERT_TRUE(a->state == EDGE_UP && a->until_us == 5 && a->when_s == 7);
	CU_ASSERT_STRING_EQUAL(a->who, "");
	CU_ASSERT_STRING_EQUAL(a->why, "");
	CU_ASSERT_STRING_EQUAL(a->pool, "");
	CU_ASSERT_EQUAL(find(&l, "b")->state, EDGE_DRAIN);
	CU_ASSERT_TRUE(forced_drop(&l, id));
	CU_ASSERT_FALSE(forced_drop(&l, id));
	CU_ASSERT_EQUAL(l.n, 1);
	CU_ASSERT_STRING_EQUAL(find(&l, "b")->edge, "b");
	CU_ASSERT_EQUAL(force(&l, "c", EDGE_UP, 5), 4); /* no number comes again */
	forced_fini(&l);
	CU_ASSERT_TRUE(l.n == 0 && l.of == NULL);
}

static void patterns_fit_whole_names(void)
{
	static const struct {
		const char *patterns, *name;
		bool fits;
	} row[] = { { "ams1", "ams1", true }, { "ams1", "ams12", false },
		{ "ams*", "ams", true }, { "ams*", "ams12", true }, { "*1", "ams1", true },
		{ "*1", "ams11", true }, { "*1", "ams12", false }, { "a?s1", "ams1", true },
		{ "a?s1", "as1", false }, { "*", "x", true }, { "*", "", true },
		{ "fra1,ams*", "ams2", true }, { "fra1,ams*", "fra1", true },
		{ "fra1,ams*", "fra2", false }, { "fra1,,x", "", false }, { "", "a", false },
		{ "a*b*c", "a1b2b3c", true }, { "a*b*c", "a1b2b3", false },
		{ "AMS1", "ams1", false } };

	for (size_t i = 0; i < sizeof row / sizeof *row; i++)
		CU_ASSERT_EQUAL(forced_matches(row[i].patterns, row[i].name), row[i].fits);
	CU_ASSERT_TRUE(forced_is_pattern("a,b") && forced_is_pattern("a*") &&
		forced_is_pattern("a?") && !forced_is_pattern("a-b_c.d"));
}

static void who_and_why_are_cut_at_255_bytes(void)
{
	struct forced_list l = { 0 };
	char text[300];

	memset(text, 'y', sizeof text - 1);
	text[sizeof text - 1] = 0;
	forced_set(&l, &(struct forced){ .edge = "a", .who = text, .why = text });
	CU_ASSERT_EQUAL(strlen(l.of[0].who), FORCED_TEXT_MOST);
	CU_ASSERT_EQUAL(strlen(l.of[0].why), FORCED_TEXT_MOST);
	forced_fini(&l);
}

static void times_end_one_after_the_other(void)
{
	struct forced_list l = { 0 };
	const struct forced_now never = { UINT64_MAX, 0 };

	CU_ASSERT_EQUAL(forced_next_us(&l, never), UINT64_MAX);
	CU_ASSERT_PTR_NULL(forced_over(&l, never));
	force(&l, "a", EDGE_DOWN, 50);
	const uint32_t b = force(&l, "b", EDGE_DOWN, 30), c = force(&l, "c", EDGE_DOWN, 40);
	CU_ASSERT_EQUAL(forced_next_us(&l, (struct forced_now){ 0, 0 }), 30);
	CU_ASSERT_PTR_NULL(forced_over(&l, (struct forced_now){ 29, 0 }));
	CU_ASSERT_EQUAL(forced_over(&l, (struct forced_now){ 30, 0 })->id, b);
	forced_drop(&l, b);
	CU_ASSERT_EQUAL(forced_next_us(&l, (struct forced_now){ 30, 0 }), 40);
	CU_ASSERT_EQUAL(forced_over(&l, (struct forced_now){ 45, 0 })->id, c);
	forced_drop(&l, c);
	CU_ASSERT_EQUAL(forced_next_us(&l, (struct forced_now){ 45, 0 }), 50);
	forced_fini(&l);
}

/* From 1000 to 2000, by the time of day. */
static void what_is_planned_begins_and_ends_by_the_time_of_day(void)
{
	struct forced_list l = { 0 };
	const struct forced_now before = { 5, 999 }, in = { 6, 1000 }, over = { 7, 2000 };
	const uint32_t id = forced_set(&l,
		&(struct forced){ .edge = "a",
			.state = EDGE_DRAIN,
			.from_s = 1000,
			.until_s = 2000,
			.until_us = UINT64_MAX });

	CU_ASSERT_PTR_NULL(find(&l, "a"));
	CU_ASSERT_PTR_NULL(forced_due(&l, before));
	/* The clock may be set meanwhile: it is looked at each second. */
	CU_ASSERT_EQUAL(forced_next_us(&l, before), 1000005);
	CU_ASSERT_EQUAL(forced_due(&l, in)->id, id);
	CU_ASSERT_PTR_NULL(forced_over(&l, in));
	forced_begin(&l, id, in.wall_s);
	CU_ASSERT_EQUAL(find(&l, "a")->state, EDGE_DRAIN);
	CU_ASSERT_PTR_NULL(forced_due(&l, in));
	/* Set back: it goes on, and does not begin again. */
	CU_ASSERT_PTR_NULL(forced_due(&l, before));
	CU_ASSERT_PTR_NULL(forced_over(&l, before));
	CU_ASSERT_EQUAL(find(&l, "a")->state, EDGE_DRAIN);
	CU_ASSERT_EQUAL(forced_over(&l, over)->id, id);
	/* One that nobody saw begin is over all the same. */
	forced_drop(&l, id);
	const uint32_t missed = forced_set(&l,
		&(struct forced){
			.edge = "a", .from_s = 1000, .until_s = 2000, .until_us = UINT64_MAX });
	CU_ASSERT_PTR_NULL(forced_due(&l, over));
	CU_ASSERT_EQUAL(forced_over(&l, over)->id, missed);
	forced_fini(&l);
}

static void what_began_last_holds(void)
{
	struct forced_list l = { 0 };
	const uint32_t planned = forced_set(&l,
		&(struct forced){ .edge = "a*",
			.state = EDGE_DRAIN,
			.from_s = 1000,
			.until_us = UINT64_MAX });

	force(&l, "a1", EDGE_DOWN, UINT64_MAX);
	CU_ASSERT_EQUAL(find(&l, "a1")->state, EDGE_DOWN);
	forced_begin(&l, planned, 1000); /* said before, begun later */
	CU_ASSERT_EQUAL(find(&l, "a1")->state, EDGE_DRAIN);
	force(&l, "a1", EDGE_UP, UINT64_MAX);
	CU_ASSERT_EQUAL(find(&l, "a1")->state, EDGE_UP);
	CU_ASSERT_EQUAL(find(&l, "a2")->state, EDGE_DRAIN);
	CU_ASSERT_PTR_NULL(find(&l, "b1"));
	/* In a pool, too, where something else was said of it. */
	forced_set(&l,
		&(struct forced){ .edge = "a1",
			.pool = "web",
			.state = EDGE_DOWN,
			.begun = true,
			.until_us = UINT64_MAX });
	CU_ASSERT_EQUAL(forced_find(&l, "a1", "web", FORCED_STATE)->state, EDGE_DOWN);
	CU_ASSERT_EQUAL(forced_find(&l, "a1", "api", FORCED_STATE)->state, EDGE_UP);
	CU_ASSERT_EQUAL(find(&l, "a1")->state, EDGE_UP);
	force(&l, "*", EDGE_DRAIN, UINT64_MAX);
	CU_ASSERT_EQUAL(forced_find(&l, "a1", "web", FORCED_STATE)->state, EDGE_DRAIN);
	CU_ASSERT_PTR_NULL(forced_find(&l, "a1", "web", FORCED_WEIGHT));
	forced_fini(&l);
}

static void the_configurations_windows_come_and_go_with_it(void)
{
	struct forced_list l = { 0 };
	struct forced of[] = {
		{ .edge = "a",
			.pool = "",
			.who = "",
			.why = "",
			.state = EDGE_DRAIN,
			.from_s = 100,
			.until_s = 200 },
		{ .edge = "b",
			.pool = "",
			.who = "",
			.why = "",
			.state = EDGE_DRAIN,
			.from_s = 300,
			.until_s = 400 },
		{ .edge = "c", .pool = "", .who = "", .why = "", .from_s = 1, .until_s = 50 },
	};

	forced_set(&l,
		&(struct forced){ .edge = "a",
			.state = EDGE_UP,
			.begun = true,
			.begun_s = 120,
			.until_us = UINT64_MAX });
	forced_configure(&l, of, 3, 150);
	CU_ASSERT_EQUAL_FATAL(l.n, 3); /* that of c is over */
	/* It began at 100, whenever that is read: what was said at 120 holds. */
	CU_ASSERT_EQUAL(find(&l, "a")->state, EDGE_UP);
	CU_ASSERT_PTR_NULL(find(&l, "b"));
	const uint32_t id = forced_due(&l, (struct forced_now){ 0, 300 })->id;
	CU_ASSERT_STRING_EQUAL(forced_by_id(&l, id)->edge, "b");
	forced_begin(&l, id, 300);
	of[0] = of[1];
	forced_configure(&l, of, 1, 310); /* that of a is gone, that of b is as it was */
	CU_ASSERT_EQUAL_FATAL(l.n, 2);
	CU_ASSERT_EQUAL(find(&l, "b")->id, id);
	forced_configure(&l, NULL, 0, 310);
	CU_ASSERT_EQUAL(l.n, 1); /* what operators said stays */
	forced_fini(&l);
}

static void a_copy_is_its_own(void)
{
	struct forced_list l = { 0 };

	force(&l, "a", EDGE_DOWN, 50);
	force(&l, "b", EDGE_UP, 60);
	struct forced_list copy = forced_copy(&l);
	forced_fini(&l);
	CU_ASSERT_EQUAL(copy.n, 2);
	CU_ASSERT_EQUAL(copy.last_id, 2);
	CU_ASSERT_EQUAL(find(&copy, "a")->state, EDGE_DOWN);
	CU_ASSERT_EQUAL(find(&copy, "b")->until_us, 60);
	forced_fini(&copy);
}

static const struct unit_case cases[] = {
	{ "an edge is forced once", an_edge_is_forced_once },
	{ "who and why are cut at 255 bytes", who_and_why_are_cut_at_255_bytes },
	{ "patterns fit whole names", patterns_fit_whole_names },
	{ "times end one after the other", times_end_one_after_the_other },
	{ "what is planned begins and ends by the time of day",
		what_is_planned_begins_and_ends_by_the_time_of_day },
	{ "what began last holds", what_began_last_holds },
	{ "the configuration's windows come and go with it",
		the_configurations_windows_come_and_go_with_it },
	{ "a copy is its own", a_copy_is_its_own },
};

void suite_forced(void);
void suite_forced(void)
{
	unit_suite("steer/forced", cases, UNIT_COUNT(cases));
}
