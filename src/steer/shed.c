#include "steer/shed.h"

#include "base/memory.h"
#include "steer/standing.h"
#include "steer/steer.h"

#include <math.h>
#include <stdlib.h>
#include <string.h>

enum {
	OFFERS_MOST = 48,       /* edges that a group is looked at for, the nearest */
	SWEEPS_MOST = 12,
	RAISES_MOST = 400, /* sweeps that only raise: groups that fit nowhere would do it for ever */
	SOFT_ROUNDS = 40,
	EFFORT_MOST = 100000000, /* offers looked at, a third of a second or so */
	STEP_LEAST = SHED_UNIT / 2,
	STEP_PARTS = 4 /* of an edge's clients one leaves in a step */
};

/* Of its capacity below the high watermark: an edge whose load is there is left alone. */
#define BAND 0.05

/* Edges are filled so far before it is seen how groups fit, which go as a whole. */
#define SPARE 0.02 /* of capacity: for what neighbours cannot bear at the end */
#define SOFT_FILL 0.985

/* An edge that a group may go to. */
struct offer {
	uint32_t cost; /* without the price */
	uint16_t edge;
	bool taken;
	uint32_t atom;
	uint32_t next; /* the edge's next offer + 1 */
};

/* The demand of a group, which goes to the cheapest `answers` of its offers. */
struct atom {
	uint32_t first;
	uint16_t n, answers;
	uint16_t last; /* the dearest of its offers that are taken */
	double load; /* a part, of as many as there are answers */
};

/* Groups whose offers cost the same but for the split: clients of one class that ask a pool for one
 * type. */
struct kind {
	uint64_t what; /* class, pool, type */
	uint32_t atom; /* one of them */
	double load;
};

/* A group, and by how much an edge's price may rise until it goes, or fall until it comes. */
struct leaver {
	uint32_t margin, atom;
};

struct auction {
	const struct shed_problem *p;
	uint32_t *price;
	struct atom *atoms;
	struct offer *offers;
	size_t n_atoms, n_offers;
	uint32_t *first;  /* [edge] its first offer + 1 */
	double *load;     /* [edge] */
	double *floor;    /* [edge] its load may not fall below this by prices in this step */
	double *capacity; /* [edge] of load, raised where it cannot be enough; 0: no limit */
	struct leaver *leavers;
	struct kind *kinds;
	size_t n_kinds;
	uint32_t *slots; /* kind + 1 by hash of what */
	size_t slots_n;
	double below; /* so far below the high watermark (of capacity) an edge is to get */
	bool strict;  /* ... now; else the watermark itself is good enough */
	uint32_t least; /* a price that is too low rises by so much at least: two full edges would pass
			 * clients to and fro by hairs else */
	bool hard;    /* only what is past the high watermark counts */
	size_t effort;
};

/* --- what may go where -------------------------------------------------------------------- */

static const struct edge *edge_of(const struct auction *a, unsigned edge)
{
	return &a->p->steer->edges[edge];
}

static bool may_answer(const struct auction *a, const struct shed_demand *d, unsigned edge)
{
	const unsigned row = a->p->standing->pools[d->pool].row;
	const uint8_t marks = standing_marks(a->p->standing, row, edge);
	const struct edge *e = edge_of(a, edge);

	return (e->cname || (d->v6 ? e->n_aaaa : e->n_a)) && !(marks & STANDS_DRAINED) &&
		(marks & (d->v6 ? STANDS_AAAA : STANDS_A));
}

static void add_to_kind(struct auction *a, uint64_t what)
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

