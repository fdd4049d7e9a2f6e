/* choose_shed.c - what load decides for a client: prices of edges that are too full, and shares
 * of edges that come or go (shed.h).
 */
#include "steer/choose_inner.h"
#include "steer/demand.h"

#include <math.h>

/* One edge that may answer. */
struct offer {
	uint32_t cost;
	uint16_t at; /* in the rank's order */
};

/* Where nobody has asked for times, the order alone: each edge is further than the one before
 * it by more than a group's own detour (SHED_SPLIT), so that who leaves an edge goes to the
 * next. */
static uint16_t ms_of(const struct rank *r, uint32_t class, unsigned at)
{
	enum { STEP = 2 * RANK_MS };
	_Static_assert(STEP * (SHED_UNIT / RANK_MS) > SHED_SPLIT, "a step is more than a draw");
	_Static_assert((POOL_EDGES_MOST - 1) * STEP <= UINT16_MAX, "the last of a pool fits");

	return r->ms ? r->ms[(size_t) class * r->n + at] : (uint16_t)(at * STEP);
}

/* What an offer can cost, whatever the group draws. */
struct range {
	uint32_t least, most;
};

static struct range range_of(const struct choose_walk *w, uint16_t ms, unsigned edge, bool first)
{
	const struct shed_cut cut = choose_cut(w, edge);
	const uint32_t cost = ms * (uint32_t)(SHED_UNIT / RANK_MS) + cut.price;

	return (struct range){ cost + (cut.share ? 0 : SHED_BARRED),
		cost + (first ? 0 : SHED_SPLIT - 1) + (cut.share == SHED_ALL ? 0 : SHED_BARRED) };
}

/* Might choose_take() pass one over, so that who is behind it comes, too? What another member has taken, and a name beside others. */
static bool may_pass_over(const struct choose_walk *w, const struct choose_list *l, const struct offer *offers, unsigned n)
{
	bool any = w->first;

	for (unsigned i = 0; choose_answers(w) > 1 && !any && i < n; i++)
		any = w->ask->steer->edges[choose_edge(l, offers[i].at)].cname;
	return any;
}

/* Does it depend on the group which come first, and in which order? It does not where each of them costs less than the next one,
 * whatever the group draws. */
static bool needs_group(const struct choose_walk *w, const struct choose_list *l,
	uint32_t class, const struct offer *offers, unsigned n)
{
	struct range best[POOL_ANSWERS_MOST + 2]; /* [taken + 1] the least ones, in order */
	const unsigned answers = choose_answers(w), taken = answers < n ? answers : n;
	unsigned k = 0;

	if (may_pass_over(w, l, offers, n))
		return true;
	for (unsigned i = 0; i < n; i++) {
		const unsigned at = offers[i].at;
		const struct range one = range_of(w, ms_of(w->pool->rank, class, at), l->edges[at], i == 0);
		unsigned to = k;
		for (; to && one.least < best[to - 1].least; to--)
			best[to] = best[to - 1];
		best[to] = one;
		k += k < taken + 1;
	}
	for (unsigned i = 0; i < taken && i + 1 < k; i++)
		if (best[i].most >= best[i + 1].least)
			return true;
	return false;
}

static void sort(struct offer *o, unsigned n)
{
	for (unsigned i = 1; i < n; i++) {
		const struct offer one = o[i];
		unsigned k = i;
		for (; k && one.cost < o[k - 1].cost; k--)
			o[k] = o[k - 1];
		o[k] = one;
	}
}

/* Those that would have come before the first that was taken, but for load. */
static void note_shed(
	const struct choose_walk *w, unsigned taken_at, const struct offer *o, unsigned n)
{
	struct choose_trace *t = w->trace;

	if (!t || !t->n)
		return;
	struct choose_step *s = &t->steps[t->n - 1];
	for (unsigned i = 0; i < n && i < s->n; i++)
		if (o[i].at < taken_at && s->verdicts[i] != CHOSEN)
			s->verdicts[i] = PASSED_SHED;
}

/* How many of the first may answer together: those within the pool's spread of the first. */
static unsigned within(
	const struct choose_walk *w, uint32_t class, const struct offer *o, unsigned n)
{
	const struct pool *p = w->pool;
	const double best = ms_of(p->rank, class, o[0].at) / (double)RANK_MS;
	const double most = fmin(best + p->spread_ms, best * (1 + p->spread_share));
	unsigned k = 1;

	if (!p->rank->ms || isinf(most))
		return n;
	while (k < n && ms_of(p->rank, class, o[k].at) / (double)RANK_MS <= most)
		k++;
	return k;
}

bool choose_by_cost(struct choose_walk *w, uint32_t class)
{
	const struct pool *p = w->pool;
	const struct rank *r = p->rank;
	uint16_t room[POOL_EDGES_MOST];
	struct choose_list l = {
		.edges = rank_row(r, &r->order, class, room),
		.pool = p,
		.holders = choose_holders(w),
		.n = r->n,
		.by = BY_SHED
	};
	struct offer offers[POOL_EDGES_MOST];
	uint16_t order[POOL_EDGES_MOST];
	unsigned n = 0, others = 0;
	bool any = false;

	for (unsigned i = 0; i < r->n; i++) {
		if (choose_judge(w, &l, i) != CHOSEN) {
			order[r->n - ++others] = l.edges[i];
			continue;
		}
		any = any || choose_is_cut(w, l.edges[i]);
		offers[n++].at = (uint16_t)i;
		if (n == choose_answers(w) && !any)
			return false; /* the nearest have room: nothing can be better */
	}
	if (!any)
		return false;
	const unsigned bits = group_bits(&w->who, w->group_bits);
	if (needs_group(w, &l, class, offers, n))
		choose_consult(w, bits);
	const uint64_t group = group_of(&w->who, bits);
	for (unsigned i = 0; i < n; i++) {
		const uint16_t edge = choose_edge(&l, offers[i].at);
		offers[i].cost = shed_cost(ms_of(r, class, offers[i].at), choose_cut(w, l.edges[offers[i].at]),
			i == 0, group, w->ask->steer->edges[edge].hash);
	}
	const unsigned nearest = offers[0].at;
	sort(offers, n);
	for (unsigned i = 0; i < n; i++)
		order[i] = l.edges[offers[i].at];
	if (offers[0].at == nearest)
		l.by = BY_RANK;
	l.only = within(w, class, offers, n);
	l.beyond = PASSED_SPREAD;
	l.edges = order;
	const bool took = choose_take(w, &l);
	note_shed(w, offers[0].at, offers, n);
	return took;
}

void choose_count(struct choose_walk *w)
{
	const unsigned bits = group_bits(&w->who, w->group_bits) +
		(addr_is_v4(&w->who) ? ADDR_V4_BITS : 0);
	const struct prefix group = addr_prefix(&w->who, bits);

	w->choice->demand = demand_key(
		w->number, w->ask->v6, &group.addr);
}

unsigned choose_sixteenths(const struct choose_walk *w, unsigned at)
{
	return (choose_cut(w, at).share * 16u + SHED_ALL / 2) / SHED_ALL;
}

unsigned choose_sixteenth(const struct choose_walk *w)
{
	w->choice->by_chance = true;
	return group_draw(w->ask->now_us,
		       group_of(&w->ask->source, addr_is_v4(&w->ask->source) ? 32 : 128)) >>
		28;
}
