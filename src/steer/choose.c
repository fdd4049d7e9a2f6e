#include "steer/choose_inner.h"
#include "steer/rules.h"
#include "steer/template.h"

static struct choose_step *add_step(struct choose_walk *w, const struct choose_list *l)
{
	struct choose_step *s = choose_step(w, l->by);

	if (s)
		s->pin = l->pin;
	return s;
}

static void note_step(struct choose_step *s, uint16_t edge, enum choose_verdict v)
{
	if (!s)
		return;
	s->edges[s->n] = edge;
	s->verdicts[s->n++] = (uint8_t)v;
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
	case BY_NAME: return WHY_PINNED;
	case BY_RANK:
	case BY_DEFAULT:
	case BY_MEASURE:
	case BY_ORDER:
	case BY_SHARE:
	case BY_LINKS: return passed ? WHY_FAILOVER : WHY_BEST;
	}
	return WHY_BEST;
}

/* By another member, perhaps in another role of it. */
static bool is_taken(const struct choose_walk *w, uint16_t edge)
{
	const struct edge *edges = w->ask->steer->edges;

	for (unsigned i = 0; i < w->choice->n; i++)
		if (edges[w->choice->edges[i]].origin == edges[edge].origin)
			return true;
	return false;
}

bool choose_take(struct choose_walk *w, const struct choose_list *l)
{
	struct choice *c = w->choice;
	struct choose_step *step = add_step(w, l);
	const unsigned first = c->n, begun = w->first, most = w->most;
	unsigned last = l->n; /* the spread ends here */
	bool alone = first && w->ask->steer->edges[c->edges[0]].cname, passed = false;

	for (unsigned i = 0; i < l->n; i++) {
		enum choose_verdict v = choose_judge(w, l, i);
		const uint16_t number = choose_edge(l, i);
		const bool cname = w->ask->steer->edges[number].cname != NULL;
		if (v == CHOSEN && i >= last)
			v = PASSED_SPREAD;
		else if (v == CHOSEN && l->only && i >= l->only)
			v = l->beyond;
		else if (v == CHOSEN && (alone || c->n == most || (begun && is_taken(w, number))))
			v = PASSED_ENOUGH;
		else if (v == CHOSEN && c->n && cname)
			v = PASSED_CNAME;
		note_step(step, number, v);
		if (v != CHOSEN) {
			passed = passed || v == PASSED_DOWN || v == PASSED_DRAIN;
			continue;
		}
		if (c->n == 0)
			c->why = why(l->by, passed);
		if (c->n == first && l->within)
			last = i + 1u + l->within[i];
		alone = cname;
		c->rows[c->n] = l->even_down ? CHOICE_AS_IF_UP : (uint16_t)choose_row(w, l, i);
		c->edges[c->n++] = number;
		if (!step && c->n == most)
			break;
	}
	return c->n > first;
}

static inline bool by_policy(struct choose_walk *w, bool even_down, bool even_drained)
{
	/* Of several answers each is a member's. */
	if (w->pool->tree && (!w->pool->tree->merged || choose_answers(w) > 1))
		return choose_by_members(w, even_down, even_drained);
	if (w->pool->n_links || w->pool->affinity)
		return choose_by_links(w, even_down, even_drained);
	switch (w->pool->policy) {
	case POOL_NEAREST: return choose_nearest(w, even_down, even_drained);
	case POOL_ROUND_ROBIN:
	case POOL_WEIGHTED:
	case POOL_HASH: return choose_by_turn(w, even_down, even_drained);
	case POOL_LEAST_LATENCY:
	case POOL_LEAST_LOAD:
	case POOL_ORDERED: return choose_by_measure(w, even_down, even_drained);
	}
	return false;
}

bool choose_by_policy(struct choose_walk *w, bool even_down, bool even_drained)
{
	return by_policy(w, even_down, even_drained);
}

uint32_t choose_asn(struct choose_walk *w, const struct netmap_seams *seams)
{
	const struct netmap *map = w->ask->steer->atlas->asns.map;
	const struct netmap_hit hit = netmap_find(map, &w->who);

	choose_consult(w, netmap_scope(map, seams, &w->who, hit));
	/* A net that is not global, with a place and without an AS: one beside it may have neither. */
	if (hit.value == NETMAP_LOCAL && !w->by_source) {
		choose_find_place(w);
		choose_consult(w, netmap_scope(choose_map(w), NULL, &w->who, w->place));
	}
	return hit.value;
}

