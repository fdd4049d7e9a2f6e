#include "daemon/load_records.h"

#include "base/bytes.h"
#include "base/memory.h"
#include "steer/demand.h"

#include <math.h>
#include <stdlib.h>
#include <string.h>

enum { HEAD = 1 + 4, WHO_BITS = 48 };

/* --- bytes -------------------------------------------------------------------------------- */

static void free_record(struct part *p)
{
	free(p);
}

struct load_record *load_record_new(const uint8_t *bytes, size_t len)
{
	struct load_record *r = malloc(sizeof *r + len);

	if (!r)
		return NULL;
	r->part = part_new(free_record);
	r->len = len;
	if (bytes)
		memcpy(r->bytes, bytes, len);
	return r;
}

static uint8_t *put_float(uint8_t *to, double x)
{
	const float f = (float)x;
	uint32_t bits;

	memcpy(&bits, &f, sizeof bits);
	be32_put(to, bits);
	return to + 4;
}

static double get_float(const uint8_t *from)
{
	const uint32_t bits = be32_get(from);
	float f;

	memcpy(&f, &bits, sizeof f);
	return (double)f;
}

/* What somebody counted is a number, and not below nothing. */
static double get_rate(const uint8_t *from)
{
	const double x = get_float(from);

	return isfinite(x) && x > 0 ? x : 0;
}

/* --- numbers by hash ---------------------------------------------------------------------- */

struct named {
	uint64_t hash;
	unsigned number;
};

static int compare_named(const void *a, const void *b)
{
	const struct named *x = a, *y = b;

	return x->hash < y->hash ? -1 : x->hash > y->hash;
}

static struct named *names_of_edges(const struct steer *s)
{
	struct named *to = memory_zeroed(s->n_edges, sizeof *to);

	for (unsigned i = 0; i < s->n_edges; i++)
		to[i] = (struct named){ s->edges[i].hash, i };
	qsort(to, s->n_edges, sizeof *to, compare_named);
	return to;
}

static struct named *names_of_pools(const struct steer *s)
{
	struct named *to = memory_zeroed(s->n_pools, sizeof *to);

	for (unsigned i = 0; i < s->n_pools; i++)
		to[i] = (struct named){ s->pools[i].hash, i };
	qsort(to, s->n_pools, sizeof *to, compare_named);
	return to;
}

/* -1: there is none. */
static int number_of(const struct named *of, unsigned n, uint64_t hash)
{
	const struct named key = { hash, 0 };
	const struct named *at = n ? bsearch(&key, of, n, sizeof *of, compare_named) : NULL;

	return at ? (int)at->number : -1;
}

/* --- what was counted --------------------------------------------------------------------- */

static int compare_demand(const void *a, const void *b)
{
	const struct shed_demand *x = a, *y = b;

	return x->pool < y->pool ? -1 : x->pool > y->pool;
}

static uint8_t *put_group(uint8_t *to, const struct shed_demand *d)
{
	const uint64_t who = demand_key(0, d->v6, &d->addr) ^ UINT64_MAX;

	be16_put(to, (uint16_t)(who >> 32));
	be32_put(to + 2, (uint32_t)who);
	return put_float(to + 6, d->rate);
}

static uint8_t *put_pools(uint8_t *to, const struct steer *s, const struct shed_demand *list, size_t n)
{
	for (size_t i = 0, end; i < n; i = end) {
		for (end = i; end < n && list[end].pool == list[i].pool; end++)
			;
		be64_put(to, s->pools[list[i].pool].hash);
		be32_put(to + 8, (uint32_t)(end - i));
		to += LOAD_POOL;
		for (size_t k = i; k < end; k++)
			to = put_group(to, &list[k]);
	}
	return to;
}

struct load_record *load_record_counted(const struct steer *s, const struct load_sum *sum,
	const struct shed_demand *demand, size_t n)
{
	const struct load_counted *edges = sum->edges;
	struct shed_demand *list = memory_zeroed(n, sizeof *list);
	size_t left = 0, pools = 0;

	for (size_t i = 0; i < n; i++)
		if (demand[i].pool < s->n_pools)
			list[left++] = demand[i];
	qsort(list, left, sizeof *list, compare_demand);
	for (size_t i = 0; i < left; i++)
		pools += i == 0 || list[i].pool != list[i - 1].pool;
	struct load_record *r = load_record_new(
		NULL, HEAD + (size_t)s->n_edges * LOAD_EDGE + 4 + pools * LOAD_POOL + left * LOAD_GROUP + LOAD_SLOW);
	if (r) {
		uint8_t *at = r->bytes;
		*at++ = LOAD_RECORD_VERSION;
		be32_put(at, s->n_edges);
		at += 4;
		for (unsigned i = 0; i < s->n_edges; i++) {
			be64_put(at, s->edges[i].hash);
			at = put_float(at + 8, edges[i].rate);
			at = put_float(at, edges[i].other);
			at = put_float(at, edges[i].told);
		}
		be32_put(at, (uint32_t)pools);
		put_float(put_pools(at + 4, s, list, left), sum->slow);
	}
	memory_free(list);
	return r;
}

