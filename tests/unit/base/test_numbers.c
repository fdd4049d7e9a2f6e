#include "base/numbers.h"

#include "unit/unit.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <time.h>

struct thing {
	int other;
	const char *name;
};

static void a_name_has_its_place_for_a_number(void)
{
	const struct thing things[] = { { 7, "ams1" }, { 8, "" }, { 9, "fra1" }, { 1, "ams1" },
		{ 2, "a name that is longer than eight bytes" } };
	const struct numbers none = { 0 };
	struct arena mem = { 0 };

	const struct numbers x = numbers_new(&mem, &things[0].name, sizeof *things, 5);
	CU_ASSERT_EQUAL(numbers_find(&x, "ams1"), 0);
	CU_ASSERT_EQUAL(numbers_find(&x, ""), 1);
	CU_ASSERT_EQUAL(numbers_find(&x, "fra1"), 2);
	CU_ASSERT_EQUAL(numbers_find(&x, "a name that is longer than eight bytes"), 4);
	CU_ASSERT_EQUAL(numbers_find(&x, "a name that is longer than eight byte"), -1);
	CU_ASSERT_EQUAL(numbers_find(&x, "ams"), -1);
	CU_ASSERT_EQUAL(numbers_find(&none, "ams1"), -1);
	const struct numbers empty = numbers_new(&mem, &things[0].name, sizeof *things, 0);
	CU_ASSERT_EQUAL(numbers_find(&empty, "ams1"), -1);
	arena_fini(&mem);
}

enum { MANY = 200000 };

/* What it costs the processor to find all of `n` names that only differ in some digits. */
static double cost_of(const char *const *names, size_t n)
{
	struct arena mem = { 0 };
	size_t wrong = 0;
	char none[64];

	const clock_t from = clock();
	const struct numbers x = numbers_new(&mem, names, sizeof *names, n);
	for (size_t i = 0; i < n; i++) {
		wrong += numbers_find(&x, names[i]) != (int)i;
		snprintf(none, sizeof none, "%s.", names[i]);
		wrong += numbers_find(&x, none) != -1;
	}
	const clock_t to = clock();
	CU_ASSERT_EQUAL(wrong, 0);
	arena_fini(&mem);
	return (double)(to - from) / CLOCKS_PER_SEC;
}

/* Linear searches would take a hundred times as long for ten times as many. */
static void many_names_cost_in_proportion(void)
{
	static const char *names[MANY];

	for (size_t i = 0; i < MANY; i++) {
		char name[32];
		snprintf(name, sizeof name, "pool-%08zu", i * 256);
		names[i] = strdup(name);
	}
	const double few = cost_of(names, MANY / 10), all = cost_of(names, MANY);
	CU_ASSERT_TRUE(all < 40 * few + 0.5);
	for (size_t i = 0; i < MANY; i++)
		free((char *)(uintptr_t)names[i]);
}

void suite_numbers(void)
{
	static const struct unit_case cases[] = {
		{ "a name has its place for a number", a_name_has_its_place_for_a_number },
		{ "many names cost in proportion", many_names_cost_in_proportion },
	};

	unit_suite("base/numbers", cases, UNIT_COUNT(cases));
}
