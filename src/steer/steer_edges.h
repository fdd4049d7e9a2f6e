/* steer_edges.h - the edges of a steer, filled from their options.
 */
#ifndef STEER_STEER_EDGES_H
#define STEER_STEER_EDGES_H

#include "steer/steer.h"

/* `s` has their number, and no pools yet. `before` may be NULL. */
void steer_edges_fill(
	struct steer *s, const struct steer_opts *opts, const struct steer *before);

#endif