/* The same as choose_by_cost() makes of it. */
static void add_atom(struct auction *a, const struct shed_demand *d)
{
	const struct pool *pool = &a->p->steer->pools[d->pool];
	const struct rank *r = pool->rank;
	const struct netmap *map = r->view ? r->view : ground_map(r->ground);
	const struct netmap_hit hit = netmap_find(map, &d->addr);
	const unsigned bits = group_bits(&d->addr, netmap_scope(map, r->seams, &d->addr, hit));
	const uint64_t group = group_of(&d->addr, bits);
	const uint32_t class = r->view
		? (hit.value <= r->classes ? hit.value - 1 : r->class_of[0])
		: r->class_of[hit.value < ground_keys(r->ground) ? hit.value : 0];
	const uint16_t *order = rank_order(r, class), *ms = r->ms + (size_t) class * r->n;
	struct atom *atom = &a->atoms[a->n_atoms];

	*atom = (struct atom){ .first = (uint32_t)a->n_offers };
	for (unsigned i = 0; i < r->n && atom->n < OFFERS_MOST; i++) {
		const uint16_t edge = pool->edges[order[i]];
		const struct shed_cut cut = { 0, a->p->share ? a->p->share[edge] : SHED_ALL };
		if (!may_answer(a, d, edge))
			continue;
		a->offers[a->n_offers++] = (struct offer){
			.cost = shed_cost(
				ms[i], cut, atom->n == 0, group, edge_of(a, edge)->hash),
			.edge = edge,
			.atom = (uint32_t)a->n_atoms,
			.next = a->first[edge] };
		a->first[edge] = (uint32_t)a->n_offers;
		atom->n++;
	}
	if (atom->n == 0)
		return;
	atom->answers = (uint16_t)(pool->answers < atom->n ? pool->answers : atom->n);
	atom->load = d->rate * a->p->per_query / atom->answers;
	add_to_kind(a, (uint64_t)d->pool << 48 | (uint64_t)d->v6 << 47 | class);
	a->n_atoms++;
}

static uint64_t cost(const struct auction *a, const struct offer *o)
{
	return (uint64_t)o->cost + a->price[o->edge];
}

/* Takes the cheapest offers; the first of equals, as a stable sort would. */
static void settle(struct auction *a, struct atom *atom)
{
	struct offer *o = a->offers + atom->first;

	for (unsigned i = 0; i < atom->n; i++) {
		if (o[i].taken)
			a->load[o[i].edge] -= atom->load;
		o[i].taken = false;
	}
	for (unsigned k = 0; k < atom->answers; k++) {
		unsigned best = atom->n;
		for (unsigned i = 0; i < atom->n; i++)
			if (!o[i].taken && (best == atom->n || cost(a, &o[i]) < cost(a, &o[best])))
				best = i;
		o[best].taken = true;
		atom->last = (uint16_t)best;
		a->load[o[best].edge] += atom->load;
	}
	a->effort += atom->n * (1u + atom->answers);
}

/* How far the price of an offer that is taken may rise before another is taken for it. */
static uint32_t margin(const struct auction *a, const struct offer *taken)
{
	const struct atom *atom = &a->atoms[taken->atom];
	const struct offer *o = a->offers + atom->first;
	uint64_t next = UINT64_MAX;

	for (unsigned i = 0; i < atom->n; i++)
		if (!o[i].taken && cost(a, &o[i]) < next)
			next = cost(a, &o[i]);
	if (next == UINT64_MAX)
		return UINT32_MAX;
	const uint64_t own = cost(a, taken);
	return next > own ? (uint32_t)(next - own) : 0;
}

/* --- how much an edge may bear ------------------------------------------------------------ */

/* The price that the load asks for: none up to the low watermark, SHED_SOFT at the high one. */
static double price_of_load(const struct auction *a, unsigned edge, double load)
{
	const struct edge *e = edge_of(a, edge);
	const double used = load / a->capacity[edge];

	if (used <= e->low)
		return 0;
	if (used > e->high - (a->strict ? a->below : 0))
		return SHED_MOST;
	return SHED_SOFT * (used - e->low) / (e->high - e->low);
}

static unsigned root(uint16_t *up, unsigned edge)
{
	while (up[edge] != edge)
		edge = up[edge] = up[up[edge]];
	return edge;
}

/* Edges that pools share belong together: clients of one can make way for those of another. */
static void join_pools(const struct auction *a, uint16_t *up)
{
	const struct steer *s = a->p->steer;

	for (unsigned i = 0; i < s->n_edges; i++)
		up[i] = (uint16_t)i;
	for (unsigned i = 0; i < s->n_pools; i++)
		for (unsigned k = 1; s->pools[i].sheds && k < s->pools[i].n; k++)
			up[root(up, s->pools[i].edges[k])] =
				(uint16_t)root(up, s->pools[i].edges[0]);
}

/* Where all that belong together cannot bear what comes, each bears more, in proportion: prices
 * would rise without end for nothing. */
