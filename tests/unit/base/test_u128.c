#include "base/u128.h"

#include "unit/unit.h"

/* The ends of words, of halves of words, and some without order. */
static const uint64_t words[] = { 0, 1, 2, 3, 0x7fffffff, 0x80000000, 0xffffffff, 0x100000000,
	0x1ffffffff, 0x7fffffffffffffff, 0x8000000000000000, 0xffffffff00000000,
	0xfffffffeffffffff, 0xfffffffffffffffe, 0xffffffffffffffff, 0xa0761d6478bd642f,
	0x9e3779b97f4a7c15, 0xe7037ed1a0b428db, 0x0123456789abcdef };
enum { WORDS = sizeof words / sizeof *words };

static void a_product_has_all_its_bits(void)
{
	static const struct {
		uint64_t a, b, high, low;
	} row[] = {
		{ 0, 0xffffffffffffffff, 0, 0 },
		{ 1, 0xfedcba9876543210, 0, 0xfedcba9876543210 },
		{ 0xffffffff, 0xffffffff, 0, 0xfffffffe00000001 },
		{ 0x100000000, 0x100000000, 1, 0 },
		{ 0xffffffffffffffff, 0xffffffffffffffff, 0xfffffffffffffffe, 1 },
		{ 0xffffffffffffffff, 0xffffffff, 0xfffffffe, 0xffffffff00000001 },
		{ 0x0123456789abcdef, 0xfedcba9876543210, 0x0121fa00ad77d742, 0x2236d88fe5618cf0 },
		{ 0xa0761d6478bd642f, 0xe7037ed1a0b428db, 0x90ccc56588c08119, 0x8f3907f7b2b80c35 },
	};

	for (size_t i = 0; i < sizeof row / sizeof *row; i++) {
		const struct u128 is = { row[i].high, row[i].low };
		CU_ASSERT(u128_equal(u128_times(row[i].a, row[i].b), is));
		CU_ASSERT(u128_equal(u128_times_by_parts(row[i].a, row[i].b), is));
		CU_ASSERT(u128_equal(u128_times_by_parts(row[i].b, row[i].a), is));
	}
}

static void sums_wrap_and_carry(void)
{
	const struct u128 low = { 0, ~(uint64_t)0 }, one = { 1, 0 };

	CU_ASSERT(u128_equal(u128_next(low), one));
	CU_ASSERT(u128_equal(u128_previous(one), low));
	CU_ASSERT(u128_equal(u128_next(U128_MOST), U128_ZERO));
	CU_ASSERT(u128_equal(u128_previous(U128_ZERO), U128_MOST));
	CU_ASSERT(u128_is_zero(U128_ZERO));
	CU_ASSERT(!u128_is_zero(one));
	CU_ASSERT(u128_equal(u128_behind(0), U128_MOST));
	CU_ASSERT(u128_equal(u128_behind(64), low));
	CU_ASSERT(u128_equal(u128_behind(127), (struct u128){ 0, 1 }));
	CU_ASSERT(u128_equal(u128_behind(128), U128_ZERO));
}

/* Whatever the compiler makes of its own numbers of 128 bits, where it has them. */
#ifdef __SIZEOF_INT128__
typedef unsigned __int128 own;

static own to_own(struct u128 a)
{
	return (own)a.high << 64 | a.low;
}

static void check_pair(struct u128 a, struct u128 b)
{
	const own x = to_own(a), y = to_own(b);

	CU_ASSERT(to_own(u128_add(a, b)) == (own)(x + y));
	CU_ASSERT(to_own(u128_subtract(a, b)) == (own)(x - y));
	CU_ASSERT(to_own(u128_or(a, b)) == (x | y));
	CU_ASSERT(to_own(u128_xor(a, b)) == (x ^ y));
	CU_ASSERT_EQUAL(u128_less(a, b), x < y);
	CU_ASSERT_EQUAL(u128_equal(a, b), x == y);
}

static void check_shifts(struct u128 a)
{
	for (unsigned bits = 0; bits < 128; bits++) {
		CU_ASSERT(to_own(u128_left(a, bits)) == to_own(a) << bits);
		CU_ASSERT(to_own(u128_right(a, bits)) == to_own(a) >> bits);
		CU_ASSERT(to_own(u128_behind(bits)) == ~(own)0 >> bits);
	}
}

static void check_words(uint64_t a, uint64_t b)
{
	CU_ASSERT(to_own(u128_times_by_parts(a, b)) == (own)a * b);
	CU_ASSERT(to_own(u128_times(a, b)) == (own)a * b);
	for (unsigned k = 0; k < WORDS * WORDS; k++)
		check_pair((struct u128){ a, b },
			(struct u128){ words[k / WORDS], words[k % WORDS] });
	check_shifts((struct u128){ a, b });
}

static void all_is_as_the_compiler_has_it(void)
{
	for (unsigned i = 0; i < WORDS; i++)
		for (unsigned j = 0; j < WORDS; j++)
			check_words(words[i], words[j]);
}
#endif

void suite_u128(void)
{
	static const struct unit_case cases[] = {
		{ "a product has all its bits", a_product_has_all_its_bits },
		{ "sums wrap and carry", sums_wrap_and_carry },
#ifdef __SIZEOF_INT128__
		{ "all is as the compiler has it", all_is_as_the_compiler_has_it },
#endif
	};

	unit_suite("base/u128", cases, UNIT_COUNT(cases));
}
