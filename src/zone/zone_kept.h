/* zone_kept.h - what a zone file has become, kept for the next start (base/kept.h).
 *
 * The image as it is, since it has offsets and no pointers; what finds names in it is made anew, with the hash key of this process. Jobs, and
 * the start.
 */
#ifndef ZONE_ZONE_KEPT_H
#define ZONE_ZONE_KEPT_H

#include "zone/load.h"

/* Is it one that can be kept: by itself, of files that will not change unseen, and of nothing else? */
bool zone_kept_suits(const struct load *l);

/* Is that what is kept at `path`? */
bool zone_kept_is(const char *path, const struct load *l);

bool zone_kept_write(const char *path, const struct load *l, struct fault *why);

/* What was read of the zone file `file`, when none of the files that it was read from has changed since: as load_zone(), with the warnings
 * that there were. False: it is to be read. Whether its pools still suit is for the caller to see. */
bool zone_kept_read(struct load *to, const char *path, const uint8_t *origin, const char *file, struct hash_key key, struct faults *f);

#endif
