/* shed_inner.h - what the files of shed share: the auction.
 */
#ifndef STEER_SHED_INNER_H
#define STEER_SHED_INNER_H

#include "steer/shed.h"
#include "steer/standing.h"
#include "steer/steer.h"

enum {
	OFFERS_MOST = 48,        /* edges that a group is looked at for, the nearest */
	EFFORT_MOST = 100000000, /* offers looked at, a third of a second or so */
};

/* An edge that a group may go to. */
struct offer {
	uint32_t cost; /* without the price */
	uint16_t edge;
	bool taken;
	uint32_t atom;
	uint32_t at; /* where it stands in by_edge */
};

/* The stretch of by_edge that is an edge's: those taken from `begin` up to `open`, and those that are not up to `end`. */
struct edge_offers {
	uint32_t begin, open, end;
};

/* The demand of a group, which goes to the cheapest `answers` of its offers. */
struct atom {
	uint32_t first;
	uint16_t n, answers;
	uint16_t last; /* the dearest of its offers that are taken */
	double load;   /* a part, of as many as there are answers */
};

/* Groups whose offers cost the same but for the split: clients of one class that ask a pool for
 * one type. */
struct kind {
	uint64_t what; /* class, pool, type */
	uint32_t atom; /* one of them */
	double load;
};

/* A group, and by how much an edge's price may rise until it goes, or fall until it comes. */
struct leaver {
	uint32_t margin, atom;
};

struct shed_auction {
	const struct shed_problem *p;
	uint32_t *price;
	struct atom *atoms;
	struct offer *offers;
	size_t n_atoms, n_offers;
	uint32_t *by_edge; /* numbers of offers */
	struct edge_offers *lists; /* [edge] */
	double *load;     /* [edge] our part of it */
	double *theirs;   /* [edge] that of the others, as it was in the beginning */
	double *floor;    /* [edge] its load may not fall below this by prices in this step */
	double *capacity; /* [edge] our part of it, raised where it cannot be enough; 0: no limit */
	struct leaver *leavers;
	struct kind *kinds;
	size_t n_kinds;
	uint32_t *slots; /* kind + 1 by hash of what */
	size_t slots_n;
	double below;   /* so far below the high watermark (of capacity) an edge is to get */
	bool strict;    /* ... now; else the watermark itself is good enough */
	uint32_t least; /* a price that is too low rises by so much at least: two full edges
			 * would pass clients to and fro by hairs else */
	bool hard;      /* only what is past the high watermark counts */
	size_t effort, most; /* offers looked at, and how many may be */
};

static inline const struct edge *shed_edge_of(const struct shed_auction *a, unsigned edge)
{
	return &a->p->steer->edges[edge];
}

/* How much of what a price moves is ours. */
static inline double shed_part_of(const struct shed_auction *a, unsigned edge)
{
	return a->p->part ? a->p->part[edge] : 1;
}

static inline uint64_t shed_offer_cost(const struct shed_auction *a, const struct offer *o)
{
	return (uint64_t)o->cost + a->price[o->edge];
}

/* Makes the lists of what each edge is offered; nothing is taken. */
void shed_offers_sort(struct shed_auction *a);

/* Takes the cheapest offers of a group; the first of equals, as a stable sort would. */
void shed_settle(struct shed_auction *a, struct atom *atom);

/* Where all that belong together cannot bear what comes, each may bear more. */
void shed_stretch(struct shed_auction *a);

/* Sets prices to begin with, and settles all groups by them. */
void shed_soften(struct shed_auction *a);

#endif
