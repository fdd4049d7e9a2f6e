#include "steer/shed_inner.h"

#include "base/memory.h"
#include "steer/standing.h"
#include "steer/steer.h"

#include <math.h>
#include <stdlib.h>
#include <string.h>

enum {
	SWEEPS_MOST = 12,
	RAISES_MOST =
		400, /* sweeps that only raise: groups that fit nowhere would do it for ever */
	STEP_LEAST = SHED_UNIT / 2,
	STEP_PARTS = 4 /* of an edge's clients one leaves in a step */
};

/* Of its capacity below the high watermark: an edge whose load is there is left alone. */
#define BAND  0.05
#define SPARE 0.02 /* of capacity: for what neighbours cannot bear at the end */

/* --- what may go where -------------------------------------------------------------------- */

/* From which tables a group is answered. */
struct tables {
	const struct steer *steer;
	const struct standing *standing;
	const int *edge_of; /* NULL: edges are those of the problem */
};

/* `at`: position in the pool. */
static bool may_answer(const struct tables *t, const struct shed_demand *d, unsigned at)
{
	const unsigned edge = t->steer->pools[d->pool].edges[at],
		       row = standing_row_at(t->standing, t->steer, d->pool, at);
	const uint8_t marks = standing_marks(t->standing, row, edge);
	const struct edge *e = &t->steer->edges[edge];

	return (e->cname || (d->v6 ? e->n_aaaa : e->n_a)) && !(marks & STANDS_DRAINED) &&
		(marks & (d->v6 ? STANDS_AAAA : STANDS_A));
}

static void add_to_kind(struct shed_auction *a, uint64_t what)
{
	struct atom *atom = &a->atoms[a->n_atoms];
	size_t s = (size_t)hash_mix(what + 1, HASH_STEP) & (a->slots_n - 1);

	while (a->slots[s] && a->kinds[a->slots[s] - 1].what != what)
		s = (s + 1) & (a->slots_n - 1);
	if (!a->slots[s]) {
		a->kinds[a->n_kinds++] = (struct kind){ what, (uint32_t)a->n_atoms, 0 };
		a->slots[s] = (uint32_t)a->n_kinds;
	}
	a->kinds[a->slots[s] - 1].load += atom->load * atom->answers;
}

static void add_offer(struct shed_auction *a, unsigned edge, uint32_t cost)
{
	a->offers[a->n_offers++] = (struct offer){ .cost = cost,
		.edge = (uint16_t)edge,
		.atom = (uint32_t)a->n_atoms };
	a->atoms[a->n_atoms].n++;
}

/* The same as choose_by_cost() makes of it. Those who are nearest to an edge that is only in
 * the tables of a stage go there, and are no load of any other. */
static void add_atom(
	struct shed_auction *a, const struct tables *t, const struct shed_demand *d)
{
	const struct pool *pool = &t->steer->pools[d->pool];
	const struct rank *r = pool->rank;
	const struct netmap *map = r->view ? r->view : client_map_netmap(r->clients);
	const struct netmap_hit hit = netmap_find(map, &d->addr);
	const unsigned bits = group_bits(&d->addr, netmap_scope(map, r->seams, &d->addr, hit));
	const uint64_t group = group_of(&d->addr, bits);
	const uint32_t class = r->view
		? (hit.value <= r->classes ? hit.value - 1 : r->class_of[0])
		: r->class_of[hit.value < client_map_keys(r->clients) ? hit.value : 0];
	uint16_t room[POOL_EDGES_MOST];
	const uint16_t *order = rank_row(r, &r->order, class, room),
		       *ms = r->ms + (size_t) class * r->n;
	struct atom *atom = &a->atoms[a->n_atoms];

	*atom = (struct atom){ .first = (uint32_t)a->n_offers };
	for (unsigned i = 0; i < r->n && atom->n < OFFERS_MOST; i++) {
		const uint16_t own = pool->edges[order[i]];
		const int edge = t->edge_of ? t->edge_of[own] : own;
		if (!may_answer(t, d, order[i]))
			continue;
		if (edge < 0 && atom->n == 0)
			return;
		if (edge < 0)
			continue;
		const uint16_t *here = t->standing->pools[d->pool].shares,
			       share = a->p->share ? a->p->share[edge] : SHED_ALL;
		const struct shed_cut cut = { 0, here && here[order[i]] < share ? here[order[i]] : share };
		add_offer(a, (unsigned)edge,
			shed_cost(ms[i], cut, atom->n == 0, group, t->steer->edges[own].hash));
	}
	if (atom->n == 0)
		return;
	atom->answers = (uint16_t)(pool->answers < atom->n ? pool->answers : atom->n);
	atom->load = d->rate * a->p->per_query / atom->answers;
	add_to_kind(a,
		(uint64_t)d->pool << 48 | (uint64_t)d->v6 << 47 |
			(uint64_t)(t->edge_of != NULL) << 46 | class);
	a->n_atoms++;
}

