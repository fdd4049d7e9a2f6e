/* small_world.h - a few places, nets and edges to choose among.
 */
#ifndef UNIT_STEER_SMALL_WORLD_H
#define UNIT_STEER_SMALL_WORLD_H

#include "steer/choose.h"

/* Nets: 1.0.0.0/16 Oslo NO, 2.0.0.0/16 Rome IT, 3.0.0.0/17 San Francisco US-CA
 * (AS64500), 3.0.128.0/17 New York US-NY, 5.0.0.0/16 somewhere in Brazil (no coordinates),
 * 2a00::/32 Rome; all else unknown. */
struct atlas *small_atlas(void);

/* ams, rom, nyc, sfo (the last without AAAA), with one address each: 192.0.2.1 ... */
extern const struct edge_opts small_edges[4];
enum { AMS, ROM, NYC, SFO };

/* A pool of all four named "web", policy nearest, one answer; change what the test is about. */
struct pool_opts small_pool(void);

struct small {
	struct atlas *atlas;
	struct steer *steer;
	uint8_t states[8];
	struct choose_turn turns[16];
};

void small_open(struct small *s, const struct pool_opts *pools, size_t n);
void small_close(struct small *s);

/* What the operator wants of each edge, and no probe to say more. The caller frees it. */
struct standing *small_standing(const struct steer *steer, const uint8_t *states);

/* The edges chosen for a subnet ("1.0.1.0/24") as "ams rom /16": names and scope. Without one
 * ("") the source, 9.9.9.9 or `source`, is all there is. */
const char *small_ask(struct small *s, const char *subnet, const char *source, bool v6);

#endif
