#include "steer/external.h"

#include "unit/unit.h"

#include <math.h>
#include <string.h>

static struct addr address(unsigned last)
{
	return (struct addr){ .b = { [10] = 255, [11] = 255, 192, 0, 2, (uint8_t)last } };
}

static struct external_verdict verdict(const char *probe, const char *edge, bool up)
{
	return (struct external_verdict){ .probe = (char *)(uintptr_t)probe,
		.edge = (char *)(uintptr_t)edge,
		.up = up,
		.why = "",
		.who = "root",
		.load = NAN,
		.when_s = 100,
		.until_us = UINT64_MAX };
}

static bool is_up(const struct externals *l, const char *probe, const char *edge, unsigned last)
{
	const struct addr a = address(last);
	const struct external_verdict *v = externals_find(l, probe, edge, &a);

	CU_ASSERT_PTR_NOT_NULL_FATAL(v);
	return v->up;
}

static void what_is_told_of_an_address_goes_before_what_is_told_of_its_edge(void)
{
	struct externals l = { 0 };
	struct external_verdict v = verdict("mon", "ams", true);
	const struct addr one = address(1), two = address(2);

	CU_ASSERT_TRUE(externals_set(&l, &v));
	CU_ASSERT_PTR_NULL(externals_find(&l, "mon", "am", &one));
	CU_ASSERT_PTR_NULL(externals_find(&l, "mo", "ams", &one));
	v.one = true;
	v.addr = one;
	v.up = false;
	CU_ASSERT_TRUE(externals_set(&l, &v));
	CU_ASSERT(!is_up(&l, "mon", "ams", 1) && is_up(&l, "mon", "ams", 2));
	/* A file tells of addresses, whose edges it does not know. */
	v.edge = "";
	v.addr = two;
	CU_ASSERT_TRUE(externals_set(&l, &v));
	CU_ASSERT_FALSE(is_up(&l, "mon", "ams", 2));
	CU_ASSERT_EQUAL(externals_drop(&l, "mon", "ams", &two), 0);
	CU_ASSERT_EQUAL(externals_drop(&l, "mon", "ams", NULL), 2);
	CU_ASSERT_EQUAL(l.n, 1);
	externals_fini(&l);
}

static void it_is_remembered_since_when_it_is_so(void)
{
	static const struct {
		const char *say;
		bool up;
		int64_t when_s, changed_s;
	} row[] = { { "at first", true, 100, 100 }, { "the same again", true, 110, 100 },
		{ "another", false, 120, 120 }, { "... again", false, 130, 120 } };
	struct externals l = { 0 };
	const struct addr one = address(1);

	for (size_t i = 0; i < UNIT_COUNT(row); i++) {
		struct external_verdict v = verdict("mon", "ams", row[i].up);
		v.when_s = row[i].when_s;
		externals_set(&l, &v);
		CU_ASSERT_EQUAL(externals_find(&l, "mon", "ams", &one)->changed_s, row[i].changed_s);
	}
	CU_ASSERT_EQUAL(l.n, 1);
	externals_fini(&l);
}

static void a_file_takes_the_place_of_what_it_said_and_of_nothing_else(void)
{
	struct externals l = { 0 }, of = { 0 };
	struct external_verdict v;

	for (unsigned i = 0; i < 3; i++) {
		const char *const probe[] = { "fil", "ext", "mon" };
		v = verdict(probe[i], "ams", true);
		externals_set(&l, &v);
		v = verdict(probe[i], "nyc", true);
		externals_set(&l, &v);
	}
	v = verdict("fil", "sin", false);
	v.when_s = 200;
	externals_add(&of, &v);
	v = verdict("fil", "ams", true);
	v.when_s = 200;
	externals_add(&of, &v);
	CU_ASSERT_PTR_NULL(externals_sort(&of));
	CU_ASSERT_TRUE(externals_replace(&l, "fil", &of));
	CU_ASSERT_EQUAL(l.n, 6);
	CU_ASSERT(is_up(&l, "ext", "nyc", 1) && is_up(&l, "mon", "ams", 1) && is_up(&l, "fil", "ams", 1));
	CU_ASSERT_FALSE(is_up(&l, "fil", "sin", 1));
	const struct addr one = address(1);
	CU_ASSERT_PTR_NULL(externals_find(&l, "fil", "nyc", &one));
	CU_ASSERT_EQUAL(externals_find(&l, "fil", "ams", &one)->changed_s, 100);
	CU_ASSERT_TRUE(externals_replace(&l, "mon", &of)); /* none */
	CU_ASSERT_EQUAL(l.n, 4);
	externals_fini(&l);
}

static void those_that_are_over_make_room_and_are_not_kept(void)
{
	struct externals l = { 0 };
	struct external_verdict v = verdict("mon", "ams", true);

	v.until_us = 1000;
	externals_set(&l, &v);
	v = verdict("mon", "nyc", true);
	v.until_us = 1001;
	externals_set(&l, &v);
	v = verdict("fil", "nyc", true);
	v.who = ""; /* a file's, which is read again */
	externals_set(&l, &v);
	struct externals kept = externals_copy(&l, 1000);
	CU_ASSERT_EQUAL_FATAL(kept.n, 1);
	CU_ASSERT_STRING_EQUAL(kept.of[0].edge, "nyc");
	externals_fini(&kept);
	externals_drop_over(&l, 1000);
	CU_ASSERT_EQUAL(l.n, 2);
	externals_fini(&l);
}

void suite_external(void);
void suite_external(void)
{
	static const struct unit_case cases[] = {
		{ "what is told of an address goes before what is told of its edge",
			what_is_told_of_an_address_goes_before_what_is_told_of_its_edge },
		{ "it is remembered since when it is so", it_is_remembered_since_when_it_is_so },
		{ "a file takes the place of what it said and of nothing else",
			a_file_takes_the_place_of_what_it_said_and_of_nothing_else },
		{ "those that are over make room and are not kept",
			those_that_are_over_make_room_and_are_not_kept },
	};

	unit_suite("steer/external", cases, UNIT_COUNT(cases));
}
