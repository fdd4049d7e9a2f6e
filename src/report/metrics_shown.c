#include "report/metrics_shown.h"

#include "answer/choice_counts.h"
#include "base/memory.h"
#include "zone/registry.h"

#include <stdbool.h>
#include <stdlib.h>
#include <string.h>

enum { FAR_AHEAD = 2 /* so many times the queries of one that is shown take its place */ };

void metrics_shown_fini(struct metrics_shown *s)
{
	memory_free(s->zones);
	*s = (struct metrics_shown){ 0 };
}

/* --- counts ------------------------------------------------------------------------------- */

static uint64_t count_zone(const struct metrics_shown_counts *c, const struct registry_zone *z)
{
	const uint64_t key = choice_counts_zone(z->load.zone);
	uint64_t sum = 0;

	for (unsigned i = 0; i < c->n; i++)
		sum += tally_kept(&c->threads[i]->zones, key);
	return sum;
}

/* With those of zones that are gone, and those for which there was no place. */
static uint64_t count_all(const struct metrics_shown_counts *c)
{
	uint64_t sum = 0;

	for (unsigned i = 0; i < c->n; i++) {
		const struct tally *t = &c->threads[i]->zones;
		sum += __atomic_load_n(&t->lost, __ATOMIC_RELAXED);
		for (size_t k = 0; k < (size_t)t->lines * TALLY_LINE; k++)
			sum += tally_kept_count(
				__atomic_load_n(&t->cells[k].count, __ATOMIC_RELAXED));
	}
	return sum;
}

/* --- who is shown ------------------------------------------------------------------------- */

/* One that may be. */
struct candidate {
	size_t at;
	uint64_t queries;
	bool shown; /* before */
};

static uint64_t worth(const struct candidate *c)
{
	return c->shown ? c->queries * FAR_AHEAD + 1 : c->queries;
}

/* Of two that are asked alike the earlier. */
static bool is_worse(const struct candidate *a, const struct candidate *b)
{
	return worth(a) != worth(b) ? worth(a) < worth(b) : a->at > b->at;
}

/* A heap: no one is worse than the first. */
struct best {
	struct candidate *list;
	size_t n, most;
};

static void swap(struct candidate *a, struct candidate *b)
{
	const struct candidate c = *a;

	*a = *b;
	*b = c;
}

static void add_last(struct best *b, const struct candidate *c)
{
	size_t i = b->n++;

	b->list[i] = *c;
	for (; i && is_worse(&b->list[i], &b->list[(i - 1) / 2]); i = (i - 1) / 2)
		swap(&b->list[i], &b->list[(i - 1) / 2]);
}

static void replace_first(struct best *b, const struct candidate *c)
{
	size_t i = 0, k;

	b->list[0] = *c;
	while ((k = 2 * i + 1) < b->n) {
		k += k + 1 < b->n && is_worse(&b->list[k + 1], &b->list[k]);
		if (!is_worse(&b->list[k], &b->list[i]))
			return;
		swap(&b->list[k], &b->list[i]);
		i = k;
	}
}

static void offer(struct best *b, const struct candidate *c)
{
	if (b->n < b->most)
		add_last(b, c);
	else if (b->n && is_worse(&b->list[0], c))
		replace_first(b, c);
}

static int by_number(const void *va, const void *vb)
{
	const struct candidate *a = va, *b = vb;

	return (a->at > b->at) - (a->at < b->at);
}

/* Both in the same order: so one pass finds who was shown. */
static struct metrics_shown_zone *find(
	const struct metrics_shown *s, size_t *next, const uint8_t *id)
{
	while (*next < s->n && registry_compare(s->zones[*next].id, id) < 0)
		++*next;
	return *next < s->n && registry_compare(s->zones[*next].id, id) == 0
		? &s->zones[*next]
		: NULL;
}

static struct best choose_zones(const struct metrics_shown *s, const struct registry *r,
	const struct metrics_shown_counts *c, size_t most)
{
	struct best b = { memory_zeroed(most ? most : 1, sizeof *b.list), 0, most };
	size_t next = 0;

	for (size_t i = 0; i < r->n; i++) {
		const struct candidate one = { i, count_zone(c, r->zones[i]),
			find(s, &next, r->zones[i]->origin) != NULL };
		offer(&b, &one);
	}
	qsort(b.list, b.n, sizeof *b.list, by_number);
	return b;
}

/* Who comes has been counted with the rest so far; whose place went to another begins anew, and
 * is counted with the lost. */
static int64_t came(const struct metrics_shown_zone *now, const struct metrics_shown_zone *was)
{
	if (!was)
		return (int64_t)now->queries;
	return was->queries > now->queries ? -(int64_t)(was->queries - now->queries) : 0;
}

/* Who goes was not counted with the rest. */
static int64_t went(const struct metrics_shown *before, const struct metrics_shown *now)
{
	int64_t sum = 0;

	for (size_t i = 0, next = 0; i < before->n; i++)
		if (!find(now, &next, before->zones[i].id))
			sum -= (int64_t)before->zones[i].queries;
	return sum;
}

struct metrics_shown metrics_shown_next(const struct metrics_shown *before, const struct registry *r,
	const struct metrics_shown_counts *c, size_t most)
{
	const struct best b = choose_zones(before, r, c, most < r->n ? most : r->n);
	struct metrics_shown s = { .n = b.n,
		.zones = memory_zeroed(b.n ? b.n : 1, sizeof *s.zones),
		.rest = before->rest,
		.offset = before->offset };
	uint64_t shown = 0;

	for (size_t i = 0, next = 0; i < b.n; i++) {
		struct metrics_shown_zone *z = &s.zones[i];
		const uint8_t *id = r->zones[b.list[i].at]->origin;
		memcpy(z->id, id, name_len(id));
		z->at = b.list[i].at;
		z->queries = b.list[i].queries;
		shown += z->queries;
		if (before->zones)
			s.offset += came(z, find(before, &next, id));
	}
	s.offset += went(before, &s);
	memory_free(b.list);
	/* Workers count on meanwhile: it is never less than it was. */
	const int64_t rest = (int64_t)(count_all(c) - shown) + s.offset;
	if (rest > 0 && (uint64_t)rest > s.rest)
		s.rest = (uint64_t)rest;
	return s;
}
