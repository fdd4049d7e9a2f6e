#include "base/frequent.h"

#include <stdlib.h>
#include <string.h>

enum { CHAINS = 2048, NONE = UINT16_MAX }; /* a power of 2 */

struct item {
	struct frequent_key key;
	uint16_t next;  /* of its chain */
	uint16_t chain;
	uint16_t place; /* in the heap */
};

struct frequent {
	uint64_t seed;
	unsigned n;
	uint16_t chains[CHAINS];       /* of items with the same hash */
	uint16_t heap[FREQUENT_KEYS];  /* items: none has less than the first */
	struct item items[FREQUENT_KEYS];
};

/* --- the heap ----------------------------------------------------------------------------- */

static double count_at(const struct frequent *f, unsigned place)
{
	return f->items[f->heap[place]].key.count;
}

static void put_at(struct frequent *f, unsigned place, uint16_t item)
{
	f->heap[place] = item;
	f->items[item].place = (uint16_t)place;
}

/* Its count has become more. */
static void sink(struct frequent *f, unsigned place)
{
	const uint16_t item = f->heap[place];

	for (unsigned below; (below = 2 * place + 1) < f->n; place = below) {
		below += below + 1 < f->n && count_at(f, below + 1) < count_at(f, below);
		if (count_at(f, below) >= f->items[item].key.count)
			break;
		put_at(f, place, f->heap[below]);
	}
	put_at(f, place, item);
}

static void rise(struct frequent *f, unsigned place)
{
	const uint16_t item = f->heap[place];

	for (; place && count_at(f, (place - 1) / 2) > f->items[item].key.count; place = (place - 1) / 2)
		put_at(f, place, f->heap[(place - 1) / 2]);
	put_at(f, place, item);
}

/* --- keys --------------------------------------------------------------------------------- */

/* FNV-1a, with a start that nobody knows. */
static unsigned chain_of(const struct frequent *f, const uint8_t *key, size_t len)
{
	uint64_t h = f->seed ^ 0xcbf29ce484222325u;

	for (size_t i = 0; i < len; i++)
		h = (h ^ key[i]) * 0x100000001b3u;
	return (unsigned)(h >> 32) % CHAINS;
}

static uint16_t find(const struct frequent *f, unsigned chain, const uint8_t *key, size_t len)
{
	uint16_t i = f->chains[chain];

	while (i != NONE && !(f->items[i].key.len == len && memcmp(f->items[i].key.bytes, key, len) == 0))
		i = f->items[i].next;
	return i;
}

static void leave_chain(struct frequent *f, uint16_t item)
{
	uint16_t *at = &f->chains[f->items[item].chain];

	while (*at != item)
		at = &f->items[*at].next;
	*at = f->items[item].next;
}

static void join_chain(struct frequent *f, uint16_t item, unsigned chain)
{
	f->items[item].chain = (uint16_t)chain;
	f->items[item].next = f->chains[chain];
	f->chains[chain] = item;
}

/* A place for a new one: with what is known of who had it. */
static uint16_t take_place(struct frequent *f)
{
	if (f->n < FREQUENT_KEYS) {
		const uint16_t item = (uint16_t)f->n++;
		f->items[item].key = (struct frequent_key){ 0 };
		put_at(f, item, item);
		rise(f, item);
		return item;
	}
	const uint16_t item = f->heap[0];
	leave_chain(f, item);
	f->items[item].key.over = f->items[item].key.count;
	return item;
}

/* --- the public side ---------------------------------------------------------------------- */

void frequent_add(struct frequent *f, const uint8_t *key, size_t len, double weight)
{
	const unsigned chain = chain_of(f, key, len);
	uint16_t item = find(f, chain, key, len);

	if (item == NONE) {
		item = take_place(f);
		f->items[item].key.len = (uint8_t)len;
		memcpy(f->items[item].key.bytes, key, len);
		join_chain(f, item, chain);
	}
	f->items[item].key.count += weight;
	sink(f, f->items[item].place);
}

void frequent_fade(struct frequent *f, double by)
{
	for (unsigned i = 0; i < f->n; i++) {
		f->items[i].key.count *= by;
		f->items[i].key.over *= by;
	}
}

static int by_count(const void *a, const void *b)
{
	const struct frequent_key *const *x = a, *const *y = b;

	return ((*x)->count < (*y)->count) - ((*x)->count > (*y)->count);
}

size_t frequent_first(const struct frequent *f, struct frequent_key *to, size_t most)
{
	const struct frequent_key *all[FREQUENT_KEYS];

	for (unsigned i = 0; i < f->n; i++)
		all[i] = &f->items[i].key;
	qsort(all, f->n, sizeof *all, by_count);
	const size_t n = f->n < most ? f->n : most;
	for (size_t i = 0; i < n; i++)
		to[i] = *all[i];
	return n;
}

struct frequent *frequent_new(uint64_t seed)
{
	struct frequent *f = calloc(1, sizeof *f);

	if (!f)
		return NULL;
	f->seed = seed;
	memset(f->chains, 0xff, sizeof f->chains);
	return f;
}

void frequent_free(struct frequent *f)
{
	free(f);
}
