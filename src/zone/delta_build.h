/* delta_build.h - a changed zone that shares its image with the one that it is made of.
 *
 * What changes beside the records is found here: names that are there only for those below
 * them, wildcards, and what cuts and DNAMEs hide. For zone_with().
 */
#ifndef ZONE_DELTA_BUILD_H
#define ZONE_DELTA_BUILD_H

#include "zone/compile.h"
#include "zone/touched.h"

enum delta_result {
	DELTA_DONE,
	DELTA_FAULT,   /* it has been told */
	DELTA_TOO_MUCH /* to be beside the image; nothing has been told */
};

/* Entries that are worth an image of their own (zone_wants_merge()). */
bool delta_is_large(const struct zone *z);

/* `z` has no chain of NSEC3 and the change nothing of one; without a chain of NSEC neither has
 * signatures. `*to` has count 1. */
enum delta_result delta_build(struct zone **to, const struct zone *z, struct touched *t,
	const struct compile_opts *opts, struct faults *f);

#endif