static void stretch(struct auction *a)
{
	const struct steer *s = a->p->steer;
	const unsigned n = s->n_edges;
	uint16_t *up = memory_zeroed(n, sizeof *up);
	double *load = memory_zeroed(n, sizeof *load), *room = memory_zeroed(n, sizeof *room);
	bool *used = memory_zeroed(n, sizeof *used);

	join_pools(a, up);
	for (size_t i = 0; i < a->n_offers; i++)
		used[a->offers[i].edge] = true;
	for (unsigned i = 0; i < n; i++) {
		if (!used[i])
			continue;
		load[root(up, i)] += a->load[i];
		room[root(up, i)] += s->edges[i].capacity > 0
			? s->edges[i].capacity * s->edges[i].high
			: INFINITY;
	}
	for (unsigned i = 0; i < n; i++) {
		const double more = load[root(up, i)] * 1.05 / room[root(up, i)];
		a->capacity[i] = s->edges[i].capacity * (used[i] && more > 1 ? more : 1);
	}
	free(up);
	free(load);
	free(room);
	free(used);
}

/* --- the auction -------------------------------------------------------------------------- */

static int compare_leavers(const void *a, const void *b)
{
	const struct leaver *x = a, *y = b;

	if (x->margin != y->margin)
		return x->margin < y->margin ? -1 : 1;
	return x->atom < y->atom ? -1 : 1;
}

static size_t find_leavers(struct auction *a, unsigned edge)
{
	size_t n = 0;

	for (uint32_t i = a->first[edge]; i; i = a->offers[i - 1].next)
		if (a->offers[i - 1].taken) {
			const struct offer *o = &a->offers[i - 1];
			a->leavers[n++] = (struct leaver){ margin(a, o), o->atom };
			a->effort += a->atoms[o->atom].n;
		}
	qsort(a->leavers, n, sizeof *a->leavers, compare_leavers);
	return n;
}

/* Raises a price until the edge's load is what it stands for. True when it has risen. */
static bool raise(struct auction *a, unsigned edge)
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
	if (a->load[edge] > a->capacity[edge] * edge_of(a, edge)->high)
		to = fmax(to, before + a->least);
	a->price[edge] = (uint32_t)fmin(ceil(to), SHED_MOST);
	for (size_t i = 0; i < n && before + (uint64_t)a->leavers[i].margin <= a->price[edge]; i++)
		settle(a, &a->atoms[a->leavers[i].atom]);
	return a->price[edge] > before;
}

static size_t find_comers(struct auction *a, unsigned edge)
{
	size_t n = 0;

	for (uint32_t i = a->first[edge]; i; i = a->offers[i - 1].next) {
		const struct offer *o = &a->offers[i - 1];
		const struct atom *atom = &a->atoms[o->atom];
		/* With several answers another may be the dearest by now: near enough. */
		const uint64_t last = cost(a, &a->offers[atom->first + atom->last]);
		a->effort++;
		if (o->taken || cost(a, o) >= last + a->price[edge])
			continue;
		a->leavers[n++] = (struct leaver){
			cost(a, o) > last ? (uint32_t)(cost(a, o) - last) : 0, o->atom };
	}
	qsort(a->leavers, n, sizeof *a->leavers, compare_leavers);
	return n;
}

/* Lowers a price as far as the edge bears who then comes. */
static void lower(struct auction *a, unsigned edge)
{
	const uint32_t before = a->price[edge];
	double load = a->load[edge];

	if (a->capacity[edge] <= 0 || price_of_load(a, edge, load) + 1 >= before)
		return;
	const size_t n = find_comers(a, edge);
	size_t come = 0;
	double to = price_of_load(a, edge, load);
	for (; come < n; come++) {
		const struct leaver *l = &a->leavers[come];
		const double then = (double)before - l->margin - 1,
			     more = load + a->atoms[l->atom].load;
		if (to > then)
			break; /* it has no need to fall so far */
		if (then < 0 || price_of_load(a, edge, more) > then) {
			to = fmax(to, (double)before - l->margin);
			break;
		}
		load = more;
		to = price_of_load(a, edge, load);
	}
	a->price[edge] = (uint32_t)fmin(ceil(to), before);
	for (size_t i = 0; i < n && a->leavers[i].margin + (uint64_t)a->price[edge] <= before; i++)
		settle(a, &a->atoms[a->leavers[i].atom]);
}

