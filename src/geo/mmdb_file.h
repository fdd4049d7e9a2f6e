/* mmdb_file.h - a MaxMind DB file, copied into sealed memory.
 *
 * Nothing that happens to the file afterwards matters, and what is in it is never trusted.
 * Control thread.
 */
#ifndef GEO_MMDB_FILE_H
#define GEO_MMDB_FILE_H

#include "base/fault.h"
#include "geo/mmdb_value.h"

#include <maxminddb.h>

enum { MMDB_FILE_GAP = 16 }; /* zeros between the tree and the data */

struct mmdb_file {
	const char *path; /* borrowed */
	MMDB_s db;        /* holds the mapping */
	uint32_t nodes;
	bool v6; /* the tree is of 128-bit addresses, with IPv4 under ::/96 */
	struct mmdb_bytes data;
};

bool mmdb_file_open(struct mmdb_file *f, const char *path, struct fault *why);
void mmdb_file_close(struct mmdb_file *f);

/* False, and a sentence from what `f->data` has as wrong. */
bool mmdb_file_wrong(const struct mmdb_file *f, struct fault *why);

#endif
