#include "steer/health.h"

#include "unit/unit.h"

static struct health run(struct health_rule r, const char *probes)
{
	struct health h = health_begin(r, false);

	for (; *probes; probes++)
		h = health_after(h, r, *probes == '+');
	return h;
}

static void it_needs_rise_good_probes_to_come_up_and_fall_bad_ones_to_go_down(void)
{
	static const struct {
		const char *say, *probes;
		bool up;
	} row[] = {
		{ "two of three are not enough", "++", false },
		{ "three are", "+++", true },
		{ "a miss starts the count anew", "++-++", false },
		{ "one miss does not bring down", "+++-", true },
		{ "two do", "+++--", false },
		{ "a good one makes up for the bad one before it", "+++-+-", true },
		{ "down again, it needs all three", "+++--++", false },
		{ "long good times make it no harder to go down", "++++++++++--", false },
		{ "nor long bad ones to come up", "----------+++", true },
	};
	const struct health_rule r = { 3, 2 };

	for (size_t i = 0; i < UNIT_COUNT(row); i++)
		CU_ASSERT_EQUAL(health_up(run(r, row[i].probes), r), row[i].up);
}

static void what_is_left_is_how_many_probes_a_change_needs(void)
{
	const struct health_rule rules[] = { { 1, 1 }, { 2, 3 }, { 5, 1 }, { 100, 100 } };

	for (size_t i = 0; i < UNIT_COUNT(rules); i++)
		for (unsigned score = 0; score < rules[i].rise + rules[i].fall; score++) {
			struct health h = { (uint16_t)score };
			const bool up = health_up(h, rules[i]);
			unsigned n = 0;
			const unsigned left = health_left(h, rules[i]);
			for (; health_up(h, rules[i]) == up; n++)
				h = health_after(h, rules[i], !up);
			CU_ASSERT_EQUAL(n, left);
		}
}

static void only_what_is_between_its_ends_is_shaky(void)
{
	const struct health_rule r = { 2, 3 };

	CU_ASSERT_FALSE(health_shaky(run(r, ""), r));
	CU_ASSERT_TRUE(health_shaky(run(r, "+"), r));
	CU_ASSERT_FALSE(health_shaky(run(r, "++"), r));
	CU_ASSERT_TRUE(health_shaky(run(r, "++-"), r));
	CU_ASSERT_FALSE(health_shaky(run(r, "++---"), r));
	CU_ASSERT_TRUE(health_up(health_begin(r, true), r));
	CU_ASSERT_FALSE(health_shaky(health_begin(r, true), r));
}

void suite_health(void)
{
	static const struct unit_case cases[] = {
		{ "it needs rise good probes to come up and fall bad ones to go down",
			it_needs_rise_good_probes_to_come_up_and_fall_bad_ones_to_go_down },
		{ "what is left is how many probes a change needs",
			what_is_left_is_how_many_probes_a_change_needs },
		{ "only what is between its ends is shaky",
			only_what_is_between_its_ends_is_shaky },
	};

	unit_suite("steer/health", cases, UNIT_COUNT(cases));
}
