#include "base/crew.h"

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

void suite_crew(void);
void suite_crew(void)
{
	static const struct unit_case cases[] = {
		{ "every piece is done once", every_piece_is_done_once },
		{ "a stop leaves no hole before it", a_stop_leaves_no_hole_before_it },
	};

	unit_suite("base/crew", cases, UNIT_COUNT(cases));
}