static bool has_asn(struct choose_walk *w)
{
	return choose_asn(w, NULL) < w->ask->steer->atlas->asns.n;
}

/* Could a pin of the pool be for an AS? */
static bool asks_for_asn(const struct pool *p)
{
	return p->pin_of_asn || (p->rules && p->rules->asns.class_of);
}

/* A subnet that is not global, and that no GeoIP file of the operator's knows, says nothing
 * about where its client is: the source decides then (RFC 7871 section 11.1 wants such subnets
 * not sent at all). The operator's own nets are asked before, for they may well be private. */
static void fall_back_to_source(struct choose_walk *w, bool by_asn)
{
	choose_find_place(w);
	if (w->place.value != NETMAP_LOCAL || (by_asn && has_asn(w)))
		return;
	choose_consult(w, netmap_scope(choose_map(w), NULL, &w->who, w->place));
	w->who = w->ask->source;
	w->by_source = w->choice->by_source = true;
	w->placed = NULL;
	w->net_known = false;
	if (w->trace)
		w->trace->subnet_local = true;
}

static bool can_answer(const struct choose_walk *w)
{
	return w->pool->can & w->can;
}

/* Does anything in this pool depend on where the client is? */
static bool looks_at_client(const struct pool *p)
{
	return p->rank || p->n_pins || p->rules || (p->affinity & AFFINITY_CLIENT);
}

