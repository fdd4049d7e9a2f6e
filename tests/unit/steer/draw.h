/* draw.h - numbers and addresses at random, the same ones in every run.
 */
#ifndef UNIT_STEER_DRAW_H
#define UNIT_STEER_DRAW_H

#include "base/addr.h"

#include <stdbool.h>
#include <stdint.h>

struct draw {
	uint64_t seed; /* not 0 */
};

uint64_t draw_number(struct draw *d);
double draw_between(struct draw *d, double from, double to);

/* IPv4 anywhere; IPv6 in 2000::/3, plain. */
struct addr draw_addr(struct draw *d, bool v6);

#endif
