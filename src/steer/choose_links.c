/* choose_links.c - policies that are chains, and affinity.
 *
 * A chain's links narrow the edges that may answer, one after the other, and its last one
 * orders what they leave. With affinity the order is that of rendezvous hashing: each key (the
 * name, the client's group, or both) draws a number for every edge, and the highest wins. When
 * an edge goes, its keys alone move, and spread over all others.
 */
#include "steer/choose_inner.h"
#include "steer/group.h"

#include <math.h>
#include <string.h>

struct bits {
	uint64_t of[POOL_EDGES_MOST / 64];
};

/* Positions in the pool, in the order made so far. */
struct left {
	uint16_t at[POOL_EDGES_MOST];
	unsigned n;
	uint32_t class;
	bool has_class;
	struct bits *full; /* those that the key was not let in by; NULL: nobody asks */
};

static struct bits bits_of(const struct left *c)
{
	struct bits b = { { 0 } };

	for (unsigned i = 0; i < c->n; i++)
		b.of[c->at[i] / 64] |= (uint64_t)1 << c->at[i] % 64;
	return b;
}

static bool has(const struct bits *b, unsigned at)
{
	return b->of[at / 64] >> at % 64 & 1;
}

/* Those that are left, in the order of `order`, from the first of them up to `most` places
 * behind it, where that is given. */
static void reorder(struct left *c, const uint16_t *order, unsigned n, const uint16_t *within)
{
	const struct bits b = bits_of(c);
	unsigned last = n;

	c->n = 0;
	for (unsigned i = 0; i < last; i++) {
		if (!has(&b, order[i]))
			continue;
		if (c->n == 0 && within)
			last = i + 1u + within[i];
		c->at[c->n++] = order[i];
	}
}

static uint32_t class_of(struct choose_walk *w, struct left *c)
{
	if (!c->has_class)
		c->class = choose_class(w);
	c->has_class = true;
	return c->class;
}

static void by_rank(struct choose_walk *w, struct left *c, bool narrow)
{
	const struct rank *r = w->pool->rank;
	const uint32_t class = class_of(w, c);
	uint16_t order[POOL_EDGES_MOST], within[POOL_EDGES_MOST];

	reorder(c, rank_row(r, &r->order, class, order), r->n,
		narrow ? rank_row(r, &r->within, class, within) : NULL);
}

/* What was measured of an edge that is left. */
static float measure_of(const struct choose_walk *w, enum pool_policy by, unsigned at)
{
	const struct standing *s = w->ask->standing;
	const size_t cell = (size_t)choose_standing(w)->row * s->n_edges + w->pool->edges[at];

	return by == POOL_LEAST_LOAD ? s->load[cell] : s->rtt_ms[cell];
}

/* What nobody has measured goes, unless nothing has been. */
static void narrow_measured(
	const struct choose_walk *w, struct left *c, const struct pool_link *l)
{
	float best = NAN;
	unsigned n = 0;

	for (unsigned i = 0; i < c->n; i++)
		best = fminf(best, measure_of(w, l->policy, c->at[i]));
	if (isnan(best))
		return;
	const double most = fmin(best + l->within_ms, best + fabsf(best) * l->within_share);
	for (unsigned i = 0; i < c->n; i++)
		if (measure_of(w, l->policy, c->at[i]) <= most)
			c->at[n++] = c->at[i];
	c->n = n;
}

/* --- the last link ------------------------------------------------------------------------ */

static unsigned weight(const struct choose_walk *w, unsigned at)
{
	return pool_policy_weighs(w->pool->policy) ? choose_weights(w)[at] : 1;
}

/* Weight 0 is for when there is nothing else. Returns the sum of those that stay. */
static uint32_t drop_weightless(const struct choose_walk *w, struct left *c)
{
	uint32_t sum = 0;
	unsigned n = 0;

	for (unsigned i = 0; i < c->n; i++)
		sum += weight(w, c->at[i]);
	for (unsigned i = 0; i < c->n; i++)
		if (!sum || weight(w, c->at[i]))
			c->at[n++] = c->at[i];
	c->n = n;
	return sum;
}

/* Of several answers the others, by weight among those that are left. */
static void draw_others(const struct choose_walk *w, struct left *c, uint32_t turn, uint64_t sum)
{
	for (unsigned k = 1; k < c->n && k < choose_answers(w) && sum; k++) {
		uint64_t at = choose_draw(w, turn, k, sum);
		unsigned i = k;
		for (; at >= weight(w, c->at[i]); i++)
			at -= weight(w, c->at[i]);
		const uint16_t drawn = c->at[i];
		memmove(c->at + k + 1, c->at + k, (i - k) * sizeof *c->at);
		c->at[k] = drawn;
		sum -= weight(w, drawn);
	}
}

