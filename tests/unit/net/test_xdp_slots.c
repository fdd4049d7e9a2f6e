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
	const unsigned one = xdp_slots_take(s), two = xdp_slots_take(s);

	xdp_slots_give(s, one);
	xdp_slots_give(s, two);
	for (unsigned i = 0; i < XDP_SLOTS - 2; i++) {
		const unsigned at = xdp_slots_take(s);
		CU_ASSERT_TRUE(at != one && at != two);
	}
	CU_ASSERT_EQUAL(xdp_slots_take(s), one);
	CU_ASSERT_EQUAL(xdp_slots_take(s), two);
	CU_ASSERT_EQUAL(xdp_slots_take(s), XDP_NO_SLOT);
	free(s);
}

static const struct unit_case cases[] = {
	{ "questions are found as long as they are listed", questions_are_found_as_long_as_they_are_listed },
	{ "what was given back last is had again last", what_was_given_back_last_is_had_again_last },
};

void suite_xdp_slots(void);
void suite_xdp_slots(void)
{
	unit_suite("net/xdp_slots", cases, UNIT_COUNT(cases));
}
