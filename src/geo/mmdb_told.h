/* mmdb_told.h - what one GeoIP file told, and which of its fields were of an odd form.
 *
 * Databases come in many layouts, and some write a name where others have a number. Such a
 * field is passed over, the rest of its record and of the file is good, and the operator hears
 * which key it was. Immutable once its file is read.
 */
#ifndef GEO_MMDB_TOLD_H
#define GEO_MMDB_TOLD_H

#include "base/fault.h"
#include "geo/mmdb_value.h"

#include <stdint.h>

enum { MMDB_ODD_MOST = 16, MMDB_ODD_TEXT = 48, MMDB_TYPE_TEXT = 64 };

/* A key whose values could not be used, in so many records. */
struct mmdb_odd {
	const char *key;  /* "asn", "location.latitude"; for good */
	const char *want; /* what should stand there; for good */
	uint64_t records;
	char first[MMDB_ODD_TEXT]; /* what stands in the first of them */
};

struct mmdb_told {
	char *path; /* own copy */
	char type[MMDB_TYPE_TEXT]; /* as the file calls itself, "GeoLite2-City" */
	uint64_t built_s;          /* UNIX time; 0: it does not tell */
	uint64_t nets;
	uint64_t local;  /* of these: not of the public Internet (RFC 6890) */
	uint64_t placed; /* records with coordinates */
	struct mmdb_odd odd[MMDB_ODD_MOST];
	unsigned n_odd;
};

/* One of each of `n` files; the caller frees them all. */
struct mmdb_told *mmdb_told_new(const char *const *paths, size_t n);
void mmdb_told_free(struct mmdb_told *told, size_t n);

/* `key` has a value of an odd form in a record. */
void mmdb_told_odd(struct mmdb_told *t, const char *key, const char *want,
	const struct mmdb_bytes *data, const struct mmdb_value *v);

/* A warning for each odd key. */
void mmdb_told_warn(const struct mmdb_told *t, struct faults *f);

#endif
