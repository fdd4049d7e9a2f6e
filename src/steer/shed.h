/* shed.h - who goes elsewhere when an edge has too much to do?
 *
 * An edge that fills up gets a *price* in milliseconds, and each client goes where time and
 * price together are least: so first those leave whose detour costs least, they spread over
 * whatever has room, and nobody goes to an edge that is as full. Prices are the dual values of
 * the linear program that finds the least total time within all capacities; shed_solve() finds
 * them by an auction, raising the price of what is too full until it is not. Clients of equal
 * cost leave one group after the other: each group (group.h) has a detour of its own of up to
 * SHED_SPLIT, by hash, at each edge but its nearest, so that the same groups stay moved.
 *
 * An edge that comes or goes has a *share* beside it: so many of all groups, by hash, may go
 * there.
 *
 * Everything here is pure; what is told to workers is one `struct shed_cut` an edge. Any
 * thread.
 */
#ifndef STEER_SHED_H
#define STEER_SHED_H

#include "measure/rank.h"
#include "steer/group.h"

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

struct steer;
struct standing;

enum {
	SHED_UNIT = 1024,          /* of prices and costs: so many are a millisecond */
	SHED_SPLIT = SHED_UNIT,    /* see above */
	SHED_SOFT = 4 * SHED_UNIT, /* the price that is reached at the high watermark */
	SHED_MOST = 2048 * SHED_UNIT,
	SHED_ALL = 65535,     /* of shares */
	SHED_BARRED = 1 << 28 /* the cost of where a group may not go */
};

struct shed_cut {
	uint32_t price;
	uint16_t share; /* of SHED_ALL */
};

/* May the group go there, as far as the share says? */
static inline bool shed_lets_in(struct shed_cut cut, uint64_t group, uint64_t edge_hash)
{
	return cut.share == SHED_ALL ||
		group_draw(group ^ 0x2545f4914f6cdd1du, edge_hash) >> 16 < cut.share;
}

/* What going to an edge costs a group. `ms` is the rank's estimate; `first` is the first edge
 * in its order that may answer. */
static inline uint32_t shed_cost(
	uint16_t ms, struct shed_cut cut, bool first, uint64_t group, uint64_t edge_hash)
{
	uint32_t cost = ms * (uint32_t)(SHED_UNIT / RANK_MS) + cut.price;

	if (!first)
		cost += group_draw(group, edge_hash) / (UINT32_MAX / SHED_SPLIT + 1u);
	return shed_lets_in(cut, group, edge_hash) ? cost : cost + SHED_BARRED;
}

/* So many queries a second come from a group for a pool. */
struct shed_demand {
	uint16_t pool;
	bool v6;          /* for AAAA */
	struct addr addr; /* one of the group, plain */
	double rate;
};

/* Clients that are answered from other tables (stage.h), with the same prices. An edge that
 * only those tables have bears whatever comes. */
struct shed_stage {
	const struct steer *steer;
	const struct standing *standing;
	const int *edge_of; /* [edge] the same one's number in the problem; -1: it has none */
	const struct shed_demand *demand;
	size_t n;
};

struct shed_problem {
	const struct steer *steer;
	const struct standing *standing; /* which edges may answer */
	const struct shed_demand *demand;
	size_t n;
	const struct shed_stage *stage; /* NULL: there is none */
	double per_query;               /* what one query a second adds to an edge's load */
	const double *base;             /* [edge] its load that no price moves */
	const uint16_t *share;          /* [edge] of SHED_ALL; NULL: all */
	const double *capacity;         /* [edge] 0: no limit; NULL: as the edges have it */
	/* [edge] above 0, up to 1: what others send there, whose demand is not known, is in `base`. They find prices, too: of what
	 * comes for a lower one, and goes for a higher, so much is ours. NULL: all of it. */
	const double *part;
	/* The prices were right a moment ago, and no edge has come or gone since: at most a
	 * quarter of an edge's load leaves at once, prices fall slowly, and loads that stay
	 * within 5 % of capacity below the high watermark move nobody. Else prices go where
	 * they belong. */
	bool steady;
	size_t effort; /* at most so many offers are looked at, about; 0: as many as it takes in
			* a third of a second */
};

struct shed_edge {
	double load;     /* as it will be */
	double own;      /* ... if no edge had a price */
	double limit;    /* of the high watermark, raised where all together are too full */
	double moved;    /* share of its own groups' demand that goes elsewhere, 0 to 1 */
	double extra_ms; /* that costs each of them on average */
};

/* For edges of pools that know no detours (turns, affinity, chains): the share of the queries,
 * of SHED_ALL, that is next, when an edge is used so far (1: its capacity). Down by a tenth
 * past the high watermark, half as quickly past the low one; up by a twentieth of all once it
 * is well below that, so that what it sheds and takes back is not the same. Never less than a
 * sixteenth. */
uint16_t shed_share(uint16_t before, double used, double low, double high);

/* What is known of an edge, for reports. */
struct shed_state {
	struct shed_edge use; /* zero without a capacity */
	uint32_t price;
	uint16_t share; /* not SHED_ALL: it comes or goes */
	bool drains;    /* it is to go, or has gone */
};

/* Moves `price` [edge] from where it is to where no edge is too full that need not be. `out`
 * [edge] may be NULL. False when there was no end to it in the time that it may take; the
 * prices are usable all the same. */
bool shed_solve(const struct shed_problem *p, uint32_t *price, struct shed_edge *out);

#endif
