/* shed_soft.c - what an auction begins with: how much all edges can bear, and first prices.
 */
#include "steer/shed_inner.h"

#include "base/memory.h"

#include <math.h>

enum { SOFT_ROUNDS = 40 };

/* Edges are filled so far before it is seen how groups fit, which go as a whole. */
#define SOFT_FILL 0.985

static unsigned root(uint16_t *up, unsigned edge)
{
	while (up[edge] != edge)
		edge = up[edge] = up[up[edge]];
	return edge;
}

/* Edges that pools share belong together: clients of one can make way for those of another. */
static void join_pools(const struct shed_auction *a, uint16_t *up)
{
	const struct steer *s = a->p->steer;

	for (unsigned i = 0; i < s->n_edges; i++)
		up[i] = (uint16_t)i;
	for (unsigned i = 0; i < s->n_pools; i++)
		for (unsigned k = 1; s->pools[i].sheds && k < s->pools[i].n; k++)
			up[root(up, s->pools[i].edges[k])] = (uint16_t)root(
				up, s->pools[i].edges[0]);
}

static double capacity_of(const struct shed_auction *a, unsigned edge)
{
	return shed_part_of(a, edge) * (a->p->capacity ? a->p->capacity[edge] : shed_edge_of(a, edge)->capacity);
}

/* Where all that belong together cannot bear what comes, each bears more, in proportion: prices
 * would rise without end for nothing. */
void shed_stretch(struct shed_auction *a)
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
		room[root(up, i)] +=
			capacity_of(a, i) > 0 ? capacity_of(a, i) * s->edges[i].high : INFINITY;
	}
	for (unsigned i = 0; i < n; i++) {
		const double more = load[root(up, i)] * 1.05 / room[root(up, i)];
		a->capacity[i] = capacity_of(a, i) * (used[i] && more > 1 ? more : 1);
	}
	memory_free(up);
	memory_free(load);
	memory_free(room);
	memory_free(used);
}

/* The load of each edge if clients went to edges with shares that fall by e for each `heat` ms
 * of cost. */
static void soft_loads(struct shed_auction *a, double heat, double *load)
{
	double part[OFFERS_MOST];

	for (unsigned i = 0; i < a->p->steer->n_edges; i++)
		load[i] = (a->p->base ? a->p->base[i] : 0) - a->theirs[i];
	for (size_t k = 0; k < a->n_kinds; k++) {
		const struct atom *atom = &a->atoms[a->kinds[k].atom];
		const struct offer *o = a->offers + atom->first;
		uint64_t best = UINT64_MAX;
		double sum = 0;
		a->effort += atom->n * 4u; /* exp() takes its time */
		for (unsigned i = 0; i < atom->n; i++)
			best = shed_offer_cost(a, &o[i]) < best ? shed_offer_cost(a, &o[i])
								: best;
		for (unsigned i = 0; i < atom->n; i++) {
			const double more = (double)(shed_offer_cost(a, &o[i]) - best) / heat;
			part[i] = more < 20 ? exp(-more) : 0;
			sum += part[i];
		}
		for (unsigned i = 0; i < atom->n; i++)
			load[o[i].edge] += a->kinds[k].load * part[i] / sum;
	}
}

/* What an edge may bear at its price. */
static double bears(const struct shed_auction *a, unsigned edge)
{
	const struct edge *e = shed_edge_of(a, edge);
	const double soft = fmin(1, (double)a->price[edge] / SHED_SOFT);

	return a->capacity[edge] * (e->low + (e->high - e->low) * soft) * SOFT_FILL;
}

/* Prices to begin with: those of a world where clients choose a little at random, by Sinkhorn's
 * iteration, first with much chance in it and then with ever less. It is soon there, whatever
 * the prices were; the groups, which go as a whole, come after it. */
void shed_soften(struct shed_auction *a)
{
	const unsigned n = a->p->steer->n_edges;
	double *load = memory_zeroed(n, sizeof *load);

	for (double heat = 16 * SHED_UNIT; heat >= SHED_UNIT / 4; heat /= 2)
		for (unsigned k = 0; k < SOFT_ROUNDS && a->effort < a->most / 2; k++) {
			double most = 0;
			soft_loads(a, heat, load);
			for (unsigned i = 0; i < n; i++) {
				if (a->capacity[i] <= 0)
					continue;
				const double by = fmin(
					fmax(heat * log(fmax(load[i], 1e-9) / bears(a, i)),
						-4 * heat),
					4 * heat);
				const double to = fmin(fmax(a->price[i] + by, 0), SHED_MOST);
				most = fmax(most, fabs(to - a->price[i]));
				a->price[i] = (uint32_t)to;
			}
			if (most < heat / 50)
				break;
		}
	memory_free(load);
	for (size_t i = 0; i < a->n_atoms; i++)
		shed_settle(a, &a->atoms[i]);
}
