#include "base/part.h"

#include "base/memory.h"
#include "unit/unit.h"

struct thing {
	struct part part;
	char *text;
};

static unsigned thrown_away;

static void throw_away(struct part *p)
{
	struct thing *t = (struct thing *)p; /* its first member */

	thrown_away++;
	memory_free(t->text);
	memory_free(t);
}

static struct thing *make(void)
{
	struct thing *t = memory_zeroed(1, sizeof *t);

	t->part = part_new(throw_away);
	t->text = memory_strdup("a thing");
	return t;
}

static void who_lets_go_last_throws_it_away(void)
{
	struct thing *t = make();

	thrown_away = 0;
	CU_ASSERT_EQUAL(t->part.refs, 1);
	CU_ASSERT_PTR_EQUAL(part_hold(&t->part), &t->part);
	CU_ASSERT_EQUAL(t->part.refs, 2);
	part_drop(&t->part);
	CU_ASSERT_EQUAL(thrown_away, 0);
	part_drop(&t->part);
	CU_ASSERT_EQUAL(thrown_away, 1);
}

static void nothing_is_held_of_nothing(void)
{
	CU_ASSERT_PTR_NULL(part_hold(NULL));
	part_drop(NULL);
}

/* --- in a scope --------------------------------------------------------------------------- */

struct work {
	struct thing *shared; /* of before */
	struct thing *made;
	bool fails;
};

static void hold_three_drop_one(void *ctx)
{
	struct work *w = ctx;

	for (unsigned i = 0; i < 3; i++)
		part_hold(&w->shared->part);
	part_drop(&w->shared->part);
	w->made = make();
	part_hold(&w->made->part);
	if (w->fails)
		scope_fail();
}

static void a_failed_work_lets_go_of_what_it_held(void)
{
	struct work w = { .shared = make(), .fails = true };

	thrown_away = 0;
	CU_ASSERT_FALSE(scope_run(hold_three_drop_one, &w));
	CU_ASSERT_EQUAL(w.shared->part.refs, 1);
	/* What it has made was memory of the scope: given back, not thrown away. */
	CU_ASSERT_EQUAL(thrown_away, 0);
	part_drop(&w.shared->part);
	CU_ASSERT_EQUAL(thrown_away, 1);
}

static void what_a_work_held_is_the_callers(void)
{
	struct work w = { .shared = make() };

	thrown_away = 0;
	CU_ASSERT_TRUE(scope_run(hold_three_drop_one, &w));
	CU_ASSERT_EQUAL(w.shared->part.refs, 3);
	CU_ASSERT_EQUAL(w.made->part.refs, 2);
	for (unsigned i = 0; i < 3; i++)
		part_drop(&w.shared->part);
	part_drop(&w.made->part);
	CU_ASSERT_EQUAL(thrown_away, 1);
	part_drop(&w.made->part);
	CU_ASSERT_EQUAL(thrown_away, 2);
}

/* What is held inside is of the scope around once the inner one has ended well. */
static void nest(void *ctx)
{
	struct work *w = ctx;

	w->fails = false;
	CU_ASSERT_TRUE(scope_run(hold_three_drop_one, w));
	CU_ASSERT_EQUAL(w->shared->part.refs, 3);
	scope_fail();
}

static void a_failed_work_lets_go_of_what_a_work_in_it_held(void)
{
	struct work w = { .shared = make() };

	CU_ASSERT_FALSE(scope_run(nest, &w));
	CU_ASSERT_EQUAL(w.shared->part.refs, 1);
	part_drop(&w.shared->part);
}

void suite_part(void);
void suite_part(void)
{
	static const struct unit_case cases[] = {
		{ "who lets go last throws it away", who_lets_go_last_throws_it_away },
		{ "nothing is held of nothing", nothing_is_held_of_nothing },
		{ "a failed work lets go of what it held",
			a_failed_work_lets_go_of_what_it_held },
		{ "what a work held is the caller's", what_a_work_held_is_the_callers },
		{ "a failed work lets go of what a work in it held",
			a_failed_work_lets_go_of_what_a_work_in_it_held },
	};

	unit_suite("base/part", cases, UNIT_COUNT(cases));
}
