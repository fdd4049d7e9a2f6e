/* choose_members.c - pools of pools: which member answers, and what it says.
 *
 * The members are put in order by the pool's policy, and asked one after the other until there
 * are answers enough. A member that is a pool chooses among its own as if it had been asked, with
 * one difference: while something else may answer, its all-down rule does not. A share goes
 * before the policy: of all, so many go to that member, and what is left is divided as the policy
 * says.
 */
#include "steer/choose_asking.h"
#include "steer/group.h"

#include <assert.h>
#include <math.h>
#include <string.h>

/* The one edge is a list of its own; the step says what becomes of it. */
static bool take_edge(const struct choose_asking *a, const uint16_t *edge)
{
	struct choose_walk *w = a->w;
	struct choose_trace *trace = w->trace;
	const unsigned first = w->first, most = w->most;

	w->trace = NULL;
	w->first = w->choice->n;
	w->most = w->first + 1;
	const bool took = choose_take(w,
		&(struct choose_list){ .edges = edge,
			.n = 1,
			.by = a->even_down ? BY_ALL_DOWN : BY_ORDER,
			.even_down = a->even_down,
			.even_drained = a->even_drained });
	w->trace = trace;
	w->first = first;
	w->most = most;
	return took;
}

static bool take(const struct choose_asking *a, unsigned at)
{
	const struct pool_member *m = &a->tree->members[at];

	if (!m->is_pool)
		return take_edge(a, &m->number);
	return choose_in_pool(a->w,
		&(struct choose_inside){ m->number, a->even_down, a->even_drained });
}

static bool has_enough(const struct choose_asking *a)
{
	return a->taken == choose_answers(a->w) || a->w->choice->n == POOL_ANSWERS_MOST;
}

/* Is it an edge that comes or goes, and this query none of its share? */
static bool is_ramped(const struct choose_asking *a, unsigned at)
{
	const struct pool_member *m = &a->tree->members[at];
	const struct pool *p = a->w->pool;

	for (unsigned i = 0; a->ramps && !m->is_pool && i < p->n; i++)
		if (p->edges[i] == m->number)
			return choose_sixteenths(a->w, i) <= a->nth;
	return false;
}

/* Who has one already is asked again. */
static unsigned row_of(const struct choose_asking *a, unsigned at)
{
	unsigned row = 0;

	while (a->step && row < a->step->n && a->step->edges[row] != at)
		row++;
	if (a->step && row == a->step->n)
		a->step->n++;
	return row;
}

/* Asks a member that was not asked yet. */
static void ask_member(struct choose_asking *a, unsigned at)
{
	enum choose_verdict v = choose_judge_member(a, at);
	const unsigned row = row_of(a, at);

	assert(!choose_is_seen(a, at));
	a->seen[at / 64] |= (uint64_t)1 << at % 64;
	if (v == CHOSEN && has_enough(a))
		v = PASSED_ENOUGH;
	else if (v == CHOSEN && is_ramped(a, at)) {
		v = PASSED_RAMP;
		a->ramped = true;
	} else if (v == CHOSEN && !take(a, at))
		v = PASSED_DOWN;
	a->passed = a->passed || v == PASSED_DOWN || v == PASSED_DRAIN;
	if (v == CHOSEN && a->taken++ == 0 && a->passed && !a->even_down &&
		a->w->choice->n == a->w->first + 1u)
		a->w->choice->why = WHY_FAILOVER;
	if (!a->step)
		return;
	a->step->edges[row] = (uint16_t)at;
	a->step->verdicts[row] = (uint8_t)v;
}

/* Whoever explains wants to know of all. */
static bool is_done(const struct choose_asking *a)
{
	return has_enough(a) && !a->step;
}

/* --- policies ----------------------------------------------------------------------------- */

/* From `first` on, once around. */
static void ask_in_order(struct choose_asking *a, unsigned first)
{
	const unsigned n = a->tree->n;

	for (unsigned i = 0; i < n && !is_done(a); i++) {
		const unsigned at = first + i < n ? first + i : first + i - n;
		if (!choose_is_seen(a, at) && !choose_has_share(a, at))
			ask_member(a, at);
	}
}

static uint32_t weight_left(const struct choose_asking *a, unsigned at)
{
	return choose_is_seen(a, at) || choose_has_share(a, at) || choose_judge_member(a, at) != CHOSEN
		? 0
		: choose_member_weight(a->w, at);
}

/* Of several answers the others, by weight among those that are left. */
static void draw_others(struct choose_asking *a)
{
	for (unsigned k = 1; k < a->tree->n && !has_enough(a); k++) {
		uint64_t sum = 0;
		unsigned i = 0;
		for (unsigned m = 0; m < a->tree->n; m++)
			sum += weight_left(a, m);
		if (!sum)
			return;
		uint64_t at = choose_draw(a->w, a->turn, k, sum);
		for (; at >= weight_left(a, i); i++)
			at -= weight_left(a, i);
		ask_member(a, i);
	}
}

