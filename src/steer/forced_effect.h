/* forced_effect.h - what comes of all that is forced, for the edges and pools of one steer.
 *
 * Most pools are as all are. The others share *views*: two pools of which the same was said
 * have the same one. Control thread; lives until forced_effect_fini().
 */
#ifndef STEER_FORCED_EFFECT_H
#define STEER_FORCED_EFFECT_H

#include "steer/forced.h"
#include "steer/steer.h"

enum {
	FORCED_AS_ALL = 0xff,
	FORCED_LEAVES = 0xfe, /* drained there, and still on its way out: as its probes say */
	FORCED_NO_WEIGHT = -1
};

struct forced_view {
	uint8_t *states; /* [edge] enum edge_state, FORCED_LEAVES, or FORCED_AS_ALL: in these pools it is
			    as in all */
	int32_t *weights; /* [edge], then [pool] as a member; FORCED_NO_WEIGHT: as in all. NULL:
			     all are */
	uint32_t pools;   /* so many have it */
	uint16_t left;    /* the last that was made of it by forced_effect_leave(), + 1; 0: none */
};

struct forced_effect {
	uint8_t *states;  /* [edge] in all pools: as forced, or as configured, or as what it needs
			     is wanted */
	uint8_t *forced;  /* [edge] nonzero: as forced */
	int32_t *weights; /* [edge], then [pool]; FORCED_NO_WEIGHT; NULL: none is forced */
	struct forced_view *views;
	unsigned n_views;
	uint16_t *view_of; /* [pool] view + 1; 0: as all are. NULL: all are */
};

struct forced_effect forced_effect_of(const struct forced_list *l, const struct steer *steer);
void forced_effect_fini(struct forced_effect *e);

/* Edges that are drained in a pool leave it bit by bit: `edges` [n] of it. Pools in the order of their numbers share
 * views the best. False: there are no more numbers of views, and nothing has changed. */
bool forced_effect_leave(struct forced_effect *e, const struct steer *steer, unsigned pool, const uint16_t *edges, unsigned n);

/* The last change of that kind that holds for an edge in a pool, as one that the pool is in has
 * it, too; `pool` -1: of those for all pools. NULL: none does. Borrowed until the list changes.
 */
const struct forced *forced_in(const struct forced_list *l, const struct steer *steer,
	const char *edge, int pool, enum forced_what what);

/* What of that is said in the words of a change: edges, or pools with all below them. False:
 * there is nothing by such a name. */
bool forced_names_edge(const struct steer *steer, const char *edge);
bool forced_names_pool(const struct steer *steer, const char *pool);

#endif
