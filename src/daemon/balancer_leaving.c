/* balancer_leaving.c - edges that are drained in some pools leave those bit by bit, as one that is drained in all leaves all.
 */
#include "daemon/balancer_inner.h"

#include "base/clock.h"
#include "base/memory.h"
#include "daemon/parts_read.h"

#include <stdlib.h>
#include <string.h>

/* By the pool itself, not by one that is in it. */
static bool is_judged_by(const struct steer *s, unsigned pool, unsigned at)
{
	return !s->pools[pool].tree || s->pools[pool].tree->holders[at] == pool;
}

/* Did it answer in that pool just before? A steer is made anew with every ranking, names stay. */
static bool was_up(const struct balancer *b, const struct leaving *x)
{
	const struct world *w = publisher_world(b->opts.publisher);
	const struct pool *p = &b->steer->pools[x->pool];
	const int pool = w && w->standing ? steer_pool(w->steer, p->name) : -1;
	const char *name = b->steer->edges[p->edges[x->at]].name;

	for (unsigned i = 0; pool >= 0 && i < w->steer->pools[pool].n; i++) {
		const unsigned edge = w->steer->pools[pool].edges[i];
		const uint8_t marks = standing_marks(w->standing,
			standing_row_at(w->standing, w->steer, (unsigned)pool, i), edge);
		if (strcmp(w->steer->edges[edge].name, name) == 0)
			return marks & (STANDS_A | STANDS_AAAA) && !(marks & STANDS_DRAINED);
	}
	return false;
}

static uint64_t takes_us(const struct balancer *b, const struct leaving *x)
{
	return balancer_drain_us(b, balancer_ttl_of(&b->steer->pools[x->pool]));
}

static bool is_on_its_way(const struct balancer *b, const struct leaving *x, uint64_t now)
{
	return x->since_us && now - x->since_us < takes_us(b, x);
}

/* All that are drained in a pool of their own now; those that were go on. Both lists are in the order of pools and
 * positions. */
static void find_leaving(
	struct balancer *b, const struct forced_list *l, const struct forced_effect *e, uint64_t now)
{
	struct leaving *list = NULL;
	size_t n = 0, before = 0;

	for (unsigned i = 0; e->view_of && i < b->n_pools; i++) {
		const struct pool *p = &b->steer->pools[i];
		for (unsigned k = 0; e->view_of[i] && k < p->n; k++) {
			struct leaving x = { (uint16_t)i, (uint16_t)k, 0 };
			if (e->views[e->view_of[i] - 1].states[p->edges[k]] != EDGE_DRAIN || !is_judged_by(b->steer, i, k))
				continue;
			while (before < b->n_leaving &&
				(b->leaving[before].pool < i || (b->leaving[before].pool == i && b->leaving[before].at < k)))
				before++;
			if (before < b->n_leaving && b->leaving[before].pool == i && b->leaving[before].at == k)
				x.since_us = b->leaving[before].since_us;
			else if (b->started)
				x.since_us = was_up(b, &x) ? now : 0;
			else
				x.since_us = balancer_drains_since_us(
					b, l, b->steer->edges[p->edges[k]].name, (int)i, now);
			if (n % 64 == 0)
				list = memory_grow(list, (n + 64) * sizeof *list);
			list[n++] = x;
		}
	}
	memory_free(b->leaving);
	b->leaving = list;
	b->n_leaving = n;
}

void balancer_leaving_states(
	struct balancer *b, const struct forced_list *l, struct forced_effect *e, uint64_t now)
{
	uint16_t edges[POOL_EDGES_MOST];

	find_leaving(b, l, e, now);
	for (size_t i = 0, next; i < b->n_leaving; i = next) {
		const unsigned pool = b->leaving[i].pool;
		unsigned n = 0;
		for (next = i; next < b->n_leaving && b->leaving[next].pool == pool; next++)
			if (is_on_its_way(b, &b->leaving[next], now))
				edges[n++] = b->steer->pools[pool].edges[b->leaving[next].at];
		if (n)
			forced_effect_leave(e, b->steer, pool, edges, n);
	}
}

static uint16_t *shares_of(struct standing *s, unsigned pool, unsigned n)
{
	uint16_t *shares = (uint16_t *)(uintptr_t)s->pools[pool].shares;

	for (unsigned k = 0; !s->pools[pool].shares && k < n; k++) {
		if (!k)
			shares = arena_alloc(&s->mem, n * sizeof *shares);
		shares[k] = SHED_ALL;
	}
	s->pools[pool].shares = shares;
	return shares;
}

/* What leaves a pool leaves those that it is in. */
static void put_above(const struct balancer *b, struct standing *s)
{
	const struct steer *steer = b->steer;

	for (unsigned i = 0; i < b->n_pools; i++) {
		const struct pool *p = &steer->pools[i];
		for (unsigned k = 0; p->tree && k < p->n; k++) {
			const unsigned holder = p->tree->holders[k];
			const uint16_t *below = holder == i ? NULL : s->pools[holder].shares;
			for (unsigned m = 0; below && m < steer->pools[holder].n; m++)
				if (steer->pools[holder].edges[m] == p->edges[k] && below[m] != SHED_ALL)
					shares_of(s, i, p->n)[k] = below[m];
		}
	}
}

bool balancer_leaving_put(const struct balancer *b, struct standing *s, uint64_t now)
{
	bool any = false;

	for (size_t i = 0; i < b->n_leaving; i++) {
		const struct leaving *x = &b->leaving[i];
		const struct pool *p = &b->steer->pools[x->pool];
		const uint8_t marks = standing_marks(s, s->pools[x->pool].row, p->edges[x->at]);
		if (!is_on_its_way(b, x, now) || marks & STANDS_DRAINED)
			continue;
		shares_of(s, x->pool, p->n)[x->at] =
			(uint16_t)((1 - (double)(now - x->since_us) / (double)takes_us(b, x)) * (SHED_ALL - 1));
		any = true;
	}
	if (any)
		put_above(b, s);
	return any;
}

static int compare_leaving(const void *va, const void *vb)
{
	const struct leaving *a = va, *b = vb;

	return a->pool != b->pool ? a->pool - b->pool : a->at - b->at;
}

void balancer_leaving_take_over(struct balancer *b, const struct steer *was, const struct steer *now)
{
	size_t n = 0;

	for (size_t i = 0; was && i < b->n_leaving; i++) {
		const struct leaving x = b->leaving[i];
		const struct pool *before = &was->pools[x.pool];
		const int pool = steer_pool(now, before->name);
		for (unsigned k = 0; pool >= 0 && k < now->pools[pool].n; k++)
			if (strcmp(was->edges[before->edges[x.at]].name,
				    now->edges[now->pools[pool].edges[k]].name) == 0) {
				b->leaving[n++] = (struct leaving){ (uint16_t)pool, (uint16_t)k, x.since_us };
				break;
			}
	}
	b->n_leaving = n;
	if (n)
		qsort(b->leaving, n, sizeof *b->leaving, compare_leaving);
}