static void by_turn(const struct choose_walk *w, struct left *c)
{
	const uint32_t sum = drop_weightless(w, c);
	uint16_t order[POOL_EDGES_MOST];
	unsigned first = 0;

	if (!sum)
		return;
	const uint32_t turn = choose_next_turn(w, sum, w->pool->policy == POOL_WEIGHTED);
	uint32_t at = turn;
	for (; at >= weight(w, c->at[first]); first++)
		at -= weight(w, c->at[first]);
	for (unsigned i = 0; i < c->n; i++)
		order[i] = c->at[(first + i) % c->n];
	memcpy(c->at, order, c->n * sizeof *order);
	if (w->pool->policy == POOL_WEIGHTED)
		draw_others(w, c, turn, sum - weight(w, c->at[0]));
}

static void put_in_order(struct choose_walk *w, struct left *c)
{
	switch (w->pool->policy) {
	case POOL_NEAREST: by_rank(w, c, false); return;
	case POOL_ORDERED: return; /* as they are written */
	case POOL_ROUND_ROBIN:
	case POOL_WEIGHTED: by_turn(w, c); return;
	case POOL_HASH: return; /* it has an affinity */
	case POOL_LEAST_LATENCY:
	case POOL_LEAST_LOAD: reorder(c, choose_standing(w)->order, w->pool->n, NULL); return;
	}
}

/* --- affinity ----------------------------------------------------------------------------- */

/* One location: the edges within the pool's spread of the nearest; where it has none, those
 * that stand where the nearest stands. Elsewhere, all that the links have left. */
static void keep_location(struct choose_walk *w, struct left *c)
{
	const struct edge *edges = w->ask->steer->edges;
	unsigned n = 1;

	if (w->pool->policy != POOL_NEAREST)
		return;
	by_rank(w, c, !w->pool->n_links);
	if (!c->n || w->pool->n_links || rank_has(&w->pool->rank->within))
		return;
	const struct edge *first = &edges[w->pool->edges[c->at[0]]];
	for (unsigned i = 1; i < c->n; i++) {
		const struct edge *e = &edges[w->pool->edges[c->at[i]]];
		if (e->placed && first->placed && e->lat == first->lat && e->lon == first->lon)
			c->at[n++] = c->at[i];
	}
	c->n = n;
}

uint64_t choose_key(struct choose_walk *w, unsigned class_bits)
{
	uint64_t key = 0;

	if (w->pool->affinity & AFFINITY_NAME)
		key = group_hash(w->ask->name, w->ask->name_len);
	if (w->pool->affinity & AFFINITY_CLIENT) {
		const unsigned bits = group_bits(&w->who, class_bits);
		choose_consult(w, bits);
		key = hash_mix(key ^ HASH_STEP, group_of(&w->who, bits) | 1);
	}
	return key;
}

static void note_full(const struct left *c, unsigned at)
{
	if (c->full)
		c->full->of[at / 64] |= (uint64_t)1 << at % 64;
}

/* Those stay that the key is let in by, unless none is. `shares`: of SHED_ALL, by position. */
static void keep_by_shares(
	const struct choose_walk *w, struct left *c, const uint16_t *shares, uint64_t key)
{
	unsigned n = 0;

	for (unsigned i = 0; i < c->n; i++) {
		const uint64_t edge = w->ask->steer->edges[w->pool->edges[c->at[i]]].hash;
		if (shed_lets_in((struct shed_cut){ 0, shares[c->at[i]] }, key, edge))
			c->at[n++] = c->at[i];
		else
			note_full(c, c->at[i]);
	}
	c->n = n ? n : c->n;
}

/* Past its bound an edge keeps some keys; of a name, which may be most of what is asked, some groups of
 * clients. */
static void keep_bounded(struct choose_walk *w, struct left *c, uint64_t key)
{
	const uint16_t *bounds = w->standing->bounds;
	bool any = false;

	for (unsigned i = 0; bounds && i < c->n; i++)
		any = any || bounds[c->at[i]] != SHED_ALL;
	if (!any || c->n < 2)
		return;
	if (!(w->pool->affinity & AFFINITY_CLIENT)) {
		const unsigned bits = group_bits(&w->who, c->has_class ? w->group_bits : 0);
		choose_consult(w, bits);
		key = hash_mix(key ^ HASH_STEP, group_of(&w->who, bits) | 1);
	}
	keep_by_shares(w, c, bounds, key);
}

