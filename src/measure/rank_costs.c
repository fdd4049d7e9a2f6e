#include "measure/rank_costs.h"

#include "base/memory.h"

#include <math.h>
#include <string.h>

enum {
	UNKNOWN_STEP_MS = 10, /* what the next edge costs more a client that nobody knows */
	PARTS = 1024,         /* of a rank's unit, in sums */
	SPOILT = UINT32_MAX   /* of `from`: its keys are not those from before */
};

static size_t words(uint32_t bits)
{
	return (size_t)bits / 64 + 1;
}

static bool has_bit(const uint64_t *bits, uint32_t at)
{
	return bits[at / 64] >> at % 64 & 1;
}

void rank_costs_init(struct rank_costs *c, struct rank *r, const struct rank *before)
{
	*c = (struct rank_costs){ .r = r, .before = before };
	if (!before)
		return;
	c->fresh = memory_zeroed(words(client_map_keys(r->clients)), sizeof *c->fresh);
	c->seen = memory_zeroed(words(client_map_keys(before->clients)), sizeof *c->seen);
}

void rank_costs_fini(struct rank_costs *c)
{
	memory_free(c->sums);
	memory_free(c->added);
	memory_free(c->kept);
	memory_free(c->from);
	memory_free(c->fresh);
	memory_free(c->seen);
	*c = (struct rank_costs){ 0 };
}

static uint32_t *grow(uint32_t *of, uint32_t from, uint32_t to)
{
	of = memory_grow(of, to * sizeof *of);
	memset(of + from, 0, (to - from) * sizeof *of);
	return of;
}

static void make_room(struct rank_costs *c, uint32_t class)
{
	const uint32_t was = c->room;
	const size_t n = c->r->n;

	if (class < was)
		return;
	c->room = was ? was : 64;
	while (c->room <= class)
		c->room *= 2;
	c->sums = memory_grow(c->sums, c->room * n * sizeof *c->sums);
	memset(c->sums + was * n, 0, (c->room - was) * n * sizeof *c->sums);
	c->added = grow(c->added, was, c->room);
	c->kept = grow(c->kept, was, c->room);
	c->from = grow(c->from, was, c->room);
}

static void add_estimates(struct rank_costs *c, uint32_t class, const float *ms)
{
	const uint16_t *order = c->r->order.wide + (size_t) class * c->r->n; /* it is being built */
	uint64_t *sums = c->sums + (size_t) class * c->r->n;

	for (unsigned i = 0; i < c->r->n; i++)
		sums[i] += (uint64_t)(fminf(rank_estimate(c->r, order[i], ms),
					      (float)UINT16_MAX / RANK_MS) *
				(RANK_MS * PARTS) +
			0.5f);
}

void rank_costs_add(struct rank_costs *c, uint32_t key, uint32_t class, const float *ms)
{
	make_room(c, class);
	c->added[class]++;
	if (c->fresh)
		c->fresh[key / 64] |= (uint64_t)1 << key % 64;
	add_estimates(c, class, ms);
}

void rank_costs_keep(struct rank_costs *c, uint32_t was, uint32_t class)
{
	const uint32_t from = c->before->class_of[was] + 1;

	make_room(c, class);
	c->kept[class]++;
	/* Where the map is cut anew, two may be of what was one. */
	if (has_bit(c->seen, was) || (c->from[class] && c->from[class] != from))
		c->from[class] = SPOILT;
	else
		c->from[class] = from;
	c->seen[was / 64] |= (uint64_t)1 << was % 64;
}

/* Are its keys those from before, and all as they were? */
static bool is_kept(const struct rank_costs *c, uint32_t class)
{
	const uint32_t from = c->from[class];

	return !c->added[class] && from && from != SPOILT &&
		c->kept[class] == c->before->keys[from - 1];
}

/* Is the key one whose estimates a sum lacks? */
static bool lacks(const void *ctx, uint32_t key)
{
	const struct rank_costs *c = ctx;

	return !has_bit(c->fresh, key) && c->kept[c->class_of[key]] &&
		!is_kept(c, c->class_of[key]);
}

static void add_lacking(void *ctx, uint32_t key, const float *ms)
{
	struct rank_costs *c = ctx;

	add_estimates(c, c->class_of[key], ms);
}

bool rank_costs_lack(struct rank_costs *c, const uint32_t *class_of, struct client_map_ask *rest)
{
	bool any = false;

	c->class_of = class_of;
	make_room(c, c->r->classes - 1);
	for (uint32_t i = 0; i < c->r->classes && !any; i++)
		any = c->kept[i] && !is_kept(c, i);
	*rest = (struct client_map_ask){ .kind = c->r->kind,
		.edges = { c->r->edges, c->r->n },
		.only = lacks,
		.only_ctx = c,
		.each = add_lacking,
		.ctx = c };
	return any;
}

static void find_means(const struct rank_costs *c, uint32_t class)
{
	const unsigned n = c->r->n;
	const uint64_t *sums = c->sums + (size_t) class * n;
	const uint32_t keys = c->r->keys[class];
	uint16_t *ms = c->r->ms + (size_t) class * n;
	double most = 0;

	for (unsigned i = 0; i < n; i++) {
		const double mean = keys ? (double)sums[i] / PARTS / keys
					 : i * UNKNOWN_STEP_MS * RANK_MS;
		most = fmax(most, mean);
		ms[i] = (uint16_t)fmin(most + 0.5, UINT16_MAX);
	}
}

void rank_costs_settle(struct rank_costs *c)
{
	struct rank *r = c->r;

	r->ms = memory_grow(NULL, r->classes * r->n * sizeof *r->ms);
	r->keys = memory_zeroed(r->classes, sizeof *r->keys);
	for (uint32_t i = 0; i < r->classes; i++) {
		r->keys[i] = c->added[i] + c->kept[i];
		if (is_kept(c, i))
			memcpy(r->ms + (size_t)i * r->n,
				c->before->ms + (size_t)(c->from[i] - 1) * r->n,
				r->n * sizeof *r->ms);
		else
			find_means(c, i);
	}
}
