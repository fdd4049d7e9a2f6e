/* needs.h - edges that are down without others: those of a place, without its uplink.
 *
 * What the operator wants of an edge holds for all that need it, unless something else is forced
 * of them. What probes find of it is the standing's. Nothing needs itself, by whatever way.
 */
#ifndef STEER_NEEDS_H
#define STEER_NEEDS_H

#include "steer/steer.h"

/* `states` and `forced` are by edge, as of a forced_effect; the former come to say all. */
void needs_states(const struct steer *s, uint8_t *states, const uint8_t *forced);

#endif
