/* stored.h - zones between the store and what is served.
 *
 * For helper threads.
 */
#ifndef XFR_STORED_H
#define XFR_STORED_H

#include "store/store.h"
#include "zone/compile.h"

/* A zone as it is stored: count 1. NULL: it is not, and `why` is empty; or it cannot be had. `path` is that of
 * its file, which may be what its steps begin with; NULL: it has none. */
struct zone *stored_zone(struct store *s, const uint8_t *apex, const char *path,
	const struct compile_opts *opts, struct store_timers *timers, struct fault *why);

/* The same of what we have signed of a zone that comes from elsewhere. */
struct zone *stored_signed_zone(struct store *s, const uint8_t *apex,
	const struct compile_opts *opts, struct fault *why);

/* The same, where `z`, which has been kept elsewhere, is a version of it since what is stored as a whole by that number (store_get_base()), and
 * nothing but what signing makes has changed since then. Takes the count of `z`. NULL: it is not so, and `z` is gone. */
struct zone *stored_signed_upon(struct store *s, int64_t base, struct zone *z, const struct compile_opts *opts);

#endif
