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

/* Without a chain neither `z` nor the change has signatures. Of a zone with NSEC3 the change has nothing of that but
 * links of its chain. `*to` has count 1. */
enum delta_result delta_build(struct zone **to, const struct zone *z, struct touched *t,
	const struct compile_opts *opts, struct faults *f);

#endif
