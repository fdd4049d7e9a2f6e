#include "geo/netmap_inner.h"

#include "base/memory.h"
#include "base/scope.h"
#include "geo/netmap_set.h"
#include "geo/pages.h"

#include <assert.h>

#ifdef __SSE2__
#include <emmintrin.h>

/* How many starts are at or before `at`. They ascend, so the comparison's bits are ones,
 * then zeros; there is no unsigned comparison, but a saturating subtraction leaves 0 exactly
 * for those. Reads past start[] into value[], which is cut off. */
static unsigned starts_passed(const struct netmap_block *b, unsigned at)
{
	const __m128i x = _mm_set1_epi16((short)at), zero = _mm_setzero_si128();
	const __m128i *p = (const __m128i *)(const void *)b;
	const __m128i one = _mm_cmpeq_epi16(_mm_subs_epu16(_mm_load_si128(p), x), zero);
	const __m128i two = _mm_cmpeq_epi16(_mm_subs_epu16(_mm_load_si128(p + 1), x), zero);
	const unsigned passed = (unsigned)_mm_movemask_epi8(_mm_packs_epi16(one, two));

	return (unsigned)__builtin_ctz(~(passed & 0xfffu));
}
#else
static unsigned starts_passed(const struct netmap_block *b, unsigned at)
{
	unsigned n = 0;

	for (unsigned i = 0; i < BLOCK_STARTS; i++)
		n += b->start[i] <= at;
	return n;
}
#endif

/* The last of `n` blocks from `from` on that starts at or before `at`; the first one does.
 * No branch on what is compared, since it cannot be foretold. */
static uint32_t search_high(
	const struct netmap_family *f, uint32_t from, uint32_t n, uint64_t at)
{
	while (n > 1) {
		const uint32_t half = n / 2;
		from += f->high[from + half] <= at ? half : 0;
		n -= half;
	}
	return from;
}

static uint32_t search_all(
	const struct netmap_family *f, uint32_t from, uint32_t n, struct u128 at)
{
	while (n > 1) {
		const uint32_t half = n / 2;
		from += u128_less(at, netmap_block_at(f, from + half)) ? 0 : half;
		n -= half;
	}
	return from;
}

/* The block that holds an address. */
static uint32_t find_block(const struct netmap_family *f, struct u128 at)
{
	const uint32_t *first = f->first + (f->top ? at.high >> (64 - f->top) : 0);
	const uint32_t n = first[1] - first[0] + 1;

	return f->low ? search_all(f, first[0], n, at) : search_high(f, first[0], n, at.high);
}

void netmap_fetch(const struct netmap *map, const struct addr *a, unsigned step)
{
	const bool v4 = addr_is_v4(a);
	const struct netmap_family *f = &map->family[!v4];
	const struct u128 at = netmap_number(a, v4);
	const uint32_t *first = f->first + (f->top ? at.high >> (64 - f->top) : 0);

	if (step == 0)
		__builtin_prefetch(first);
	else if (step == 1)
		__builtin_prefetch(&f->high[*first]);
	else
		__builtin_prefetch(&f->blocks[find_block(f, at)]);
}

struct netmap_hit netmap_find(const struct netmap *map, const struct addr *a)
{
	const bool v4 = addr_is_v4(a);
	const struct netmap_family *f = &map->family[!v4];
	const struct u128 at = netmap_number(a, v4);

	assert(!map->builder);
	const uint32_t block = find_block(f, at);
	const struct netmap_block *b = &f->blocks[block];
	const struct u128 far = u128_right(u128_subtract(at, netmap_block_at(f, block)), b->shift);
	const bool near = !far.high && far.low < START_MOST;
	const unsigned i = starts_passed(b, near ? (unsigned)far.low : START_MOST);
	return (struct netmap_hit){ netmap_value(b, i), block * BLOCK_RANGES + i };
}

bool netmap_has(const struct netmap *map, const struct addr *a, unsigned *bits)
{
	struct netmap_in in;

	if (map->set && addr_is_v4(a) && netmap_set_find(map->set, a, &in)) {
		if (bits)
			*bits = in.bits;
		return in.in;
	}
	const struct netmap_hit hit = netmap_find(map, a);
	if (bits)
		*bits = netmap_scope(map, NULL, a, hit);
	return hit.value == 1;
}

void netmap_has_fetch(const struct netmap *map, const struct addr *a, unsigned step)
{
	if (!map->set || !addr_is_v4(a))
		netmap_fetch(map, a, step);
	else if (step == 0)
		netmap_set_fetch(map->set, a);
}

/* For a scope. */
static void let_go(void *map)
{
	netmap_drop(map);
}

struct netmap *netmap_hold(struct netmap *map)
{
	__atomic_add_fetch(&map->refs, 1, __ATOMIC_RELAXED);
	scope_hold(map, let_go);
	return map;
}

static void family_fini(struct netmap_family *f)
{
	pages_resize(f->blocks, f->n * sizeof *f->blocks, 0);
	pages_resize(f->high, f->n * sizeof *f->high, 0);
	if (f->low)
		pages_resize(f->low, f->n * sizeof *f->low, 0);
	memory_free(f->first);
}

void netmap_drop(struct netmap *map)
{
	scope_forget(map, let_go);
	if (!map || __atomic_sub_fetch(&map->refs, 1, __ATOMIC_ACQ_REL))
		return;
	if (map->builder)
		netmap_seal(map);
	netmap_set_free(map->set);
	family_fini(&map->family[0]);
	family_fini(&map->family[1]);
	memory_free(map);
}

static size_t family_bytes(const struct netmap_family *f)
{
	return pages_round(f->n * sizeof *f->blocks) +
		pages_round(f->n * sizeof *f->high) * (f->low ? 2 : 1) +
		(((size_t)1 << f->top) + 1) * sizeof *f->first;
}

struct netmap_size netmap_size(const struct netmap *map)
{
	const struct netmap_family *v4 = &map->family[0], *v6 = &map->family[1];

	return (struct netmap_size){ v4->ranges, v6->ranges,
		sizeof *map + family_bytes(v4) + family_bytes(v6) + netmap_set_bytes(map->set) };
}

static bool walk_family(const struct netmap_family *f, bool v4,
	bool (*each)(
		void *ctx, const struct addr *first, const struct addr *last, uint32_t value),
	void *ctx)
{
	bool more = true;

	for (uint32_t index = 0; more;) {
		const uint32_t value = netmap_value(
			&f->blocks[index / BLOCK_RANGES], index % BLOCK_RANGES);
		const struct addr first = netmap_addr(netmap_start(f, index), v4);
		more = netmap_next(f, &index);
		const struct u128 end = more ? netmap_start(f, index) : U128_ZERO;
		const struct addr last = netmap_addr(u128_previous(end), v4);
		if (!each(ctx, &first, &last, value))
			return false;
	}
	return true;
}

void netmap_walk(const struct netmap *map,
	bool (*each)(
		void *ctx, const struct addr *first, const struct addr *last, uint32_t value),
	void *ctx)
{
	if (walk_family(&map->family[0], true, each, ctx))
		walk_family(&map->family[1], false, each, ctx);
}
