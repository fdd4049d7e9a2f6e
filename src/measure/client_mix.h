/* client_mix.h - which kinds of clients a resolver's clients are, and how many of each.
 *
 * Made of the operator's table (resolver_clients.h) and a map of keys (client_map.h), when that
 * is cut. Belongs to the map's cut.
 */
#ifndef MEASURE_CLIENT_MIX_H
#define MEASURE_CLIENT_MIX_H

#include "geo/netmap.h"
#include "measure/resolver_clients.h"

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

struct client_mix_part {
	uint32_t key;
	float weight; /* the parts of a resolver come to 1; less where nobody knows some of them */
};

struct client_mix {
	uint32_t n;      /* resolvers, as in the table */
	uint32_t *first; /* [n + 1] of the parts */
	struct client_mix_part *part;
	uint64_t signature; /* of the table; 0: there is none */
};

/* `r` NULL: nothing. Addresses whose value is not below `keys` are nobody's. */
void client_mix_init(struct client_mix *m, const struct resolver_clients *r,
	const struct netmap *map, uint32_t keys);
void client_mix_fini(struct client_mix *m);

/* A mean that is being made of estimates: sums over edges. Where an edge has an estimate for
 * less than half of the clients, there is none. */
struct client_mean {
	unsigned n;      /* edges */
	double *sum, *of; /* [n] weight times estimate; weight */
};
void client_mean_init(struct client_mean *mean, unsigned n);
void client_mean_add(struct client_mean *mean, const float *ms, double weight);
/* False, and nothing is in ms[]: there is none for any. `all`: the weights that there are. */
bool client_mean_get(const struct client_mean *mean, double all, float *ms);
void client_mean_fini(struct client_mean *mean);

#endif
