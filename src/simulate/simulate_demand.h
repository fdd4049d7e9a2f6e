/* simulate_demand.h - which clients a simulation is made for, and how much each counts.
 *
 * From a file, or all that the GeoIP data knows. Files are read a line at a time; what is wrong
 * is told with its place, as many as are shown.
 *
 *     clients     "prefix,weight" a line, or a prefix alone, which weighs 1; a first line
 *                 "prefix,weight" is passed over. They ask every pool.
 *     queries     "NAME TYPE CLIENT" a line, or a JSON object with "client" (an address or a
 *                 prefix), "pool" or "name", and "type" (A unless given), other members as they
 *                 may be: each line is one query. TYPE is A or AAAA; other types are not
 *                 steered, and passed over.
 *
 * Empty lines and those that begin with "#" are passed over.
 */
#ifndef SIMULATE_SIMULATE_DEMAND_H
#define SIMULATE_SIMULATE_DEMAND_H

#include "base/arena.h"
#include "base/fault.h"
#include "simulate/simulate.h"
#include "world/world.h"

struct simulate_demand {
	const char *const *pools; /* names, borrowed */
	size_t n_pools;
	struct simulate_client *clients;
	size_t n, room;
	struct arena names;          /* of the clients that came with one */
	uint64_t lines, passed_over; /* of queries: for names without a pool, other types */
};

/* Every IPv4 address whose place the GeoIP files know; each weighs 1. */
void simulate_demand_everybody(struct simulate_demand *d, bool v6);

bool simulate_demand_clients(struct simulate_demand *d, const char *path, struct faults *f);

/* `w` says which pool a name is handed to; NULL: lines with names are wrong. */
bool simulate_demand_queries(
	struct simulate_demand *d, const char *path, const struct world *w, struct faults *f);

void simulate_demand_fini(struct simulate_demand *d);

#endif