/* How far the price of an offer that is taken may rise before another is taken for it. */
static uint32_t margin(const struct shed_auction *a, const struct offer *taken)
{
	const struct atom *atom = &a->atoms[taken->atom];
	const struct offer *o = a->offers + atom->first;
	uint64_t next = UINT64_MAX;

	for (unsigned i = 0; i < atom->n; i++)
		if (!o[i].taken && shed_offer_cost(a, &o[i]) < next)
			next = shed_offer_cost(a, &o[i]);
	if (next == UINT64_MAX)
		return UINT32_MAX;
	const uint64_t own = shed_offer_cost(a, taken);
	return next > own ? (uint32_t)(next - own) : 0;
}

/* --- how much an edge may bear ------------------------------------------------------------ */

/* The price that the load asks for: none up to the low watermark, SHED_SOFT at the high one. */
static double price_of_load(const struct shed_auction *a, unsigned edge, double load)
{
	const struct edge *e = shed_edge_of(a, edge);
	const double used = load / a->capacity[edge];

	if (used <= e->low)
		return 0;
	if (used > e->high - (a->strict ? a->below : 0))
		return SHED_MOST;
	return SHED_SOFT * (used - e->low) / (e->high - e->low);
}

/* --- the auction -------------------------------------------------------------------------- */

static int compare_leavers(const void *a, const void *b)
{
	const struct leaver *x = a, *y = b;

	if (x->margin != y->margin)
		return x->margin < y->margin ? -1 : 1;
	return x->atom < y->atom ? -1 : 1;
}

static size_t find_leavers(struct shed_auction *a, unsigned edge)
{
	const struct edge_offers *list = &a->lists[edge];
	size_t n = 0;

	for (uint32_t i = list->begin; i < list->open; i++) {
		const struct offer *o = &a->offers[a->by_edge[i]];
		a->leavers[n++] = (struct leaver){ margin(a, o), o->atom };
		a->effort += a->atoms[o->atom].n;
	}
	qsort(a->leavers, n, sizeof *a->leavers, compare_leavers);
	return n;
}

/* Raises a price until the edge's load is what it stands for. True when it has risen. */
static bool raise(struct shed_auction *a, unsigned edge)
{
	const uint32_t before = a->price[edge];
	double load = a->load[edge];

	if (a->capacity[edge] <= 0 || before >= SHED_MOST ||
		price_of_load(a, edge, load) <= (a->hard ? SHED_SOFT : before + 1) ||
		load <= a->floor[edge])
		return false;
	const size_t n = find_leavers(a, edge);
	double to = before;
	const bool was = a->strict;
	a->strict = true;
	for (size_t i = 0;; i++) {
		const double next = i < n ? (double)before + a->leavers[i].margin : INFINITY;
		if (load <= a->floor[edge])
			break; /* enough for this step */
		to = fmax(to, fmin(price_of_load(a, edge, load), SHED_MOST));
		if (to <= next)
			break;
		/* This one goes, if the price rises by more than its margin. */
		to = next + 1;
		load -= a->atoms[a->leavers[i].atom].load;
		if (price_of_load(a, edge, load) <= to)
			break;
	}
	a->strict = was;
	if (a->load[edge] > a->capacity[edge] * shed_edge_of(a, edge)->high)
		to = fmax(to, before + a->least);
	a->price[edge] = (uint32_t)fmin(ceil(to), SHED_MOST);
	for (size_t i = 0; i < n && before + (uint64_t)a->leavers[i].margin <= a->price[edge];
		i++)
		shed_settle(a, &a->atoms[a->leavers[i].atom]);
	return a->price[edge] > before;
}

static size_t find_comers(struct shed_auction *a, unsigned edge)
{
	const struct edge_offers *list = &a->lists[edge];
	size_t n = 0;

	a->effort += list->end - list->begin;
	for (uint32_t i = list->open; i < list->end; i++) {
		const struct offer *o = &a->offers[a->by_edge[i]];
		const struct atom *atom = &a->atoms[o->atom];
		/* With several answers another may be the dearest by now: near enough. */
		const uint64_t last = shed_offer_cost(a, &a->offers[atom->first + atom->last]);
		if (shed_offer_cost(a, o) >= last + a->price[edge])
			continue;
		a->leavers[n++] = (struct leaver){ shed_offer_cost(a, o) > last
				? (uint32_t)(shed_offer_cost(a, o) - last)
				: 0,
			o->atom };
	}
	qsort(a->leavers, n, sizeof *a->leavers, compare_leavers);
	return n;
}

