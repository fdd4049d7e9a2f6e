#include "steer/choose_inner.h"

#include <math.h>
#include <string.h>

const char *choose_verdict_text(enum choose_verdict v)
{
	switch (v) {
	case CHOSEN: return "chosen";
	case PASSED_DOWN: return "is down";
	case PASSED_DRAIN: return "is drained";
	case PASSED_NO_ADDRESS: return "has no address of this type";
	case PASSED_SPREAD: return "is beyond the spread";
	case PASSED_ENOUGH: return "is not needed";
	case PASSED_LINK: return "is beyond what the policy lets through";
	case PASSED_SHED: return "sheds this group";
	case PASSED_RAMP: return "takes only a share now";
	case PASSED_PLACE: return "stands elsewhere";
	case PASSED_TURN: return "has not its turn";
	case PASSED_CNAME: return "has a CNAME, which stands alone";
	}
	return "";
}

static struct choose_step *add_step(struct choose_walk *w, const struct choose_list *l)
{
	struct choose_trace *t = w->trace;

	if (!t || t->n == CHOOSE_STEPS_MOST)
		return NULL;
	struct choose_step *s = &t->steps[t->n++];
	s->pool = (uint16_t)(w->pool - w->ask->steer->pools);
	s->by = l->by;
	s->pin = l->pin;
	s->n = 0;
	return s;
}

static void note_step(struct choose_step *s, uint16_t edge, enum choose_verdict v)
{
	if (!s)
		return;
	s->edges[s->n] = edge;
	s->verdicts[s->n++] = (uint8_t)v;
}

/* Takes the first edges of a list that may answer: at most the pool's `answers`, within the
 * spread of the first. True when there was one. */
const char *choose_why_text(enum choose_why w)
{
	static const char *const text[] = { [WHY_BEST] = "best",
		[WHY_PINNED] = "pinned",
		[WHY_SHED] = "shed",
		[WHY_EXPLORED] = "explored",
		[WHY_FAILOVER] = "failover",
		[WHY_TURN] = "turn",
		[WHY_AFFINITY] = "affinity",
		[WHY_ALL_DOWN] = "all-down" };
	return text[w];
}

/* `passed`: a better one is down or drained. */
static enum choose_why why(enum choose_by by, bool passed)
{
	switch (by) {
	case BY_SHED: return WHY_SHED;
	case BY_TRIAL: return WHY_EXPLORED;
	case BY_TURN: return WHY_TURN;
	case BY_AFFINITY: return WHY_AFFINITY;
	case BY_ALL_DOWN:
	case BY_FIRST: return WHY_ALL_DOWN;
	case BY_PIN: return passed ? WHY_FAILOVER : WHY_PINNED;
	case BY_RANK:
	case BY_DEFAULT:
	case BY_MEASURE:
	case BY_LINKS: return passed ? WHY_FAILOVER : WHY_BEST;
	}
	return WHY_BEST;
}

bool choose_take(struct choose_walk *w, const struct choose_list *l)
{
	struct choice *c = w->choice;
	struct choose_step *step = add_step(w, l);
	unsigned last = l->n; /* the spread ends here */
	bool alone = false, passed = false;

	for (unsigned i = 0; i < l->n; i++) {
		enum choose_verdict v = choose_judge(w, l, i);
		const uint16_t number = choose_edge(l, i);
		const bool cname = w->ask->steer->edges[number].cname != NULL;
		if (v == CHOSEN && i >= last)
			v = PASSED_SPREAD;
		else if (v == CHOSEN && l->only && i >= l->only)
			v = l->beyond;
		else if (v == CHOSEN && (alone || c->n == w->pool->answers))
			v = PASSED_ENOUGH;
		else if (v == CHOSEN && c->n && cname)
			v = PASSED_CNAME;
		note_step(step, number, v);
		if (v != CHOSEN) {
			passed = passed || v == PASSED_DOWN || v == PASSED_DRAIN;
			if (!step && c->n == w->pool->answers)
				break;
			continue;
		}
		if (c->n == 0)
			c->why = why(l->by, passed);
		if (c->n == 0 && l->within)
			last = i + 1u + l->within[i];
		alone = cname;
		c->edges[c->n++] = number;
	}
	c->alive = l->even_down ? NULL
				: standing_alive(w->ask->standing, choose_standing(w)->row);
	return c->n > 0;
}

