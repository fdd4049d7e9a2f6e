/* mmdb_read.h - several MaxMind DB files become one netmap: what cities and ASNs have in
 * common.
 *
 * Control thread.
 */
#ifndef GEO_MMDB_READ_H
#define GEO_MMDB_READ_H

#include "base/fault.h"
#include "geo/mmdb_told.h"
#include "geo/mmdb_value.h"
#include "geo/netmap.h"

/* What a record means. */
struct mmdb_kind {
	const char *tells; /* "country and no coordinates": what a wrong file lacks */
	/* Called before the first record of each file; `told` is of that file. */
	void (*start)(void *ctx, struct mmdb_told *told);
	/* The netmap's value for a record, NETMAP_NONE when it says nothing; false when it
	 * is broken, and says why in `data`. */
	bool (*record)(void *ctx, struct mmdb_bytes *data, uint32_t at, uint32_t *value);
	void *ctx;
};

/* NULL and one sentence when a file is wrong. Sealed; the count is 1. `told`: [n], of each
 * file.
 */
struct netmap *mmdb_read(
	const struct mmdb_kind *kind, struct mmdb_told *told, size_t n, struct fault *why);

#endif
