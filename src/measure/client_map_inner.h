/* client_map_inner.h - how a client map is kept: between client_map.c, which cuts it, and
 * client_map_each.c, which makes estimates of it.
 */
#ifndef MEASURE_CLIENT_MAP_INNER_H
#define MEASURE_CLIENT_MAP_INNER_H

#include "measure/client_map.h"
#include "measure/client_mix.h"

/* What clients of one kind have in common. */
struct client_key {
	uint32_t place;
	uint32_t asn; /* index in the atlas's asns; 0: makes no difference here */
	uint32_t own; /* number of a measured prefix + 1; 0: none */
	uint32_t mix; /* number of a resolver + 1, for whose clients it is chosen; 0: for its own */
};

/* The part that stays as long as the same prefixes and ASNs are measured, and resolvers have
 * the same clients. */
struct client_cut {
	unsigned refs; /* atomic */
	uint64_t signature;
	struct netmap *map;
	struct client_key *key; /* [n] */
	uint32_t n;
	uint32_t *order;    /* [n - 1]: all keys but 0, by place */
	struct prefix *own; /* [n_own] ascending, a prefix before those inside it */
	uint32_t *around;   /* [n_own]: the one that holds it + 1 */
	uint32_t n_own;
	struct client_mix mix;
};

struct client_map {
	unsigned refs;       /* atomic */
	struct atlas *atlas; /* held */
	struct model *model; /* held */
	struct client_cut *cut;     /* NULL: nothing is measured */
	/* Until it is settled. */
	const struct latency_row **row; /* [LATENCY_KINDS][n_own] by kind; NULL: none of that kind */
	uint32_t *was;                  /* [n]; NULL: as it is, or nothing to compare with */
	float *mixed[LATENCY_KINDS]; /* [cut->mix.n][n_edges] means over resolvers' clients: once for all ranks; NULL: nobody asks */
	bool is_new;                    /* there is nothing to compare with */
	bool partly;                    /* keys that have not changed are as in `before` */
	uint16_t since; /* rows that changed later than in this round have changed */
	unsigned half_life_s;
	uint32_t now_s;
	/* For the next: the last round that is in here, and when all keys were made anew. */
	uint16_t round;
	uint32_t whole_at_s;
	/* What an unmeasured one was made of. */
	struct model_site *edges;
	unsigned n_edges;
};

/* Once `cut`, model and table are there, of a map with resolvers: their means by a kind. */
void client_map_mix(struct client_map *m, enum latency_kind kind);

#endif
