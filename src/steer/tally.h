/* tally.h - counts by key, kept by one thread and read by another.
 *
 * Of a fixed size, so that counting never allocates: a key has eight places where it may stand,
 * on two cache lines, and what finds none is counted as lost. Counts are of a *tick*: once the
 * writer goes on to another, the places of older ticks are free again, and the reader has until
 * then to fetch them. One writer; anyone may read.
 */
#ifndef STEER_TALLY_H
#define STEER_TALLY_H

#include <stddef.h>
#include <stdint.h>

struct tally_cell {
	uint64_t key;   /* 0: free */
	uint64_t count; /* behind TALLY_BITS: the tick */
};

enum { TALLY_BITS = 40, TALLY_LINE = 4 };

struct tally {
	struct tally_cell *cells; /* on cache lines */
	uint32_t lines; /* a power of two, of TALLY_LINE cells each; 0: counts nothing */
	uint64_t lost;
};

static inline uint32_t tally_line(const struct tally *t, uint64_t key)
{
	return (uint32_t)(key * 0x9e3779b97f4a7c15u >> 40) & (t->lines - 1);
}

/* The writer. `key` is not 0; ticks go on modulo 2^24. */
static inline void tally_add(struct tally *t, uint64_t key, uint32_t tick)
{
	if (!t->lines)
		return;
	const uint64_t stamp = (uint64_t)(tick & 0xffffffu) << TALLY_BITS;
	struct tally_cell *at = t->cells + (size_t)tally_line(t, key) * TALLY_LINE;

	for (unsigned i = 0; i < 2 * TALLY_LINE; i++) {
		if (i == TALLY_LINE)
			at = t->cells + (size_t)(tally_line(t, key) ^ 1) * TALLY_LINE -
				TALLY_LINE;
		struct tally_cell *c = at + i;
		const uint64_t had = c->key && c->count >> TALLY_BITS == stamp >> TALLY_BITS
			? c->count
			: stamp;
		if (c->key != key && had != stamp)
			continue; /* another's, of this tick */
		if (c->key != key)
			__atomic_store_n(&c->key, key, __ATOMIC_RELAXED);
		__atomic_store_n(&c->count, had + 1, __ATOMIC_RELAXED);
		return;
	}
	__atomic_store_n(&t->lost, t->lost + 1, __ATOMIC_RELAXED);
}

/* Readers: the cell's count, 0 when it is not of this tick. */
static inline uint64_t tally_count(const struct tally_cell *c, uint32_t tick)
{
	const uint64_t v = __atomic_load_n(&c->count, __ATOMIC_RELAXED);

	return v >> TALLY_BITS == (tick & 0xffffffu) ? v & (((uint64_t)1 << TALLY_BITS) - 1)
						     : 0;
}

/* The count of one key. */
static inline uint64_t tally_get(const struct tally *t, uint64_t key, uint32_t tick)
{
	uint64_t sum = 0;

	if (!t->lines)
		return 0;
	for (unsigned i = 0; i < 2 * TALLY_LINE; i++) {
		const struct tally_cell *c = t->cells +
			(size_t)(tally_line(t, key) ^ (i >= TALLY_LINE)) * TALLY_LINE +
			i % TALLY_LINE;
		if (__atomic_load_n(&c->key, __ATOMIC_RELAXED) == key)
			sum += tally_count(c, tick);
	}
	return sum;
}

#endif