/* Lowers a price as far as the edge bears who then comes. */
static void lower(struct shed_auction *a, unsigned edge)
{
	const uint32_t before = a->price[edge];
	double load = a->load[edge];

	if (a->capacity[edge] <= 0 || !before || (price_of_load(a, edge, load) > 0 && price_of_load(a, edge, load) + 1 >= before))
		return;
	const size_t n = find_comers(a, edge);
	size_t come = 0;
	double to = price_of_load(a, edge, load);
	for (; come < n; come++) {
		const struct leaver *l = &a->leavers[come];
		const double then = (double)before - l->margin - 1,
			     more = load + a->atoms[l->atom].load;
		if (then < 0 || price_of_load(a, edge, more) > then) {
			to = fmax(to, (double)before - l->margin);
			break;
		}
		load = more;
		to = price_of_load(a, edge, load);
	}
	a->price[edge] = (uint32_t)fmin(ceil(to), before);
	for (size_t i = 0; i < n && a->leavers[i].margin + (uint64_t)a->price[edge] <= before;
		i++)
		shed_settle(a, &a->atoms[a->leavers[i].atom]);
}

/* Until nothing is too full that need not be. */
static bool raise_all(struct shed_auction *a)
{
	const unsigned n = a->p->steer->n_edges;
	bool any = true;

	a->hard = true;
	for (unsigned k = 0; any; k++) {
		any = false;
		a->least = k; /* larger steps the longer it takes */
		for (unsigned i = 0; i < n; i++) {
			any = raise(a, i) || any;
			if (a->effort > a->most)
				return false;
		}
		if (k == RAISES_MOST)
			return false;
	}
	return true;
}

/* Up and down, edge after edge, each to what is right while the others stay; then up only, to
 * where everything holds. */
static bool run(struct shed_auction *a)
{
	const unsigned n = a->p->steer->n_edges;

	shed_soften(a);
	a->below = SPARE;
	a->strict = true;
	for (unsigned k = 0; k < SWEEPS_MOST && a->effort <= a->most; k++)
		for (unsigned i = 0; i < n && a->effort <= a->most; i++)
			if (!raise(a, i))
				lower(a, i);
	a->below = 0;
	a->strict = false;
	return raise_all(a);
}

/* Prices that are higher than they need be, with room to spare, come down a step; and to nothing where there need be none: any price
 * at all makes each group of clients look for itself. */
static void ease(struct shed_auction *a, unsigned edge)
{
	const uint32_t before = a->price[edge], most = before / 4 + STEP_LEAST;
	const struct edge *e = shed_edge_of(a, edge);
	const double need = a->capacity[edge] > 0 ? price_of_load(a, edge, a->load[edge]) : 0;

	if (a->load[edge] > a->capacity[edge] * (e->high - BAND) || (need > 0 && before < need + STEP_LEAST))
		return;
	lower(a, edge);
	if (before - a->price[edge] <= most)
		return;
	a->price[edge] = before - most;
	for (uint32_t i = a->lists[edge].open; i-- > a->lists[edge].begin;) /* who leaves makes way for one that was looked at */
		shed_settle(a, &a->atoms[a->offers[a->by_edge[i]].atom]);
}

/* From prices that were right a moment ago: no more moves than must, and none while the loads
 * stay in their bands. */
static bool follow(struct shed_auction *a)
{
	a->below = BAND / 2;
	for (unsigned i = 0; i < a->p->steer->n_edges; i++)
		ease(a, i);
	return raise_all(a);
}

/* --- the whole ---------------------------------------------------------------------------- */

/* Of one group. */
static size_t offers_most(const struct steer *s)
{
	size_t most = 0;

	for (unsigned i = 0; i < s->n_pools; i++)
		if (s->pools[i].sheds && s->pools[i].n > most)
			most = s->pools[i].n;
	return most < OFFERS_MOST ? most : OFFERS_MOST;
}

static void add_atoms(struct shed_auction *a, const struct tables *t,
	const struct shed_demand *demand, size_t n)
{
	for (size_t i = 0; i < n; i++)
		if (demand[i].pool < t->steer->n_pools && t->steer->pools[demand[i].pool].sheds)
			add_atom(a, t, &demand[i]);
}

