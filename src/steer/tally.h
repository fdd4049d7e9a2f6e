/* tally.h - counts by key, kept by one thread and read by another.
 *
 * Of a fixed size, so that counting never allocates: a key has eight places where it may stand,
 * on two cache lines, and what finds none is counted as lost. Counts are of a *tick*: once the
 * writer goes on to another, the places of older ticks are free again, and the reader has until
 * then to fetch them.
 *
 * Or counts are *kept* from tick to tick: then the place of a key goes to another only when
 * that finds none and the key has not been counted for TALLY_IDLE ticks at least, the one that
 * was idle longest first; its count goes to `lost`. A table is of one kind. No count runs over:
 * what is as large as it can be stays so. One writer; anyone may read.
 */
#ifndef STEER_TALLY_H
#define STEER_TALLY_H

#include <stddef.h>
#include <stdint.h>

struct tally_cell {
	uint64_t key;   /* 0: free */
	uint64_t count; /* behind TALLY_BITS: the tick; kept, behind TALLY_KEPT_BITS: its turn */
};

enum {
	TALLY_BITS = 40,
	TALLY_KEPT_BITS = 48,
	TALLY_IDLE = 2048,
	TALLY_TURN = TALLY_IDLE / 2, /* ticks; their number is kept modulo 2^16 */
	TALLY_LINE = 4
};

struct tally {
	struct tally_cell *cells; /* on cache lines */
	uint32_t lines; /* a power of two, of TALLY_LINE cells each; 0: counts nothing */
	uint64_t lost;
};

static inline uint32_t tally_line(const struct tally *t, uint64_t key)
{
	return (uint32_t)(key * 0x9e3779b97f4a7c15u >> 40) & (t->lines - 1);
}

/* The cell `i` of those where a key may stand. */
static inline struct tally_cell *tally_cell(const struct tally *t, uint64_t key, unsigned i)
{
	return t->cells + (size_t)(tally_line(t, key) ^ (i >= TALLY_LINE)) * TALLY_LINE +
		i % TALLY_LINE;
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
		if (~had << (64 - TALLY_BITS))
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
		const struct tally_cell *c = tally_cell(t, key, i);
		if (__atomic_load_n(&c->key, __ATOMIC_RELAXED) == key)
			sum += tally_count(c, tick);
	}
	return sum;
}

static inline uint64_t tally_kept_count(uint64_t v)
{
	return v & (((uint64_t)1 << TALLY_KEPT_BITS) - 1);
}

/* The writer, of counts that are kept: the place for a key that has none yet; NULL: there is
 * none. */
static inline struct tally_cell *tally_make_place(struct tally *t, uint64_t key, uint64_t turn)
{
	struct tally_cell *best = NULL;
	uint64_t longest = TALLY_IDLE / TALLY_TURN - 1;

	for (unsigned i = 0; i < 2 * TALLY_LINE; i++) {
		struct tally_cell *c = tally_cell(t, key, i);
		const uint64_t idle = (turn - (c->count >> TALLY_KEPT_BITS)) & 0xffff;
		if (!c->key)
			return c;
		if (idle > longest) {
			best = c;
			longest = idle;
		}
	}
	return best;
}

/* The writer, of counts that are kept: so many more. `key` is not 0. */
static inline void tally_keep_more(struct tally *t, uint64_t key, uint32_t tick, uint64_t more)
{
	const uint64_t turn = tick / TALLY_TURN & 0xffff;
	struct tally_cell *c = NULL;

	if (!t->lines)
		return;
	for (unsigned i = 0; i < 2 * TALLY_LINE && !(c && c->key == key); i++)
		c = tally_cell(t, key, i);
	if (c->key != key) {
		c = tally_make_place(t, key, turn);
		const uint64_t gone = !c ? more : c->key ? tally_kept_count(c->count) : 0;
		if (gone)
			__atomic_store_n(&t->lost, t->lost + gone, __ATOMIC_RELAXED);
		if (!c)
			return;
		/* A reader may see the old key with no count, never the new one with the old
		 * one's. */
		__atomic_store_n(&c->count, 0, __ATOMIC_RELAXED);
		__atomic_store_n(&c->key, key, __ATOMIC_RELEASE);
	}
	uint64_t n = tally_kept_count(c->count);
	const uint64_t room = (((uint64_t)1 << TALLY_KEPT_BITS) - 1) - n;
	n += more < room ? more : room;
	__atomic_store_n(&c->count, turn << TALLY_KEPT_BITS | n, __ATOMIC_RELEASE);
}

/* ... one more. */
static inline void tally_keep(struct tally *t, uint64_t key, uint32_t tick)
{
	tally_keep_more(t, key, tick, 1);
}

/* Readers: what is kept of one key. */
static inline uint64_t tally_kept(const struct tally *t, uint64_t key)
{
	for (unsigned i = 0; t->lines && i < 2 * TALLY_LINE; i++) {
		const struct tally_cell *c = tally_cell(t, key, i);
		const uint64_t v = __atomic_load_n(&c->count, __ATOMIC_ACQUIRE);
		if (__atomic_load_n(&c->key, __ATOMIC_RELAXED) == key)
			return tally_kept_count(v);
	}
	return 0;
}

#endif