/* Until nothing is too full that need not be. */
static bool raise_all(struct auction *a)
{
	const unsigned n = a->p->steer->n_edges;
	bool any = true;

	a->hard = true;
	for (unsigned k = 0; any; k++) {
		any = false;
		a->least = k; /* larger steps the longer it takes */
		for (unsigned i = 0; i < n; i++) {
			any = raise(a, i) || any;
			if (a->effort > EFFORT_MOST)
				return false;
		}
		if (k == RAISES_MOST)
			return false;
	}
	return true;
}

/* The load of each edge if clients went to edges with shares that fall by e for each `heat` ms of
 * cost. */
static void soft_loads(struct auction *a, double heat, double *load)
{
	double part[OFFERS_MOST];

	for (unsigned i = 0; i < a->p->steer->n_edges; i++)
		load[i] = a->p->base ? a->p->base[i] : 0;
	for (size_t k = 0; k < a->n_kinds; k++) {
		const struct atom *atom = &a->atoms[a->kinds[k].atom];
		const struct offer *o = a->offers + atom->first;
		uint64_t best = UINT64_MAX;
		double sum = 0;
		a->effort += atom->n * 4u; /* exp() takes its time */
		for (unsigned i = 0; i < atom->n; i++)
			best = cost(a, &o[i]) < best ? cost(a, &o[i]) : best;
		for (unsigned i = 0; i < atom->n; i++) {
			const double more = (double)(cost(a, &o[i]) - best) / heat;
			part[i] = more < 20 ? exp(-more) : 0;
			sum += part[i];
		}
		for (unsigned i = 0; i < atom->n; i++)
			load[o[i].edge] += a->kinds[k].load * part[i] / sum;
	}
}

/* What an edge may bear at its price. */
static double bears(const struct auction *a, unsigned edge)
{
	const struct edge *e = edge_of(a, edge);
	const double soft = fmin(1, (double)a->price[edge] / SHED_SOFT);

	return a->capacity[edge] * (e->low + (e->high - e->low) * soft) * SOFT_FILL;
}

/* Prices to begin with: those of a world where clients choose a little at random, by Sinkhorn's
 * iteration, first with much chance in it and then with ever less. It is soon there, whatever the
 * prices were; the groups, which go as a whole, come after it. */
static void soften(struct auction *a)
{
	const unsigned n = a->p->steer->n_edges;
	double *load = memory_zeroed(n, sizeof *load);

	for (double heat = 16 * SHED_UNIT; heat >= SHED_UNIT / 4; heat /= 2)
		for (unsigned k = 0; k < SOFT_ROUNDS && a->effort < EFFORT_MOST / 2; k++) {
			double most = 0;
			soft_loads(a, heat, load);
			for (unsigned i = 0; i < n; i++) {
				if (a->capacity[i] <= 0)
					continue;
				const double by = fmin(fmax(heat * log(fmax(load[i], 1e-9) /
								    bears(a, i)), -4 * heat), 4 * heat);
				const double to = fmin(fmax(a->price[i] + by, 0), SHED_MOST);
				most = fmax(most, fabs(to - a->price[i]));
				a->price[i] = (uint32_t)to;
			}
			if (most < heat / 50)
				break;
		}
	free(load);
	for (size_t i = 0; i < a->n_atoms; i++)
		settle(a, &a->atoms[i]);
}

/* Up and down, edge after edge, each to what is right while the others stay; then up only, to where
 * everything holds. */
static bool run(struct auction *a)
{
	const unsigned n = a->p->steer->n_edges;

	soften(a);
	a->below = SPARE;
	a->strict = true;
	for (unsigned k = 0; k < SWEEPS_MOST; k++)
		for (unsigned i = 0; i < n; i++)
			if (!raise(a, i))
				lower(a, i);
	a->below = 0;
	a->strict = false;
	return raise_all(a);
}

