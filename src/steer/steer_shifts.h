/* steer_shifts.h - what bias and cost make of the times to a pool's edges.
 *
 * Part of steer_new().
 */
#ifndef STEER_STEER_SHIFTS_H
#define STEER_STEER_SHIFTS_H

#include "measure/rank.h"
#include "steer/steer.h"

/* Of the edges that pool `number` ranks: its own, or its leaves. False: times count as they are;
 * `to` [POOL_EDGES_MOST] is not to be read then. */
bool steer_shifts(const struct steer *s, const struct steer_opts *all, unsigned number,
	struct rank_shift *to);

#endif
