/* zonemd_make.h - the ZONEMD record (RFC 8976) of a zone whose data is ours, right after each change.
 *
 * All of the zone is read each time (a second for some million records), so it is for a job.
 */
#ifndef ZONE_ZONEMD_MAKE_H
#define ZONE_ZONEMD_MAKE_H

#include "zone/change.h"
#include "zone/keyset.h"
#include "zone/zone_with.h"
#include "zone/zonemd.h"

struct zonemd_opts {
	enum zonemd_hash hash;
	struct zone_with_opts with;
	/* What signs the record; NULL: nothing. Borrowed. */
	const struct keyset *keys;
	int64_t now_s; /* UNIX time; of what is signed */
};

/* `c`, a change of `z`, with what makes the zone that comes of it have the one ZONEMD record that it has to have. What `c`
 * itself does with ZONEMD at the apex does not count. `c` is taken. NULL after a fault, of zone_with() or of memory. */
struct change *zonemd_follow(const struct zone *z, struct change *c,
	const struct zonemd_opts *opts, struct faults *f);

/* Takes the count of `z`, which is ready, and gives that of the same zone, of the same serial, with that record; without a
 * history where it had another. NULL after a fault. */
struct zone *zonemd_put(struct zone *z, const struct zonemd_opts *opts, struct faults *f);

/* Of which hash the zone's own record is. ZONEMD_NO_HASH: it has none of a scheme and hash that we know. */
enum zonemd_hash zonemd_hash_of(const struct zone *z);

#endif
