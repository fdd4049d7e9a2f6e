/* choose_turn.c - policies that look at no client: in turn, by weight, by what probes measured.
 */
#include "steer/choose_inner.h"

#include "base/bytes.h"

#include <string.h>

static uint32_t gcd(uint32_t a, uint32_t b)
{
	while (b) {
		const uint32_t c = a % b;
		a = b;
		b = c;
	}
	return a;
}

/* Moves the turn on and returns where it is: 0 to sum - 1. Over any `sum` turns in a row each
 * number comes exactly once; with a golden-section stride they come well mixed. */
uint32_t choose_next_turn(const struct choose_walk *w, uint32_t sum, bool mixed)
{
	const struct choose_ask *ask = w->ask;
	const size_t own = w->number * (size_t)CHOOSE_TURNS + (ask->record ? 2 : ask->v6);
	struct choose_turn looked = { .count = 0 }, *t = &looked;

	w->choice->by_chance = true;
	if (ask->turns && ask->peeks)
		looked = ask->turns[own];
	else if (ask->turns)
		t = &ask->turns[own];
	if (t->sum != sum) {
		*t = (struct choose_turn){ .sum = sum, .stride = 1 };
		if (mixed && sum > 2) {
			t->stride = (uint32_t)((double)sum * 0.6180339887498949);
			while (gcd(t->stride, sum) != 1)
				t->stride++;
		}
	}
	const uint32_t at = (uint32_t)((uint64_t)t->count * t->stride % sum);
	t->count = t->count + 1 == sum ? 0 : t->count + 1;
	return at;
}

/* How much of a turn is an edge's, while some of the pool's edges come or go. */
static uint32_t turn_share(const struct choose_walk *w, unsigned at, bool ramps)
{
	const uint32_t weight = w->pool->policy == POOL_WEIGHTED
		? choose_weights(w)[at]
		: 1;

	return ramps ? weight * choose_sixteenths(w, at) : weight;
}

static bool has_ramp(const struct choose_walk *w)
{
	for (unsigned i = 0; choose_has_cuts(w) && i < w->pool->n; i++)
		if (choose_sixteenths(w, i) < 16)
			return true;
	return false;
}

struct drawing {
	uint32_t turn;
	bool ramps;
};

uint64_t choose_draw(const struct choose_walk *w, uint32_t turn, unsigned k, uint64_t sum)
{
	const uint64_t moment = hash_mix(w->ask->now_us ^ HASH_STEP, 0xa0761d6478bd642fu),
		       draw = hash_mix(moment ^ ((uint64_t)turn << 8 | k), 0xe7037ed1a0b428dbu);

	return u128_times(draw, sum).high;
}

/* Of several answers the others are drawn, too: each by its weight among those that are left. What
 * is drawn differs from moment to moment and from turn to turn. */
static void draw_others(
	const struct choose_walk *w, struct choose_list *l, uint16_t *order, struct drawing d)
{
	uint64_t left = 0;

	l->edges = order;
	for (unsigned i = 1; i < l->n; i++)
		left += choose_judge(w, l, i) == CHOSEN ? turn_share(w, order[i], d.ramps) : 0;
	for (unsigned k = 1; k < l->n && k < choose_answers(w) && left; k++) {
		uint64_t at = choose_draw(w, d.turn, k, left);
		unsigned i = k;
		for (;; i++) {
			const uint32_t weight = choose_judge(w, l, i) == CHOSEN
				? turn_share(w, order[i], d.ramps)
				: 0;
			if (at < weight)
				break;
			at -= weight;
		}
		const uint16_t drawn = order[i];
		left -= turn_share(w, drawn, d.ramps);
		memmove(order + k + 1, order + k, (i - k) * sizeof *order);
		order[k] = drawn;
	}
}

/* The edge whose turn it is first, the others behind it in the pool's order. */
bool choose_by_turn(struct choose_walk *w, bool even_down, bool even_drained)
{
	const struct pool *p = w->pool;
	const bool weighted = p->policy == POOL_WEIGHTED, ramps = !even_down && has_ramp(w);
	struct choose_list l = { .pool = p,
		.n = p->n,
		.by = even_down ? BY_ALL_DOWN : BY_TURN,
		.even_down = even_down,
		.even_drained = even_drained };
	uint16_t order[POOL_EDGES_MOST];
	uint32_t sum = 0, turn = 0;
	unsigned first = 0;

	for (unsigned i = 0; i < p->n; i++)
		if (choose_judge(w, &l, i) == CHOSEN)
			sum += turn_share(w, i, ramps);
	if (sum) {
		uint32_t at = turn = choose_next_turn(w, sum, weighted || ramps);
		for (;; first++) {
			if (choose_judge(w, &l, first) != CHOSEN)
				continue;
			const uint32_t share = turn_share(w, first, ramps);
			if (at < share)
				break;
			at -= share;
		}
	}
	unsigned n = 0;
	for (unsigned i = 0; i < p->n; i++) {
		const unsigned k = first + i < p->n ? first + i : first + i - p->n;
		/* Weight 0 is never chosen while others can be. */
		if (!weighted || !sum || choose_weights(w)[k])
			order[n++] = (uint16_t)k;
	}
	l.edges = order;
	l.n = n;
	if (weighted && sum && choose_answers(w) > 1)
		draw_others(w, &l, order, (struct drawing){ turn, ramps });
	return choose_take(w, &l);
}

/* Whoever asks, the order that the probes' measures make, or the one they are written in, is the
 * same; but for edges that come
 * or go, which stand behind the others for their share of the queries. */
bool choose_by_measure(struct choose_walk *w, bool even_down, bool even_drained)
{
	const struct standing_pool *p = choose_standing(w);
	struct choose_list l = { .edges = p->order,
		.pool = w->pool,
		.n = w->pool->n,
		.within = p->within,
		.by = even_down                            ? BY_ALL_DOWN
			: w->pool->policy == POOL_ORDERED ? BY_ORDER
							  : BY_MEASURE,
		.even_down = even_down,
		.even_drained = even_drained };
	uint16_t order[POOL_EDGES_MOST];
	unsigned n = 0, behind = 0;

	if (even_down || !has_ramp(w))
		return choose_take(w, &l);
	const unsigned nth = choose_sixteenth(w);
	for (unsigned i = 0; i < l.n; i++) {
		const uint16_t at = p->order ? p->order[i] : (uint16_t)i;
		if (choose_sixteenths(w, at) > nth)
			order[n++] = at;
	}
	for (unsigned i = 0; i < l.n; i++) {
		const uint16_t at = p->order ? p->order[i] : (uint16_t)i;
		if (choose_sixteenths(w, at) <= nth)
			order[n + behind++] = at;
	}
	l.edges = order;
	l.within = NULL;
	l.only = n;
	l.beyond = PASSED_RAMP;
	return choose_take(w, &l);
}
