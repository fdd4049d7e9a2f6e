/* load_count.h - what clients ask and edges tell becomes prices and shares.
 *
 * The counting of an interval, and the search for prices, as one piece of work: it may be a
 * job's or, when it is small, the loop's. Touches only what is in it, and the workers'
 * counters, which anyone may read.
 */
#ifndef DAEMON_LOAD_COUNT_H
#define DAEMON_LOAD_COUNT_H

#include "daemon/groups.h"
#include "steer/shed.h"
#include "steer/standing.h"

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

struct workers;
struct load_bound;

/* What is known of an edge's load. */
struct load_edge {
	double base;     /* load that is not foreseen, smoothed */
	unsigned base_n; /* intervals in it */
	double other;    /* queries a second that no price moves */
	uint32_t price;
	uint16_t room; /* of SHED_ALL: what its load leaves of it, in pools without detours */
	struct shed_edge use;
	/* Of a fleet, answers a second: of all its servers, when all were there; and of those that we speak for,
	 * when the others were lost. */
	double whole, held;
	/* Others are lost, and what they make of it is in its base, by what its probes tell. Answers a second of ours are smoothed
	 * alike, so that both together are its load. */
	bool told_all;
	double ours;
};

/* What is remembered from one interval to the next. */
struct load_memory {
	struct groups *groups; /* own */
	/* Smoothed, of edges that tell their load: a query's part in it is one through the
	 * other. */
	double told_load, told_rate, per_query;
	unsigned told_n;   /* intervals in both */
	bool told;         /* some edge with a capacity tells its load */
	uint64_t *counted; /* own; [pool's edges, whys] as last fetched; NULL: never */
	size_t n_counted;  /* load_count_cells() */
	bool is_first;     /* nothing was fetched before */
	/* Of a stage: its pools have numbers of their own. */
	struct groups *staged;    /* own; NULL: there is none */
	uint64_t *staged_counted; /* own; as `counted`; NULL: never */
	/* Of a fleet. */
	struct groups *sum; /* own; made by who starts a count, since a job that fails takes back what it made */
	bool sums;          /* ... it is what all ask that we speak for; else we speak for ourselves alone */
	bool part;          /* others use edges, too, and we know of them only what they used */
	double lost;        /* ... of which so much is thought to be there still, 0 to 1 */
	double share;       /* ... and of what is free so much is ours */
	uint64_t who;       /* whom we speak for; 0: another speaks for us */
	double slow;        /* answers a second of ours in all, smoothed */
	unsigned slow_n;    /* intervals in it */
	double was;         /* ... when all were last there: an interval since then may have been a burst */
};

struct load_record; /* load_records.h */

/* Servers that share the edges with us. One of them speaks for all: he finds the prices. Who can hear no others keeps
 * to what he and they were last known to use, and to a share of what was free. */
struct load_fleet {
	bool speaks; /* we do */
	bool split;  /* some are out of hearing */
	bool sure;   /* ... and it is we who hear nobody: they are all there */
	uint64_t who; /* a hash of those that we speak for; not 0 */
	struct load_record **others; /* what they have counted */
	size_t n;
	struct load_record *counted; /* made: what we have; the caller drops it. NULL: no memory */
};

/* Clients that are answered from other tables, with the same prices (steer/stage.h). */
struct load_stage {
	uint64_t share; /* 0: there is none */
	const struct steer *steer;
	const struct standing *standing;
};

struct load_count {
	const struct steer *steer;
	const struct standing *standing;
	const struct workers *workers;
	const bool *has_price;      /* [edge] it is in a pool that knows detours */
	const uint16_t *share;      /* [edge] of SHED_ALL, as it is answered with */
	struct load_edge *loads;    /* [edge] changed */
	struct load_memory *memory; /* changed */
	/* Of an interval: its length, and the tick that its demand was counted under. */
	double seconds;
	uint32_t tick;
	struct load_stage stage; /* that memory.staged is of */
	struct load_bound *bounds; /* [of each pool's edges] changed; NULL: no pool has any */
	unsigned intervals;        /* counted in them, this one included */
	bool *bounded;             /* set when one of them is another one now */
	struct load_fleet *fleet;  /* of an interval; NULL: there are no others */
};

/* How much of what is smoothed is its newest interval; counts it in `n`. At first each counts alike, for the very
 * first, right after a start, is the worst to go by. */
double load_count_lag(unsigned *n);

/* How many cells `counted` has. */
size_t load_count_cells(const struct steer *s);

/* Counts the interval that has ended; true when prices or shares (but for bounds) are others now. */
bool load_count_interval(const struct load_count *c);
/* The same of what has been counted of edges, `all` [edge], which is changed; groups are as they are. */
struct load_counted;
bool load_count_settle(const struct load_count *c, struct load_counted *all);

/* What a query makes of load, and what edges have beside, is known from another who speaks for us, and all. */
void load_count_set_per_query(struct load_memory *m, struct load_edge *loads, unsigned n, double per_query);

/* Edges have come or gone: prices for those that are left, at once. True when one is another
 * one. */
bool load_count_prices(const struct load_count *c);
/* The same with at most so many offers looked at (shed.h). False: it takes more, and nothing
 * has changed. */
bool load_count_prices_within(const struct load_count *c, size_t effort);

/* How many steps load_count_prices() is likely to take: clients' groups times edges. */
size_t load_count_pairs(const struct load_count *c);

#endif
