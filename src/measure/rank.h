/* rank.h - which edges are nearest in time, for whom?
 *
 * A rank holds, for every key of the client map, the edges of one pool in order of estimated
 * round-trip time. Keys with the same order are of one class; a class is a row of the table,
 * and the view's ranges, or netmap seams between classes, give the ECS scope. Health plays no
 * part here: it is applied when answering. Immutable, shared by count: pools with equal edges
 * and spread share one, and so do worlds that did not change it. Most of a rank's memory says
 * which clients are of one class; ranks that agree on that share it (rank_split.h).
 *
 * What has been in front stays there until something else is better by so much that it is no
 * noise (struct rank_switch); the same goes for what is behind it, for when the first is down.
 */
#ifndef MEASURE_RANK_H
#define MEASURE_RANK_H

#include "measure/client_map.h"

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

enum {
	RANK_EDGES_MOST = 1024,
	RANK_MS = 32 /* of the ranks' estimates: so many are one */
};

/* An edge goes before one that stood before it when it gains more than both of these. */
struct rank_switch {
	double gain_ms;
	double share; /* of the estimate of the one that is passed: 0.05 is 5 % */
};

/* What an estimate counts as: so many times as much, and so much more. */
struct rank_shift {
	float factor, add_ms;
};

/* [class][n] numbers below n. Where `narrow` is, `wide` is NULL, and with neither there are none. */
struct rank_rows {
	uint16_t *wide;
	uint8_t *narrow; /* a byte each, where memory is dearer than time */
};

struct rank_split;
struct rank_build;

struct rank {
	unsigned refs;              /* atomic */
	struct client_map *clients; /* held */
	unsigned n;                 /* edges a row */
	uint32_t classes;
	/* The next three are in the split. */
	const uint32_t *class_of; /* [key of the map]; 0 is the class of clients that nobody
				     knows */
	const struct netmap_seams *seams; /* NULL when there is a view */
	const struct netmap *view;        /* of the classes; NULL when memory is better spent */
	struct rank_rows order;  /* positions in the pool's list of edges, the nearest first */
	struct rank_rows within; /* how many of those behind an edge are within the spread of it;
				    none: all */
	struct rank_rows close;  /* how many may be tried in its place; none: nobody is */
	uint16_t *ms; /* [class][n], in the order's order: mean estimates of the class, in 1 /
			 RANK_MS ms, never less than the one before; NULL: nobody asks */
	/* Where there are estimates: */
	uint16_t *gap;  /* [class] what a second choice costs its keys more, in steps */
	uint32_t *keys; /* [class] how many it has */
	/* How clients fall into classes: held, and shared with every rank over the same map whose
	 * classes have the same clients, whatever its edges are. */
	struct rank_split *split;
	/* What it was made of, to see whether another pool can share it. */
	uint16_t *edges;    /* [n] numbers of edges */
	uint16_t *fallback; /* [n] */
	double spread_ms, spread_share, close_ms;
	enum latency_kind kind;
	bool costs;
	struct rank_shift *shifts; /* [n]; NULL: times count as they are */
	struct rank_switch change;
	struct rank_build *build; /* own, between rank_begin() and rank_end(); else NULL */
};

struct rank_opts {
	struct client_map *clients; /* not settled yet */
	/* Numbers of edges, no edge twice. Borrowed. */
	const uint16_t *edges;
	size_t n;
	const uint16_t *fallback; /* the order for clients that nobody knows; the rest of
				     `edges` follows */
	size_t n_fallback;
	double spread_ms, spread_share; /* edges within both of the best may answer too;
					   INFINITY: any */
	struct rank_switch change;
	double close_ms;           /* so much more may an edge cost that is tried; 0: none is */
	bool costs;                /* has `ms` */
	enum latency_kind kind;    /* what is to be short; of others than round trips the map was told */
	const struct rank_shift *shifts; /* [n]; NULL: times count as they are. Borrowed */
	const struct rank *before; /* over the map's `before`; what it has in front stays there
				      unless it is passed by enough. NULL: nothing to keep */
	struct rank *const *known; /* ranks that may be shared, whole or in part */
	size_t n_known;
	bool quick; /* a view and wide rows; else seams and narrow rows, which take a tenth of their
		       memory */
};

static inline float rank_shifted(const struct rank_shift *s, float ms)
{
	return ms * s->factor + s->add_ms;
}

/* Never NULL; held once for the caller. */
struct rank *rank_new(const struct rank_opts *opts);

/* The same of many over one map, in three steps, so that what is estimated of a client is so once for all of them. Begun, a rank
 * may be among the `known` of others that are begun, and nothing else; it is one of its `known` where that is the same. Then all
 * are built at once (those of `r` that are ended already are left alone, and one may be there several times). Then each is
 * ended, in the order in which they were begun, with those `known` that are ended. */
struct rank *rank_begin(const struct rank_opts *opts);
void rank_build_all(struct rank *const *r, size_t n);
struct rank_end {
	bool quick; /* see struct rank_opts */
	struct rank *const *known;
	size_t n_known;
};
void rank_end(struct rank *r, const struct rank_end *end);
void rank_drop(struct rank *r);

static inline bool rank_has(const struct rank_rows *rows)
{
	return rows->wide || rows->narrow;
}

/* The class's row of one of r's tables, perhaps written to `room`, [n]; NULL where there is none. */
static inline const uint16_t *rank_row(
	const struct rank *r, const struct rank_rows *rows, uint32_t class, uint16_t *room)
{
	const size_t at = (size_t) class * r->n;

	if (!rows->narrow)
		return rows->wide ? rows->wide + at : NULL;
	for (unsigned i = 0; i < r->n; i++)
		room[i] = rows->narrow[at + i];
	return room;
}

/* Asks the memory for the front of the class's row. */
static inline void rank_fetch(const struct rank *r, const struct rank_rows *rows, uint32_t class)
{
	const size_t at = (size_t)class * r->n;

	__builtin_prefetch(rows->narrow ? (const void *)(rows->narrow + at) : rows->wide + at);
}

/* Pure: takes `sorted`, the best first by ms[], and the order from before, and leaves in
 * `sorted` what is to be: from the front on, each place goes to the best that is left, if it
 * beats the first of the old order that is left by enough, and else to that one. */
struct rank_order {
	const uint16_t *before;
	const float *ms; /* INFINITY: unknown */
	unsigned n;
	struct rank_switch change;
};
void rank_keep(const struct rank_order *o, uint16_t *sorted);

#endif
