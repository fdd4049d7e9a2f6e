/* atlas.h - all that GeoIP files tell: where addresses are and who routes them.
 *
 * Immutable once read, shared by count between worlds. Control thread builds; any thread reads.
 */
#ifndef GEO_ATLAS_H
#define GEO_ATLAS_H

#include "geo/mmdb.h"

struct atlas {
	unsigned refs;             /* atomic */
	struct mmdb_cities cities; /* an empty map and no places when there are no files */
	struct mmdb_asns asns;     /* likewise */
};

struct atlas_opts {
	const char *const *city_files;
	size_t n_city_files;
	const char *const *asn_files;
	size_t n_asn_files;
};

/* NULL and one sentence when a file is wrong. The count is 1. */
struct atlas *atlas_read(const struct atlas_opts *opts, struct fault *why);
struct atlas *atlas_hold(struct atlas *a);
void atlas_drop(struct atlas *a);

#endif