static void add_edge(const uint8_t *row, struct load_counted *to)
{
	const double told = get_float(row + 16);

	to->rate += get_rate(row + 8);
	to->other += get_rate(row + 12);
	if (!isfinite(told))
		return;
	/* Each sees the same load, each by its own probe: the mean of them. */
	to->told = to->n ? to->told + (told - to->told) / (to->n + 1) : told;
	to->n++;
}

/* Where they end; NULL: it says that there is more than there is. */
static const uint8_t *add_pools(const uint8_t *at, const uint8_t *end, const struct steer *s, struct groups *groups)
{
	struct named *names = names_of_pools(s);
	const uint32_t pools = be32_get(at);
	bool ok = true;

	at += 4;
	for (uint32_t i = 0; i < pools && ok; i++) {
		const uint32_t n = end - at >= LOAD_POOL ? be32_get(at + 8) : 0;
		ok = end - at >= LOAD_POOL && n <= (size_t)(end - at - LOAD_POOL) / LOAD_GROUP;
		if (!ok)
			break;
		const int pool = number_of(names, s->n_pools, be64_get(at));
		at += LOAD_POOL;
		for (uint32_t k = 0; k < n; k++, at += LOAD_GROUP) {
			const uint64_t who = (uint64_t)be16_get(at) << 32 | be32_get(at + 2);
			if (pool >= 0)
				groups_add(groups, ((uint64_t)pool << WHO_BITS | who) ^ UINT64_MAX, get_rate(at + 6));
		}
	}
	memory_free(names);
	return ok ? at : NULL;
}

/* The rows of edges, and where they end; NULL: it is none that we know. */
static const uint8_t *rows_of(const struct load_record *r, size_t row, uint32_t *n)
{
	if (r->len < HEAD || r->bytes[0] != LOAD_RECORD_VERSION)
		return NULL;
	*n = be32_get(r->bytes + 1);
	return *n <= (r->len - HEAD) / row ? r->bytes + HEAD : NULL;
}

bool load_record_add(const struct load_record *r, const struct steer *s, struct load_sum *sum, struct groups *groups)
{
	uint32_t n;
	double rate = 0;
	const uint8_t *at = rows_of(r, LOAD_EDGE, &n), *end = r->bytes + r->len;

	if (!at || (size_t)(end - at) < (size_t)n * LOAD_EDGE + 4)
		return false;
	struct named *names = names_of_edges(s);
	for (uint32_t i = 0; i < n; i++, at += LOAD_EDGE) {
		const int edge = number_of(names, s->n_edges, be64_get(at));
		rate += get_rate(at + 8);
		if (edge >= 0)
			add_edge(at, &sum->edges[edge]);
	}
	memory_free(names);
	at = add_pools(at, end, s, groups);
	if (at)
		sum->slow += end - at >= LOAD_SLOW ? get_rate(at) : rate; /* one without it is of an older server */
	return at != NULL;
}

/* --- prices ------------------------------------------------------------------------------- */

struct load_record *load_record_prices(const struct steer *s, const struct load_edge *loads, double per_query)
{
	struct load_record *r = load_record_new(NULL, HEAD + (size_t)s->n_edges * LOAD_PRICE + 4);

	if (!r)
		return NULL;
	uint8_t *at = r->bytes;
	*at++ = LOAD_RECORD_VERSION;
	be32_put(at, s->n_edges);
	at += 4;
	for (unsigned i = 0; i < s->n_edges; i++) {
		const struct load_edge *e = &loads[i];
		be64_put(at, s->edges[i].hash);
		be32_put(at + 8, e->price);
		be16_put(at + 12, e->room);
		at = put_float(at + 14, e->told_all ? e->ours : e->whole); /* of those that it is told to: others are in its base */
		at = put_float(at, e->base);
		at = put_float(at, e->use.load);
		at = put_float(at, e->use.own);
		at = put_float(at, e->use.limit);
		at = put_float(at, e->use.moved);
		at = put_float(at, e->use.extra_ms);
	}
	put_float(at, per_query);
	return r;
}

static bool take_price(const uint8_t *row, struct load_edge *e)
{
	const uint32_t price = be32_get(row + 8) < SHED_MOST ? be32_get(row + 8) : SHED_MOST;
	const uint16_t room = be16_get(row + 12);
	const double base = get_float(row + 18);
	const bool changed = price != e->price || room != e->room;

	e->price = price;
	e->room = room;
	e->whole = get_rate(row + 14);
	e->base = isfinite(base) ? base : 0;
	e->use = (struct shed_edge){ .load = get_rate(row + 22),
		.own = get_rate(row + 26),
		.limit = get_rate(row + 30),
		.moved = get_rate(row + 34),
		.extra_ms = get_rate(row + 38) };
	return changed;
}

bool load_record_take(const struct load_record *r, const struct steer *s, struct load_edge *loads,
	double *per_query, bool *changed)
{
	uint32_t n;
	const uint8_t *at = rows_of(r, LOAD_PRICE, &n);

	*changed = false;
	if (!at || r->len < HEAD + (size_t)n * LOAD_PRICE + 4)
		return false;
	struct named *names = names_of_edges(s);
	for (uint32_t i = 0; i < n; i++, at += LOAD_PRICE) {
		const int edge = number_of(names, s->n_edges, be64_get(at));
		if (edge >= 0)
			*changed = take_price(at, &loads[edge]) || *changed;
	}
	memory_free(names);
	*per_query = get_rate(at);
	return true;
}
