/* report_fleet.h - the fleet that this server is of: who is there, and how it stands with each.
 */
#ifndef REPORT_REPORT_FLEET_H
#define REPORT_REPORT_FLEET_H

#include "base/text.h"
#include "fleet/fleet.h"

#include <jansson.h>
#include <stdbool.h>
#include <stdint.h>

/* A table that all servers share. */
struct report_shared {
	size_t n;       /* rows of ours */
	unsigned apart; /* servers whose table is another one, by their last sign of life */
	uint64_t sent, taken; /* rows told; rows heard that were news */
};

/* As numbers, for status, metrics and alarms. */
struct report_fleet {
	bool on; /* there is one */
	bool up; /* the engine is reached */
	bool twin, full;
	unsigned servers, live; /* known, ourselves too; of these, there now */
	unsigned vantages;      /* others that probe */
	unsigned outvoted;      /* targets whose verdict is not ours */
	bool blind, holds;
	double lag_ms, lag_most_ms; /* the slowest of those that live */
	double reply_ms;            /* of the engine */
	int64_t clock_off_ms;
	uint64_t said, heard, forged, lost, connects, refused;
	uint64_t bytes_in, bytes_out;
	unsigned will, conflicts; /* what operators want; what was decided between two of them, ever */
	unsigned odd;             /* ... and not accepted */
	unsigned orders, orders_failed; /* commands for all servers that are known; that could not be done here */
	char order_fault[448];    /* one of these, and why; "" */
	struct report_shared times, pairs; /* measurements; what all have seen of resolvers' clients */
	uint64_t pairs_joined;    /* of clients that agents told others of */
	unsigned configs_apart;   /* servers, of those that live, with another configuration in what answers depend on */
	/* Who finds the prices of edges. */
	enum { FLEET_PRICES_NONE, FLEET_PRICES_HERE, FLEET_PRICES_THERE, FLEET_PRICES_ALONE } prices_by;
	unsigned demand_servers, demand_held; /* of HERE: whose demand it is, and for whom a part is held */
	char leader[64];                      /* of THERE */
	char signer[64]; /* who makes signatures anew and rolls keys, for all; "" */
	unsigned zones, zones_in_step; /* of the fleet; of these, as the fleet has them */
	char zone[1024], zone_fault[256]; /* one that is not, and why; "" */
	uint64_t generation; /* of what answers depend on, as it was last told */
	char name[64], server[64], fault[256];
};

/* In which sections of the configuration that answers depend on two servers differ, by what they say of themselves (objects, or
 * NULL): names, ascending. The caller's; NULL: one of them does not tell. */
json_t *report_fleet_differs(const json_t *a, const json_t *b);

/* All servers; the first row is our own. `self` is what we say of ourselves. */
void report_fleet_servers(const struct report_fleet *sum, const struct fleet *f, const json_t *self, bool json,
	struct text *out);

/* More than this and a clock is told of. */
enum { REPORT_CLOCK_OFF_MS = 1000 };

#endif
