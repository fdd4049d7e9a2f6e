/* standing.h - which edges may answer now, and how long that is known.
 *
 * What the packet path needs of health, and no more: one value, made by a pure function from
 * what the operator wants of each edge and what the probes have last said of each address, and
 * published as part of a world. It is made anew whenever one of them changes.
 *
 * A *row* is one way to look at all edges: by one probe and one rule for edges of several
 * addresses. Pools with the same two share it. Row 0 looks at no probe. A pool in panic reads
 * row 0. Pools in which the operator wants something else of edges than in all have rows of their
 * own behind those, each like one of those but for what is wanted.
 */
#ifndef STEER_STANDING_H
#define STEER_STANDING_H

#include "steer/edge.h"
#include "steer/forced_effect.h"
#include "steer/shed.h"
#include "steer/steer.h"
#include "steer/verdict.h"

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

/* Of one edge in one row. */
enum {
	STANDS_A = 1,       /* it has an A address that may be answered with, or no address at all */
	STANDS_AAAA = 2,    /* ... an AAAA address */
	STANDS_DRAINED = 4, /* the operator empties it */
	STANDS_FAILS = 8,   /* its probes have it down, or */
	STANDS_NEEDS = 16,  /* ... those of what it needs: set beside STANDS_FAILS */
	STANDS_WHY = STANDS_FAILS | STANDS_NEEDS
};

enum { STANDING_NO_TARGET = UINT32_MAX };

struct standing_row {
	unsigned need; /* so many of an edge's addresses must be up; STANDING_ALL: all of them
			*/
	const uint32_t *targets; /* [steer->n_addresses] numbers of verdicts, or
				    STANDING_NO_TARGET */
};
#define STANDING_ALL 0u

struct standing_opts {
	const struct steer *steer;
	const uint8_t *states; /* [edge] enum edge_state: what the operator wants */
	const uint8_t *forced; /* [edge] nonzero: ... whatever the probes say; NULL: none */
	const struct forced_effect *effect; /* of views and weights; NULL: there are none */
	const struct verdict *verdicts;
	const struct standing_row *rows; /* rows 1 to n_rows of the standing */
	unsigned n_rows;
	const uint16_t *row_of;        /* [pool] 0 to n_rows; NULL: 0 for all */
	const uint16_t *own_row;       /* [edge] that is needed: 1 + the row of `rows` that says how
					  it is; 0: the operator alone does. NULL: 0 for all */
	const struct standing *before; /* of the same steer, or NULL: its orders are kept while
					  nothing is clearly better */
	int64_t time_s; /* UNIX time; 0: as the clock says. Hours hold by it */
	bool begins; /* the server has just started: pools with awaited verdicts wait */
	bool silent; /* ... and it is not known what operators want: all pools do */
};

struct standing_pool {
	uint16_t row;        /* in force: `judged`, or in panic `calm` */
	uint16_t probed;     /* its probe's row; 0: it has none */
	uint16_t judged;     /* that row, or its own that is like it */
	uint16_t calm;       /* row 0, or its own that is like it */
	uint16_t n;          /* edges */
	bool panics;         /* it has a probe and does not trust it */
	bool waits;          /* nobody is answered yet: what may answer is not known */
	uint8_t lives_barely; /* likewise, however few of its edges it is */
	uint8_t lives; /* STANDS_A, STANDS_AAAA: it can answer so, by an edge or who stands in */
	uint16_t up, asked;  /* edges that the probes have up, of those that the operator has up
			      */
	uint64_t changes_us; /* monotonic: the soonest that an answer can change */
	uint64_t steady_us;  /* monotonic: nothing has changed since; 0: for ever */
	uint16_t *order; /* [pool->n, or its leaves] positions, the best first, by what was
			    measured; else NULL */
	uint16_t *within;  /* likewise: how many of those behind one are within the spread of it
			    */
	uint16_t measured; /* so many of the order's first have been */
	uint16_t first; /* of a pool in order that has failed over: where to; `order` has it first, and
			 * is by members then, without `within`. 0: it has not */
	/* What the operator says they weigh; NULL: as configured. */
	const uint16_t *weights;        /* [pool->n] */
	const uint16_t *member_weights; /* [pool->tree->n] */
	/* With affinity: the share of its keys, of SHED_ALL, that each edge keeps; NULL: all. Filled as
	 * `cuts` are. */
	const uint16_t *bounds; /* [pool->n] */
	/* The share of all, of SHED_ALL, that each edge has which leaves this pool alone; NULL: none does. Likewise. */
	const uint16_t *shares; /* [pool->n] */
};

struct standing {
	struct arena mem;
	unsigned n_edges, n_pools;
	unsigned words;       /* of 64 addresses each, a row */
	uint8_t *marks;       /* [row][edge] STANDS_... */
	uint64_t *alive;      /* [row][words] bits: addresses to answer with */
	uint16_t *blame;      /* [edge] 1 + what it needs first of all that fails; 0. NULL: no edge
				 needs another */
	float *rtt_ms, *load; /* [row][edge] the best of its addresses; NAN */
	struct standing_pool *pools;
	unsigned n_rows;       /* row 0 too, and those that are some pools' own */
	unsigned n_probed;     /* without the latter */
	const uint16_t *like;  /* [n_rows - n_probed] which row each of these is like */
	unsigned n_lost; /* pools that should have one of their own, and there are no more numbers */
	struct shed_cut *cuts; /* [edge] what load decides; NULL: nothing. Filled by who made
				  it, before it is published */
	uint8_t *hours;        /* [steer->n_hours] they are now */
	int64_t *hours_end_s;  /* [steer->n_hours] UNIX time when that changes; INT64_MAX: never */
	uint64_t *hours_end_us; /* ... monotonic */
	unsigned n_hours;
	uint32_t tick;         /* demand is counted under this number (tally.h) */
};

/* Never NULL. */
struct standing *standing_new(const struct standing_opts *opts);
void standing_free(struct standing *s);

/* When the next hours of a rule begin or end, in UNIX time; INT64_MAX: none do. */
int64_t standing_hours_end_s(const struct standing *s);

/* Would both answer alike? Both of that steer. */
bool standing_same(
	const struct steer *steer, const struct standing *a, const struct standing *b);

static inline uint8_t standing_marks(const struct standing *s, unsigned row, unsigned edge)
{
	return s->marks[(size_t)row * s->n_edges + edge];
}

/* The row by which edge `i` of the pool is judged. */
static inline unsigned standing_row_at(
	const struct standing *s, const struct steer *steer, unsigned pool, unsigned i)
{
	const struct pool_tree *tree = steer->pools[pool].tree;

	return s->pools[tree ? tree->holders[i] : pool].row;
}

static inline const uint64_t *standing_alive(const struct standing *s, unsigned row)
{
	return s->alive + (size_t)row * s->words;
}

static inline bool standing_address(const uint64_t *alive, uint32_t address)
{
	return alive[address / 64] >> (address % 64) & 1;
}

#endif
