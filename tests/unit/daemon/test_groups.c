#include "daemon/groups.h"

#include "steer/demand.h"
#include "unit/unit.h"

#include <stdlib.h>
#include <string.h>

enum { LINES = 64, TICK = 7 };

static _Alignas(64) struct tally_cell cells[LINES * TALLY_LINE];
static struct tally tally = { cells, LINES, 0 };

static uint64_t key(unsigned pool, unsigned net, bool v6)
{
	const struct addr a = { { [10] = 255, 255, 10, (uint8_t)(net >> 8), (uint8_t)net } };

	return demand_key((uint16_t)pool, v6, &a);
}

/* So many queries of each in an interval of 10 seconds. */
static void ask(struct groups *g, unsigned pool, unsigned net, unsigned n)
{
	memset(cells, 0, sizeof cells);
	while (n--)
		tally_add(&tally, key(pool, net, net & 1), TICK);
	groups_count(g, &tally, TICK, 10);
}

/* The rate of one; 0: it is not there. */
static double rate(const struct groups *g, unsigned pool, unsigned net)
{
	size_t n;
	double of = 0;
	struct shed_demand *list = groups_list(g, &n);

	for (size_t i = 0; i < n; i++)
		if (list[i].pool == pool && list[i].addr.b[13] == net >> 8 &&
			list[i].addr.b[14] == (net & 0xff) && list[i].v6 == (net & 1))
			of += list[i].rate;
	free(list);
	return of;
}

static void rates_are_smoothed_over_intervals(void)
{
	struct groups *g = groups_new();

	ask(g, 3, 1, 100);
	CU_ASSERT_EQUAL(rate(g, 3, 1), 0); /* not before the interval is over */
	groups_settle(g);
	CU_ASSERT_DOUBLE_EQUAL(rate(g, 3, 1), 10, 1e-9); /* the first is all there is */
	ask(g, 3, 1, 100);
	ask(g, 3, 1, 100); /* of another worker */
	groups_settle(g);
	CU_ASSERT_DOUBLE_EQUAL(rate(g, 3, 1), 10 + 0.3 * (20 - 10), 1e-9);
	groups_settle(g);
	CU_ASSERT_DOUBLE_EQUAL(rate(g, 3, 1), 13 * 0.7, 1e-9);
	CU_ASSERT_EQUAL(rate(g, 3, 2), 0);
	CU_ASSERT_EQUAL(rate(g, 2, 1), 0);
	CU_ASSERT_EQUAL(groups_size(g), 1);
	groups_free(g);
}

static void counts_of_another_tick_do_not_count(void)
{
	struct groups *g = groups_new();

	memset(cells, 0, sizeof cells);
	tally_add(&tally, key(1, 1, true), TICK - 1);
	groups_count(g, &tally, TICK, 10);
	CU_ASSERT_EQUAL(groups_size(g), 0);
	groups_free(g);
}

static void who_asks_too_little_is_forgotten(void)
{
	struct groups *g = groups_new();

	for (unsigned net = 0; net < 8; net++)
		ask(g, 0, net, net < 5 ? 100 : 1);
	groups_settle(g);
	CU_ASSERT_EQUAL(groups_size(g), 8);
	/* 0.1 a second falls below 0.002 after 11 intervals; 10 a second do not. */
	for (unsigned i = 0; i < 12; i++) {
		for (unsigned net = 0; net < 5; net++)
			ask(g, 0, net, 100);
		groups_settle(g);
	}
	CU_ASSERT_EQUAL(groups_size(g), 5);
	for (unsigned net = 0; net < 8; net++)
		CU_ASSERT_DOUBLE_EQUAL(rate(g, 0, net), net < 5 ? 10 : 0, 1e-9);
	groups_free(g);
}

static void pools_may_get_other_numbers(void)
{
	static const int numbers[] = { 2, -1, 0 };
	struct groups *g = groups_new();

	for (unsigned pool = 0; pool < 4; pool++)
		ask(g, pool, pool, 10 * (pool + 1));
	groups_settle(g);
	groups_renumber(g, numbers, 3);
	CU_ASSERT_EQUAL(groups_size(g), 2);
	CU_ASSERT_DOUBLE_EQUAL(rate(g, 2, 0), 1, 1e-9);
	CU_ASSERT_DOUBLE_EQUAL(rate(g, 0, 2), 3, 1e-9);
	CU_ASSERT_EQUAL(rate(g, 1, 1), 0);
	groups_free(g);
}

static void the_table_is_bounded(void)
{
	struct groups *g = groups_new();

	for (unsigned i = 0; i < 40000; i += 100) {
		memset(cells, 0, sizeof cells);
		for (unsigned k = 0; k < 100; k++)
			tally_add(&tally, key(i / 20000, (i + k) % 20000 + 1, false), TICK);
		groups_count(g, &tally, TICK, 10);
	}
	CU_ASSERT_EQUAL(groups_size(g), 32768);
	groups_settle(g);
	ask(g, 9, 9, 100); /* there is no room */
	groups_settle(g);
	CU_ASSERT_EQUAL(rate(g, 9, 9), 0);
	CU_ASSERT_EQUAL(groups_size(g), 32768);
	groups_free(g);
}

static const struct unit_case cases[] = {
	{ "rates are smoothed over intervals", rates_are_smoothed_over_intervals },
	{ "counts of another tick do not count", counts_of_another_tick_do_not_count },
	{ "who asks too little is forgotten", who_asks_too_little_is_forgotten },
	{ "pools may get other numbers", pools_may_get_other_numbers },
	{ "the table is bounded", the_table_is_bounded },
};

void suite_groups(void);
void suite_groups(void)
{
	unit_suite("daemon/groups", cases, UNIT_COUNT(cases));
}
