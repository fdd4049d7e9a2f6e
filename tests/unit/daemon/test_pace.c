#include "daemon/pace.h"

#include "unit/unit.h"

#include <stdbool.h>

enum { REST = 100000 };

/* When so many are published of which all are wanted from `us` on, each as soon as it may be. */
static uint64_t spend(struct pace *p, uint64_t us, unsigned n)
{
	for (unsigned i = 0; i < n; i++) {
		const uint64_t next = pace_next_us(p, REST);
		us = next > us ? next : us;
		pace_spend(p, us, REST);
	}
	return us;
}

static void the_first_few_are_at_once_but_for_a_gap(void)
{
	struct pace p = { 0 };

	CU_ASSERT_EQUAL(pace_next_us(&p, REST), 0);
	CU_ASSERT_EQUAL(spend(&p, 5000000, 1), 5000000);
	for (unsigned i = 1; i < PACE_AT_ONCE; i++)
		CU_ASSERT_EQUAL(spend(&p, 5000000, 1), 5000000 + i * (REST / PACE_GAPS));
	CU_ASSERT_EQUAL(spend(&p, 5000000, 1), 5000000 + REST);
	CU_ASSERT_EQUAL(spend(&p, 5000000, 1), 5000000 + 2 * REST);
}

static void many_are_one_in_each_rest(void)
{
	struct pace p = { 0 };

	CU_ASSERT_EQUAL(spend(&p, 7, PACE_AT_ONCE + 1000), 7 + UINT64_C(1000) * REST);
}

static void what_is_not_used_comes_back_and_no_more_than_that(void)
{
	struct pace p = { 0 };

	spend(&p, 1000000, 50);
	/* A second with one in four rests: each at once. */
	uint64_t at = pace_next_us(&p, REST) + 4 * REST;
	for (unsigned i = 0; i < 10; i++, at += 4 * REST)
		CU_ASSERT_EQUAL(spend(&p, at, 1), at);
	/* After an hour it is no more than at the start. */
	at += UINT64_C(3600000000);
	CU_ASSERT_EQUAL(spend(&p, at, PACE_AT_ONCE + 1), at + REST);
}

static void who_costs_more_waits_longer(void)
{
	struct pace p = { 0 };

	for (unsigned i = 0; i < PACE_AT_ONCE; i++)
		pace_spend(&p, 1000000, 10 * REST);
	CU_ASSERT_EQUAL(pace_next_us(&p, 10 * REST), 1000000 + 10 * REST);
}

static const struct unit_case cases[] = {
	{ "the first few are at once, but for a gap", the_first_few_are_at_once_but_for_a_gap },
	{ "many are one in each rest", many_are_one_in_each_rest },
	{ "what is not used comes back, and no more than that", what_is_not_used_comes_back_and_no_more_than_that },
	{ "who costs more waits longer", who_costs_more_waits_longer },
};

void suite_pace(void);
void suite_pace(void)
{
	unit_suite("daemon/pace", cases, UNIT_COUNT(cases));
}