/* With what may answer: pins, then the policy. */
__attribute__((always_inline)) static inline bool by_rules(struct choose_walk *w)
{
	const struct pool *p = w->pool;

	if (p->nets && choose_by_net(w))
		return true;
	if (!w->by_source && looks_at_client(p)) {
		fall_back_to_source(w, asks_for_asn(p));
		if (w->by_source && p->nets && choose_by_net(w))
			return true;
	}
	if (p->rules && (choose_by_rules(w) || w->over))
		return w->choice->n > w->first;
	return (p->pin_of_asn && choose_by_asn(w)) || (p->pin_of_place && choose_by_place(w)) ||
		(p->pin_default && choose_by_default(w)) || by_policy(w, false, false);
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

static bool has_forms(const struct pool *p)
{
	for (unsigned i = 0; i < POOL_SERVICES; i++)
		if (p->forms[i].front)
			return true;
	return false;
}

bool choose_in_pool(struct choose_walk *w, const struct choose_inside *x)
{
	static const struct choose_own nothing;
	const struct choose_own *own = w->own;
	const uint16_t above = w->number;
	const unsigned first = w->first, most = w->most;
	bool took = false;

	w->first = w->choice->n;
	if (!w->ask->steer->pools[x->pool].part)
		w->own = &nothing;
	choose_enter(w, x->pool);
	if (can_answer(w)) {
		took = x->even_down ? choose_all_down_inside(w, x->even_drained) : by_rules(w);
		if (!took && !x->even_down && !w->over && w->pool->all_down == POOL_OTHER)
			took = choose_stand_in(w, false, false);
	}
	if (took) {
		choose_limit_by_pool(w);
		if (w->choice->form == UINT16_MAX && has_forms(w->pool))
			w->choice->form = x->pool;
	}
	w->over = false;
	w->first = first;
	w->own = own;
	choose_enter(w, above);
	w->most = most;
	return took;
}

/* The one edge that the name is of, to try it out: down or drained, it answers. */
static void take_one(struct choose_walk *w)
{
	const uint16_t edge = w->ask->own.edge;
	struct choose_step *step = choose_step(w, BY_NAME);
	const bool has = edge < w->ask->steer->n_edges &&
		choose_has_address(w, &w->ask->steer->edges[edge]);

	if (edge < w->ask->steer->n_edges)
		note_step(step, edge, has ? CHOSEN : PASSED_NO_ADDRESS);
	if (!has) {
		w->choice->for_now = edge < w->ask->steer->n_edges && w->ask->steer->edges[edge].unresolved;
		return;
	}
	w->choice->rows[0] = CHOICE_AS_IF_UP;
	w->choice->edges[0] = edge;
	w->choice->n = 1;
}

/* No longer than the addresses hold that edges have of a name. */
static void limit_ttl(const struct choose_walk *w)
{
	struct choice *c = w->choice;
	const uint32_t most_s = c->ttl_most_s;

	for (unsigned i = 0; i < c->n; i++)
		if (c->ttl_most_s > w->ask->steer->edges[c->edges[i]].ttl_most_s)
			c->ttl_most_s = w->ask->steer->edges[c->edges[i]].ttl_most_s;
	if (w->trace && c->ttl_most_s < most_s)
		w->trace->young = NULL;
}

static void find_asn(struct choose_walk *w)
{
	const struct mmdb_asns *asns = &w->ask->steer->atlas->asns;
	const uint32_t asn = choose_asn(w, w->ask->steer->asns);

	if (asn < asns->n)
		w->choice->asn = asns->asn[asn].number;
}

/* The edge's name is another for each country, or AS. */
static void find_client(struct choose_walk *w, const uint8_t *template)
{
	const struct atlas *atlas = w->ask->steer->atlas;
	const bool asks = template_looks_at_asn(template);

	if (!w->by_source && !looks_at_client(w->pool))
		fall_back_to_source(w, asks);
	if (asks)
		find_asn(w);
	if (!template_looks(template))
		return;
	const struct netmap_hit hit = netmap_find(atlas->cities.map, &w->who);
	choose_consult(w, netmap_scope(atlas->cities.map, w->ask->steer->places, &w->who, hit));
	if (hit.value && hit.value <= places_count(atlas->cities.places))
		w->choice->place = places_get(atlas->cities.places, hit.value);
}

/* From pool to pool that stands in, whose answers are to end when the one before it has some again. True: some edge might be
 * answered with. */
static bool go(struct choose_walk *w)
{
	bool some = false;

	do {
		if (choose_standing(w)->changes_us < w->changes_us)
			w->changes_us = choose_standing(w)->changes_us;
		if (!can_answer(w))
			break;
		w->choice->for_now = true;
		if (by_rules(w) || w->over)
			break;
		some = some || choose_has_any(w);
		choose_limit_by_pool(w);
	} while (!choose_all_down(w));
	return some;
}

struct choice choose(const struct choose_ask *ask, struct choose_trace *trace)
{
	struct choice c = { .n = 0, .form = UINT16_MAX };
	struct choose_walk w = { .ask = ask,
		.trace = trace,
		.choice = &c,
		.who = ask->has_subnet ? ask->subnet : ask->source,
		.by_source = !ask->has_subnet,
		.own = &ask->own,
		.placed = ask->placed,
		.place = ask->place,
		.can = ask->record ? ask->record : ask->v6 ? CAN_AAAA : CAN_A,
		.marks = ask->record ? STANDS_A | STANDS_AAAA : ask->v6 ? STANDS_AAAA : STANDS_A,
		.changes_us = UINT64_MAX,
		.hours_s = UINT32_MAX,
		.ttl_most_s = UINT32_MAX };
	bool some = false;

	if (trace) {
		trace->n = 0;
		trace->own = ask->own;
		trace->record = ask->record != 0;
		trace->shaky = false;
		trace->young = NULL;
		trace->subnet_local = false;
	}
	choose_enter(&w, ask->pool);
	c.alive = ask->standing->alive;
	c.words = ask->standing->words;
	if (ask->own.one)
		take_one(&w);
	else
		some = go(&w);
	c.for_now = c.for_now && c.n == 0 && !w.over;
	if (c.for_now && !some) {
		c.by_subnet = false;
		c.scope = 0;
	}
	c.for_now = c.for_now || (w.timed && c.n == 0);
	c.passes = c.passes || w.timed;
	c.pool = w.number;
	if (c.form == UINT16_MAX || !c.n)
		c.form = c.pool;
	if (c.pool != ask->pool)
		c.why = WHY_ALL_DOWN;
	if ((ask->steer->places || ask->steer->asns) && c.n && ask->steer->edges[c.edges[0]].template)
		find_client(&w, ask->steer->edges[c.edges[0]].template);
	c.who = w.who;
	if (c.for_now && c.n == 0)
		choose_limit_by_below(&w);
	c.ttl_most_s = choose_ttl_most_s(&w);
	if (ask->steer->flattens)
		limit_ttl(&w);
	if (trace)
		trace->timed = w.timed && c.ttl_most_s == w.hours_s;
	if (trace)
		fill_trace(&w);
	return c;
}
