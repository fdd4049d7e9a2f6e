/* zone_kept.h - what a zone file has become, kept for the next start (base/kept.h).
 *
 * The image as it is, since it has offsets and no pointers; what finds names in it is made anew, with the hash key of this process. Jobs, and
 * the start.
 */
#ifndef ZONE_ZONE_KEPT_H
#define ZONE_ZONE_KEPT_H

#include "zone/load.h"

/* Of one that was signed here: what its signatures are good for. */
struct zone_kept_signed {
	uint64_t generation; /* of the keyset by which all of it is signed */
	int64_t base, since; /* where it stood in the store: store_get_base() */
};

/* Is it one that can be kept: of files that will not change unseen, and of nothing else? */
bool zone_kept_suits(const struct load *l);

/* Is that what is kept at `path`? With `is`: one that is signed here, of these files, of which that was true. */
bool zone_kept_is(const char *path, const struct load *l, struct zone_kept_signed *is);

/* Nothing is beside its image. `s`: NULL: it was not signed here. */
bool zone_kept_write(const char *path, const struct load *l, const struct zone_kept_signed *s, struct fault *why);

/* What was read of the zone file `file`, when none of the files that it was read from has changed since: as load_zone(), with the warnings
 * that there were. With `s`: what was signed of it. False: it is to be read. Whether its pools, and what is in `s`, still suit is for the caller to see. */
struct zone_kept_from {
	const char *path; /* where it is kept */
	const uint8_t *origin;
	const char *file;
	struct zone_kept_signed *s;
};
bool zone_kept_read(struct load *to, const struct zone_kept_from *from, struct hash_key key, struct faults *f);

#endif
