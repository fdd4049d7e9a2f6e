/* sixty.h - a world of sixty edges, and of clients in 400 cities.
 */
#ifndef UNIT_STEER_SIXTY_H
#define UNIT_STEER_SIXTY_H

#include "steer/shed.h"
#include "steer/steer.h"

enum { EDGES = 60, CITIES = 400, SPLIT = 32, GROUPS = CITIES * SPLIT };
#define SIXTY_LOW  0.85
#define SIXTY_HIGH 0.95

struct sixty {
	struct edge_opts edges[EDGES];
	char names[EDGES][8];
	struct addr addrs[EDGES];
	uint16_t numbers[EDGES];
	double lat[CITIES], lon[CITIES], demand[CITIES];
	struct shed_demand groups[GROUPS];
	uint8_t states[EDGES];
	struct atlas *atlas;
	struct steer *steer;
	unsigned largest;
	uint32_t random;
};

/* Capacities and demands are skewed, and not alike; together they are used to 80 %. */
void sixty_open(struct sixty *w, uint32_t seed, unsigned answers);
void sixty_close(struct sixty *w);

/* From 0 up to 1. */
double sixty_draw(struct sixty *w);

/* From a city to an edge. */
double sixty_ms(const struct sixty *w, unsigned city, unsigned edge);

/* What choose() itself does with every group, under these prices. */
struct sixty_outcome {
	double load[EDGES], extra_ms; /* a query, over the nearest that is up */
	uint16_t went[GROUPS];
};
void sixty_play(const struct sixty *w, const uint32_t *price, struct sixty_outcome *o);

/* The least mean extra ms that any assignment within the limits can have, by glpsol; NAN when
 * there is none. */
double sixty_optimum(const struct sixty *w);

#endif
