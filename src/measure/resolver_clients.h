/* resolver_clients.h - whose clients are behind resolvers that send no client subnet?
 *
 * An operator's table: nets of resolvers, and for each the nets of its clients with their
 * weights. What is estimated for such a resolver is the mean over its clients, so that the edge
 * is chosen that is best for all of them together, wherever the resolver stands itself.
 *
 * A file of comma-separated values; the first line names the columns, in any order:
 *
 *     resolver,client,weight
 *
 * Immutable once read, shared by count; any thread reads.
 */
#ifndef MEASURE_RESOLVER_CLIENTS_H
#define MEASURE_RESOLVER_CLIENTS_H

#include "base/addr.h"
#include "base/fault.h"
#include "base/part.h"
#include "base/text.h"
#include "geo/netmap.h"

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

struct resolver_client {
	struct prefix net;
	double weight; /* over 0 */
};

struct resolver {
	struct prefix net;
	uint32_t first, n; /* of the clients */
	double weight;     /* of all of them */
};

struct resolver_clients {
	struct part part; /* first */
	struct resolver *of; /* [n] by address, a net before those inside it */
	struct resolver_client *client;
	uint32_t n, n_clients;
	struct netmap *map; /* sealed: the number of a resolver + 1; 0: none */
	uint64_t signature; /* of all that is in it */
};

/* The count is 1. NULL, and told in `f`, when the file is wrong. */
struct resolver_clients *resolver_clients_read(const char *path, struct faults *f);
void resolver_clients_drop(struct resolver_clients *r);

/* Both, the first before the second: of `learned` the resolvers that are not in a net of `told`, and have a weight of
 * `least` at least. Count 1; NULL: there is nothing. Either may be NULL. */
struct resolver_clients *resolver_clients_with(
	const struct resolver_clients *told, const struct resolver_clients *learned, double least);

/* The narrowest net that has the address; NULL: none. `r` may be NULL. */
const struct resolver *resolver_clients_find(
	const struct resolver_clients *r, const struct addr *a);

/* A client net is looked at in so many of its addresses, evenly spread: one for each IPv4 /24
 * and IPv6 /48 of it, up to RESOLVER_SAMPLES_MOST. */
enum { RESOLVER_SAMPLES_MOST = 64 };
unsigned resolver_client_samples(const struct prefix *net);
struct addr resolver_client_sample(const struct prefix *net, unsigned i);

/* As such a file. */
void resolver_clients_write(const struct resolver_clients *r, struct text *out);

#endif
