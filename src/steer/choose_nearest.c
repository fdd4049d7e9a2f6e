/* choose_nearest.c - the nearest edges: in which class the client is, and the order that its class has; and what of
 * the client is fetched ahead for that.
 */
#include "steer/choose_inner.h"

#include <math.h>
#include <string.h>

/* Asked of the atlas itself, and only to explain. */
bool choose_is_placed(const struct choose_walk *w)
{
	const struct atlas *atlas = w->ask->steer->atlas;
	const uint32_t number = netmap_find(atlas->cities.map, &w->who).value;

	return number != NETMAP_NONE && number <= places_count(atlas->cities.places) &&
		!isnan(places_get(atlas->cities.places, number)->lat);
}

/* Of a map that may be the one where the client's place was looked up. */
static struct netmap_hit find_in(struct choose_walk *w, const struct netmap *map)
{
	if (choose_map(w) != map)
		return netmap_find(map, &w->who);
	choose_find_place(w);
	return w->place;
}

/* Where it stands which class a client is of. */
static const struct netmap *class_map(const struct rank *r)
{
	return r->view ? r->view : client_map_netmap(r->clients);
}

/* The client's class in the pool's rank; what is not in the GeoIP files is of class_of[0]. */
static uint32_t find_class(struct choose_walk *w)
{
	const struct rank *r = w->pool->rank;

	/* No class is narrower than the nets of its places. */
	if (w->net_known && w->pool->by_place) {
		choose_find_place(w);
		return r->class_of[w->place.value < client_map_keys(r->clients) ? w->place.value : 0];
	}
	const struct netmap *own = class_map(r);
	const struct netmap_hit hit = find_in(w, own);

	w->group_bits = netmap_scope(own, r->seams, &w->who, hit);
	if (r->view)
		return hit.value <= r->classes ? hit.value - 1 : r->class_of[0];
	return r->class_of[hit.value < client_map_keys(r->clients) ? hit.value : 0];
}

uint32_t choose_class(struct choose_walk *w)
{
	const uint32_t class = find_class(w);

	if (!(w->net_known && w->pool->by_place))
		choose_consult(w, w->group_bits);
	return class;
}

/* The pool's answer, if all that come first for the client may answer and have room: whoever has the same ones in front
 * is answered alike. Else NULL. */
static const uint16_t *find_front(struct choose_walk *w)
{
	const struct rank_front *f = w->pool->front;
	const bool cuts = choose_has_cuts(w);

	if (!f || w->first || (w->most > f->k && f->k < w->pool->rank->n) ||
		(w->net_known && w->pool->by_place))
		return NULL;
	const struct netmap_hit hit = find_in(w, f->view);
	const struct choose_list l = { .edges = rank_front_row(f, hit.value),
		.pool = w->pool,
		.holders = choose_holders(w),
		.n = f->k };
	for (unsigned i = 0; i < l.n; i++)
		if (choose_judge(w, &l, i) != CHOSEN || (cuts && choose_is_cut(w, l.edges[i])))
			return NULL;
	choose_consult(w, netmap_scope(f->view, NULL, &w->who, hit));
	return l.edges;
}

/* Not 0: it is the group's turn to try another edge. The group is all that the answer's scope
 * holds. */
static uint32_t trial(const struct choose_walk *w)
{
	w->choice->passes = w->choice->passes || w->ask->steer->explore.share;
	const unsigned bits = w->by_source ? w->group_bits : w->choice->scope;

	return explore_draw(&w->ask->steer->explore, &w->who,
		bits + (addr_is_v4(&w->who) ? ADDR_V4_BITS : 0), w->ask->now_s);
}

/* One of the edges that are close to the first which may answer goes before it. False when
 * there is none. */
static bool put_trial_first(const struct choose_walk *w, const struct choose_list *l,
	const uint16_t *close, uint32_t draw, uint16_t *order)
{
	unsigned first = 0, n = 0, at[POOL_EDGES_MOST];

	while (first < l->n && choose_judge(w, l, first) != CHOSEN)
		first++;
	for (unsigned i = first + 1; first < l->n && i <= first + close[first]; i++)
		if (choose_judge(w, l, i) == CHOSEN)
			at[n++] = i;
	if (n == 0)
		return false;
	const unsigned from = at[draw % n];
	memcpy(order, l->edges, l->n * sizeof *order);
	memmove(order + 1, order, from * sizeof *order);
	order[0] = l->edges[from];
	return true;
}

