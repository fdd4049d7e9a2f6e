#include "measure/explore.h"

#include "unit/unit.h"

enum { NOW = 1700000000, GROUPS = 20000 };

static struct addr group(unsigned i)
{
	return addr_from_v4((const uint8_t[]){ 20, (uint8_t)(i >> 8), (uint8_t)i, 0 });
}

static void all_of_a_group_draw_the_same_for_an_interval(void)
{
	const struct explore e = { UINT32_MAX / 2, 60 };
	unsigned differs = 0;

	for (unsigned i = 0; i < GROUPS; i++) {
		struct addr a = group(i), b = a;
		b.b[15] = (uint8_t)(i * 7);
		const uint32_t from = NOW - NOW % 60;
		differs += explore_draw(&e, &a, 120, from) !=
			explore_draw(&e, &b, 120, from + 59);
	}
	CU_ASSERT_EQUAL(differs, 0);
}

static void groups_take_turns_and_keep_the_share(void)
{
	const struct explore e = { UINT32_MAX / 10, 60 };
	unsigned now = 0, later = 0, both = 0;

	for (unsigned i = 0; i < GROUPS; i++) {
		const struct addr a = group(i);
		const bool x = explore_draw(&e, &a, 120, NOW),
			   y = explore_draw(&e, &a, 120, NOW + 60);
		now += x;
		later += y;
		both += x && y;
	}
	CU_ASSERT_TRUE(now > GROUPS / 10 * 0.9 && now < GROUPS / 10 * 1.1);
	CU_ASSERT_TRUE(later > GROUPS / 10 * 0.9 && later < GROUPS / 10 * 1.1);
	CU_ASSERT_TRUE(both < GROUPS / 100 * 1.5); /* one does not follow from the other */
}

static void no_share_is_nobody(void)
{
	const struct explore e = { 0, 60 };
	unsigned drawn = 0;

	for (unsigned i = 0; i < GROUPS; i++) {
		const struct addr a = group(i);
		drawn += explore_draw(&e, &a, 120, NOW) != 0;
	}
	CU_ASSERT_EQUAL(drawn, 0);
}

void suite_explore(void)
{
	static const struct unit_case cases[] = {
		{ "all of a group draw the same for an interval",
			all_of_a_group_draw_the_same_for_an_interval },
		{ "groups take turns and keep the share",
			groups_take_turns_and_keep_the_share },
		{ "no share is nobody", no_share_is_nobody },
	};

	unit_suite("measure/explore", cases, UNIT_COUNT(cases));
}
