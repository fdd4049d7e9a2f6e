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

/* What the operator should know of files that were taken: keys of an odd form; and where
 * clients are to be told apart `by_distance`, a file that tells no coordinates. */
void atlas_warn(const struct atlas *a, bool by_distance, struct faults *f);

/* Networks in the files; `local`: of these, not of the public Internet (RFC 6890). */
struct atlas_size {
	uint64_t nets, local, asn_nets, asn_local;
};
struct atlas_size atlas_size(const struct atlas *a);

#endif
