#include "base/scope.h"

#include "base/arena.h"
#include "base/memory.h"
#include "unit/failing.h"
#include "unit/unit.h"

#include <stdlib.h>
#include <string.h>

/* A thing that is shared, as many in the rooms are. */
struct thing {
	int refs;
	int drops; /* by the scope or by hand */
};

static void drop_thing(void *p)
{
	struct thing *t = p;

	scope_forget(t, drop_thing);
	t->refs--;
	t->drops++;
}

static void hold_thing(struct thing *t)
{
	t->refs++;
	scope_hold(t, drop_thing);
}

/* --- blocks ------------------------------------------------------------------------------- */

struct blocks {
	void *kept;
	bool end;
};

static void take_blocks(void *ctx)
{
	struct blocks *b = ctx;
	char *some[200];

	for (unsigned i = 0; i < UNIT_COUNT(some); i++)
		some[i] = memory_zeroed(1, i + 1);
	for (unsigned i = 0; i < UNIT_COUNT(some); i += 2)
		memory_free(some[i]);
	for (unsigned i = 1; i < UNIT_COUNT(some); i += 2)
		some[i] = memory_grow(some[i], 5000);
	if (b->end)
		scope_fail();
	for (unsigned i = 3; i < UNIT_COUNT(some); i += 2)
		memory_free(some[i]);
	b->kept = memset(some[1], 7, 5000);
}

static void what_a_work_took_is_the_callers(void)
{
	struct blocks b = { 0 };

	CU_ASSERT_TRUE(scope_run(take_blocks, &b));
	CU_ASSERT_EQUAL(*(unsigned char *)b.kept, 7);
	CU_ASSERT_FALSE(scope_is_on());
	memory_free(b.kept); /* else the leak checker has something to say */
}

static void what_a_failed_work_took_is_given_back(void)
{
	struct blocks b = { .end = true };

	CU_ASSERT_FALSE(scope_run(take_blocks, &b));
	CU_ASSERT_FALSE(scope_is_on());
}

static void each(void *ctx)
{
	struct blocks b = { 0 };

	(void)ctx;
	const bool ok = scope_run(take_blocks, &b);
	failing_stop();
	CU_ASSERT_EQUAL(ok, failing_count() == 0);
	if (ok)
		memory_free(b.kept);
}

static void every_allocation_may_fail(void)
{
	/* Each block, each growth and the scope's own table, several times. */
	CU_ASSERT_TRUE(failing_each(each, NULL) > 300);
}

/* --- inside each other -------------------------------------------------------------------- */

struct nested {
	char *of_outer, *of_inner;
	bool inner_fails, outer_fails, inner_ok;
};

static void inner(void *ctx)
{
	struct nested *n = ctx;

	n->of_inner = memory_strdup("inner");
	/* What the outer scope has may move meanwhile. */
	n->of_outer = memory_grow(n->of_outer, 100000);
	if (n->inner_fails)
		scope_fail();
}

static void outer(void *ctx)
{
	struct nested *n = ctx;

	n->of_outer = memory_strdup("outer");
	n->inner_ok = scope_run(inner, n);
	CU_ASSERT_TRUE(scope_is_on());
	CU_ASSERT_STRING_EQUAL(n->of_outer, "outer");
	if (n->outer_fails)
		scope_fail();
	if (n->inner_ok)
		memory_free(n->of_inner);
	memory_free(n->of_outer);
}

static void scopes_lie_inside_each_other(void)
{
	for (unsigned i = 0; i < 4; i++) {
		struct nested n = { .inner_fails = i & 1, .outer_fails = i & 2 };
		CU_ASSERT_EQUAL(scope_run(outer, &n), !n.outer_fails);
		CU_ASSERT_EQUAL(n.inner_ok, !n.inner_fails);
	}
}

static char *from_outside;

static void grow_from_outside(void *ctx)
{
	(void)ctx;
	from_outside = memory_grow(from_outside, 200000);
	scope_fail();
}

static void what_came_from_outside_stays(void)
{
	from_outside = memory_strdup("here before");
	CU_ASSERT_FALSE(scope_run(grow_from_outside, NULL));
	CU_ASSERT_STRING_EQUAL(from_outside, "here before");
	memory_free(from_outside);
}

/* --- other things ------------------------------------------------------------------------- */

struct holding {
	struct thing *things;
	unsigned times;
	bool end;
};

static void hold_things(void *ctx)
{
	struct holding *h = ctx;

	for (unsigned i = 0; i < h->times; i++)
		hold_thing(&h->things[i % 8]);
	drop_thing(&h->things[0]); /* by hand, as a work does that needs it no more */
	if (h->end)
		scope_fail();
}

static void counts_are_dropped_as_often_as_held(void)
{
	for (unsigned end = 0; end < 2; end++) {
		struct thing things[8] = { { 0 } };
		struct holding h = { things, 1000, end };
		CU_ASSERT_EQUAL(scope_run(hold_things, &h), !end);
		for (unsigned i = 0; i < 8; i++) {
			CU_ASSERT_EQUAL(things[i].refs, end ? 0 : 125 - (i == 0));
			CU_ASSERT_EQUAL(things[i].drops, end ? 125 : i == 0);
		}
	}
}

static void hold_each(void *ctx)
{
	struct thing things[8] = { { 0 } };
	struct holding h = { things, 16, false };

	(void)ctx;
	const bool ok = scope_run(hold_things, &h);
	failing_stop();
	CU_ASSERT_EQUAL(ok, failing_count() == 0);
	for (unsigned i = 0; i < 8; i++)
		CU_ASSERT_EQUAL(things[i].refs, ok ? 2 - (i == 0) : 0);
}

