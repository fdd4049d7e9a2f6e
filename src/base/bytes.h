/* bytes.h - numbers in network order, and a keyed hash of bytes.
 */
#ifndef BASE_BYTES_H
#define BASE_BYTES_H

#include "base/u128.h"

#include <stddef.h>
#include <stdint.h>
#include <string.h>

static inline uint16_t be16_get(const uint8_t *p)
{
	return (uint16_t)(p[0] << 8 | p[1]);
}

static inline uint32_t be32_get(const uint8_t *p)
{
	return (uint32_t)p[0] << 24 | (uint32_t)p[1] << 16 | (uint32_t)p[2] << 8 | p[3];
}

static inline uint64_t be64_get(const uint8_t *p)
{
	return (uint64_t)be32_get(p) << 32 | be32_get(p + 4);
}

static inline void be16_put(uint8_t *p, unsigned v)
{
	p[0] = (uint8_t)(v >> 8);
	p[1] = (uint8_t)v;
}

static inline void be32_put(uint8_t *p, uint32_t v)
{
	be16_put(p, v >> 16);
	be16_put(p + 2, v & 0xffff);
}

static inline void be64_put(uint8_t *p, uint64_t v)
{
	be32_put(p, (uint32_t)(v >> 32));
	be32_put(p + 4, (uint32_t)v);
}

/* Two random words, drawn once when a table is built, so that nobody can choose keys that
 * collide. */
struct hash_key {
	uint64_t k0, k1;
};

/* Keyed hash of bytes: a chain of folded 64x64 -> 128 bit products (the construction of
 * wyhash), 8 bytes a step. Not a MAC; for hash tables only. */
#define HASH_STEP 0xa0761d6478bd642fu /* so that a poor key is not a poor multiplier */

/* One step of such a chain. 0 whatever the other is when a factor is 0: no hash of two numbers,
 * for which there is hash_pair(). */
static inline uint64_t hash_mix(uint64_t a, uint64_t b)
{
	const struct u128 m = u128_times(a, b);

	return m.low ^ m.high;
}

/* Unkeyed; either number may be anything. */
static inline uint64_t hash_pair(uint64_t a, uint64_t b)
{
	return hash_mix(hash_mix(a ^ HASH_STEP, 0x9e3779b97f4a7c15u) ^ b, 0xe7037ed1a0b428dbu);
}

static inline uint64_t hash_tail(const uint8_t *p, size_t len)
{
	uint64_t v = 0;

	if (len >= 4) {
		uint32_t lo, hi;
		memcpy(&lo, p, 4);
		memcpy(&hi, p + len - 4, 4);
		return (uint64_t)hi << 32 | lo;
	}
	if (len)
		v = (uint64_t)p[0] << 16 | (uint64_t)p[len >> 1] << 8 | p[len - 1];
	return v;
}

static inline uint64_t hash_bytes(struct hash_key key, const uint8_t *p, size_t len)
{
	uint64_t h = key.k0 ^ len * 0x9e3779b97f4a7c15u;

	while (len > 8) {
		uint64_t v;
		memcpy(&v, p, 8);
		h = hash_mix(h ^ v, key.k1 ^ HASH_STEP);
		p += 8;
		len -= 8;
	}
	h = hash_mix(h ^ hash_tail(p, len), key.k1 ^ 0xe7037ed1a0b428dbu);
	return hash_mix(h, key.k0 ^ 0x8ebc6af09c88c6e3u);
}

#endif
