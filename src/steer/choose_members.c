/* choose_members.c - pools of pools: which member answers, and what it says.
 *
 * The members are put in order by the pool's policy, and asked one after the other until there
 * are answers enough. A member that is a pool chooses among its own as if it had been asked, with
 * one difference: while something else may answer, its all-down rule does not. A share goes
 * before the policy: of all, so many go to that member, and what is left is divided as the policy
 * says.
 */
#include "steer/choose_inner.h"
#include "steer/group.h"

#include <assert.h>
#include <math.h>
#include <string.h>

enum { NO_MEMBER = UINT16_MAX };

/* Members that are being asked. */
struct asking {
	struct choose_walk *w;
	const struct pool_tree *tree;
	bool even_down, even_drained;
	struct choose_step *step;
	unsigned taken; /* members that have answered */
	uint32_t turn;  /* of those that take turns: where it was */
	uint16_t then;  /* ... and which comes first of those without a share, where one with a share was drawn */
	bool passed;    /* one that goes before may not answer */
	bool ramps;     /* edges that come or go take their share of the queries alone, */
	unsigned nth;   /* ... of which this is one of 16 */
	bool ramped;    /* one was passed over for that */
	uint64_t seen[POOL_EDGES_MOST / 64];
};

static bool is_seen(const struct asking *a, unsigned at)
{
	return a->seen[at / 64] >> at % 64 & 1;
}

static enum choose_verdict judge_edge(const struct asking *a, uint16_t edge, uint16_t holder)
{
	const struct choose_list l = { .edges = &edge,
		.holders = &holder,
		.n = 1,
		.even_down = a->even_down,
		.even_drained = a->even_drained };

	return choose_judge(a->w, &l, 0);
}

static enum choose_verdict judge(const struct asking *a, unsigned at)
{
	const struct choose_ask *ask = a->w->ask;
	const struct pool_member *m = &a->tree->members[at];

	if (!m->is_pool)
		return judge_edge(a, m->number, a->w->number);
	const struct pool *p = &ask->steer->pools[m->number];
	if (!(p->can & a->w->can))
		return PASSED_NO_ADDRESS;
	const struct standing_pool *s = &ask->standing->pools[m->number];
	if (a->even_down ||
		(a->w->barely ? s->lives_barely : s->lives) & a->w->marks)
		return CHOSEN;
	return PASSED_DOWN;
}

/* The one edge is a list of its own; the step says what becomes of it. */
static bool take_edge(const struct asking *a, const uint16_t *edge)
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

static bool take(const struct asking *a, unsigned at)
{
	const struct pool_member *m = &a->tree->members[at];

	if (!m->is_pool)
		return take_edge(a, &m->number);
	return choose_in_pool(a->w,
		&(struct choose_inside){ m->number, a->even_down, a->even_drained });
}

static bool has_enough(const struct asking *a)
{
	return a->taken == choose_answers(a->w) || a->w->choice->n == POOL_ANSWERS_MOST;
}

/* Is it an edge that comes or goes, and this query none of its share? */
static bool is_ramped(const struct asking *a, unsigned at)
{
	const struct pool_member *m = &a->tree->members[at];
	const struct pool *p = a->w->pool;

	for (unsigned i = 0; a->ramps && !m->is_pool && i < p->n; i++)
		if (p->edges[i] == m->number)
			return choose_sixteenths(a->w, i) <= a->nth;
	return false;
}

/* Who has one already is asked again. */
static unsigned row_of(const struct asking *a, unsigned at)
{
	unsigned row = 0;

	while (a->step && row < a->step->n && a->step->edges[row] != at)
		row++;
	if (a->step && row == a->step->n)
		a->step->n++;
	return row;
}

