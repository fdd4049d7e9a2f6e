/* zone_with.h - a zone and a change set become the zone that is served next.
 *
 * The old zone is untouched and goes on being served. Most changes cost by what they change:
 * the new zone shares the old one's image and has beside it what is different (zone/delta.h).
 * Where that cannot be (a chain that begins, ends or is another), or where so much changes that
 * it would not be worth it, the zone is compiled anew from its records.
 */
#ifndef ZONE_ZONE_WITH_H
#define ZONE_ZONE_WITH_H

#include "zone/change.h"
#include "zone/compile.h"

struct zone_with_opts {
	struct compile_opts compile; /* the key is that of the zone; `before` does not count */
	/* Adding what is there and removing what is not is no fault, and of what is there the
	 * TTL becomes that of what is added (RFC 2136 section 3.4.2); the SOA that goes need
	 * not be the one that is there. Else the change must fit exactly (RFC 1995). */
	bool tolerant;
};

/* What `z`, which is ready, is after `c`. Count 1. All records of an RRset get the TTL of the
 * last of them that comes (RFC 2181 section 5.2). NULL after a fault: the change does not fit
 * ("not exact: ..."), the names that it touches would be wrong as zone_compile() has it, or
 * there is no memory. Any thread that holds the zone. */
struct zone *zone_with(const struct zone *z, const struct change *c,
	const struct zone_with_opts *opts, struct faults *f);

/* True when so much is beside the image of `z` that zone_merge() is worth it. */
bool zone_wants_merge(const struct zone *z);

/* The same zone with an image of its own, nothing beside it. Count 1; NULL after a fault. All
 * of the zone is copied (some 60 ms for a million names), so it is for a job; changes that
 * were made meanwhile are made again, by zone_with() upon what this gives. `key` is that of the
 * zone. */
struct zone *zone_merge(const struct zone *z, struct hash_key key, struct faults *f);

/* True when a merge takes no time that anybody notices, or cannot wait any longer. */
bool zone_merges_now(const struct zone *z);

/* Takes the count of `z` and gives that of what is to be served: its merge when that is wanted
 * and there is memory for it, else `z`. Behind zone_with(), where it may take long. */
struct zone *zone_merge_wanted(struct zone *z, struct hash_key key);

#endif
