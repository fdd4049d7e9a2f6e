#include "net/xdp_index.h"

#include "unit/unit.h"

#include <stdlib.h>
#include <string.h>

static struct xdp_index_line *lines;

static void begin(void)
{
	lines = calloc(XDP_INDEX, sizeof *lines);
	CU_ASSERT_PTR_NOT_NULL_FATAL(lines);
}

/* In that line, with other bits above the slot's. */
static __u64 hash(unsigned line, unsigned other)
{
	return (__u64)line << (64 - XDP_INDEX_BITS) | (__u64)other << XDP_SLOT_BITS | 1 << XDP_SLOT_BITS;
}

static void what_was_put_is_found_until_it_is_forgotten(void)
{
	begin();
	CU_ASSERT_EQUAL(xdp_index_find(lines, hash(7, 2)), XDP_SLOTS);
	CU_ASSERT_TRUE(xdp_index_put(lines, hash(7, 2), 0));
	CU_ASSERT_TRUE(xdp_index_put(lines, hash(XDP_INDEX - 1, 2), XDP_SLOTS - 1));
	CU_ASSERT_EQUAL(xdp_index_find(lines, hash(7, 2)), 0);
	CU_ASSERT_EQUAL(xdp_index_find(lines, hash(XDP_INDEX - 1, 2)), XDP_SLOTS - 1);
	CU_ASSERT_EQUAL(xdp_index_find(lines, hash(7, 4)), XDP_SLOTS);
	/* Another's slot is not this one's. */
	xdp_index_forget(lines, hash(7, 2), 1);
	CU_ASSERT_EQUAL(xdp_index_find(lines, hash(7, 2)), 0);
	xdp_index_forget(lines, hash(7, 2), 0);
	CU_ASSERT_EQUAL(xdp_index_find(lines, hash(7, 2)), XDP_SLOTS);
	free(lines);
}

static void one_that_is_alike_and_one_too_many_in_a_line_have_no_room(void)
{
	begin();
	for (unsigned i = 0; i < XDP_INDEX_LINE; i++)
		CU_ASSERT_TRUE(xdp_index_put(lines, hash(9, 2 * i), i));
	CU_ASSERT_FALSE(xdp_index_put(lines, hash(9, 2 * XDP_INDEX_LINE), 99));
	xdp_index_forget(lines, hash(9, 4), 2);
	CU_ASSERT_FALSE(xdp_index_put(lines, hash(9, 2), 99));
	CU_ASSERT_TRUE(xdp_index_put(lines, hash(9, 2 * XDP_INDEX_LINE), 99));
	CU_ASSERT_EQUAL(xdp_index_find(lines, hash(9, 2 * XDP_INDEX_LINE)), 99);
	CU_ASSERT_EQUAL(xdp_index_find(lines, hash(9, 6)), 3);
	free(lines);
}

/* As many as there are slots find room but for a few, whatever the seed. */
static void names_that_differ_by_little_fall_apart(void)
{
	for (__u64 seed = 0; seed < 3; seed++) {
		unsigned refused = 0;

		begin();
		for (unsigned i = 0; i < XDP_SLOTS; i++) {
			struct xdp_question q = { .type = 1 << 8, .len = 22, .name = "\4host\4zone\7example" };
			q.name[1] = (__u8)('a' + i % 16);
			q.name[2] = (__u8)('a' + i / 16 % 16);
			q.name[3] = (__u8)('a' + i / 256);
			refused += !xdp_index_put(lines, xdp_question_hash(&q, seed), i);
		}
		CU_ASSERT_TRUE(refused < 12); /* 4,096 over 512 lines of 16 by chance: 3.1 */
		free(lines);
	}
}

static void all_of_a_question_counts(void)
{
	const struct xdp_question q = { .type = 1 << 8, .says = XDP_EDNS, .len = 63, .name = "\x3d" "a" };
	const __u32 is = (__u32)xdp_question_hash(&q, 5);

	for (size_t i = 0; i < sizeof q; i++) {
		struct xdp_question other = q;
		((__u8 *)&other)[i] ^= 1;
		CU_ASSERT_FALSE(xdp_index_is((__u32)xdp_question_hash(&other, 5), is));
	}
	CU_ASSERT_FALSE(xdp_index_is((__u32)xdp_question_hash(&q, 6), is));
}

static const struct unit_case cases[] = {
	{ "what was put is found until it is forgotten", what_was_put_is_found_until_it_is_forgotten },
	{ "one that is alike, and one too many in a line, have no room", one_that_is_alike_and_one_too_many_in_a_line_have_no_room },
	{ "names that differ by little fall apart", names_that_differ_by_little_fall_apart },
	{ "all of a question counts", all_of_a_question_counts },
};

void suite_xdp_index(void);
void suite_xdp_index(void)
{
	unit_suite("net/xdp_index", cases, UNIT_COUNT(cases));
}
