/* choose_rules.c - pins of several conditions (rules.h), in their order.
 */
#include "steer/choose_inner.h"
#include "steer/rules.h"

enum { FETCHED_MOST = 2 }; /* rules, and classes of a rule: the first are asked of most clients */

void choose_fetch_rules(const struct rules *r, const struct addr *who, unsigned step)
{
	for (unsigned i = 0; i < r->n && i < FETCHED_MOST; i++) {
		const struct rules_when *w = &r->rule[i].when;
		if (w->nets)
			netmap_has_fetch(w->nets, who, step);
		for (unsigned k = 0; k < w->n_clients && k < FETCHED_MOST; k++)
			netmap_has_fetch(w->clients[k], who, step);
	}
}

/* Nets are of who asks as it was sent, global or not: they are the operator's own. */
static bool is_in(struct choose_walk *w, const struct netmap *map)
{
	const struct choose_ask *ask = w->ask;
	const struct addr *who = ask->has_subnet ? &ask->subnet : &ask->source;
	unsigned bits;
	const bool in = netmap_has(map, who, &bits);

	if (ask->has_subnet) {
		w->choice->by_subnet = true;
		if (bits > w->choice->scope)
			w->choice->scope = bits;
	}
	return in;
}

static bool is_of_clients(struct choose_walk *w, const struct rules_when *r)
{
	for (unsigned i = 0; i < r->n_clients; i++)
		if (is_in(w, r->clients[i]))
			return true;
	return r->n_clients == 0;
}

static bool is_at_place(struct choose_walk *w, uint16_t set)
{
	const struct rules_table *t = &w->pool->rules->places;

	if (set == RULES_NO_SET)
		return true;
	choose_find_place(w);
	choose_consult(w, netmap_scope(choose_map(w), t->seams, &w->who, w->place));
	/* Who is nowhere is in no country; and so is who is not to be told apart from it. */
	return rules_has(t, w->place.value < t->n ? w->place.value : 0, set);
}

static bool is_of_asn(struct choose_walk *w, uint16_t set)
{
	const struct rules_table *t = &w->pool->rules->asns;

	return set == RULES_NO_SET || rules_has(t, choose_asn(w, t->seams), set);
}

/* Whatever holds now, the answer is good until that changes. */
static bool is_during(struct choose_walk *w, const struct rules_when *r)
{
	const struct standing *s = w->ask->standing;
	bool now = false;

	for (unsigned i = r->hours; i < r->hours + r->n_hours; i++) {
		const uint64_t end = s->hours_end_us[i], at = w->ask->now_us;
		const uint64_t left = end == UINT64_MAX ? UINT32_MAX
			: end > at                      ? (end - at) / 1000000
							: 0;
		w->timed = true;
		if (left < w->hours_s)
			w->hours_s = left ? (uint32_t)left : 1;
		now = now || s->hours[i];
	}
	if (w->hours_s < w->ttl_most_s)
		w->ttl_most_s = w->hours_s;
	return now || !r->n_hours;
}

static bool is_asked_so(const struct choose_walk *w, const struct rules_when *r)
{
	/* Who asks for an edge's records asks for no addresses. */
	const unsigned type = w->ask->record ? 0 : w->ask->v6 ? POOL_TYPE_AAAA : POOL_TYPE_A;

	return (!r->types || r->types & type) && (!r->via || r->via >> w->ask->via & 1);
}

static bool comes_from(struct choose_walk *w, const struct rules_when *r)
{
	if (!r->resolvers)
		return true;
	w->choice->by_source = true;
	return netmap_has(r->resolvers, &w->ask->source, NULL);
}

static bool holds(struct choose_walk *w, const struct rules_when *r)
{
	return is_asked_so(w, r) && comes_from(w, r) &&
		is_of_clients(w, r) && (!r->nets || is_in(w, r->nets)) && is_at_place(w, r->place) &&
		is_of_asn(w, r->asn) && is_during(w, r);
}

static bool take_edges(struct choose_walk *w, const struct rule *r, bool even)
{
	return choose_take(w,
		&(struct choose_list){ .edges = r->from->to.edges,
			.holders = r->holders,
			.n = (unsigned)r->from->to.n,
			.by = even ? BY_ALL_DOWN : BY_PIN,
			.pin = &r->from->to,
			.even_down = even,
			.even_drained = even });
}

static bool take_pool(struct choose_walk *w, const struct rule *r, bool even)
{
	const uint16_t pool = r->from->to.pool;

	if (!choose_in_pool(w, &(struct choose_inside){ pool, even, false }) &&
		!(even && choose_in_pool(w, &(struct choose_inside){ pool, true, true })))
		return false;
	if (!even)
		w->choice->why = WHY_PINNED;
	return true;
}

static bool take(struct choose_walk *w, const struct rule *r)
{
	const bool to_pool = r->from->to.to_pool;

	if (to_pool ? take_pool(w, r, false) : take_edges(w, r, false))
		return true;
	if (!r->from->only)
		return false;
	/* Nothing that is down is put behind what another member has said. */
	const bool took = w->choice->n == 0 &&
		(to_pool ? take_pool(w, r, true) : take_edges(w, r, true));
	w->over = true;
	return took;
}

bool choose_by_rules(struct choose_walk *w)
{
	const struct rules *rules = w->pool->rules;

	for (unsigned i = 0; i < rules->n && !w->over; i++) {
		const struct rule *r = &rules->rule[i];
		if (!holds(w, &r->when) || (r->unless.given && holds(w, &r->unless)))
			continue;
		if (r->from->to.to_pool || r->from->nobody) {
			struct choose_step *step = choose_step(w, BY_PIN);
			if (step)
				step->pin = &r->from->to;
		}
		if (r->from->nobody) {
			w->over = true;
			w->choice->refused = r->from->refused;
			return false;
		}
		if (take(w, r))
			return true;
	}
	return false;
}