/* Asks a member that was not asked yet. */
static void ask_member(struct asking *a, unsigned at)
{
	enum choose_verdict v = judge(a, at);
	const unsigned row = row_of(a, at);

	assert(!is_seen(a, at));
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
static bool is_done(const struct asking *a)
{
	return has_enough(a) && !a->step;
}

static bool has_share(const struct asking *a, unsigned at)
{
	return a->tree->units[at] != 0;
}

/* --- shares and turns --------------------------------------------------------------------- */

/* The members that may answer, and what each gets of `sum`. */
struct draw {
	uint32_t parts[POOL_EDGES_MOST];
	uint32_t sum;
	uint32_t rest; /* that is for the policy to divide */
	uint32_t weights, each; /* in turns: of the plain members, and the parts of a weight of 1 */
};

/* Plain members divide what the shares leave. By weight where the policy takes turns; else they
 * are one. */
static void fill_draw(const struct asking *a, struct draw *d)
{
	const struct pool_tree *t = a->tree;
	const enum pool_policy policy = a->w->pool->policy;
	const bool turns = policy == POOL_WEIGHTED || policy == POOL_ROUND_ROBIN;
	uint32_t shares = 0, weights = 0;
	bool any = false; /* some plain member may answer, and has a weight where those count */

	for (unsigned i = 0; i < t->n; i++) {
		const bool may = judge(a, i) == CHOSEN;
		d->parts[i] = !may                          ? 0
			: t->units[i]                       ? t->units[i]
			: pool_policy_weighs(policy)        ? choose_member_weight(a->w, i)
							    : 1;
		*(t->units[i] ? &shares : &weights) += d->parts[i];
		any = any || (!t->units[i] && d->parts[i]);
	}
	const uint32_t rest = turns ? weights : any;
	const uint32_t each = rest && shares ? t->whole - shares : 1,
		       share = shares ? rest ? rest : 1 : 0;
	for (unsigned i = 0; i < t->n; i++)
		d->parts[i] = t->units[i] ? d->parts[i] * share : turns ? d->parts[i] * each : 0;
	d->sum = shares * share + rest * each;
	d->rest = turns ? 0 : rest * each;
	d->weights = turns ? weights : 0;
	d->each = each;
}

/* What is drawn: by the key that keeps going to the same, or in turn. The key has another number here than where a
 * pool that this one is in has chosen it (ask_by_key()): by the same one, those with a share would get other clients. */
static uint32_t draw_at(struct asking *a, uint32_t sum, bool mixed)
{
	const uint64_t pool = a->w->pool->hash;

	if (!a->w->pool->affinity)
		return choose_next_turn(a->w, sum, mixed);
	return (uint32_t)((uint64_t)group_draw(hash_mix(choose_key(a->w, 0) ^ HASH_STEP, pool | 1), pool) * sum >> 32);
}

/* Where `*at` falls, among those with a share or the others; what those before have is taken off it. */
static uint16_t member_at(const struct asking *a, const struct draw *d, bool shares, uint32_t *at)
{
	for (unsigned i = 0; i < a->tree->n; i++)
		if (has_share(a, i) == shares) {
			if (*at < d->parts[i])
				return (uint16_t)i;
			*at -= d->parts[i];
		}
	return NO_MEMBER;
}

/* The member whose turn it is; NO_MEMBER: the policy says. */
static uint16_t draw_member(struct asking *a, const struct draw *d)
{
	if (!d->sum)
		return NO_MEMBER;
	uint32_t at = draw_at(a, d->sum, a->tree->whole || a->w->pool->policy == POOL_WEIGHTED);
	a->turn = at;
	/* The shares stand behind all others. */
	uint16_t drawn = member_at(a, d, false, &at);
	if (drawn != NO_MEMBER || at < d->rest)
		return drawn;
	at -= d->rest;
	drawn = member_at(a, d, true, &at);
	/* What a share takes of a round is a multiple of all weights. */
	if (drawn != NO_MEMBER && d->weights) {
		at = at % d->weights * d->each;
		a->then = member_at(a, d, false, &at);
	}
	return drawn;
}

/* --- policies ----------------------------------------------------------------------------- */

/* From `first` on, once around. */
static void ask_in_order(struct asking *a, unsigned first)
{
	const unsigned n = a->tree->n;

	for (unsigned i = 0; i < n && !is_done(a); i++) {
		const unsigned at = first + i < n ? first + i : first + i - n;
		if (!is_seen(a, at) && !has_share(a, at))
			ask_member(a, at);
	}
}

static uint32_t weight_left(const struct asking *a, unsigned at)
{
	return is_seen(a, at) || has_share(a, at) || judge(a, at) != CHOSEN
		? 0
		: choose_member_weight(a->w, at);
}

/* Of several answers the others, by weight among those that are left. */
static void draw_others(struct asking *a)
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
static void ask_by_weight(struct asking *a, unsigned first)
{
	if (choose_answers(a->w) > 1 && !is_seen(a, first) && choose_member_weight(a->w, first) &&
		!has_share(a, first))
		ask_member(a, first);
	if (choose_answers(a->w) > 1)
		draw_others(a);
	for (unsigned pass = 0; pass < (a->tree->whole ? 1 : 2) && !is_done(a); pass++)
		for (unsigned i = 0; i < a->tree->n && !is_done(a); i++) {
			const unsigned at = (first + i) % a->tree->n;
			if (!is_seen(a, at) && !has_share(a, at) &&
				(pass || choose_member_weight(a->w, at)))
				ask_member(a, at);
		}
}

struct leaf_order {
	const uint16_t *order; /* [leaves] */
	const uint16_t *within;
};

/* A member is as good as the best of its leaves that may answer. */
static void ask_by_leaves(struct asking *a, struct leaf_order o)
{
	unsigned last = a->tree->n_leaves;

	for (unsigned i = 0; i < last && !is_done(a); i++) {
		const struct pool_leaf *l = &a->tree->leaves[o.order[i]];
		if (is_seen(a, l->member) || has_share(a, l->member))
			continue;
		const enum choose_verdict v = judge_edge(a, l->edge, l->holder);
		a->passed = a->passed || v == PASSED_DOWN || v == PASSED_DRAIN;
		if (v != CHOSEN)
			continue;
		ask_member(a, l->member);
		if (a->taken == 1 && o.within && last == a->tree->n_leaves)
			last = i + 1u + o.within[i];
	}
}

static void ask_by_rank(struct asking *a)
{
	const struct rank *r = a->w->pool->rank;
	const uint32_t class = choose_class(a->w);
	uint16_t order[POOL_EDGES_MOST], within[POOL_EDGES_MOST];

	ask_by_leaves(a,
		(struct leaf_order){ rank_row(r, &r->order, class, order),
			rank_row(r, &r->within, class, within) });
}

/* Is it for when nothing else is left, and that is no share either? choose_by_members() asks it last. */
static bool is_last_resort(const struct asking *a, unsigned at)
{
	return a->tree->whole && pool_policy_weighs(a->w->pool->policy) &&
		!choose_member_weight(a->w, at);
}

/* Rendezvous hashing, as choose_links.c has it of edges. */
static void ask_by_key(struct asking *a)
{
	const struct steer *s = a->w->ask->steer;
	const bool weighted = pool_policy_weighs(a->w->pool->policy);
	const uint64_t key = choose_key(a->w, 0);

	for (unsigned k = 0; k < a->tree->n && !is_done(a); k++) {
		unsigned best = NO_MEMBER;
		double least = INFINITY;
		for (unsigned i = 0; i < a->tree->n; i++) {
			const struct pool_member *m = &a->tree->members[i];
			const uint64_t hash = m->is_pool ? s->pools[m->number].hash
							 : s->edges[m->number].hash;
			const unsigned own = choose_member_weight(a->w, i);
			const double weight = weighted ? own ? own : 1e-9 : 1;
			const double score =
				-log((group_draw(key, hash) + 0.5) / 4294967296.0) / weight;
			if (!is_seen(a, i) && !has_share(a, i) && !is_last_resort(a, i) &&
				score < least) {
				least = score;
				best = i;
			}
		}
		if (best == NO_MEMBER)
			return;
		ask_member(a, best);
	}
}

static void ask_by_policy(struct asking *a, uint16_t drawn)
{
	struct choose_walk *w = a->w;
	const unsigned first = drawn == NO_MEMBER ? 0 : drawn;

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
		if (choose_standing(w)->first && !is_seen(a, choose_standing(w)->first) &&
			!has_share(a, choose_standing(w)->first))
			ask_member(a, choose_standing(w)->first);
		ask_in_order(a, 0);
		return;
	}
}

