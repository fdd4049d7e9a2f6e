/* load_records.h - what servers of a fleet tell each other of load, as bytes.
 *
 * Each tells what it has counted: of every edge how often it answered with it and what load its probes read there,
 * and how much each group of clients asks. One of them, who has the sum, tells prices. Edges and pools are known by
 * the hashes of their names, so that servers whose configurations differ a little understand each other; what one
 * does not have is passed over. A newer version's records are longer in the end, or of another version, which is
 * none for an older one. Pure; any thread.
 */
#ifndef DAEMON_LOAD_RECORDS_H
#define DAEMON_LOAD_RECORDS_H

#include "base/part.h"
#include "daemon/groups.h"
#include "daemon/load_count.h"
#include "steer/steer.h"

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

/* Bytes that are shared by count. */
struct load_record {
	struct part part;
	size_t len;
	uint8_t bytes[];
};

/* NULL: no memory. `bytes` NULL: they are to be written. */
struct load_record *load_record_new(const uint8_t *bytes, size_t len);
static inline void load_record_drop(struct load_record *r)
{
	part_drop(r ? &r->part : NULL);
}

/* What one server, or several of them together, have counted of an edge. */
struct load_counted {
	double rate;  /* answers a second */
	double other; /* ... that no price moves */
	double told;  /* what probes say of its load; NAN */
	unsigned n;   /* of a sum: servers whose probes say something */
};

enum {
	LOAD_RECORD_VERSION = 1,
	LOAD_EDGE = 8 + 4 + 4 + 4,
	LOAD_POOL = 8 + 4,
	LOAD_GROUP = 6 + 4,
	LOAD_PRICE = 8 + 4 + 2 + 7 * 4,
	LOAD_SLOW = 4
};

/* What is summed up: `edges` is [n_edges]. */
struct load_sum {
	struct load_counted *edges;
	double slow; /* answers a second of all edges, smoothed (struct load_memory) */
};

/* The demand is of pools of `s`. NULL: no memory. */
struct load_record *load_record_counted(const struct steer *s, const struct load_sum *sum,
	const struct shed_demand *demand, size_t n);
/* Adds it to a sum of what others have counted, and to groups. False: it is none that we know. */
bool load_record_add(const struct load_record *r, const struct steer *s, struct load_sum *sum, struct groups *groups);

/* Prices, and what belongs to them. */
struct load_record *load_record_prices(const struct steer *s, const struct load_edge *loads, double per_query);
/* Into `loads`, where it has the edge. `*changed`: a price or a share is another now. False: it is none. */
bool load_record_take(const struct load_record *r, const struct steer *s, struct load_edge *loads,
	double *per_query, bool *changed);

#endif
