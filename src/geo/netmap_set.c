#include "geo/netmap_set.h"

#include "base/memory.h"
#include "geo/netmap_inner.h"
#include "geo/pages.h"

enum {
	NETS = 1 << 24, /* of /24 */
	LINE = 512,     /* bits of a cache line */
	LINES = NETS / LINE,
	LEVELS = 3,
	LEVEL_BITS = 9,        /* of an address, by which a level is coarser */
	RANGES_LEAST = 1 << 17 /* 2 MB for 5.5 bytes each, and more than the nearer caches hold */
};

struct netmap_set {
	uint64_t *in;                        /* [NETS / 64] */
	uint64_t fine[LINES / 64];           /* [line] a net in it is longer than /24 */
	uint64_t other[2][LINES / 64];       /* [value][line] some of it has the other value, or is fine */
	uint64_t others[2][LINES / LINE / 64]; /* [value][512 lines] some of those */
};

static bool bit(const uint64_t *words, uint32_t i)
{
	return words[i / 64] >> i % 64 & 1;
}

static void set_bit(uint64_t *words, uint32_t i)
{
	words[i / 64] |= (uint64_t)1 << i % 64;
}

/* --- making ------------------------------------------------------------------------------- */

struct making {
	struct netmap_set *set;
	bool sound; /* no value is but 0 and 1 */
};

static void fill(uint64_t *words, uint32_t from, uint32_t n)
{
	for (; n && from % 64; n--)
		set_bit(words, from++);
	for (; n >= 64; n -= 64, from += 64)
		words[from / 64] = ~(uint64_t)0;
	for (; n; n--)
		set_bit(words, from++);
}

static bool add_range(void *ctx, const struct addr *first, const struct addr *last, uint32_t value)
{
	struct making *m = ctx;

	m->sound = m->sound && value <= 1;
	if (!addr_is_v4(first) || !m->sound)
		return m->sound;
	const uint32_t from = be32_get(first->b + 12), to = be32_get(last->b + 12);
	if (from & 0xff)
		set_bit(m->set->fine, from >> 8 >> LEVEL_BITS);
	if ((to & 0xff) != 0xff)
		set_bit(m->set->fine, to >> 8 >> LEVEL_BITS);
	if (value)
		fill(m->set->in, from >> 8, (to >> 8) - (from >> 8) + 1);
	return true;
}

/* Has any of 512 bits the value other than `value`? */
static bool has_other(const uint64_t *words, uint32_t line, bool value)
{
	const uint64_t same = value ? ~(uint64_t)0 : 0;

	for (uint32_t i = 0; i < LINE / 64; i++)
		if (words[line * (LINE / 64) + i] != same)
			return true;
	return false;
}

static void sum_up(struct netmap_set *s)
{
	for (uint32_t i = 0; i < LINES; i++)
		for (unsigned v = 0; v < 2; v++) {
			if (!bit(s->fine, i) && !has_other(s->in, i, v))
				continue;
			set_bit(s->other[v], i);
			set_bit(s->others[v], i / LINE);
		}
}

struct netmap_set *netmap_set_new(const struct netmap *map)
{
	if (map->family[0].ranges < RANGES_LEAST)
		return NULL;
	struct making m = { memory_zeroed(1, sizeof *m.set), true };
	m.set->in = pages_table(NETS / 8);
	netmap_walk(map, add_range, &m);
	if (!m.sound) {
		netmap_set_free(m.set);
		return NULL;
	}
	sum_up(m.set);
	return m.set;
}

void netmap_set_free(struct netmap_set *set)
{
	if (!set)
		return;
	pages_resize(set->in, NETS / 8, 0);
	memory_free(set);
}

size_t netmap_set_bytes(const struct netmap_set *set)
{
	return set ? sizeof *set + pages_round(NETS / 8) : 0;
}

/* --- asking ------------------------------------------------------------------------------- */

/* The number of the highest bit of `n`, which is not 0. */
static unsigned highest(uint64_t n)
{
	return 63 - (unsigned)__builtin_clzll(n);
}

/* How often the block around bit `at`, which is 0, can double within the word while all of it is 0: up to the first
 * bit that its number has other than that of its next neighbour which is 1, on either side. */
static unsigned doubles_in(uint64_t word, unsigned at)
{
	const uint64_t from = (uint64_t)1 << at, below = word & (from - 1), above = word & ~(from - 1);
	const unsigned down = below ? highest(at ^ highest(below)) : 6,
		       up = above ? highest(at ^ (unsigned)__builtin_ctzll(above)) : 6;

	return down < up ? down : up;
}

/* Likewise of many words, of which each is looked at xor `flip`, and at most `most` times. */
static unsigned doubles(const uint64_t *words, uint32_t at, uint64_t flip, unsigned most)
{
	unsigned n = doubles_in(words[at / 64] ^ flip, at % 64);

	for (; n >= 6 && n < most; n++) {
		const uint32_t wide = 1u << (n + 1 - 6), from = at / 64 & ~(wide - 1);
		for (uint32_t i = from; i < from + wide; i++)
			if (words[i] ^ flip)
				return n;
	}
	return n;
}

void netmap_set_fetch(const struct netmap_set *set, const struct addr *a)
{
	__builtin_prefetch(&set->in[be32_get(a->b + 12) >> 8 >> 6]);
}

bool netmap_set_find(const struct netmap_set *set, const struct addr *a, struct netmap_in *to)
{
	const uint32_t net = be32_get(a->b + 12) >> 8, line = net >> LEVEL_BITS;
	unsigned n;

	if (bit(set->other[0], line) && bit(set->other[1], line)) {
		if (bit(set->fine, line))
			return false;
		to->in = bit(set->in, net);
		to->bits = 24 - doubles(set->in, net, to->in ? ~(uint64_t)0 : 0, LEVEL_BITS);
		return true;
	}
	to->in = !bit(set->other[1], line);
	n = doubles(set->other[to->in], line, 0, LEVEL_BITS);
	if (n == LEVEL_BITS)
		n += doubles(set->others[to->in], line >> LEVEL_BITS, 0, 24 - 2 * LEVEL_BITS);
	to->bits = 24 - LEVEL_BITS - n;
	return true;
}
