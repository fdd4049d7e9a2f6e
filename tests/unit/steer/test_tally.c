#include "steer/tally.h"

#include "unit/unit.h"

#include <stdlib.h>
#include <string.h>

enum { LINES = 2, CELLS = LINES * TALLY_LINE };

static struct tally_cell cells[CELLS];

static struct tally fresh(void)
{
	memset(cells, 0, sizeof cells);
	return (struct tally){ cells, LINES, 0 };
}

static void counts_are_of_a_tick(void)
{
	struct tally t = fresh();

	for (uint64_t key = 1; key <= CELLS; key++)
		tally_add(&t, key, 7);
	tally_add(&t, 3, 7);
	CU_ASSERT_EQUAL(tally_get(&t, 3, 7), 2);
	tally_add(&t, 99, 7);
	CU_ASSERT_EQUAL(tally_get(&t, 99, 7), 0);
	CU_ASSERT_EQUAL(t.lost, 1);
	tally_add(&t, 99, 8);
	CU_ASSERT_EQUAL(tally_get(&t, 99, 8), 1);
	CU_ASSERT_EQUAL(tally_get(&t, 3, 8), 0);
}

static void a_count_that_is_full_stays_so(void)
{
	struct tally t = fresh();

	tally_add(&t, 5, 7);
	for (unsigned i = 0; i < CELLS; i++)
		if (cells[i].key == 5)
			cells[i].count |= ((uint64_t)1 << TALLY_BITS) - 2;
	tally_add(&t, 5, 7);
	tally_add(&t, 5, 7);
	CU_ASSERT_EQUAL(tally_get(&t, 5, 7), ((uint64_t)1 << TALLY_BITS) - 1);
	t = fresh();
	tally_keep(&t, 5, 7000);
	for (unsigned i = 0; i < CELLS; i++)
		if (cells[i].key == 5)
			cells[i].count |= ((uint64_t)1 << TALLY_KEPT_BITS) - 2;
	tally_keep(&t, 5, 7000);
	tally_keep(&t, 5, 7000);
	CU_ASSERT_EQUAL(tally_kept(&t, 5), ((uint64_t)1 << TALLY_KEPT_BITS) - 1);
}

static void what_is_kept_passes_two_to_the_forty(void)
{
	struct tally t = fresh();

	tally_keep(&t, 5, 1);
	for (unsigned i = 0; i < CELLS; i++)
		if (cells[i].key == 5)
			cells[i].count |= ((uint64_t)1 << 40) - 1;
	tally_keep(&t, 5, 1);
	CU_ASSERT_EQUAL(tally_kept(&t, 5), (uint64_t)1 << 40);
	tally_keep(&t, 5, 100 * TALLY_IDLE);
	CU_ASSERT_EQUAL(tally_kept(&t, 5), ((uint64_t)1 << 40) + 1);
	CU_ASSERT_EQUAL(t.lost, 0);
}

/* Pools and edges come and go for as long as the server runs. */
static void the_place_of_who_is_gone_goes_to_who_comes(void)
{
	struct tally t = fresh();
	const uint32_t later = 3 * TALLY_IDLE;

	for (uint64_t key = 1; key <= CELLS; key++)
		for (unsigned i = 0; i < 10; i++)
			tally_keep(&t, key, (uint32_t)key);
	CU_ASSERT_EQUAL(t.lost, 0);
	tally_keep(&t, 99, CELLS + 1);
	CU_ASSERT_EQUAL(tally_kept(&t, 99), 0); /* none has been idle for long */
	CU_ASSERT_EQUAL(t.lost, 1);
	for (uint64_t key = 2; key <= CELLS; key++)
		tally_keep(&t, key, later);
	tally_keep(&t, 99, later);
	CU_ASSERT_EQUAL(tally_kept(&t, 99), 1);
	CU_ASSERT_EQUAL(tally_kept(&t, 1), 0);
	CU_ASSERT_EQUAL(t.lost, 11);
	for (uint64_t key = 2; key <= CELLS; key++)
		CU_ASSERT_EQUAL(tally_kept(&t, key), 11);
	tally_keep(&t, 98, later);
	CU_ASSERT_EQUAL(tally_kept(&t, 98), 0);
}

void suite_tally(void)
{
	static const struct unit_case cases[] = {
		{ "counts are of a tick", counts_are_of_a_tick },
		{ "a count that is full stays so", a_count_that_is_full_stays_so },
		{ "what is kept passes two to the forty",
			what_is_kept_passes_two_to_the_forty },
		{ "the place of who is gone goes to who comes",
			the_place_of_who_is_gone_goes_to_who_comes },
	};

	unit_suite("steer/tally", cases, UNIT_COUNT(cases));
}
