#include "base/crew.h"

#include "base/memory.h"
#include "base/scope.h"
#include "unit/failing.h"
#include "unit/unit.h"

#include <string.h>

enum { PIECES = 1000 };

struct tally {
	unsigned begun[PIECES]; /* how often, each */
	size_t stop_at;         /* the piece that says so */
	size_t most;            /* the last piece that was begun */
};

static bool count(void *ctx, size_t i)
{
	struct tally *t = ctx;
	size_t most = __atomic_load_n(&t->most, __ATOMIC_RELAXED);

	__atomic_add_fetch(&t->begun[i], 1, __ATOMIC_RELAXED);
	while (i > most &&
		!__atomic_compare_exchange_n(
			&t->most, &most, i, false, __ATOMIC_RELAXED, __ATOMIC_RELAXED))
		;
	return i != t->stop_at;
}

static void every_piece_is_done_once(void)
{
	static const size_t sizes[] = { 0, 1, 2, 15, 16, 17, PIECES };

	for (size_t k = 0; k < UNIT_COUNT(sizes); k++)
		for (unsigned politely = 0; politely < 2; politely++) {
			struct tally t = { .stop_at = PIECES };
			crew_run(sizes[k], politely, count, &t);
			for (size_t i = 0; i < PIECES; i++)
				CU_ASSERT_EQUAL(t.begun[i], i < sizes[k]);
		}
}

static void a_stop_leaves_no_hole_before_it(void)
{
	for (unsigned round = 0; round < 100; round++) {
		struct tally t = { .stop_at = 100 };
		crew_run(PIECES, false, count, &t);
		for (size_t i = 0; i < PIECES; i++)
			CU_ASSERT_EQUAL(t.begun[i], i <= t.most);
		CU_ASSERT_TRUE(t.most >= 100);
	}
}

/* --- in a scope --------------------------------------------------------------------------- */

struct shares {
	char *of[64];
};

static bool take_share(void *ctx, size_t i)
{
	struct shares *s = ctx;
	char *aside = memory_zeroed(1, 10);

	s->of[i] = memory_strdup("what a piece has made");
	memory_free(aside);
	return true;
}

static void share(void *ctx)
{
	crew_run(64, false, take_share, ctx);
	CU_ASSERT_TRUE(scope_is_on());
}

static void what_each_has_taken_is_the_callers(void)
{
	struct shares s = { { NULL } };

	CU_ASSERT_TRUE(scope_run(share, &s));
	for (unsigned i = 0; i < 64; i++) {
		CU_ASSERT_STRING_EQUAL(s.of[i], "what a piece has made");
		memory_free(s.of[i]);
	}
}

static void share_each(void *ctx)
{
	struct shares s = { { NULL } };

	(void)ctx;
	const bool ok = scope_run(share, &s);
	failing_stop();
	CU_ASSERT_EQUAL(ok, failing_count() == 0);
	for (unsigned i = 0; i < 64 && ok; i++)
		memory_free(s.of[i]);
}

static void memory_gone_on_one_ends_all(void)
{
	CU_ASSERT_TRUE(failing_each(share_each, NULL) > 64);
}

static void share_and_fail(void *ctx)
{
	share(ctx);
	scope_fail();
}

static void what_each_has_taken_goes_with_the_callers(void)
{
	struct shares s = { { NULL } };

	CU_ASSERT_FALSE(scope_run(share_and_fail, &s));
}

void suite_crew(void);
void suite_crew(void)
{
	static const struct unit_case cases[] = {
		{ "every piece is done once", every_piece_is_done_once },
		{ "a stop leaves no hole before it", a_stop_leaves_no_hole_before_it },
		{ "what each has taken is the caller's", what_each_has_taken_is_the_callers },
		{ "what each has taken goes with the caller's",
			what_each_has_taken_goes_with_the_callers },
		{ "memory gone on one ends all", memory_gone_on_one_ends_all },
	};

	unit_suite("base/crew", cases, UNIT_COUNT(cases));
}
