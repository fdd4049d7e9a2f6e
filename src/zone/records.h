/* records.h - the records of a zone on their way from a master file or a transfer to the
 * compiled image.
 *
 * One growing table of records and one of bytes, so that a million records cost a few
 * allocations. Every record knows where it was written, since most faults of a zone show only
 * when all of it is there. Control thread.
 */
#ifndef ZONE_RECORDS_H
#define ZONE_RECORDS_H

#include "base/fault.h"
#include "base/file.h"

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

struct record {
	uint32_t owner; /* offset in `bytes`: a wire name in lower case. Records that follow
			 * each other with one owner share the offset, where the source makes
			 * that easy to see */
	uint32_t
		rdata; /* offset in `bytes`: on the wire, names uncompressed, case as written */
	uint32_t ttl_s;
	uint32_t line;   /* where its first field stands, from 1 */
	uint16_t column; /* ... from 1; 65535 for anything further right */
	uint16_t file;   /* index in `files` */
	uint16_t type;
	uint16_t rdlen; /* bytes */
};

/* A file that records came from; kept in memory so that a fault can show the line. */
struct records_file {
	char *path;
	struct file content;
	struct file_stamp stamp; /* taken before it was read */
};

struct records {
	uint8_t origin[255]; /* the apex, lower case */
	struct record *rr;
	size_t n, room;
	uint8_t *bytes;
	size_t bytes_len, bytes_room;
	struct records_file *files;
	size_t n_files;
};

void records_init(struct records *r, const uint8_t *origin);
void records_fini(struct records *r);

/* Room for `len` bytes at the end of `bytes`, not yet counted into bytes_len. NULL when over 4
 * GiB or no memory. */
uint8_t *records_room(struct records *r, size_t len);

/* Appends; false when there is no memory. */
bool records_add(struct records *r, const struct record *rr);

/* Where `rr` was written, ready for faults_error(). Borrowed while `r` lives. */
struct fault_at records_at(const struct records *r, const struct record *rr);

#endif
