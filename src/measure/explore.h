/* explore.h - whose turn is it to try another edge than the nearest?
 *
 * What edges measure of their clients says nothing of edges that have none. So a group of
 * clients is sent to a runner-up for a share of its intervals: by hash, so that all who share a
 * cache's answer get the same one for as long as the interval lasts, and groups take turns. Any
 * thread.
 */
#ifndef MEASURE_EXPLORE_H
#define MEASURE_EXPLORE_H

#include "base/addr.h"

#include <stdint.h>

struct explore {
	uint32_t share; /* of 2^32 */
	uint32_t every_s;
};

/* `a` is one of a group: those that share its first `group_bits` (of 128). 0: not now; else a
 * number to draw one of several runners-up by. */
uint32_t explore_draw(
	const struct explore *e, const struct addr *a, unsigned group_bits, uint32_t now_s);

#endif