/* Weight 0 is for when nothing else is left: no share either, which choose_by_members() looks at. */
static void ask_by_weight(struct choose_asking *a, unsigned first)
{
	if (choose_answers(a->w) > 1 && !choose_is_seen(a, first) && choose_member_weight(a->w, first) &&
		!choose_has_share(a, first))
		ask_member(a, first);
	if (choose_answers(a->w) > 1)
		draw_others(a);
	for (unsigned pass = 0; pass < (a->tree->whole ? 1 : 2) && !is_done(a); pass++)
		for (unsigned i = 0; i < a->tree->n && !is_done(a); i++) {
			const unsigned at = (first + i) % a->tree->n;
			if (!choose_is_seen(a, at) && !choose_has_share(a, at) &&
				(pass || choose_member_weight(a->w, at)))
				ask_member(a, at);
		}
}

struct leaf_order {
	const uint16_t *order; /* [leaves] */
	const uint16_t *within;
};

/* A member is as good as the best of its leaves that may answer. */
static void ask_by_leaves(struct choose_asking *a, struct leaf_order o)
{
	unsigned last = a->tree->n_leaves;

	for (unsigned i = 0; i < last && !is_done(a); i++) {
		const struct pool_leaf *l = &a->tree->leaves[o.order[i]];
		if (choose_is_seen(a, l->member) || choose_has_share(a, l->member))
			continue;
		const enum choose_verdict v = choose_judge_edge(a, l->edge, l->holder);
		a->passed = a->passed || v == PASSED_DOWN || v == PASSED_DRAIN;
		if (v != CHOSEN)
			continue;
		ask_member(a, l->member);
		if (a->taken == 1 && o.within && last == a->tree->n_leaves)
			last = i + 1u + o.within[i];
	}
}

static void ask_by_rank(struct choose_asking *a)
{
	const struct rank *r = a->w->pool->rank;
	const uint32_t class = choose_class(a->w);
	uint16_t order[POOL_EDGES_MOST], within[POOL_EDGES_MOST];

	ask_by_leaves(a,
		(struct leaf_order){ rank_row(r, &r->order, class, order),
			rank_row(r, &r->within, class, within) });
}

/* Is it for when nothing else is left, and that is no share either? choose_by_members() asks it last. */
static bool is_last_resort(const struct choose_asking *a, unsigned at)
{
	return a->tree->whole && pool_policy_weighs(a->w->pool->policy) &&
		!choose_member_weight(a->w, at);
}

/* Rendezvous hashing, as choose_links.c has it of edges. */
static void ask_by_key(struct choose_asking *a)
{
	const struct steer *s = a->w->ask->steer;
	const bool weighted = pool_policy_weighs(a->w->pool->policy);
	const uint64_t key = choose_key(a->w, 0);

	for (unsigned k = 0; k < a->tree->n && !is_done(a); k++) {
		unsigned best = CHOOSE_NO_MEMBER;
		double least = INFINITY;
		for (unsigned i = 0; i < a->tree->n; i++) {
			const struct pool_member *m = &a->tree->members[i];
			const uint64_t hash = m->is_pool ? s->pools[m->number].hash
							 : s->edges[m->number].hash;
			const unsigned own = choose_member_weight(a->w, i);
			const double weight = weighted ? own ? own : 1e-9 : 1;
			const double score =
				-log((group_draw(key, hash) + 0.5) / 4294967296.0) / weight;
			if (!choose_is_seen(a, i) && !choose_has_share(a, i) && !is_last_resort(a, i) &&
				score < least) {
				least = score;
				best = i;
			}
		}
		if (best == CHOOSE_NO_MEMBER)
			return;
		ask_member(a, best);
	}
}

static void ask_by_policy(struct choose_asking *a, uint16_t drawn)
{
	struct choose_walk *w = a->w;
	const unsigned first = drawn == CHOOSE_NO_MEMBER ? 0 : drawn;

	switch (w->pool->policy) {
	case POOL_NEAREST: ask_by_rank(a); return;
	case POOL_LEAST_LATENCY:
	case POOL_LEAST_LOAD:
		ask_by_leaves(a,
			(struct leaf_order){ choose_standing(w)->order,
				choose_standing(w)->within });
		return;
	case POOL_WEIGHTED:
		if (w->pool->affinity)
			ask_by_key(a);
		else
			ask_by_weight(a, first);
		return;
	case POOL_ROUND_ROBIN:
		if (w->pool->affinity)
			ask_by_key(a);
		else
			ask_in_order(a, first);
		return;
	case POOL_HASH: ask_by_key(a); return;
	case POOL_ORDERED:
		/* Where it has failed over to goes first. */
		if (choose_standing(w)->first && !choose_is_seen(a, choose_standing(w)->first) &&
			!choose_has_share(a, choose_standing(w)->first))
			ask_member(a, choose_standing(w)->first);
		ask_in_order(a, 0);
		return;
	}
}

