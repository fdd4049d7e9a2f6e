#include "geo/netmap_inner.h"

#include "base/memory.h"
#include "geo/netmap_set.h"
#include "geo/pages.h"

#include <assert.h>
#include <stdlib.h>

enum { SPECIALS_MOST = 32, TOP_MOST = 18 };

/* A net whose value the map itself knows. */
struct special {
	struct u128 first, last;
	uint32_t value;
	bool yields; /* to what a source tells of a net inside it */
};

/* One family while it is built. Ranges come in order and without gaps; each is written into
 * `open` with its whole distance from the block's first address, and closing the block finds
 * how far the distances can be shifted. */
struct family_builder {
	struct special specials[SPECIALS_MOST];
	unsigned n_specials, special; /* the first that is not behind us */
	struct u128 next;             /* the first address that is not covered yet */
	bool full;                    /* there is none */
	bool deep;                    /* some block starts inside a /64 */

	struct {
		struct u128 at, far[BLOCK_STARTS];
		uint32_t value[BLOCK_RANGES];
		unsigned n, shift;
	} open;
	size_t room; /* of the family's arrays, in blocks */
};

struct netmap_builder {
	struct family_builder family[2];
	size_t local; /* nets for which a special one yields */
};

/* --- ranges into blocks ------------------------------------------------------------------- */

static void room_for_block(struct netmap_family *f, struct family_builder *b)
{
	if (f->n < b->room)
		return;
	const size_t old = b->room;
	f->blocks = pages_grow(f->blocks, &b->room, f->n, sizeof *f->blocks);
	f->high = pages_resize(f->high, old * sizeof *f->high, b->room * sizeof *f->high);
	f->low = pages_resize(f->low, old * sizeof *f->low, b->room * sizeof *f->low);
}

static void close_block(struct netmap_family *f, struct family_builder *b)
{
	const unsigned n = b->open.n;

	room_for_block(f, b);
	struct netmap_block *to = &f->blocks[f->n];
	for (unsigned i = 0; i < BLOCK_STARTS; i++)
		to->start[i] = (uint16_t)(i + 1 < n ? u128_right(b->open.far[i], b->open.shift).low
						    : START_NONE);
	for (unsigned i = 0; i < n; i++) {
		to->value[i][0] = (uint8_t)b->open.value[i];
		to->value[i][1] = (uint8_t)(b->open.value[i] >> 8);
		to->value[i][2] = (uint8_t)(b->open.value[i] >> 16);
	}
	to->shift = (uint8_t)b->open.shift;
	f->high[f->n] = b->open.at.high;
	if (b->open.at.low) { /* else its page is left alone: it may never be needed */
		f->low[f->n] = b->open.at.low;
		b->deep = true;
	}
	f->n++;
}

static unsigned zeros_behind(struct u128 at)
{
	return at.low ? (unsigned)__builtin_ctzll(at.low) : 64 + (unsigned)__builtin_ctzll(at.high);
}

/* Adds the start of a range to the open block; false when it does not fit there. */
static bool fits(struct family_builder *b, struct u128 start)
{
	const unsigned n = b->open.n;

	if (n == 0 || n == BLOCK_RANGES)
		return false;
	const struct u128 far = u128_subtract(start, b->open.at);
	const unsigned zeros = zeros_behind(far),
		       shift = zeros < b->open.shift ? zeros : b->open.shift;
	const struct u128 shifted = u128_right(far, shift);
	if (shifted.high || shifted.low > START_MOST)
		return false;
	b->open.far[n - 1] = far;
	b->open.shift = shift;
	return true;
}

/* From `start` on, `value`. */
static inline void emit(
	struct netmap_family *f, struct family_builder *b, struct u128 start, uint32_t value)
{
	if (b->open.n && b->open.value[b->open.n - 1] == value)
		return;
	if (!fits(b, start)) {
		if (b->open.n)
			close_block(f, b);
		b->open.at = start;
		b->open.n = 0;
		b->open.shift = 127;
	}
	b->open.value[b->open.n++] = value;
	f->ranges++;
}

/* Is it the operator's own network, which the special one holds all of? */
static inline bool is_own(
	const struct special *s, struct u128 first, struct u128 last, uint32_t value)
{
	return s->yields && value != NETMAP_NONE && !u128_less(first, s->first) && !u128_less(s->last, last);
}

