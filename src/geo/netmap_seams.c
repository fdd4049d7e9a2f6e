#include "geo/netmap_inner.h"
#include "geo/netmap_kept.h"

#include "base/memory.h"

/* A bit for each block: "a range in it has another class than the range before that". Which one is
 * seen by the block's values and their classes: a block is one cache line, and a bit for each
 * range would take thirteen times as much in each of thousands of views. A bit of a higher level
 * says that some bit is set in a word of the level below, so that long runs without a seam are
 * passed in a few steps. */
enum { LEVELS = 6 }; /* 64^6 bits: more than there are numbers for blocks */

struct seam_bits {
	uint64_t *level[LEVELS]; /* level[0] owns the memory of all */
	size_t words[LEVELS];
};

struct netmap_seams {
	struct netmap *map;       /* held */
	const uint32_t *class_of; /* [n] borrowed as long as the seams are */
	size_t n;
	struct seam_bits family[2];
};

/* For `n` bits. Returns how many words all levels have. */
static size_t bits_init(struct seam_bits *b, size_t n)
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
	return total;
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

static uint64_t class_at(
	const struct netmap_seams *s, const struct netmap_block *block, uint32_t range)
{
	const uint32_t value = netmap_value(block, range);

	return value < s->n ? s->class_of[value] : (uint64_t)1 << 32 | value;
}

static uint32_t last_range(const struct netmap_block *block)
{
	uint32_t i = BLOCK_STARTS;

	while (i > 0 && block->start[i - 1] == START_NONE)
		i--;
	return i;
}

/* Does another class begin where the block does? */
static bool begins_at_seam(
	const struct netmap_seams *s, const struct netmap_family *f, uint32_t block)
{
	const struct netmap_block *b = &f->blocks[block];

	return block > 0 && class_at(s, b, 0) != class_at(s, b - 1, last_range(b - 1));
}

/* The first seam of the block at or behind its range `from`. */
static bool seam_from(const struct netmap_seams *s, const struct netmap_family *f, uint32_t block,
	uint32_t from, uint32_t *found)
{
	const struct netmap_block *b = &f->blocks[block];
	const uint32_t last = last_range(b);

	*found = block * BLOCK_RANGES;
	if (from == 0 && begins_at_seam(s, f, block))
		return true;
	for (uint32_t i = from ? from : 1; i <= last; i++)
		if (class_at(s, b, i) != class_at(s, b, i - 1)) {
			*found += i;
			return true;
		}
	return false;
}

/* Its last seam at or before its range `to`. */
static bool seam_to(const struct netmap_seams *s, const struct netmap_family *f, uint32_t block,
	uint32_t to, uint32_t *found)
{
	const struct netmap_block *b = &f->blocks[block];

	*found = block * BLOCK_RANGES;
	for (uint32_t i = to; i > 0; i--)
		if (class_at(s, b, i) != class_at(s, b, i - 1)) {
			*found += i;
			return true;
		}
	return begins_at_seam(s, f, block);
}

/* The first seam behind the range `index`. */
static bool seam_behind(
	const struct netmap_seams *s, unsigned family, uint32_t index, uint32_t *found)
{
	const struct netmap_family *f = &s->map->family[family];
	const uint32_t own = index / BLOCK_RANGES;

	for (uint32_t block = own; bits_next(&s->family[family], block, &block); block++)
		if (seam_from(s, f, block, block == own ? index % BLOCK_RANGES + 1 : 0, found))
			return true;
	return false;
}

/* The last seam at or before it. */
static bool seam_before(
	const struct netmap_seams *s, unsigned family, uint32_t index, uint32_t *found)
{
	const struct netmap_family *f = &s->map->family[family];
	const uint32_t own = index / BLOCK_RANGES;

	for (uint32_t block = own; bits_before(&s->family[family], block, &block); block--) {
		if (seam_to(s, f, block,
			    block == own ? index % BLOCK_RANGES : last_range(&f->blocks[block]), found))
			return true;
		if (block == 0)
			return false;
	}
	return false;
}

static void find_seams(struct netmap_seams *s, unsigned family)
{
	const struct netmap_family *f = &s->map->family[family];
	uint32_t at;

	bits_init(&s->family[family], f->n);
	for (uint32_t i = 0; i < f->n; i++)
		if (seam_from(s, f, i, 0, &at))
			bits_set(&s->family[family], i);
}

struct netmap_seams *netmap_seams_new(struct netmap *map, const uint32_t *class_of, size_t n)
{
	struct netmap_seams *s = memory_zeroed(1, sizeof *s);

	s->map = netmap_hold(map);
	s->class_of = class_of;
	s->n = n;
	find_seams(s, 0);
	find_seams(s, 1);
	return s;
}

void netmap_seams_kept_put(struct kept_out *o, const struct netmap_seams *s)
{
	for (unsigned i = 0; i < 2; i++) {
		size_t words = 0;
		for (unsigned k = 0; k < LEVELS; k++)
			words += s->family[i].words[k];
		kept_put(o, s->family[i].level[0], words * sizeof(uint64_t));
	}
}

struct netmap_seams *netmap_seams_kept_get(struct kept_in *in, struct netmap *map, const uint32_t *class_of, size_t n)
{
	struct netmap_seams *s = memory_zeroed(1, sizeof *s);
	bool ok = true;

	s->map = netmap_hold(map);
	s->class_of = class_of;
	s->n = n;
	for (unsigned i = 0; i < 2; i++) {
		const size_t words = bits_init(&s->family[i], map->family[i].n);
		ok = ok && kept_get(in, s->family[i].level[0], words * sizeof(uint64_t));
	}
	if (ok)
		return s;
	netmap_seams_free(s);
	return NULL;
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
			const struct u128 first = netmap_start(f, index);
			more = netmap_next(f, &index);
			const struct u128 last = more ? u128_previous(netmap_start(f, index))
						      : U128_MOST;
			netmap_append_range(
				view, v6, first, last, value < n ? class_of[value] + 1 : value);
		}
	}
	netmap_seal(view);
	return view;
}

/* How many bits a prefix around `at` must have so that it does not reach `beyond`. */
static unsigned bits_apart(struct u128 at, struct u128 beyond)
{
	const struct u128 differ = u128_xor(at, beyond);

	return 1 +
		(differ.high ? (unsigned)__builtin_clzll(differ.high)
			     : 64 + (unsigned)__builtin_clzll(differ.low));
}

unsigned netmap_scope(const struct netmap *map, const struct netmap_seams *seams,
	const struct addr *a, struct netmap_hit hit)
{
	const bool v4 = addr_is_v4(a);
	const struct netmap_family *f = &map->family[!v4];
	const struct u128 at = netmap_number(a, v4);
	uint32_t start = hit.index, end = hit.index;
	unsigned scope = 0;

	const bool before = seams ? seam_before(seams, !v4, hit.index, &start)
				  : hit.index > 0;
	const bool behind = seams ? seam_behind(seams, !v4, hit.index, &end)
				  : netmap_next(f, &end);
	if (before)
		scope = bits_apart(at, u128_previous(netmap_start(f, start)));
	if (behind) {
		const unsigned other = bits_apart(at, netmap_start(f, end));
		scope = other > scope ? other : scope;
	}
	return scope;
}
