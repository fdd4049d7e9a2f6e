#include "steer/stage.h"

#include "unit/unit.h"

#include <stdlib.h>

static struct addr v4(unsigned a, unsigned b, unsigned c, unsigned d)
{
	const uint8_t bytes[] = { (uint8_t)a, (uint8_t)b, (uint8_t)c, (uint8_t)d };

	return addr_from_v4(bytes);
}

static unsigned count(uint64_t share)
{
	unsigned n = 0;

	for (unsigned i = 0; i < 65536; i++) {
		const struct addr a = v4(i >> 8, i & 255, 7, 7);
		n += stage_has(share, &a);
	}
	return n;
}

static void so_many_groups_are_in_as_the_share_says(void)
{
	static const double shares[] = { 0.001, 0.05, 0.33, 0.5, 0.99 };

	CU_ASSERT_EQUAL(count(0), 0);
	CU_ASSERT_EQUAL(count(STAGE_ALL), 65536);
	for (unsigned i = 0; i < UNIT_COUNT(shares); i++) {
		const double p = shares[i], want = 65536 * p, deviation = 65536 * p * (1 - p);
		const double got = count((uint64_t)(p * (double)STAGE_ALL));
		/* Within four standard deviations. */
		CU_ASSERT((got - want) * (got - want) < 16 * deviation);
	}
}

static void all_of_a_group_are_in_or_none(void)
{
	for (unsigned i = 0; i < 2000; i++) {
		const struct addr first = v4(i % 223 + 1, i / 7 % 256, 0, 0),
				  last = v4(i % 223 + 1, i / 7 % 256, 255, 255);
		CU_ASSERT_EQUAL(
			stage_has(STAGE_ALL / 3, &first), stage_has(STAGE_ALL / 3, &last));
		struct addr six = { { 0x2a, 2, (uint8_t)i, (uint8_t)(i >> 8) } }, end = six;
		for (unsigned k = 4; k < 16; k++)
			end.b[k] = 0xff;
		CU_ASSERT_EQUAL(stage_has(STAGE_ALL / 3, &six), stage_has(STAGE_ALL / 3, &end));
	}
}

static void who_is_in_stays_in_when_the_share_grows(void)
{
	for (unsigned i = 0; i < 2000; i++) {
		const struct addr a = v4(i % 223 + 1, i / 3 % 256, 1, 1);
		for (uint64_t share = 0; share < STAGE_ALL; share += STAGE_ALL / 16)
			CU_ASSERT(
				!stage_has(share, &a) || stage_has(share + STAGE_ALL / 16, &a));
	}
}

void suite_stage(void);
void suite_stage(void)
{
	static const struct unit_case cases[] = {
		{ "so many groups are in as the share says",
			so_many_groups_are_in_as_the_share_says },
		{ "all of a group are in, or none", all_of_a_group_are_in_or_none },
		{ "who is in stays in when the share grows",
			who_is_in_stays_in_when_the_share_grows },
	};

	unit_suite("steer/stage", cases, UNIT_COUNT(cases));
}