bool choose_nearest(struct choose_walk *w, bool even_down, bool even_drained)
{
	const struct rank *r = w->pool->rank;
	const uint16_t *front = even_down ? NULL : find_front(w);

	if (front && !w->trace) {
		if (w->pool->sheds) {
			find_class(w); /* demand is told apart as finely as the costs are */
			choose_count(w);
		}
		return choose_take(w,
			&(struct choose_list){ .edges = front,
				.pool = w->pool,
				.holders = choose_holders(w),
				.n = w->pool->front->k,
				.by = BY_RANK });
	}
	const uint32_t class = front ? find_class(w) : choose_class(w); /* to explain, all of them in their order */
	const uint32_t draw =
		rank_has(&r->close) && !even_down && choose_answers(w) == 1 ? trial(w) : 0;
	uint16_t room[POOL_EDGES_MOST], other[POOL_EDGES_MOST];

	if (w->pool->sheds && !even_down)
		choose_count(w);
	if (!front && choose_has_cuts(w) && !even_down && choose_by_cost(w, class))
		return true;
	const uint16_t *edges = rank_row(r, &r->order, class, room);
	if (draw) {
		uint16_t order[POOL_EDGES_MOST];
		struct choose_list l = { .edges = edges,
			.pool = w->pool,
			.holders = choose_holders(w),
			.n = r->n,
			.by = BY_TRIAL };
		if (put_trial_first(w, &l, rank_row(r, &r->close, class, other), draw, order)) {
			l.edges = order;
			return choose_take(w, &l);
		}
	}
	return choose_take(w,
		&(struct choose_list){ .edges = edges,
			.pool = w->pool,
			.holders = choose_holders(w),
			.n = r->n,
			.within = rank_row(r, &r->within, class, other),
			.by = even_down                            ? BY_ALL_DOWN
				: w->trace && !choose_is_placed(w) ? BY_DEFAULT
								   : BY_RANK,
			.even_down = even_down,
			.even_drained = even_drained });
}

/* Which class the client is of, where that stands by the place's number; then the class's order. */
static void fetch_class(const struct choose_ask *ask, const struct rank *r, bool order)
{
	const uint32_t value = ask->place.value,
		       *class = &r->class_of[value < client_map_keys(r->clients) ? value : 0];

	if (!order)
		__builtin_prefetch(class);
	else
		rank_fetch(r, &r->order, *class);
}

void choose_fetch(struct choose_ask *ask, unsigned step)
{
	const struct pool *asked = &ask->steer->pools[ask->pool],
			  *p = &ask->steer->pools[asked->reads];
	const struct netmap *cities = ask->steer->atlas->cities.map;
	const struct addr *who = ask->has_subnet ? &ask->subnet : &ask->source;
	const bool draws = asked->tree && asked->tree->draws,
		   reads = (p->rank || p->asks_place) && !(draws && p->by_place);
	const struct netmap *map = reads ? choose_map_of(ask->steer, p) : draws ? cities : NULL;
	/* What is counted beside the front is told apart by the class. */
	const struct netmap *counts = p->front && p->sheds && p->rank ? class_map(p->rank) : NULL;

	if (step < NETMAP_STEPS) {
		if (asked->rules)
			choose_fetch_rules(asked->rules, who, step);
		if (map)
			netmap_fetch(map, who, step);
		if (counts && counts != map)
			netmap_fetch(counts, who, step);
		if (draws && map != cities)
			netmap_fetch(cities, who, step);
		return;
	}
	if (step == NETMAP_STEPS && map) {
		ask->place = netmap_find(map, who);
		ask->placed = map;
	}
	if (map && p->rank && map == client_map_netmap(p->rank->clients))
		fetch_class(ask, p->rank, step > NETMAP_STEPS);
}
