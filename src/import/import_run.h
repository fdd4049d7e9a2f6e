/* import_run.h - the configuration of another nameserver becomes one of ours.
 *
 * Reads files, and writes a new folder: waymark.yaml, zones/, and REPORT, which has a line for all
 * that could not be said, with the file and the line where the other one says it. Nothing of the
 * other server is changed. For tools.
 */
#ifndef IMPORT_IMPORT_RUN_H
#define IMPORT_IMPORT_RUN_H

#include "base/fault.h"
#include "import/import_plan.h"

#include <stdbool.h>
#include <stddef.h>

/* One kind of server. */
struct import_kind {
	const char *name, *files; /* what its files are, in words */
	/* False with a sentence: not even a beginning could be read. */
	bool (*read)(struct plan *p, char **files, size_t n, struct fault *why);
};

/* The i-th; NULL behind the last. */
const struct import_kind *import_kind(size_t i);

struct import_opts {
	const struct import_kind *kind;
	char **files;
	size_t n;
	const char *folder; /* to be made */
	const char *city;   /* a GeoIP file in the place of those that are named; NULL */
};

/* The report is in `plan` afterwards, which the caller has initialised and lets go of. */
bool import_run(struct plan *plan, const struct import_opts *opts, struct fault *why);

/* The readers. */
bool from_bind(struct plan *p, char **files, size_t n, struct fault *why);
bool from_knot(struct plan *p, char **files, size_t n, struct fault *why);
bool from_gdnsd(struct plan *p, char **files, size_t n, struct fault *why);
bool from_powerdns(struct plan *p, char **files, size_t n, struct fault *why);
bool from_geodns(struct plan *p, char **files, size_t n, struct fault *why);
bool from_route53(struct plan *p, char **files, size_t n, struct fault *why);
bool from_coredns(struct plan *p, char **files, size_t n, struct fault *why);

#endif