static void a_hold_that_finds_no_room_is_dropped(void)
{
	CU_ASSERT_EQUAL(failing_each(hold_each, NULL), 1);
}

static void hold_once_and_fail(void *ctx)
{
	hold_thing(ctx);
	scope_fail();
}

static void hold_inside_and_fail(void *ctx)
{
	hold_thing(ctx);
	CU_ASSERT_FALSE(scope_run(hold_once_and_fail, ctx));
	scope_fail();
}

static void an_inner_scope_drops_its_own_hold_alone(void)
{
	struct thing t = { 0 };

	CU_ASSERT_FALSE(scope_run(hold_inside_and_fail, &t));
	CU_ASSERT_EQUAL(t.refs, 0);
	CU_ASSERT_EQUAL(t.drops, 2);
}

/* A list whose links are blocks of the scope, dropped as a whole: dropping frees, and what is
 * freed is forgotten while the scope goes through its table. */
struct link {
	struct link *next;
};

struct list {
	struct link *first;
	unsigned freed;
};

static void drop_list(void *p)
{
	struct list *l = p;

	for (struct link *k = l->first, *next; k; k = next) {
		next = k->next;
		memory_free(k);
		l->freed++;
	}
	l->first = NULL;
}

static void make_lists(void *ctx)
{
	struct list *lists = ctx;

	for (unsigned i = 0; i < 8; i++)
		scope_hold(&lists[i], drop_list);
	for (unsigned i = 0; i < 1000; i++) {
		struct link *k = memory_zeroed(1, sizeof *k);
		k->next = lists[i % 8].first;
		lists[i % 8].first = k;
	}
	scope_fail();
}

static void what_is_dropped_may_free_and_forget(void)
{
	struct list lists[8] = { { 0 } };

	CU_ASSERT_FALSE(scope_run(make_lists, lists));
	for (unsigned i = 0; i < 8; i++)
		CU_ASSERT_EQUAL(lists[i].freed, 125);
}

static void fill_arena(void *ctx)
{
	struct arena *a = ctx;

	arena_init(a);
	for (unsigned i = 0; i < 10000; i++)
		arena_strdup(a, "a text of an arena");
}

static void arena_each(void *ctx)
{
	struct arena a;

	(void)ctx;
	const bool ok = scope_run(fill_arena, &a);
	failing_stop();
	CU_ASSERT_EQUAL(ok, failing_count() == 0);
	if (ok)
		arena_fini(&a);
}

static void an_arena_goes_with_its_scope(void)
{
	CU_ASSERT_TRUE(failing_each(arena_each, NULL) > 5);
}

/* --- of several threads ------------------------------------------------------------------- */

struct apart {
	struct scope_kept kept[2];
	struct list lists[2];
};

static void make_one(void *ctx)
{
	struct list *l = ctx;

	scope_hold(l, drop_list);
	l->first = memory_zeroed(1, sizeof *l->first);
}

static void take_apart(void *ctx)
{
	struct apart *a = ctx;

	for (unsigned i = 0; i < 2; i++)
		CU_ASSERT_TRUE(scope_run_apart(make_one, &a->lists[i], &a->kept[i]));
	scope_take(a->kept, 2);
	scope_fail();
}

static void what_was_taken_apart_goes_with_who_took_it_over(void)
{
	struct apart a = { 0 };

	CU_ASSERT_FALSE(scope_run(take_apart, &a));
	CU_ASSERT_EQUAL(a.lists[0].freed, 1);
	CU_ASSERT_EQUAL(a.lists[1].freed, 1);
}

static void take_without_room(void *ctx)
{
	struct apart *a = ctx;

	for (unsigned i = 0; i < 2; i++)
		scope_run_apart(make_one, &a->lists[i], &a->kept[i]);
	failing_start(1, 1);
	scope_take(a->kept, 2);
	CU_FAIL("there was room");
}

static void what_finds_no_room_when_taken_over_is_given_back(void)
{
	struct apart a = { 0 };

	CU_ASSERT_FALSE(scope_run(take_without_room, &a));
	CU_ASSERT_EQUAL(failing_stop(), 1);
	CU_ASSERT_EQUAL(a.lists[0].freed, 1);
	CU_ASSERT_EQUAL(a.lists[1].freed, 1);
}

void suite_scope(void);
void suite_scope(void)
{
	static const struct unit_case cases[] = {
		{ "what a work took is the caller's", what_a_work_took_is_the_callers },
		{ "what a failed work took is given back",
			what_a_failed_work_took_is_given_back },
		{ "every allocation may fail", every_allocation_may_fail },
		{ "scopes lie inside each other", scopes_lie_inside_each_other },
		{ "what came from outside stays", what_came_from_outside_stays },
		{ "counts are dropped as often as held", counts_are_dropped_as_often_as_held },
		{ "a hold that finds no room is dropped",
			a_hold_that_finds_no_room_is_dropped },
		{ "an inner scope drops its own hold alone",
			an_inner_scope_drops_its_own_hold_alone },
		{ "what is dropped may free and forget", what_is_dropped_may_free_and_forget },
		{ "an arena goes with its scope", an_arena_goes_with_its_scope },
		{ "what was taken apart goes with who took it over",
			what_was_taken_apart_goes_with_who_took_it_over },
		{ "what finds no room when taken over is given back",
			what_finds_no_room_when_taken_over_is_given_back },
	};

	unit_suite("base/scope", cases, UNIT_COUNT(cases));
}
