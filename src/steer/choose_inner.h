/* choose_inner.h - what the files of choose share: the walk, and how edges are taken from a
 * list.
 *
 * Of choose.c; choose_links.c has the policies that are chains and affinity.
 */
#ifndef STEER_CHOOSE_INNER_H
#define STEER_CHOOSE_INNER_H

#include "steer/choose.h"

/* What is known on the way. */
struct choose_walk {
	const struct choose_ask *ask;
	struct choose_trace *trace;
	struct choice *choice;
	const struct pool *pool;
	struct addr who;
	bool by_source; /* `who` is the source: the scope does not get narrower by what it shows
			 */
	const struct pool *placed; /* the pool that `place` was looked up for; NULL: none yet */
	struct netmap_hit place;
	unsigned
		group_bits; /* of `who`'s family: the net whose clients are alike in the rank */
	uint64_t changes_us; /* the soonest that the pools on the way can change */
};

/* Some edges of a pool in an order, to be taken from the front. */
struct choose_list {
	const uint16_t *edges; /* numbers of edges, or positions in `pool` when that is given */
	const struct pool *pool;
	unsigned n;
	const uint16_t *within; /* [n] or NULL */
	enum choose_by by;
	const struct pool_pin *pin;
	bool even_down, even_drained;
	unsigned only;              /* the first so many alone may be taken; 0: all */
	enum choose_verdict beyond; /* ... since the others are this */
};

/* The answer depends on so many bits of the client's address. */
static inline void choose_consult(struct choose_walk *w, unsigned bits)
{
	if (w->by_source)
		return;
	w->choice->by_subnet = true;
	if (bits > w->choice->scope)
		w->choice->scope = bits;
}

static inline const struct standing_pool *choose_standing(const struct choose_walk *w)
{
	return &w->ask->standing->pools[w->pool - w->ask->steer->pools];
}

static inline uint16_t choose_edge(const struct choose_list *l, unsigned i)
{
	return l->pool ? l->pool->edges[l->edges ? l->edges[i] : i] : l->edges[i];
}

static inline bool choose_has_address(const struct choose_walk *w, const struct edge *e)
{
	return e->cname || (w->ask->v6 ? e->n_aaaa : e->n_a);
}

/* May edge `i` of the list answer, whatever its place in it? */
static inline enum choose_verdict choose_judge(
	const struct choose_walk *w, const struct choose_list *l, unsigned i)
{
	const uint16_t number = choose_edge(l, i);
	const uint8_t marks = standing_marks(w->ask->standing, choose_standing(w)->row, number);

	if (!choose_has_address(w, &w->ask->steer->edges[number]))
		return PASSED_NO_ADDRESS;
	if (marks & STANDS_DRAINED)
		return l->even_drained ? CHOSEN : PASSED_DRAIN;
	if (!(marks & (w->ask->v6 ? STANDS_AAAA : STANDS_A)) && !l->even_down)
		return PASSED_DOWN;
	return CHOSEN;
}

/* Takes the first edges of a list that may answer: at most the pool's `answers`, within the
 * spread of the first. True when there was one. */
bool choose_take(struct choose_walk *w, const struct choose_list *l);

/* The client's class in the pool's rank, which there is. */
uint32_t choose_class(struct choose_walk *w);

/* To explain: does the atlas have coordinates for the client? */
bool choose_is_placed(const struct choose_walk *w);

/* Moves the turn on and returns where it is: 0 to sum - 1. */
uint32_t choose_next_turn(struct choose_turn *t, uint32_t sum, bool mixed);

/* The nearest where time and price together are least. False: load decides nothing here, and
 * nothing is taken. */
bool choose_by_cost(struct choose_walk *w, uint32_t class);

/* The query is one of the group's, for whom reads the demand. */
void choose_count(struct choose_walk *w);

/* Of an edge that comes or goes, in policies that know no groups: so many of 16 queries may go
 * to it; and which of 16 this one is. */
unsigned choose_sixteenths(const struct choose_walk *w, uint16_t edge);
unsigned choose_sixteenth(const struct choose_walk *w);

/* Policies that look at no client. */
bool choose_by_turn(struct choose_walk *w, bool even_down, bool even_drained);
bool choose_by_measure(struct choose_walk *w, bool even_down, bool even_drained);

/* Policies of several links, and pools with affinity. */
bool choose_by_links(struct choose_walk *w, bool even_down, bool even_drained);

#endif
