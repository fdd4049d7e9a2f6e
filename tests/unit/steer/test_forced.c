#include "steer/forced.h"

#include "unit/unit.h"

#include <string.h>

static void force(
	struct forced_list *l, const char *edge, enum edge_state state, uint64_t until_us)
{
	char name[20];

	strcpy(name, edge); /* copied: the caller's goes */
	forced_set(l, &(struct forced){ name, state, NULL, NULL, 7, until_us });
	memset(name, 'x', sizeof name - 1);
}

static void an_edge_is_forced_once(void)
{
	struct forced_list l = { 0 };

	CU_ASSERT_PTR_NULL(forced_find(&l, "a"));
	CU_ASSERT_FALSE(forced_clear(&l, "a"));
	force(&l, "a", EDGE_DOWN, UINT64_MAX);
	force(&l, "b", EDGE_DRAIN, UINT64_MAX);
	force(&l, "a", EDGE_UP, 5);
	CU_ASSERT_EQUAL(l.n, 2);
	const struct forced *a = forced_find(&l, "a");
	CU_ASSERT_TRUE(a->state == EDGE_UP && a->until_us == 5 && a->when_s == 7);
	CU_ASSERT_STRING_EQUAL(a->who, "");
	CU_ASSERT_STRING_EQUAL(a->why, "");
	CU_ASSERT_EQUAL(forced_find(&l, "b")->state, EDGE_DRAIN);
	CU_ASSERT_TRUE(forced_clear(&l, "a"));
	CU_ASSERT_FALSE(forced_clear(&l, "a"));
	CU_ASSERT_EQUAL(l.n, 1);
	CU_ASSERT_STRING_EQUAL(forced_find(&l, "b")->edge, "b");
	forced_fini(&l);
	CU_ASSERT_TRUE(l.n == 0 && l.of == NULL);
}

static void who_and_why_are_cut_at_255_bytes(void)
{
	struct forced_list l = { 0 };
	char text[300];

	memset(text, 'y', sizeof text - 1);
	text[sizeof text - 1] = 0;
	forced_set(&l, &(struct forced){ "a", EDGE_UP, text, text, 0, 0 });
	CU_ASSERT_EQUAL(strlen(l.of[0].who), FORCED_TEXT_MOST);
	CU_ASSERT_EQUAL(strlen(l.of[0].why), FORCED_TEXT_MOST);
	forced_fini(&l);
}

static void times_end_one_after_the_other(void)
{
	struct forced_list l = { 0 };

	CU_ASSERT_EQUAL(forced_next_us(&l), UINT64_MAX);
	CU_ASSERT_PTR_NULL(forced_over(&l, UINT64_MAX));
	force(&l, "a", EDGE_DOWN, 50);
	force(&l, "b", EDGE_DOWN, 30);
	force(&l, "c", EDGE_DOWN, 40);
	CU_ASSERT_EQUAL(forced_next_us(&l), 30);
	CU_ASSERT_PTR_NULL(forced_over(&l, 29));
	CU_ASSERT_STRING_EQUAL(forced_over(&l, 30)->edge, "b");
	forced_clear(&l, "b");
	CU_ASSERT_EQUAL(forced_next_us(&l), 40);
	CU_ASSERT_STRING_EQUAL(forced_over(&l, 45)->edge, "c");
	forced_clear(&l, "c");
	CU_ASSERT_EQUAL(forced_next_us(&l), 50);
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
	CU_ASSERT_EQUAL(forced_find(&copy, "a")->state, EDGE_DOWN);
	CU_ASSERT_EQUAL(forced_find(&copy, "b")->until_us, 60);
	forced_fini(&copy);
}

static const struct unit_case cases[] = {
	{ "an edge is forced once", an_edge_is_forced_once },
	{ "who and why are cut at 255 bytes", who_and_why_are_cut_at_255_bytes },
	{ "times end one after the other", times_end_one_after_the_other },
	{ "a copy is its own", a_copy_is_its_own },
};

void suite_forced(void);
void suite_forced(void)
{
	unit_suite("steer/forced", cases, UNIT_COUNT(cases));
}
