/* zones_change.h - which zones come and which go by a reload, and whether so many may go.
 *
 * A folder that was emptied by a copy that failed is a list of zones without a fault: only
 * against what is served it looks wrong. Any thread.
 */
#ifndef DAEMON_ZONES_CHANGE_H
#define DAEMON_ZONES_CHANGE_H

#include "base/fault.h"
#include "zone/registry.h"

enum { ZONES_CHANGE_NAMED = 1000 }; /* of each kind; the rest is counted */

struct zones_change {
	size_t before; /* how many there were */
	size_t n_added, n_removed;
	struct text added, removed; /* the names of the first, a line each */
};

/* `to` is for zones_change_fini(). Both may be NULL: no zones. */
void zones_change_find(
	struct zones_change *to, const struct registry *before, const struct registry *next);
void zones_change_fini(struct zones_change *c);

/* False, and an error, when a larger share of the zones goes than `share` (1: never). */
bool zones_change_check(const struct zones_change *c, double share, const struct fault_at *at,
	struct faults *f);

/* A sentence that names some of them, and ends its line; nothing when none comes or goes. */
void zones_change_say(const struct zones_change *c, struct text *out);

#endif
