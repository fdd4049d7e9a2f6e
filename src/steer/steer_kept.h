/* steer_kept.h - the ranks of pools, kept for the next start (base/kept.h).
 *
 * While nothing is measured, ranks follow from the GeoIP files and the places of edges. Those that another start would make are had
 * from there; a pool that has changed since finds none, and has its own made.
 */
#ifndef STEER_STEER_KEPT_H
#define STEER_STEER_KEPT_H

#include "base/fault.h"
#include "base/text.h"
#include "measure/rank_kept.h"
#include "steer/steer.h"

/* Where they are kept, and of which files the atlas is, in which versions (geo/atlas_kept.h). Both borrowed. */
struct steer_kept {
	const char *path;
	const struct text *files;
	unsigned n_taken; /* steer_kept_new(): so many pools have theirs from there */
};

/* Does it take long to make them, and are they still what a start would make? */
bool steer_kept_suits(const struct steer *s);

/* Is that what is kept? */
bool steer_kept_is(const struct steer_kept *k, const struct steer *s);

bool steer_kept_write(const struct steer_kept *k, const struct steer *s, struct fault *why);

/* Those over `clients`, to share. False: none. */
bool steer_kept_read(const struct steer_kept *k, struct client_map *clients, struct rank_kept *to);

/* As steer_new() in place of nothing, with what is kept; NULL: nothing is. */
struct steer *steer_kept_new(const struct steer_opts *opts, struct atlas *atlas, struct steer_kept *k);

#endif