/* --- pins --------------------------------------------------------------------------------- */

static bool take_pin(struct choose_walk *w, uint32_t pin)
{
	if (pin == 0)
		return false;
	const struct pool_pinned *p = &w->pool->pins[pin - 1];
	return choose_take(w,
		&(struct choose_list){
			.edges = p->edges, .n = p->n, .by = BY_PIN, .pin = p->from });
}

/* Where the client's place is looked up: in the view of the pool's rank, which says all there
 * is to know at once, unless pins ask for the place itself. */
static const struct netmap *map_of(const struct steer *s, const struct pool *p)
{
	return p->rank && p->rank->view && !p->pin_of_place ? p->rank->view
							    : s->atlas->cities.map;
}

static const struct netmap *place_map(const struct choose_walk *w)
{
	return map_of(w->ask->steer, w->pool);
}

static void find_place(struct choose_walk *w)
{
	if (w->placed == w->pool)
		return;
	w->place = netmap_find(place_map(w), &w->who);
	w->placed = w->pool;
}

static bool by_net(struct choose_walk *w)
{
	const struct pool *p = w->pool;

	if (!p->nets)
		return false;
	const struct netmap_hit hit = netmap_find(p->nets, &w->who);
	choose_consult(w, netmap_scope(p->nets, NULL, &w->who, hit));
	return take_pin(w, hit.value);
}

static bool by_asn(struct choose_walk *w)
{
	const struct pool *p = w->pool;
	struct netmap *map = w->ask->steer->atlas->asns.map;

	if (!p->pin_of_asn)
		return false;
	const struct netmap_hit hit = netmap_find(map, &w->who);
	choose_consult(w, netmap_scope(map, p->asn_seams, &w->who, hit));
	return hit.value < w->ask->steer->atlas->asns.n &&
		take_pin(w, p->pin_of_asn[hit.value]);
}

static bool by_place(struct choose_walk *w)
{
	const struct pool *p = w->pool;
	const struct atlas *atlas = w->ask->steer->atlas;

	if (!p->pin_of_place)
		return false;
	find_place(w);
	choose_consult(w, netmap_scope(atlas->cities.map, p->place_seams, &w->who, w->place));
	return w->place.value <= places_count(atlas->cities.places) &&
		take_pin(w, p->pin_of_place[w->place.value]);
}

/* --- policies ----------------------------------------------------------------------------- */

/* Asked of the atlas itself, and only to explain. */
bool choose_is_placed(const struct choose_walk *w)
{
	const struct atlas *atlas = w->ask->steer->atlas;
	const uint32_t number = netmap_find(atlas->cities.map, &w->who).value;

	return number != NETMAP_NONE && number <= places_count(atlas->cities.places) &&
		!isnan(places_get(atlas->cities.places, number)->lat);
}

/* The client's class in the pool's rank; what is not in the GeoIP files is of class_of[0]. */
uint32_t choose_class(struct choose_walk *w)
{
	const struct rank *r = w->pool->rank;
	const struct netmap *map = place_map(w),
			    *own = r->view ? r->view : client_map_netmap(r->clients);

	find_place(w);
	const struct netmap_hit hit = map == own ? w->place : netmap_find(own, &w->who);
	w->group_bits = netmap_scope(own, r->seams, &w->who, hit);
	choose_consult(w, w->group_bits);
	if (r->view)
		return hit.value <= r->classes ? hit.value - 1 : r->class_of[0];
	return r->class_of[hit.value < client_map_keys(r->clients) ? hit.value : 0];
}

/* Not 0: it is the group's turn to try another edge. The group is all that the answer's scope
 * holds. */