/* What has become of those that were not asked. */
static void note_others(struct choose_asking *a)
{
	for (unsigned i = 0; i < a->tree->n; i++) {
		if (choose_is_seen(a, i))
			continue;
		const enum choose_verdict v = choose_judge_member(a, i);
		a->step->edges[a->step->n] = (uint16_t)i;
		a->step->verdicts[a->step->n++] = (uint8_t)(v != CHOSEN ? v
				: has_enough(a) || choose_has_share(a, i)      ? PASSED_ENOUGH
									: PASSED_SPREAD);
	}
}

/* Whatever is drawn is an answer for as many. Were one for all clients and the other for those of a
 * small net, a resolver would keep the first for those of the second, too, and give it more often
 * than its share is. */
static void consult_net(struct choose_walk *w)
{
	if (w->by_source || w->net_known)
		return;
	choose_find_place(w);
	choose_consult(w, netmap_scope(choose_map(w), NULL, &w->who, w->place));
	w->net_known = w->placed == w->ask->steer->atlas->cities.map;
}

static enum choose_by by_of(const struct choose_asking *a, bool shared)
{
	if (a->even_down)
		return BY_ALL_DOWN;
	if (shared)
		return BY_SHARE;
	switch (a->w->pool->policy) {
	case POOL_NEAREST:
		return a->w->trace && !choose_is_placed(a->w) ? BY_DEFAULT : BY_RANK;
	case POOL_LEAST_LATENCY:
	case POOL_LEAST_LOAD: return BY_MEASURE;
	case POOL_WEIGHTED:
	case POOL_ROUND_ROBIN: return a->w->pool->affinity ? BY_AFFINITY : BY_TURN;
	case POOL_HASH: return BY_AFFINITY;
	case POOL_ORDERED: return BY_ORDER;
	}
	return BY_ORDER;
}

/* Edges among the members come or go: whom a query goes to is drawn, where policies know no groups. */
static void draw_ramp(struct choose_asking *a)
{
	const struct pool *p = a->w->pool;
	bool any = false;

	for (unsigned i = 0; choose_has_cuts(a->w) && i < p->n; i++)
		any = any || (p->tree->holders[i] == a->w->number && choose_sixteenths(a->w, i) < 16);
	if (!any || a->even_down)
		return;
	a->ramps = true;
	a->nth = choose_sixteenth(a->w);
}

/* Whose share is over, when nobody else may answer. */
static void ask_ramped(struct choose_asking *a)
{
	a->ramps = false;
	for (unsigned i = 0; i < a->tree->n && !a->taken; i++)
		if (!a->tree->members[i].is_pool) {
			a->seen[i / 64] &= ~((uint64_t)1 << i % 64);
			ask_member(a, i);
		}
}

bool choose_by_members(struct choose_walk *w, bool even_down, bool even_drained)
{
	const enum pool_policy policy = w->pool->policy;
	const bool turns = (policy == POOL_WEIGHTED || policy == POOL_ROUND_ROBIN) &&
		!w->pool->affinity;
	struct choose_asking a = { .w = w,
		.tree = w->pool->tree,
		.even_down = even_down,
		.even_drained = even_drained,
		.then = CHOOSE_NO_MEMBER };
	uint16_t drawn = CHOOSE_NO_MEMBER;
	struct choose_shares d;

	draw_ramp(&a);
	if (turns || a.tree->whole) {
		choose_shares_fill(&a, &d);
		drawn = choose_shares_draw(&a, &d);
	}
	if ((turns || a.tree->whole || a.ramps) && w->choice->by_chance && a.tree->looks)
		consult_net(w);
	const bool shared = drawn != CHOOSE_NO_MEMBER && a.tree->units[drawn];
	a.step = choose_step(w, by_of(&a, shared));
	if (a.step)
		a.step->members = true;
	if (shared)
		ask_member(&a, drawn);
	if (!has_enough(&a))
		ask_by_policy(&a, shared ? a.then : drawn);
	/* Whose edges are all down, but not who stands in for them; then those with a share; then those of weight 0. */
	for (unsigned i = 0; i < a.tree->n && !a.taken; i++)
		if (!choose_is_seen(&a, i) && !choose_has_share(&a, i) && !is_last_resort(&a, i))
			ask_member(&a, i);
	for (unsigned i = 0; i < a.tree->n && !a.taken; i++)
		if (!choose_is_seen(&a, i) && choose_has_share(&a, i))
			ask_member(&a, i);
	for (unsigned i = 0; i < a.tree->n && !a.taken; i++)
		if (!choose_is_seen(&a, i))
			ask_member(&a, i);
	if (!a.taken && a.ramped)
		ask_ramped(&a);
	if (a.step)
		note_others(&a);
	if (turns && a.taken && !even_down)
		w->choice->why = WHY_TURN;
	return a.taken > 0;
}
