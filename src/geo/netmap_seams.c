#include "geo/netmap_inner.h"

#include "base/memory.h"

/* A bit for each range: "its class is another than that of the range before it". A bit of a
 * higher level says that some bit is set in a word of the level below, so that long runs
 * without a seam are passed in a few steps. */
enum { LEVELS = 6 }; /* 64^6 bits: more than there are numbers for ranges */

struct seam_bits {
	uint64_t *level[LEVELS]; /* level[0] owns the memory of all */
	size_t words[LEVELS];
};

struct netmap_seams {
	struct netmap *map;
	struct seam_bits family[2];
};

static void bits_init(struct seam_bits *b, size_t n)
{
	size_t total = 0;

	for (unsigned i = 0; i < LEVELS; i++) {
		n = (n + 63) / 64;
		b->words[i] = n;
		total += n;
	}
	uint64_t *p = memory_zeroed(total, sizeof *p);
	for (unsigned i = 0; i < LEVELS; i++) {
		b->level[i] = p;
		p += b->words[i];
	}
}

static void bits_set(struct seam_bits *b, size_t i)
{
	for (unsigned k = 0; k < LEVELS; k++, i /= 64)
		b->level[k][i / 64] |= (uint64_t)1 << i % 64;
}

/* The first bit at or behind `i` that is set. */
static bool bits_next(const struct seam_bits *b, size_t i, uint32_t *found)
{
	for (unsigned k = 0; k < LEVELS; k++, i = i / 64 + 1) {
		if (i / 64 >= b->words[k])
			return false;
		const uint64_t rest = b->level[k][i / 64] >> i % 64 << i % 64;
		if (!rest)
			continue;
		i = i / 64 * 64 + (unsigned)__builtin_ctzll(rest);
		while (k-- > 0)
			i = i * 64 + (unsigned)__builtin_ctzll(b->level[k][i]);
		*found = (uint32_t)i;
		return true;
	}
	return false;
}

/* The last bit at or before `i` that is set. */
static bool bits_before(const struct seam_bits *b, size_t i, uint32_t *found)
{
	for (unsigned k = 0; k < LEVELS; k++, i = i / 64 - 1) {
		const uint64_t rest = b->level[k][i / 64] << (63 - i % 64);
		if (rest) {
			i -= (unsigned)__builtin_clzll(rest);
			while (k-- > 0)
				i = i * 64 + 63 - (unsigned)__builtin_clzll(b->level[k][i]);
			*found = (uint32_t)i;
			return true;
		}
		if (i < 64)
			return false;
	}
	return false;
}

static void find_seams(struct seam_bits *bits, const struct netmap_family *f,
	const uint32_t *class_of, size_t n)
{
	uint64_t before = 0;
	uint32_t index = 0;

	bits_init(bits, (size_t)f->n * BLOCK_RANGES);
	do {
		const uint32_t value = netmap_value(
			&f->blocks[index / BLOCK_RANGES], index % BLOCK_RANGES);
		const uint64_t class = value < n ? class_of[value] : (uint64_t)1 << 32 | value;
		if (index > 0 && class != before)
			bits_set(bits, index);
		before = class;
	} while (netmap_next(f, &index));
}

struct netmap_seams *netmap_seams_new(struct netmap *map, const uint32_t *class_of, size_t n)
{
	struct netmap_seams *s = memory_zeroed(1, sizeof *s);

	s->map = netmap_hold(map);
	find_seams(&s->family[0], &map->family[0], class_of, n);
	find_seams(&s->family[1], &map->family[1], class_of, n);
	return s;
}

void netmap_seams_free(struct netmap_seams *s)
{
	if (!s)
		return;
	netmap_drop(s->map);
	memory_free(s->family[0].level[0]);
	memory_free(s->family[1].level[0]);
	memory_free(s);
}

struct netmap *netmap_view(const struct netmap *map, const uint32_t *class_of, size_t n)
{
	struct netmap *view = netmap_new(true); /* what is special stands in `map` already */

	for (unsigned v6 = 0; v6 < 2; v6++) {
		const struct netmap_family *f = &map->family[v6];
		uint32_t index = 0;
		for (bool more = true; more;) {
			const uint32_t value = netmap_value(
				&f->blocks[index / BLOCK_RANGES], index % BLOCK_RANGES);
			const netmap_at first = netmap_start(f, index);
			more = netmap_next(f, &index);
			const netmap_at last = more ? netmap_start(f, index) - 1
						    : ~(netmap_at)0;
			netmap_append_range(
				view, v6, first, last, value < n ? class_of[value] + 1 : value);
		}
	}
	netmap_seal(view);
	return view;
}

/* How many bits a prefix around `at` must have so that it does not reach `beyond`. */
static unsigned bits_apart(netmap_at at, netmap_at beyond)
{
	const netmap_at differ = at ^ beyond;
	const uint64_t high = (uint64_t)(differ >> 64);

	return 1 +
		(high ? (unsigned)__builtin_clzll(high)
		      : 64 + (unsigned)__builtin_clzll((uint64_t)differ));
}

unsigned netmap_scope(const struct netmap *map, const struct netmap_seams *seams,
	const struct addr *a, struct netmap_hit hit)
{
	const bool v4 = addr_is_v4(a);
	const struct netmap_family *f = &map->family[!v4];
	const netmap_at at = netmap_number(a, v4);
	uint32_t start = hit.index, end = hit.index;
	unsigned scope = 0;

	const bool before = seams ? bits_before(&seams->family[!v4], hit.index, &start)
				  : hit.index > 0;
	const bool behind = seams ? bits_next(&seams->family[!v4], (size_t)hit.index + 1, &end)
				  : netmap_next(f, &end);
	if (before)
		scope = bits_apart(at, netmap_start(f, start) - 1);
	if (behind) {
		const unsigned other = bits_apart(at, netmap_start(f, end));
		scope = other > scope ? other : scope;
	}
	return scope;
}
