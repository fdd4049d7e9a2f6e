/* steer_ranks.h - the ranks of a steer's pools, and what they have in front.
 *
 * Part of steer_new().
 */
#ifndef STEER_STEER_RANKS_H
#define STEER_STEER_RANKS_H

#include "steer/steer.h"

struct steer_kept;

/* All pools are filled but for these; `before`, perhaps NULL, is what is replaced, whose ranks may be shared, and so may those that
 * are `kept`, perhaps NULL. */
void steer_ranks_fill(struct steer *s, const struct steer_opts *opts, const struct steer *before, struct steer_kept *kept);

#endif