/* Covers `next` to `last` with `value`, but for what is special there. True: all of it lies in
 * a special net that yields to it. */
static inline bool cover(
	struct netmap_family *f, struct family_builder *b, struct u128 last, uint32_t value)
{
	struct u128 start = b->next;

	b->next = u128_next(last);
	b->full = u128_is_zero(b->next);
	for (; b->special < b->n_specials && !u128_less(last, b->specials[b->special].first);
		b->special++) {
		const struct special *s = &b->specials[b->special];
		if (is_own(s, start, last, value)) {
			emit(f, b, start, value);
			b->special += u128_equal(s->last, last);
			return true;
		}
		if (u128_less(start, s->first)) {
			emit(f, b, start, value);
			start = s->first;
		}
		emit(f, b, start, s->value);
		if (u128_less(last, s->last))
			return false;
		start = u128_next(s->last);
		if (u128_equal(s->last, last)) {
			b->special++;
			return false;
		}
	}
	emit(f, b, start, value);
	return false;
}

/* --- the public side ---------------------------------------------------------------------- */

static void add_special(
	struct family_builder *b, const struct prefix *p, bool v4, uint32_t value)
{
	const unsigned bits = p->bits - (v4 ? (unsigned)ADDR_V4_BITS : 0u);
	const struct u128 first = netmap_number(&p->addr, v4);
	const struct special s = { first, u128_or(first, u128_behind(bits)), value,
		value == NETMAP_LOCAL && addr_may_be_host(&p->addr) };
	unsigned i = b->n_specials;

	assert(i < SPECIALS_MOST && bits > 0);
	for (; i > 0 && u128_less(s.first, b->specials[i - 1].first); i--)
		b->specials[i] = b->specials[i - 1];
	b->specials[i] = s;
	b->n_specials++;
}

struct netmap *netmap_new(bool plain)
{
	struct netmap *map = memory_zeroed(1, sizeof *map);
	struct prefix p;

	map->builder = memory_zeroed(1, sizeof *map->builder);
	map->refs = 1;
	for (unsigned i = 0; !plain && addr_local_net(i, &p); i++)
		add_special(&map->builder->family[!addr_is_v4(&p.addr)], &p,
			addr_is_v4(&p.addr), NETMAP_LOCAL);
	/* The IPv4-mapped net too, which is IPv4 itself elsewhere: here it is a hole in IPv6.
	 */
	for (unsigned i = 0; !plain && addr_embedded_net(i, &p); i++)
		add_special(&map->builder->family[1], &p, false, NETMAP_EMBEDDED);
	return map;
}

bool netmap_append_range(
	struct netmap *map, bool v6, struct u128 first, struct u128 last, uint32_t value)
{
	struct netmap_family *f = &map->family[v6];
	struct family_builder *b = &map->builder->family[v6];

	assert(map->builder && value <= (b->n_specials ? NETMAP_VALUE_MOST : NETMAP_EMBEDDED));
	if (b->full || u128_less(first, b->next))
		return false;
	if (u128_less(b->next, first))
		cover(f, b, u128_previous(first), NETMAP_NONE);
	map->builder->local += cover(f, b, last, value);
	return true;
}

size_t netmap_local(const struct netmap *map)
{
	return map->builder->local;
}

bool netmap_append(struct netmap *map, const struct prefix *p, uint32_t value)
{
	const bool v4 = addr_is_v4(&p->addr) && p->bits >= ADDR_V4_BITS;
	const unsigned bits = p->bits - (v4 ? (unsigned)ADDR_V4_BITS : 0u);
	const struct u128 first = netmap_number(&p->addr, v4);

	return netmap_append_range(map, !v4, first, u128_or(first, u128_behind(bits)), value);
}

/* The table of top bits: about two blocks a slot, so that the search behind it is short. */
static void make_first(struct netmap_family *f)
{
	while (f->top < TOP_MOST && (uint64_t)1 << (f->top + 1) <= f->n)
		f->top++;
	const size_t slots = (size_t)1 << f->top;
	f->first = memory_zeroed(slots + 1, sizeof *f->first);
	uint32_t block = 0;
	for (size_t i = 0; i < slots; i++) {
		const struct u128 from = { f->top ? (uint64_t)i << (64 - f->top) : 0, 0 };
		while (block + 1 < f->n && !u128_less(from, netmap_block_at(f, block + 1)))
			block++;
		f->first[i] = block;
	}
	f->first[slots] = f->n - 1;
}

