/* stage_zones.h - what a stage has to do with zones that are signed here.
 *
 * Before it begins they list what its pools can answer: resolvers prove from the NSEC or NSEC3 of a name what it has not
 * (RFC 8198), and what a stage adds to a pool (an address family, HTTPS) must be there for as long as some clients get it.
 * And its own zones, which wait meanwhile, come after what is served by then. Work of jobs of the builder.
 */
#ifndef DAEMON_STAGE_ZONES_H
#define DAEMON_STAGE_ZONES_H

#include "base/fault.h"
#include "store/store.h"
#include "world/parts.h"

struct stage_zones {
	const struct parts *live;
	struct parts *staged; /* its zones and their numbers are replaced where those of `live` are */
	struct hash_key key;               /* of the zones */
	struct store *store;               /* NULL: nothing is kept */
};

/* Where something is to be listed: the zones that are to be served from then on, stored already, and the numbers of their
 * pools; counts 1. Both NULL where all is listed. False and a sentence: nothing has changed. */
bool stage_zones_list(const struct stage_zones *o, struct registry **zones,
	struct pool_numbers **numbers, struct fault *why);

/* The zones of a stage that becomes everybody's: those that it has from other files, signed as what comes after `live`.
 * Count 1. */
struct registry *stage_zones_after(
	const struct parts *staged, const struct registry *live, struct hash_key key);

#endif
