#include "steer/steer_below.h"

#include "base/memory.h"
#include "steer/rules.h"

#include <stdlib.h>
#include <string.h>

struct walk {
	const struct steer *s;
	uint32_t *seen; /* [pools] by which walk */
	uint32_t nth;
	uint16_t *found; /* [pools] */
	unsigned n;
};

static void go_in(struct walk *w, uint16_t number);

static void go_on(struct walk *w, const struct pool *p)
{
	for (unsigned i = 0; p->tree && i < p->tree->n; i++)
		if (p->tree->members[i].is_pool)
			go_in(w, p->tree->members[i].number);
	for (unsigned i = 0; i < p->n_pins; i++)
		if (p->pins[i].from->to_pool)
			go_in(w, p->pins[i].from->pool);
	for (unsigned i = 0; p->rules && i < p->rules->n; i++)
		if (p->rules->rule[i].from->to.to_pool)
			go_in(w, p->rules->rule[i].from->to.pool);
}

/* What stands in for a pool on the way may answer through it, too. */
static void go_in(struct walk *w, uint16_t number)
{
	const struct pool *p = &w->s->pools[number];

	if (w->seen[number] == w->nth)
		return;
	w->seen[number] = w->nth;
	if (p->ttl_most_s != UINT32_MAX)
		w->found[w->n++] = number;
	go_on(w, p);
	if (p->all_down == POOL_OTHER)
		go_in(w, p->other);
}

/* Has `a` nothing to say, whenever it may answer, beside `b`? */
static bool is_needless(const struct pool *a, const struct pool *b)
{
	return b->ttl_most_s <= steer_ttl_floor_s(a) && !(a->can & ~b->can);
}

/* The least that they can say first: whoever looks for the least stops where none can say less. */
static void sort(const struct walk *w, uint16_t *list, unsigned n)
{
	for (unsigned i = 1; i < n; i++) {
		const uint16_t one = list[i];
		unsigned k = i;
		for (; k && steer_ttl_floor_s(&w->s->pools[list[k - 1]]) > steer_ttl_floor_s(&w->s->pools[one]); k--)
			list[k] = list[k - 1];
		list[k] = one;
	}
}

static unsigned without_needless(const struct walk *w, uint16_t *list, unsigned n)
{
	unsigned kept = 0;

	for (unsigned i = 0; i < n; i++) {
		bool needless = false;
		for (unsigned k = 0; k < kept && !needless; k++)
			needless = is_needless(&w->s->pools[list[i]], &w->s->pools[list[k]]);
		if (!needless)
			list[kept++] = list[i];
	}
	return kept;
}

void steer_below_fill(struct steer *s)
{
	struct walk w = { .s = s, .seen = memory_zeroed(s->n_pools, sizeof *w.seen), .found = memory_zeroed(s->n_pools, sizeof *w.found) };

	for (unsigned i = 0; i < s->n_pools; i++) {
		struct pool *p = &s->pools[i];
		w.nth = i + 1;
		w.n = 0;
		w.seen[i] = w.nth;
		go_on(&w, p);
		sort(&w, w.found, w.n);
		p->n_below = without_needless(&w, w.found, w.n);
		p->below = p->n_below ? arena_memdup(&s->mem, w.found, p->n_below * sizeof *p->below) : NULL;
	}
	memory_free(w.seen);
	memory_free(w.found);
}