static uint32_t trial(const struct choose_walk *w)
{
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

static bool nearest(struct choose_walk *w, bool even_down, bool even_drained)
{
	const struct rank *r = w->pool->rank;
	const uint32_t class = choose_class(w);
	const uint32_t draw = r->close && !even_down ? trial(w) : 0;
	uint16_t order[POOL_EDGES_MOST];

	if (w->pool->sheds && !even_down)
		choose_count(w);
	if (w->ask->standing->cuts && !even_down && choose_by_cost(w, class))
		return true;
	if (draw) {
		struct choose_list l = { .edges = rank_order(r, class),
			.pool = w->pool,
			.n = r->n,
			.by = BY_TRIAL };
		if (put_trial_first(w, &l, r->close + (size_t) class * r->n, draw, order)) {
			l.edges = order;
			return choose_take(w, &l);
		}
	}
	return choose_take(w,
		&(struct choose_list){ .edges = rank_order(r, class),
			.pool = w->pool,
			.n = r->n,
			.within = r->within ? r->within + (size_t) class * r->n : NULL,
			.by = even_down                            ? BY_ALL_DOWN
				: w->trace && !choose_is_placed(w) ? BY_DEFAULT
								   : BY_RANK,
			.even_down = even_down,
			.even_drained = even_drained });
}

static bool by_policy(struct choose_walk *w, bool even_down, bool even_drained)
{
	if (w->pool->n_links || w->pool->affinity)
		return choose_by_links(w, even_down, even_drained);
	switch (w->pool->policy) {
	case POOL_NEAREST: return nearest(w, even_down, even_drained);
	case POOL_ROUND_ROBIN:
	case POOL_WEIGHTED: return choose_by_turn(w, even_down, even_drained);
	case POOL_LEAST_LATENCY:
	case POOL_LEAST_LOAD: return choose_by_measure(w, even_down, even_drained);
	}
	return false;
}

/* Does an edge of the pool have a live address of the other family? */
static bool lives_otherwise(const struct choose_walk *w)
{
	const uint8_t other = w->ask->v6 ? STANDS_A : STANDS_AAAA;

	for (unsigned i = 0; i < w->pool->n; i++) {
		const uint16_t number = w->pool->edges[i];
		const struct edge *e = &w->ask->steer->edges[number];
		const uint8_t marks = standing_marks(
			w->ask->standing, choose_standing(w)->row, number);
		if ((w->ask->v6 ? e->n_a : e->n_aaaa) && marks & other &&
			!(marks & STANDS_DRAINED))
			return true;
	}
	return false;
}

/* Might an edge of the pool answer somebody? */
static bool has_any(const struct choose_walk *w)
{
	const struct pool *p = w->pool;
	struct choose_list l = { .edges = p->edges, .n = p->n };

	for (unsigned k = 0; k <= p->n_pins; k++) {
		for (unsigned i = 0; i < l.n; i++)
			if (choose_judge(w, &l, i) == CHOSEN)
				return true;
		if (k < p->n_pins)
			l = (struct choose_list){ .edges = p->pins[k].edges,
				.n = p->pins[k].n };
	}
	return false;
}

/* No edge of the pool may answer. True when the walk is over. */
static bool all_down(struct choose_walk *w)
{
	const struct pool *p = w->pool;

	/* Whoever has both families asks for both: no address of this one is better than a dead
	 * one. */
	if ((p->all_down == POOL_ALL || p->all_down == POOL_FIRST) && lives_otherwise(w))
		return true;
	switch (p->all_down) {
	case POOL_ALL:
		/* As if all were up; those that the operator empties only when there are no
		 * others. */
		if (!by_policy(w, true, false))
			by_policy(w, true, true);
		return true;
	case POOL_FIRST:
		for (unsigned i = 0; i < p->n; i++)
			if (choose_take(w,
				    &(struct choose_list){ .edges = &p->edges[i],
					    .n = 1,
					    .by = BY_FIRST,
					    .even_down = true,
					    .even_drained = true }))
				break;
		return true;
	case POOL_OTHER: w->pool = &w->ask->steer->pools[p->other]; return false;
	case POOL_EMPTY: return true;
	}
	return true;
}

/* Is the client of an AS that a pin of the pool could be for? */
static bool has_asn(const struct choose_walk *w)
{
	const struct atlas *atlas = w->ask->steer->atlas;

	return w->pool->pin_of_asn &&
		netmap_find(atlas->asns.map, &w->who).value < atlas->asns.n;
}

/* A subnet that is not global, and that no GeoIP file of the operator's knows, says nothing
 * about where its client is: the source decides then (RFC 7871 section 11.1 wants such subnets
 * not sent at all). The operator's own nets are asked before, for they may well be private. */
static void fall_back_to_source(struct choose_walk *w)
{
	find_place(w);
	if (w->place.value != NETMAP_LOCAL || has_asn(w))
		return;
	choose_consult(w, netmap_scope(place_map(w), NULL, &w->who, w->place));
	w->who = w->ask->source;
	w->by_source = true;
	w->placed = NULL;
	if (w->trace)
		w->trace->subnet_local = true;
}

static bool can_answer(const struct choose_walk *w)
{
	return w->ask->v6 ? w->pool->has_aaaa : w->pool->has_a;
}

/* Does anything in this pool depend on where the client is? */
static bool looks_at_client(const struct pool *p)
{
	return p->rank || p->n_pins || (p->affinity & AFFINITY_CLIENT);
}

static void fill_trace(const struct choose_walk *w)
{
	const struct atlas *atlas = w->ask->steer->atlas;
	const struct netmap_hit place = netmap_find(atlas->cities.map, &w->who);
	const struct netmap_hit asn = netmap_find(atlas->asns.map, &w->who);
	struct choose_trace *t = w->trace;

	t->who = w->who;
	t->by_source = w->by_source;
	t->place = place.value <= places_count(atlas->cities.places) ? place.value : 0;
	t->place_bits = netmap_scope(atlas->cities.map, NULL, &w->who, place);
	t->asn = asn.value < atlas->asns.n ? asn.value : 0;
}

void choose_fetch(const struct choose_ask *ask, unsigned step)
{
	const struct pool *p = &ask->steer->pools[ask->pool];

	if (p->rank || p->pin_of_place)
		netmap_fetch(map_of(ask->steer, p),
			ask->has_subnet ? &ask->subnet : &ask->source, step);
}

/* The pool's own ceiling, once it has been steady for so long: what has just changed is the
 * likelier to change again. */
static uint32_t steady_ttl_s(const struct choose_walk *w)
{
	const uint32_t least = w->pool->ttl_least_s, most = w->pool->ttl_most_s;
	const uint64_t since = choose_standing(w)->steady_us, now = w->ask->now_us;

	if (!since || !least || most == UINT32_MAX)
		return most;
	const uint64_t steady = now > since ? (now - since) / 1000000 : 0;
	if (steady >= most)
		return most;
	if (w->trace)
		w->trace->young = true;
	return steady > least ? (uint32_t)steady : least;
}

/* The pool's own ceiling; while an edge is about to change, the time up to then. */
static uint32_t ttl_most_s(const struct choose_walk *w)
{
	const uint32_t most = steady_ttl_s(w);

	if (w->changes_us == UINT64_MAX)
		return most;
	const uint64_t now = w->ask->now_us,
		       left = w->changes_us > now ? (w->changes_us - now) / 1000000 : 0;
	/* 0 would have resolvers keep nothing, just when edges have the most to bear. */
	const uint64_t least = w->pool->ttl_least_s ? w->pool->ttl_least_s : 1;
	if (left >= most)
		return most;
	if (w->trace)
		w->trace->shaky = true;
	return (uint32_t)(left > least ? left : least < most ? least : most);
}

struct choice choose(const struct choose_ask *ask, struct choose_trace *trace)
{
	struct choice c = { .n = 0 };
	struct choose_walk w = { .ask = ask,
		.trace = trace,
		.choice = &c,
		.pool = &ask->steer->pools[ask->pool],
		.who = ask->has_subnet ? ask->subnet : ask->source,
		.by_source = !ask->has_subnet,
		.changes_us = UINT64_MAX };
	bool some = false; /* may be answered with an edge */

	if (trace) {
		trace->n = 0;
		trace->shaky = trace->young = false;
		trace->subnet_local = false;
	}
	do {
		if (choose_standing(&w)->changes_us < w.changes_us)
			w.changes_us = choose_standing(&w)->changes_us;
		if (!can_answer(&w))
			break;
		c.for_now = true;
		if (by_net(&w))
			break;
		if (!w.by_source && looks_at_client(w.pool)) {
			fall_back_to_source(&w);
			if (w.by_source && by_net(&w))
				break;
		}
		if (by_asn(&w) || by_place(&w) || by_policy(&w, false, false))
			break;
		some = some || has_any(&w);
	} while (!all_down(&w));
	c.for_now = c.for_now && c.n == 0;
	if (c.for_now && !some) {
		c.by_subnet = false;
		c.scope = 0;
	}
	c.pool = (uint16_t)(w.pool - ask->steer->pools);
	if (c.pool != ask->pool)
		c.why = WHY_ALL_DOWN;
	c.who = w.who;
	c.ttl_most_s = ttl_most_s(&w);
	if (trace)
		fill_trace(&w);
	return c;
}
