/* atlas_kept.h - what GeoIP files have become, kept for the next start (base/kept.h).
 */
#ifndef GEO_ATLAS_KEPT_H
#define GEO_ATLAS_KEPT_H

#include "base/stamps.h"
#include "base/text.h"
#include "geo/atlas.h"

/* Can it be kept? Files whose fields are of an odd form are read each time, so that they are told each time; and so are small ones. */
bool atlas_kept_suits(const struct atlas *a, const struct stamps *files);

/* Which files it is of, in which versions, as a text. */
void atlas_kept_of(const struct atlas_opts *o, const struct stamps *files, struct text *to);
/* Would a change of them be seen by these versions? */
bool atlas_kept_settled(const struct stamps *files);

/* Is that what is kept at `path`, of these versions of its files (cities, then asns)? */
bool atlas_kept_is(const char *path, const struct atlas *a, const struct stamps *files);

bool atlas_kept_write(const char *path, const struct atlas *a, const struct stamps *files, struct fault *why);

/* What is kept of those files in those versions: count 1. NULL: they are to be read. */
struct atlas *atlas_kept_read(const char *path, const struct atlas_opts *opts, const struct stamps *files);

#endif
