/* estimates.h - all estimates for one client, as they are now.
 */
#ifndef MEASURE_ESTIMATES_H
#define MEASURE_ESTIMATES_H

#include "measure/client_map.h"
#include "measure/resolver_clients.h"

enum { ESTIMATES_ROWS_MOST = 8 };

/* All estimates for one client, as they are now: rankings that are served may be some seconds
 * older. Borrows all it is made of. */
struct estimates {
	const struct client_map *map;
	const struct latency *table;
	uint32_t now_s;
	uint32_t place, asn; /* numbers in the atlas, 0 when unknown */
	const struct latency_row *rows[ESTIMATES_ROWS_MOST]; /* of measured prefixes */
	unsigned n_rows;
	enum latency_kind kind; /* what is estimated */
	const struct latency_row *kind_rows[ESTIMATES_ROWS_MOST]; /* of measured prefixes, by that kind; none of round trips */
	unsigned n_kind_rows;
	float *ms; /* [n_edges] NAN: unknown */
	float *rtt_ms; /* the round trip, own times and all: `ms` itself where that is estimated */
	float *others_ms; /* the same without the network's own times */
	/* Who asks is a resolver with clients of its own: then `ms` are means over them. Borrowed of the table; NULL: it is not. */
	const struct resolver *resolver;
	float *least_ms, *most_ms; /* [n_edges] over the clients; NULL without */
};

struct estimates_of {
	const struct client_map *map;
	const struct latency *table;
	enum latency_kind kind;
	uint32_t now_s;
};
void estimates_init(struct estimates *e, const struct estimates_of *of, const struct addr *who);
/* What its own time to an edge counts: model_own_counts(). */
double estimates_own_counts(const struct estimates *e, unsigned edge);
void estimates_fini(struct estimates *e);

#endif
