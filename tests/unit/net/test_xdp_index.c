#include "net/xdp_index.h"

#include "unit/unit.h"

#include "net/xdp_slots.h"

#include <stdlib.h>
#include <string.h>

static struct xdp_group *groups;

static void begin(void)
{
	groups = calloc(XDP_GROUPS, sizeof *groups);
	CU_ASSERT_PTR_NOT_NULL_FATAL(groups);
}

/* Its first group, and its tag; the second group is `first ^ (tag | 1)`. */
static __u64 hash(unsigned first, unsigned tag)
{
	return (__u64)first << 56 | (__u64)tag << 32 | 77;
}

static void what_was_put_is_found_until_it_is_forgotten(void)
{
	begin();
	CU_ASSERT_EQUAL(xdp_index_find(groups, hash(7, 2)), XDP_SLOTS);
	CU_ASSERT_TRUE(xdp_index_put(groups, hash(7, 2), 7 * XDP_GROUP));
	CU_ASSERT_TRUE(xdp_index_put(groups, hash(9, 0x4f6), 255 * XDP_GROUP + 15));
	CU_ASSERT_EQUAL(xdp_index_find(groups, hash(7, 2)), 7 * XDP_GROUP);
	CU_ASSERT_EQUAL(xdp_index_find(groups, hash(9, 0x4f6)), XDP_SLOTS); /* 9 ^ 0xf7 is 254 */
	CU_ASSERT_EQUAL(xdp_index_find(groups, hash(8, 0x4f6)), 255 * XDP_GROUP + 15);
	CU_ASSERT_EQUAL(xdp_index_find(groups, hash(7, 3)), XDP_SLOTS);
	CU_ASSERT_EQUAL(xdp_index_find(groups, hash(9, 2)), XDP_SLOTS);
	/* Another slot of the group is not this one. */
	xdp_index_forget(groups, 7 * XDP_GROUP + 1);
	CU_ASSERT_EQUAL(xdp_index_find(groups, hash(7, 2)), 7 * XDP_GROUP);
	xdp_index_forget(groups, 7 * XDP_GROUP);
	CU_ASSERT_EQUAL(xdp_index_find(groups, hash(7, 2)), XDP_SLOTS);
	free(groups);
}

/* Either would be found by the tag of the other, and would not be what was asked for. */
static void one_that_is_alike_has_no_room_wherever_the_other_is(void)
{
	for (unsigned in = 0; in < 2; in++)
		for (unsigned first = 0; first < 2; first++) {
			const unsigned pair[2] = { 7, 7 ^ 3 };
			begin();
			CU_ASSERT_TRUE(xdp_index_put(groups, hash(7, 2), pair[in] * XDP_GROUP + 3));
			CU_ASSERT_FALSE(xdp_index_put(groups, hash(pair[first], 2), pair[!in] * XDP_GROUP));
			CU_ASSERT_TRUE(xdp_index_put(groups, hash(pair[first], 4), pair[first] * XDP_GROUP));
			CU_ASSERT_EQUAL(xdp_index_find(groups, hash(7, 2)), pair[in] * XDP_GROUP + 3);
			free(groups);
		}
}

/* Slots without a question have the tag 0. */
static void no_tag_is_that_of_nothing(void)
{
	begin();
	CU_ASSERT_EQUAL(xdp_index_find(groups, hash(7, 0)), XDP_SLOTS);
	CU_ASSERT_TRUE(xdp_index_put(groups, hash(7, 0), 7 * XDP_GROUP + 15));
	CU_ASSERT_EQUAL(xdp_index_find(groups, hash(7, 0)), 7 * XDP_GROUP + 15);
	free(groups);
}

/* Each has two groups, and each group is the first and the second of as many. */
static void both_groups_are_seen_from_either(void)
{
	unsigned n[XDP_GROUPS] = { 0 }, wrong = 0;

	for (unsigned first = 0; first < XDP_GROUPS; first++)
		for (unsigned tag = 1; tag < XDP_GROUPS * 2; tag++) {
			const unsigned second = xdp_second_group(hash(first, tag));
			wrong += second == first || second >= XDP_GROUPS || xdp_second_group(hash(second, tag)) != first;
			n[second]++;
		}
	for (unsigned i = 0; i < XDP_GROUPS; i++)
		wrong += n[i] != n[0];
	CU_ASSERT_EQUAL(wrong, 0);
}

/* Three quarters as many as there are slots find room but for one in some thousand that is like another, whatever the seed; and of
 * as many as there are slots nearly all. */
static void names_that_differ_by_little_fall_apart(void)
{
	for (__u64 seed = 0; seed < 3; seed++) {
		struct xdp_slots *slots = xdp_slots_new();
		unsigned refused = 0, first = 0;

		begin();
		for (unsigned i = 0; i < XDP_SLOTS; i++) {
			struct xdp_question q = { .type = 1 << 8, .len = 22, .name = "\4host\4zone\7example" };
			q.name[1] = (__u8)('a' + i % 16);
			q.name[2] = (__u8)('a' + i / 16 % 16);
			q.name[3] = (__u8)('a' + i / 256);
			const __u64 is = xdp_question_hash(&q, seed);
			const unsigned at = xdp_slots_take_for(slots, is);
			refused += at == XDP_NO_SLOT || !xdp_index_put(groups, is, at);
			first += at / XDP_GROUP == xdp_first_group(is);
			if (i == XDP_SLOTS / 4 * 3)
				CU_ASSERT_TRUE(refused < 10 && first > i / 4 * 3);
		}
		CU_ASSERT_TRUE(refused < XDP_SLOTS / 20);
		free(groups);
		free(slots);
	}
}

static void all_of_a_question_counts(void)
{
	const struct xdp_question q = { .type = 1 << 8, .says = XDP_EDNS, .len = 63, .name = "\x3d" "a" };
	const __u64 is = xdp_question_hash(&q, 5);

	for (size_t i = 0; i < sizeof q; i++) {
		struct xdp_question other = q;
		((__u8 *)&other)[i] ^= 1;
		CU_ASSERT_NOT_EQUAL(xdp_tag(xdp_question_hash(&other, 5)), xdp_tag(is));
	}
	CU_ASSERT_NOT_EQUAL(xdp_tag(xdp_question_hash(&q, 6)), xdp_tag(is));
}

static const struct unit_case cases[] = {
	{ "what was put is found until it is forgotten", what_was_put_is_found_until_it_is_forgotten },
	{ "one that is alike has no room, wherever the other is", one_that_is_alike_has_no_room_wherever_the_other_is },
	{ "both groups are seen from either", both_groups_are_seen_from_either },
	{ "no tag is that of nothing", no_tag_is_that_of_nothing },
	{ "names that differ by little fall apart", names_that_differ_by_little_fall_apart },
	{ "all of a question counts", all_of_a_question_counts },
};

void suite_xdp_index(void);
void suite_xdp_index(void)
{
	unit_suite("net/xdp_index", cases, UNIT_COUNT(cases));
}