static void open_auction(struct shed_auction *a)
{
	const unsigned n = a->p->steer->n_edges;
	const struct shed_stage *stage = a->p->stage;
	const size_t staged = stage ? stage->n : 0, all = a->p->n + staged;

	a->load = memory_zeroed(n, sizeof *a->load);
	a->floor = memory_zeroed(n, sizeof *a->floor);
	a->theirs = memory_zeroed(n, sizeof *a->theirs);
	a->capacity = memory_zeroed(n, sizeof *a->capacity);
	a->atoms = memory_zeroed(all, sizeof *a->atoms);
	a->leavers = memory_zeroed(all, sizeof *a->leavers);
	a->kinds = memory_zeroed(all, sizeof *a->kinds);
	for (a->slots_n = 16; a->slots_n < 2 * all; a->slots_n *= 2)
		;
	a->slots = memory_zeroed(a->slots_n, sizeof *a->slots);
	a->offers = memory_zeroed(a->p->n * offers_most(a->p->steer) +
			(stage ? staged * offers_most(stage->steer) : 0),
		sizeof *a->offers);
	add_atoms(a, &(struct tables){ a->p->steer, a->p->standing, NULL }, a->p->demand,
		a->p->n);
	if (stage)
		add_atoms(a, &(struct tables){ stage->steer, stage->standing, stage->edge_of },
			stage->demand, staged);
	shed_offers_sort(a);
	if (a->p->base)
		memcpy(a->load, a->p->base, n * sizeof *a->load);
	for (size_t i = 0; i < a->n_atoms; i++)
		shed_settle(a, &a->atoms[i]);
	for (unsigned i = 0; i < n; i++) {
		a->theirs[i] = a->load[i] * (1 - shed_part_of(a, i));
		a->load[i] -= a->theirs[i];
	}
	shed_stretch(a);
	for (unsigned i = 0; i < n; i++)
		a->floor[i] = a->p->steady ? a->load[i] * (1 - 1.0 / STEP_PARTS) : -INFINITY;
}

static void close_auction(struct shed_auction *a)
{
	memory_free(a->load);
	memory_free(a->floor);
	memory_free(a->theirs);
	memory_free(a->capacity);
	memory_free(a->atoms);
	memory_free(a->leavers);
	memory_free(a->kinds);
	memory_free(a->slots);
	memory_free(a->offers);
	memory_free(a->by_edge);
	memory_free(a->lists);
}

/* Of each edge, what has gone elsewhere from where it would be without any price. */
static void tell_edges(const struct shed_auction *a, struct shed_edge *out)
{
	const unsigned n = a->p->steer->n_edges;
	double *extra = memory_zeroed(n, sizeof *extra);

	for (unsigned i = 0; i < n; i++)
		out[i] = (struct shed_edge){ .load = a->load[i] + a->theirs[i],
			.own = a->p->base ? a->p->base[i] : 0,
			.limit = a->capacity[i] * shed_edge_of(a, i)->high / shed_part_of(a, i) };
	for (size_t i = 0; i < a->n_atoms; i++) {
		const struct atom *atom = &a->atoms[i];
		const struct offer *o = a->offers + atom->first;
		unsigned own = 0, now = 0;
		for (unsigned k = 1; k < atom->n; k++) {
			own = o[k].cost < o[own].cost ? k : own;
			now = o[k].taken &&
					(!o[now].taken ||
						shed_offer_cost(a, &o[k]) <
							shed_offer_cost(a, &o[now]))
				? k
				: now;
		}
		out[o[own].edge].own += atom->load * atom->answers;
		if (o[now].edge == o[own].edge)
			continue;
		out[o[own].edge].moved += atom->load * atom->answers;
		extra[o[own].edge] += atom->load * atom->answers *
			((double)o[now].cost - o[own].cost) / SHED_UNIT;
	}
	for (unsigned i = 0; i < n; i++) {
		const double own = out[i].own - (a->p->base ? a->p->base[i] : 0);
		out[i].extra_ms = out[i].moved > 0 ? extra[i] / out[i].moved : 0;
		out[i].moved = own > 0 ? out[i].moved / own : 0;
	}
	memory_free(extra);
}

bool shed_solve(const struct shed_problem *p, uint32_t *price, struct shed_edge *out)
{
	struct shed_auction a = {
		.p = p, .price = price, .most = p->effort ? p->effort : EFFORT_MOST
	};

	open_auction(&a);
	const bool ok = p->steady ? follow(&a) : run(&a);
	if (out)
		tell_edges(&a, out);
	close_auction(&a);
	return ok;
}

uint16_t shed_share(uint16_t before, double used, double low, double high)
{
	double to = before;

	if (used > high)
		to *= 0.9;
	else if (used > low)
		to *= 1 - 0.05 * (used - low) / (high - low);
	else if (used < low - BAND)
		to += SHED_ALL / 20;
	return (uint16_t)fmax(SHED_ALL / 16, fmin(to, SHED_ALL));
}
