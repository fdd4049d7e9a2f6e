#include "base/frequent.h"

#include "unit/unit.h"

#include <string.h>

static void add(struct frequent *f, unsigned number, double weight)
{
	const uint8_t key[2] = { (uint8_t)(number >> 8), (uint8_t)number };

	frequent_add(f, key, sizeof key, weight);
}

static unsigned number_of(const struct frequent_key *k)
{
	return k->len == 2 ? (unsigned)(k->bytes[0] << 8 | k->bytes[1]) : UINT32_MAX;
}

static void as_long_as_all_have_a_place_counts_are_exact(void)
{
	struct frequent *f = frequent_new(1);
	struct frequent_key first[4];

	for (unsigned turn = 0; turn < 5; turn++)
		for (unsigned i = 0; i < 100; i++)
			add(f, i, i == 7 ? 3 : i == 42 ? 2 : 1);
	CU_ASSERT_EQUAL(frequent_first(f, first, 4), 4);
	CU_ASSERT_EQUAL(number_of(&first[0]), 7);
	CU_ASSERT_EQUAL(first[0].count, 15);
	CU_ASSERT_EQUAL(number_of(&first[1]), 42);
	CU_ASSERT_EQUAL(first[1].count, 10);
	CU_ASSERT_EQUAL(first[2].count, 5);
	CU_ASSERT_EQUAL(first[2].over, 0);
	frequent_free(f);
}

/* The paper's lemmas 3 and 4: whoever comes more often than all / places is there, and what is counted is between the
 * truth and the truth + `over`. */
static void who_comes_often_is_found_among_many_who_come_once(void)
{
	enum { ALL = 60000 };
	struct frequent *f = frequent_new(99);
	struct frequent_key first[5];
	static unsigned truth[UINT16_MAX + 1];
	uint32_t random = 1;
	unsigned n = 0;

	memset(truth, 0, sizeof truth);
	for (unsigned i = 0; i < ALL; i++) {
		random = random * 1664525u + 1013904223u;
		const unsigned who = i % 10 == 0 ? i / 10 % 5 : 100 + (random >> 16) % 60000;
		truth[who]++;
		add(f, who, 1);
	}
	CU_ASSERT_EQUAL(frequent_first(f, first, 5), 5);
	for (unsigned i = 0; i < 5; i++) {
		const unsigned who = number_of(&first[i]);
		n += who < 5;
		CU_ASSERT_TRUE(first[i].count >= truth[who]);
		CU_ASSERT_TRUE(first[i].count - first[i].over <= truth[who]);
		CU_ASSERT_TRUE(first[i].over <= ALL / FREQUENT_KEYS);
	}
	CU_ASSERT_EQUAL(n, 5);
	frequent_free(f);
}

static void what_was_fades_and_what_is_comes_up(void)
{
	struct frequent *f = frequent_new(3);
	struct frequent_key first[2];

	add(f, 1, 100);
	for (unsigned i = 0; i < 10; i++) {
		frequent_fade(f, .5);
		add(f, 2, 4);
	}
	CU_ASSERT_EQUAL(frequent_first(f, first, 2), 2);
	CU_ASSERT_EQUAL(number_of(&first[0]), 2);
	CU_ASSERT_DOUBLE_EQUAL(first[0].count, 8, .1);
	CU_ASSERT_DOUBLE_EQUAL(first[1].count, .1, .01);
	frequent_free(f);
}

/* Else servers of other processors would come to other counts: none may keep more digits than a double has, nor
 * add a product that it has not rounded. Volatile, or the compiler would know. */
static void sums_are_rounded_alike_on_every_processor(void)
{
	volatile double large = 0x1p53, one = 1, factor = 1 + 0x1p-30, product = 1 + 0x1p-29;

	CU_ASSERT_EQUAL(large + one - large, 0);
	CU_ASSERT_EQUAL(factor * factor - product, 0);
}

static const struct unit_case cases[] = {
	{ "as long as all have a place, counts are exact", as_long_as_all_have_a_place_counts_are_exact },
	{ "who comes often is found among many who come once", who_comes_often_is_found_among_many_who_come_once },
	{ "what was fades, and what is comes up", what_was_fades_and_what_is_comes_up },
	{ "sums are rounded alike on every processor", sums_are_rounded_alike_on_every_processor },
};

void suite_frequent(void);
void suite_frequent(void)
{
	unit_suite("base/frequent", cases, UNIT_COUNT(cases));
}
