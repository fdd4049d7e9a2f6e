/* edge.h - an edge: where it stands and how clients reach it.
 *
 * Immutable once built from its options; what changes (health, forced states) lives beside it
 * in the world.
 */
#ifndef STEER_EDGE_H
#define STEER_EDGE_H

#include "base/addr.h"

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

enum {
	EDGES_MOST = 4096, /* in one configuration */
	EDGE_WEIGHT_MOST = 65535,
	EDGE_BIAS_MOST = 99
};

enum edge_state {
	EDGE_UP,
	EDGE_DOWN, /* not answered with, as if it had failed */
	EDGE_DRAIN /* not answered with; the operator empties it */
};

/* Where a probe asks. */
struct edge_point {
	const char *name; /* it is to be resolved; NULL: `addr` */
	struct addr addr; /* :: with a name */
	uint16_t port;    /* 0: the probe's */
};

enum { EDGE_POINTS_MOST = 512 };

/* What an edge is answered with beside its addresses, of any type. */
struct edge_record {
	uint16_t type, len;
	const uint8_t *rdata; /* names whole */
};

enum {
	EDGE_RECORDS_MOST = 64,
	EDGE_RECORDS_BYTES_MOST = 16384, /* of one edge: with signatures they fit a message */
	EDGE_RECORD_TYPES_MOST = 30      /* of all edges together */
};

/* As configured. Everything is borrowed from the configuration. */
struct edge_opts {
	const char *name;
	/* 1 + the number of the edge that it is for the members of one pool, with other addresses or
	 * records; such have no number less than that. 0: it is an edge of its own. */
	uint16_t role_of;
	double capacity_share; /* ... and of its capacity it has so much; 0: no part of its own */
	bool placed;          /* `at` was given */
	double lat, lon;      /* degrees; -90 to 90, -180 to 180 */
	const struct addr *a; /* IPv4 */
	size_t n_a;
	const struct addr *aaaa; /* IPv6 */
	size_t n_aaaa;
	const uint8_t *cname; /* wire name, or NULL; used when there are no addresses */
	const uint8_t *flatten; /* wire name, or NULL: its addresses are those that this name has; it has
				 * none of its own */
	const struct edge_record *records; /* [n_records] types ascend; of one each once */
	size_t n_records;
	/* Where probes ask instead: one for all its addresses, or one for each, A first; of an edge
	 * with only a cname any. 0: at its addresses, or what the cname leads to. */
	const struct edge_point *points;
	size_t n_points;
	bool unprobed;   /* nowhere: it is as the operator says */
	unsigned probe;  /* 1 + its number in the configuration: goes before that of a pool; 0:
			    none of its own */
	const uint16_t *needs; /* [n_needs] edges without which it is down, by number */
	size_t n_needs;
	unsigned weight; /* 0 to EDGE_WEIGHT_MOST, 1 unless given; 0 is not chosen by weight
			    while another can be */
	int32_t bias; /* -99 to 99: over 0 it counts as nearer than it is */
	double cost;  /* of using it, in what the operator likes */
	enum edge_state state;
	double capacity;  /* of load, in whatever its probes tell, or queries a second; 0: no
			     limit */
	double low, high; /* shares of it: sheds a growing share from the one on, all that is
			     new from the other on */
	unsigned slow_start_ms; /* once it is up again its share grows for so long */
};

/* "up", "down", "drain". */
const char *edge_state_text(enum edge_state s);
bool edge_state_parse(enum edge_state *s, const char *text);

#endif