/* Of edges that come or go those stay that let the key in, unless all are such. */
static void keep_let_in(const struct choose_walk *w, struct left *c, uint64_t key)
{
	uint16_t shares[POOL_EDGES_MOST];

	if (!choose_has_cuts(w))
		return;
	for (unsigned i = 0; i < c->n; i++)
		shares[c->at[i]] = choose_cut(w, c->at[i]).share;
	keep_by_shares(w, c, shares, key);
}

/* The least wins: -ln(u) / weight, u from 0 to 1 by the hash of both (Schindelhauer and
 * Schomaker's logarithmic method), so that the weights' shares are exact. */
static double score(const struct choose_walk *w, uint64_t key, unsigned at)
{
	const uint32_t draw = group_draw(key, w->ask->steer->edges[w->pool->edges[at]].hash);
	const unsigned share = weight(w, at);

	if (!pool_policy_weighs(w->pool->policy))
		return -(double)draw;
	return -log((draw + 0.5) / 4294967296.0) / (share ? share : 1);
}

/* Brings the pool's number of answers to the front; the others stay as they are. */
static void by_affinity(struct choose_walk *w, struct left *c)
{
	double scores[POOL_EDGES_MOST];

	keep_location(w, c);
	drop_weightless(w, c);
	const uint64_t key = choose_key(w, c->has_class ? w->group_bits : 0);
	keep_let_in(w, c, key);
	keep_bounded(w, c, key);
	for (unsigned i = 0; i < c->n; i++)
		scores[i] = score(w, key, c->at[i]);
	for (unsigned k = 0; k < c->n && k < choose_answers(w); k++) {
		unsigned best = k;
		for (unsigned i = k + 1; i < c->n; i++)
			if (scores[i] < scores[best])
				best = i;
		const uint16_t at = c->at[best];
		const double s = scores[best];
		c->at[best] = c->at[k];
		scores[best] = scores[k];
		c->at[k] = at;
		scores[k] = s;
	}
}

/* Without a key, an edge that comes or goes has its share of the queries. */
static void keep_ramped(const struct choose_walk *w, struct left *c)
{
	const unsigned nth = choose_sixteenth(w);
	unsigned n = 0;

	for (unsigned i = 0; i < c->n; i++)
		if (choose_sixteenths(w, c->at[i]) > nth)
			c->at[n++] = c->at[i];
	c->n = n ? n : c->n;
}

/* --- the whole ---------------------------------------------------------------------------- */

/* Those that were left out on the way, for who wants to know why. */
static unsigned add_others(const struct choose_walk *w, struct left *c)
{
	const struct bits b = bits_of(c);
	unsigned n = c->n;

	for (unsigned i = 0; i < w->pool->n; i++)
		if (!has(&b, i))
			c->at[n++] = (uint16_t)i;
	return n;
}

static void tell_full(const struct choose_walk *w, const struct left *c, unsigned n)
{
	struct choose_step *s = w->trace && w->trace->n ? &w->trace->steps[w->trace->n - 1] : NULL;

	for (unsigned i = c->n; s && i < n && i < s->n; i++)
		if (has(c->full, c->at[i]) && s->verdicts[i] != PASSED_DOWN)
			s->verdicts[i] = PASSED_SHED;
}

bool choose_by_links(struct choose_walk *w, bool even_down, bool even_drained)
{
	const struct pool *p = w->pool;
	struct choose_list l = { .pool = p,
		.n = p->n,
		.by = even_down       ? BY_ALL_DOWN
			: p->affinity ? BY_AFFINITY
				      : BY_LINKS,
		.even_down = even_down,
		.even_drained = even_drained,
		.beyond = p->n_links ? PASSED_LINK : PASSED_PLACE };
	struct left c;

	struct bits full;

	c.n = 0;
	c.has_class = false;
	c.full = NULL;
	if (w->trace) {
		memset(&full, 0, sizeof full);
		c.full = &full;
	}
	for (unsigned i = 0; i < p->n; i++)
		if (choose_judge(w, &l, i) == CHOSEN)
			c.at[c.n++] = (uint16_t)i;
	if (c.n == 0 && !w->trace)
		return false;
	if (choose_has_cuts(w) && !p->affinity && !even_down)
		keep_ramped(w, &c);
	for (unsigned i = 0; i < p->n_links; i++)
		if (p->links[i].policy == POOL_NEAREST)
			by_rank(w, &c, true);
		else
			narrow_measured(w, &c, &p->links[i]);
	if (p->affinity)
		by_affinity(w, &c);
	else
		put_in_order(w, &c);
	l.edges = c.at;
	l.only = c.n;
	l.n = w->trace ? add_others(w, &c) : c.n;
	const bool took = choose_take(w, &l);
	if (c.full)
		tell_full(w, &c, l.n);
	return took;
}
