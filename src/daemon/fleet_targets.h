/* fleet_targets.h - which servers of a fleet does an operator mean?
 *
 * Loop.
 */
#ifndef DAEMON_FLEET_TARGETS_H
#define DAEMON_FLEET_TARGETS_H

#include "base/fault.h"
#include "fleet/fleet.h"

enum { FLEET_TARGETS_MOST = 128 };

/* The names of those in `servers`: "ns1,ns2" (known ones; cut at its commas), or "25%" of those that are there, the first by name and one
 * at least, so that a larger share has those of a smaller one. `self` is this one. They borrow from `servers`, from `self`, and from the
 * fleet until the next turn. Returns how many; 0: `why`. */
size_t fleet_targets(const struct fleet *f, const char *self, char *servers, const char *to[static FLEET_TARGETS_MOST],
	struct fault *why);

#endif
