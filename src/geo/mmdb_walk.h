/* mmdb_walk.h - every net of a MaxMind DB file.
 *
 * Control thread.
 */
#ifndef GEO_MMDB_WALK_H
#define GEO_MMDB_WALK_H

#include "base/addr.h"
#include "base/u128.h"
#include "geo/mmdb_file.h"

/* A net of the tree's family: as netmap_append_range() has addresses. */
struct mmdb_net {
	struct u128 first;
	unsigned bits;   /* of 32 or 128 */
	uint32_t record; /* its offset in the data */
};

/* Calls `each` for every net of a family that has a record, in ascending order. The nets of
 * IPv6 that embed IPv4 are left out. False when `each` was (which says why), or when the
 * tree is broken. */
bool mmdb_walk(struct mmdb_file *f, bool v6,
	bool (*each)(void *ctx, const struct mmdb_net *net, struct fault *why), void *ctx,
	struct fault *why);

#endif
