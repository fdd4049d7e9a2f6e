/* u128.h - numbers of 128 bits, on every processor: compilers for those of 32 bits have none (__int128).
 *
 * Two words that compilers keep in registers; sums and differences wrap. Only the product, which every hash is made of, is the
 * compiler's own where it has one: by hand it is four products instead of one.
 */
#ifndef BASE_U128_H
#define BASE_U128_H

#include <stdbool.h>
#include <stdint.h>

struct u128 {
	uint64_t high, low;
};

static const struct u128 U128_ZERO = { 0, 0 }, U128_MOST = { ~(uint64_t)0, ~(uint64_t)0 };

static inline bool u128_is_zero(struct u128 a)
{
	return !(a.high | a.low);
}

static inline bool u128_equal(struct u128 a, struct u128 b)
{
	return !((a.high ^ b.high) | (a.low ^ b.low));
}

/* Without a branch: of addresses that are looked up it could not be foretold. */
static inline bool u128_less(struct u128 a, struct u128 b)
{
	return (a.high < b.high) | ((a.high == b.high) & (a.low < b.low));
}

static inline struct u128 u128_add(struct u128 a, struct u128 b)
{
	const uint64_t low = a.low + b.low;

	return (struct u128){ a.high + b.high + (low < b.low), low };
}

static inline struct u128 u128_subtract(struct u128 a, struct u128 b)
{
	return (struct u128){ a.high - b.high - (a.low < b.low), a.low - b.low };
}

/* The number behind, and the one before. */
static inline struct u128 u128_next(struct u128 a)
{
	return u128_add(a, (struct u128){ 0, 1 });
}

static inline struct u128 u128_previous(struct u128 a)
{
	return u128_subtract(a, (struct u128){ 0, 1 });
}

static inline struct u128 u128_or(struct u128 a, struct u128 b)
{
	return (struct u128){ a.high | b.high, a.low | b.low };
}

static inline struct u128 u128_xor(struct u128 a, struct u128 b)
{
	return (struct u128){ a.high ^ b.high, a.low ^ b.low };
}

/* By 0 to 127 bits. */
static inline struct u128 u128_left(struct u128 a, unsigned bits)
{
	if (bits >= 64)
		return (struct u128){ a.low << (bits - 64), 0 };
	return bits ? (struct u128){ a.high << bits | a.low >> (64 - bits), a.low << bits } : a;
}

static inline struct u128 u128_right(struct u128 a, unsigned bits)
{
	if (bits >= 64)
		return (struct u128){ 0, a.high >> (bits - 64) };
	return bits ? (struct u128){ a.high >> bits, a.low >> bits | a.high << (64 - bits) } : a;
}

/* Ones behind the first `bits`, which are zeros; 0 to 128. */
static inline struct u128 u128_behind(unsigned bits)
{
	return bits < 128 ? u128_right(U128_MOST, bits) : U128_ZERO;
}

/* Of four products of 32 bits. For u128_times() where it has nothing better, and for its test. */
static inline struct u128 u128_times_by_parts(uint64_t a, uint64_t b)
{
	const uint64_t a0 = (uint32_t)a, a1 = a >> 32, b0 = (uint32_t)b, b1 = b >> 32;
	const uint64_t low = a0 * b0, one = a1 * b0, other = a0 * b1;
	const uint64_t middle = (low >> 32) + (uint32_t)one + (uint32_t)other;

	return (struct u128){ a1 * b1 + (one >> 32) + (other >> 32) + (middle >> 32),
		middle << 32 | (uint32_t)low };
}

static inline struct u128 u128_times(uint64_t a, uint64_t b)
{
#ifdef __SIZEOF_INT128__
	const unsigned __int128 m = (unsigned __int128)a * b;

	return (struct u128){ (uint64_t)(m >> 64), (uint64_t)m };
#else
	return u128_times_by_parts(a, b);
#endif
}

#endif