/* What has become of those that were not asked. */
static void note_others(struct asking *a)
{
	for (unsigned i = 0; i < a->tree->n; i++) {
		if (is_seen(a, i))
			continue;
		const enum choose_verdict v = judge(a, i);
		a->step->edges[a->step->n] = (uint16_t)i;
		a->step->verdicts[a->step->n++] = (uint8_t)(v != CHOSEN ? v
				: has_enough(a) || has_share(a, i)      ? PASSED_ENOUGH
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

static enum choose_by by_of(const struct asking *a, bool shared)
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
static void draw_ramp(struct asking *a)
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
static void ask_ramped(struct asking *a)
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
	struct asking a = { .w = w,
		.tree = w->pool->tree,
		.even_down = even_down,
		.even_drained = even_drained,
		.then = NO_MEMBER };
	uint16_t drawn = NO_MEMBER;
	struct draw d;

	draw_ramp(&a);
	if (turns || a.tree->whole) {
		fill_draw(&a, &d);
		drawn = draw_member(&a, &d);
	}
	if ((turns || a.tree->whole || a.ramps) && w->choice->by_chance && a.tree->looks)
		consult_net(w);
	const bool shared = drawn != NO_MEMBER && a.tree->units[drawn];
	a.step = choose_step(w, by_of(&a, shared));
	if (a.step)
		a.step->members = true;
	if (shared)
		ask_member(&a, drawn);
	if (!has_enough(&a))
		ask_by_policy(&a, shared ? a.then : drawn);
	/* Whose edges are all down, but not who stands in for them; then those with a share; then those of weight 0. */
	for (unsigned i = 0; i < a.tree->n && !a.taken; i++)
		if (!is_seen(&a, i) && !has_share(&a, i) && !is_last_resort(&a, i))
			ask_member(&a, i);
	for (unsigned i = 0; i < a.tree->n && !a.taken; i++)
		if (!is_seen(&a, i) && has_share(&a, i))
			ask_member(&a, i);
	for (unsigned i = 0; i < a.tree->n && !a.taken; i++)
		if (!is_seen(&a, i))
			ask_member(&a, i);
	if (!a.taken && a.ramped)
		ask_ramped(&a);
	if (a.step)
		note_others(&a);
	if (turns && a.taken && !even_down)
		w->choice->why = WHY_TURN;
	return a.taken > 0;
}
