/* simulate_inner.h - what the files of a simulation share: what each side says to a client, and what that comes to.
 */
#ifndef SIMULATE_SIMULATE_INNER_H
#define SIMULATE_SIMULATE_INNER_H

#include "simulate/simulate.h"
#include "simulate/simulate_judge.h"
#include "simulate/simulate_names.h"

/* What one side says to a client. */
struct simulate_said {
	unsigned n;
	int edges[POOL_ANSWERS_MOST]; /* of the union */
	unsigned bits;                /* of 128: all addresses that share them get this */
	bool cached_alone;            /* ... and a resolver keeps it for all clients */
	bool turns;
};

struct simulate_asker {
	const struct simulate_side *side;
	int pool;                    /* on this side; -1: there is none */
	struct choose_turn *turns; /* [CHOOSE_TURNS * pools] */
	struct prefix entry;         /* the last that a resolver would hold */
	bool has_entry;
	uint64_t entries;
	int *of_edge; /* [edge of this side] its number in the union */
};

struct simulate_work {
	struct simulate *s;
	const struct simulate_opts *o;
	struct simulate_judge
		judges[2];      /* the new side's, which is asked first, and the old one's */
	struct simulate_asker askers[2]; /* old, new */
	struct simulate_pool *pool;
	const struct simulate_names *names; /* of the pool; NULL: they play no part */
	size_t turn;                        /* of the next name */
	int country_of[26 * 26 + 1];        /* number in s->countries, or -1 */
	uint32_t *move_of; /* [from + 1][to + 1] number in s->moves + 1, or 0 */
	size_t countries_room, moves_room;
};

struct simulate_took {
	double old_ms, new_ms;
};

struct simulate_outcome {
	const struct simulate_said *old, *new;
	double weight;
	struct simulate_took goal, rtt; /* by the pool's goal; round trips */
	struct simulate_took all;       /* of the two, what is added up over all pools */
	uint32_t place;
};

/* Adds what becomes of a client to all sums: edges, countries, places, moves, the pool's. */
void simulate_outcome_add(struct simulate_work *w, const struct simulate_outcome *r);

#endif
