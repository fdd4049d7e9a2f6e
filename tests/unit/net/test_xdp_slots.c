#include "net/xdp_slots.h"

#include "unit/unit.h"

#include <stdlib.h>
#include <string.h>

static struct xdp_question question(unsigned i)
{
	struct xdp_question q = { .name = { 1, (uint8_t)i, 1, (uint8_t)(i >> 8) }, .type = 1 };

	return q;
}

static unsigned find(const struct xdp_slots *s, unsigned i)
{
	const struct xdp_question q = question(i);

	return xdp_slots_find(s, &q, xdp_slots_hash(&q));
}

static unsigned add(struct xdp_slots *s, unsigned i)
{
	const unsigned at = xdp_slots_take(s);

	if (at != XDP_NO_SLOT) {
		s->of[at].q = question(i);
		xdp_slots_enlist(s, at);
	}
	return at;
}

static void questions_are_found_as_long_as_they_are_listed(void)
{
	struct xdp_slots *s = xdp_slots_new();

	CU_ASSERT_EQUAL(find(s, 0), XDP_NO_SLOT);
	for (unsigned i = 0; i < XDP_SLOTS; i++)
		CU_ASSERT_NOT_EQUAL(add(s, i), XDP_NO_SLOT);
	CU_ASSERT_EQUAL(add(s, XDP_SLOTS), XDP_NO_SLOT);
	for (unsigned i = 0; i < XDP_SLOTS; i += 3) {
		const unsigned at = find(s, i);
		CU_ASSERT_EQUAL(s->list[s->of[at].listed], at);
		xdp_slots_delist(s, at);
		xdp_slots_give(s, at);
	}
	unsigned wrong = 0;
	for (unsigned i = 0; i < XDP_SLOTS; i++) {
		const unsigned at = find(s, i);
		wrong += (at == XDP_NO_SLOT) != (i % 3 == 0);
		wrong += at != XDP_NO_SLOT && s->list[s->of[at].listed] != at;
	}
	CU_ASSERT_EQUAL(wrong, 0);
	CU_ASSERT_EQUAL(s->n_list, XDP_SLOTS - (XDP_SLOTS + 2) / 3);
	free(s);
}

static void what_was_given_back_last_is_had_again_last(void)
{
	struct xdp_slots *s = xdp_slots_new();
	const unsigned one = xdp_slots_take_for(s, 0), two = xdp_slots_take_for(s, 0);
	unsigned at, n = 0;

	xdp_slots_give(s, one);
	xdp_slots_give(s, two);
	while ((at = xdp_slots_take(s)) != XDP_NO_SLOT && at != one)
		n += at / XDP_GROUP == one / XDP_GROUP;
	CU_ASSERT_EQUAL(at, one);
	CU_ASSERT_EQUAL(n, XDP_GROUP - 2);
	while ((at = xdp_slots_take(s)) != XDP_NO_SLOT && at / XDP_GROUP != one / XDP_GROUP)
		;
	CU_ASSERT_EQUAL(at, two);
	free(s);
}

static void each_group_has_its_turn(void)
{
	struct xdp_slots *s = xdp_slots_new();
	unsigned n[XDP_GROUPS] = { 0 }, wrong = 0;

	xdp_slots_take_for(s, 0);
	for (unsigned i = 1; i < XDP_SLOTS; i++) {
		const unsigned at = xdp_slots_take(s);
		CU_ASSERT_TRUE_FATAL(at < XDP_SLOTS);
		wrong += n[at / XDP_GROUP]++ != (i - 1) / XDP_GROUPS;
	}
	CU_ASSERT_EQUAL(wrong, 0);
	CU_ASSERT_EQUAL(xdp_slots_take(s), XDP_NO_SLOT);
	free(s);
}

static void a_question_is_in_one_of_its_groups(void)
{
	struct xdp_slots *s = xdp_slots_new();
	const uint64_t hash = 5ull << 56 | 3ull << 32; /* and 5 ^ 3 */
	unsigned n[2] = { 0 }, at;

	while ((at = xdp_slots_take_for(s, hash)) != XDP_NO_SLOT) {
		CU_ASSERT_TRUE_FATAL(at / XDP_GROUP == 5 || at / XDP_GROUP == 6);
		n[at / XDP_GROUP - 5]++;
		/* The first, until that is nearly full. */
		CU_ASSERT_TRUE(n[0] > XDP_GROUP * 3 / 4 || !n[1]);
	}
	CU_ASSERT_EQUAL(n[0] + n[1], 2 * XDP_GROUP);
	CU_ASSERT_EQUAL(s->n_free, XDP_SLOTS - 2 * XDP_GROUP);
	free(s);
}

static const struct unit_case cases[] = {
	{ "questions are found as long as they are listed", questions_are_found_as_long_as_they_are_listed },
	{ "what was given back last is had again last", what_was_given_back_last_is_had_again_last },
	{ "each group has its turn", each_group_has_its_turn },
	{ "a question is in one of its groups", a_question_is_in_one_of_its_groups },
};

void suite_xdp_slots(void);
void suite_xdp_slots(void)
{
	unit_suite("net/xdp_slots", cases, UNIT_COUNT(cases));
}
