/* choose_down.c - what is answered when no edge may be.
 */
#include "steer/choose_inner.h"

/* An edge of a pool of pools may be there by several ways, each with a pool that judges it. */
static unsigned n_ways(const struct choose_walk *w)
{
	return w->pool->tree ? w->pool->tree->n_leaves : w->pool->n;
}

static struct pool_leaf way(const struct choose_walk *w, unsigned i)
{
	return w->pool->tree ? w->pool->tree->leaves[i]
			     : (struct pool_leaf){ .edge = w->pool->edges[i], .holder = w->number };
}

/* Does an edge of the pool have a live address of the other family? */
static bool lives_otherwise(const struct choose_walk *w)
{
	const struct choose_ask *ask = w->ask;
	const uint8_t other = ask->v6 ? STANDS_A : STANDS_AAAA;

	if (ask->record)
		return false;
	for (unsigned i = 0; i < n_ways(w); i++) {
		const struct pool_leaf l = way(w, i);
		const struct edge *e = &ask->steer->edges[l.edge];
		const uint8_t marks =
			standing_marks(ask->standing, ask->standing->pools[l.holder].row, l.edge);
		if ((ask->v6 ? e->n_a : e->n_aaaa) && marks & other &&
			!(marks & STANDS_DRAINED))
			return true;
	}
	return false;
}

/* May some edge that a pin leads to answer? */
static bool pin_has_any(const struct choose_walk *w, const struct pool_pinned *pin)
{
	const struct choose_list l = { .edges = pin->edges, .holders = pin->holders, .n = pin->n };

	if (pin->from->to_pool)
		return w->ask->standing->pools[pin->from->pool].lives;
	for (unsigned i = 0; i < l.n; i++)
		if (choose_judge(w, &l, i) == CHOSEN)
			return true;
	return false;
}

/* Might an edge of the pool answer somebody? */
bool choose_has_any(const struct choose_walk *w)
{
	const struct pool *p = w->pool;

	if (p->rules)
		return true; /* whoever reads them has looked at the client */
	for (unsigned i = 0; i < n_ways(w); i++) {
		const struct pool_leaf one = way(w, i);
		const struct choose_list l = { .edges = &one.edge, .holders = &one.holder, .n = 1 };
		if (choose_judge(w, &l, 0) == CHOSEN)
			return true;
	}
	for (unsigned k = 0; k < p->n_pins; k++)
		if (pin_has_any(w, &p->pins[k]))
			return true;
	return false;
}

/* With the first of the pool's members that has such an address. */
static bool take_first(struct choose_walk *w)
{
	const struct pool *p = w->pool;

	for (unsigned i = 0; p->tree && i < p->tree->n; i++)
		if (p->tree->members[i].is_pool) {
			if (choose_in_pool(w,
				    &(struct choose_inside){
					    p->tree->members[i].number, true, true }))
				return true;
		} else if (choose_take(w,
				   &(struct choose_list){ .edges = &p->tree->members[i].number,
					   .n = 1,
					   .by = BY_FIRST,
					   .even_down = true,
					   .even_drained = true })) {
			return true;
		}
	for (unsigned i = 0; !p->tree && i < p->n; i++)
		if (choose_take(w,
			    &(struct choose_list){ .edges = &p->edges[i],
				    .n = 1,
				    .by = BY_FIRST,
				    .even_down = true,
				    .even_drained = true }))
			return true;
	return false;
}

/* No edge of the pool may answer. True when the walk is over. */
bool choose_all_down(struct choose_walk *w)
{
	const struct pool *p = w->pool;

	if (p->tree && w->standing->lives_barely & w->marks) {
		w->barely = true;
		if (choose_by_policy(w, false, false))
			return true;
		w->barely = false;
	}
	/* Whoever has both families asks for both: no address of this one is better than a dead
	 * one, be it of a pool that stands in. */
	w->otherwise = w->otherwise || (!p->apart && p->all_down != POOL_EMPTY && lives_otherwise(w));
	if ((p->all_down == POOL_ALL || p->all_down == POOL_FIRST) && !p->apart && w->otherwise)
		return true;
	switch (p->all_down) {
	case POOL_ALL:
		/* As if all were up; those that the operator empties only when there are no
		 * others. */
		if (!choose_by_policy(w, true, false))
			choose_by_policy(w, true, true);
		return true;
	case POOL_FIRST: take_first(w); return true;
	case POOL_OTHER:
		choose_limit_by_below(w);
		choose_enter(w, p->other);
		return false;
	case POOL_EMPTY: return true;
	}
	return true;
}

bool choose_stand_in(struct choose_walk *w, bool even_down, bool even_drained)
{
	if (!choose_in_pool(w, &(struct choose_inside){ w->pool->other, even_down, even_drained }))
		return false;
	choose_limit_by_below(w);
	return true;
}

/* The rule of a pool in a pool, when nothing at all may answer. */
bool choose_all_down_inside(struct choose_walk *w, bool even_drained)
{
	const struct pool *p = w->pool;

	switch (p->all_down) {
	case POOL_ALL: return choose_by_policy(w, true, even_drained);
	case POOL_FIRST: return take_first(w);
	case POOL_OTHER: return choose_stand_in(w, true, even_drained);
	case POOL_EMPTY: return false;
	}
	return false;
}
