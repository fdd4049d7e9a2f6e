/* shed_offers.c - which groups may go to an edge, and which of them do.
 *
 * Each edge has its offers in one stretch of a list, those that are taken first: an edge with a few clients of thousands that may come
 * is asked again and again who would leave.
 */
#include "steer/shed_inner.h"

#include "base/memory.h"

void shed_offers_sort(struct shed_auction *a)
{
	const unsigned n = a->p->steer->n_edges;
	uint32_t at = 0;

	a->lists = memory_zeroed(n, sizeof *a->lists);
	a->by_edge = memory_zeroed(a->n_offers, sizeof *a->by_edge);
	for (size_t i = 0; i < a->n_offers; i++)
		a->lists[a->offers[i].edge].end++;
	for (unsigned i = 0; i < n; i++) {
		const uint32_t held = a->lists[i].end;
		a->lists[i] = (struct edge_offers){ at, at, at };
		at += held;
	}
	for (size_t i = 0; i < a->n_offers; i++) {
		struct offer *o = &a->offers[i];
		o->at = a->lists[o->edge].end++;
		a->by_edge[o->at] = (uint32_t)i;
	}
}

static void move_to(struct shed_auction *a, struct offer *o, uint32_t at)
{
	const uint32_t other = a->by_edge[at];

	a->by_edge[o->at] = other;
	a->offers[other].at = o->at;
	a->by_edge[at] = (uint32_t)(o - a->offers);
	o->at = at;
}

static void take(struct shed_auction *a, struct offer *o, double load)
{
	move_to(a, o, a->lists[o->edge].open++);
	o->taken = true;
	a->load[o->edge] += load;
}

static void leave(struct shed_auction *a, struct offer *o, double load)
{
	move_to(a, o, --a->lists[o->edge].open);
	o->taken = false;
	a->load[o->edge] -= load;
}

void shed_settle(struct shed_auction *a, struct atom *atom)
{
	struct offer *o = a->offers + atom->first;
	uint64_t cheapest = 0;

	_Static_assert(OFFERS_MOST <= 64, "a bit for each");
	for (unsigned k = 0; k < atom->answers; k++) {
		unsigned best = atom->n;
		for (unsigned i = 0; i < atom->n; i++)
			if (!(cheapest >> i & 1) && (best == atom->n || shed_offer_cost(a, &o[i]) < shed_offer_cost(a, &o[best])))
				best = i;
		cheapest |= UINT64_C(1) << best;
		atom->last = (uint16_t)best;
	}
	for (unsigned i = 0; i < atom->n; i++) {
		const bool is = cheapest >> i & 1;
		if (o[i].taken && !is)
			leave(a, &o[i], atom->load);
		else if (!o[i].taken && is)
			take(a, &o[i], atom->load);
	}
	a->effort += atom->n * (1u + atom->answers);
}
