/* edge_own.h - what an EDGE record says of its name alone, for who chooses.
 *
 * Any thread; nothing allocates.
 */
#ifndef WORLD_EDGE_OWN_H
#define WORLD_EDGE_OWN_H

#include "steer/choose.h"

/* Of the RDATA of an EDGE; edges are those of `s`, as its pool `pool` has them. */
struct choose_own edge_own(
	const struct steer *s, unsigned pool, const uint8_t *rdata, size_t len);

#endif