/* Prices that are higher than they need be, with room to spare, come down a step. */
static void ease(struct auction *a, unsigned edge)
{
	const uint32_t before = a->price[edge], most = before / 4 + STEP_LEAST;
	const struct edge *e = edge_of(a, edge);

	if (a->load[edge] > a->capacity[edge] * (e->high - BAND) ||
		before < price_of_load(a, edge, a->load[edge]) + STEP_LEAST)
		return;
	lower(a, edge);
	if (before - a->price[edge] <= most)
		return;
	a->price[edge] = before - most;
	for (uint32_t i = a->first[edge]; i; i = a->offers[i - 1].next)
		if (a->offers[i - 1].taken)
			settle(a, &a->atoms[a->offers[i - 1].atom]);
}

/* From prices that were right a moment ago: no more moves than must, and none while the loads stay
 * in their bands. */
static bool follow(struct auction *a)
{
	a->below = BAND / 2;
	for (unsigned i = 0; i < a->p->steer->n_edges; i++)
		ease(a, i);
	return raise_all(a);
}

/* --- the whole ---------------------------------------------------------------------------- */

/* Of one group. */
static size_t offers_most(const struct auction *a)
{
	size_t most = 0;

	for (unsigned i = 0; i < a->p->steer->n_pools; i++)
		if (a->p->steer->pools[i].sheds && a->p->steer->pools[i].n > most)
			most = a->p->steer->pools[i].n;
	return most < OFFERS_MOST ? most : OFFERS_MOST;
}

static void open_auction(struct auction *a)
{
	const unsigned n = a->p->steer->n_edges;

	a->first = memory_zeroed(n, sizeof *a->first);
	a->load = memory_zeroed(n, sizeof *a->load);
	a->floor = memory_zeroed(n, sizeof *a->floor);
	a->capacity = memory_zeroed(n, sizeof *a->capacity);
	a->atoms = memory_zeroed(a->p->n, sizeof *a->atoms);
	a->leavers = memory_zeroed(a->p->n, sizeof *a->leavers);
	a->kinds = memory_zeroed(a->p->n, sizeof *a->kinds);
	for (a->slots_n = 16; a->slots_n < 2 * a->p->n; a->slots_n *= 2)
		;
	a->slots = memory_zeroed(a->slots_n, sizeof *a->slots);
	a->offers = memory_zeroed(a->p->n * offers_most(a), sizeof *a->offers);
	for (size_t i = 0; i < a->p->n; i++)
		if (a->p->steer->pools[a->p->demand[i].pool].sheds)
			add_atom(a, &a->p->demand[i]);
	if (a->p->base)
		memcpy(a->load, a->p->base, n * sizeof *a->load);
	for (size_t i = 0; i < a->n_atoms; i++)
		settle(a, &a->atoms[i]);
	stretch(a);
	for (unsigned i = 0; i < n; i++)
		a->floor[i] = a->p->steady ? a->load[i] * (1 - 1.0 / STEP_PARTS) : -INFINITY;
}

static void close_auction(struct auction *a)
{
	free(a->first);
	free(a->load);
	free(a->floor);
	free(a->capacity);
	free(a->atoms);
	free(a->leavers);
	free(a->kinds);
	free(a->slots);
	free(a->offers);
}

/* Of each edge, what has gone elsewhere from where it would be without any price. */
static void report(const struct auction *a, struct shed_edge *out)
{
	const unsigned n = a->p->steer->n_edges;
	double *extra = memory_zeroed(n, sizeof *extra);

	for (unsigned i = 0; i < n; i++)
		out[i] = (struct shed_edge){ .load = a->load[i],
			.own = a->p->base ? a->p->base[i] : 0,
			.limit = a->capacity[i] * edge_of(a, i)->high };
	for (size_t i = 0; i < a->n_atoms; i++) {
		const struct atom *atom = &a->atoms[i];
		const struct offer *o = a->offers + atom->first;
		unsigned own = 0, now = 0;
		for (unsigned k = 1; k < atom->n; k++) {
			own = o[k].cost < o[own].cost ? k : own;
			now = o[k].taken && (!o[now].taken || cost(a, &o[k]) < cost(a, &o[now]))
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
	free(extra);
}

bool shed_solve(const struct shed_problem *p, uint32_t *price, struct shed_edge *out)
{
	struct auction a = { .p = p, .price = price };

	open_auction(&a);
	const bool ok = p->steady ? follow(&a) : run(&a);
	if (out)
		report(&a, out);
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