static void seal_family(struct netmap_family *f, struct family_builder *b)
{
	const size_t n = b->room;

	f->blocks = pages_settle(f->blocks, n * sizeof *f->blocks, f->n * sizeof *f->blocks);
	f->high = pages_settle(f->high, n * sizeof *f->high, f->n * sizeof *f->high);
	f->low = pages_settle(f->low, n * sizeof *f->low, b->deep ? f->n * sizeof *f->low : 0);
	make_first(f);
}

void netmap_seal(struct netmap *map)
{
	for (unsigned v6 = 0; v6 < 2; v6++) {
		struct netmap_family *f = &map->family[v6];
		struct family_builder *b = &map->builder->family[v6];
		if (!b->full)
			cover(f, b, U128_MOST, NETMAP_NONE);
		close_block(f, b);
		seal_family(f, b);
	}
	memory_free(map->builder);
	map->builder = NULL;
}

/* --- nets inside each other --------------------------------------------------------------- */

struct net {
	struct u128 first, last;
	size_t rank; /* the later of two equal nets wins */
	uint32_t value;
	bool v6;
};

/* By family and address; of those that start alike, the wider first, then the earlier. */
static int net_order(const void *x, const void *y)
{
	const struct net *a = x, *b = y;

	if (a->v6 != b->v6)
		return a->v6 ? 1 : -1;
	if (!u128_equal(a->first, b->first))
		return u128_less(a->first, b->first) ? -1 : 1;
	if (!u128_equal(a->last, b->last))
		return u128_less(b->last, a->last) ? -1 : 1;
	return a->rank < b->rank ? -1 : 1;
}

/* The nets around where we are, the widest first: what lies behind the inner ones belongs to
 * the outer ones. */
struct around {
	struct netmap *map;
	const struct net *nets[129 + 1];
	unsigned n;
};

/* What is not covered yet of the innermost net, up to `last`, has its value. */
static void fill(struct around *w, struct u128 last)
{
	const struct net *top = w->nets[w->n - 1];
	const struct family_builder *b = &w->map->builder->family[top->v6];
	const struct u128 from = u128_less(top->first, b->next) ? b->next : top->first;

	if (!b->full && !u128_less(last, from))
		netmap_append_range(w->map, top->v6, from, last, top->value);
}

static void flatten(struct around *w, const struct net *nets, size_t n)
{
	for (size_t i = 0; i < n; i++) {
		const struct net *net = &nets[i];
		const struct net *top = NULL;
		while (w->n &&
			(top = w->nets[w->n - 1],
				top->v6 != net->v6 || u128_less(top->last, net->first))) {
			fill(w, top->last);
			w->n--;
		}
		if (w->n && u128_equal(top->first, net->first) && u128_equal(top->last, net->last))
			w->n--;
		else if (w->n && !u128_is_zero(net->first))
			fill(w, u128_previous(net->first));
		w->nets[w->n++] = net;
	}
	for (; w->n; w->n--)
		fill(w, w->nets[w->n - 1]->last);
}

struct netmap *netmap_from_nets(struct netmap_net *nets, size_t n)
{
	struct around w = { .map = netmap_new(true) };
	struct net *sorted = memory_zeroed(n, sizeof *sorted);

	for (size_t i = 0; i < n; i++) {
		const struct prefix *p = &nets[i].prefix;
		const bool v4 = addr_is_v4(&p->addr) && p->bits >= ADDR_V4_BITS;
		const unsigned bits = p->bits - (v4 ? (unsigned)ADDR_V4_BITS : 0u);
		const struct u128 first = netmap_number(&p->addr, v4);
		sorted[i] = (struct net){ first,
			u128_or(first, u128_behind(bits)), i, nets[i].value,
			!v4 };
	}
	qsort(sorted, n, sizeof *sorted, net_order);
	flatten(&w, sorted, n);
	memory_free(sorted);
	netmap_seal(w.map);
	w.map->set = netmap_set_new(w.map);
	return w.map;
}
