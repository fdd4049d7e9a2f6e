/* records.h - the records of a zone on their way from a master file or a transfer to the
 * compiled image.
 *
 * One run of bytes, so that a million records cost a few allocations and little memory beside
 * the image that they become: groups of records, each a name and what was written of it in one
 * go. A record says only in what it differs from the one before it in its group; those who want
 * to see records walk over them. Every record knows where it was written, since most faults of
 * a zone show only when all of it is there. Control thread.
 */
#ifndef ZONE_RECORDS_H
#define ZONE_RECORDS_H

#include "base/fault.h"
#include "base/file.h"

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

enum { RECORDS_NONE = 0 }; /* no group starts there */

/* A record as it is seen. The pointers are into the records' bytes: borrowed until something is
 * added. */
struct record {
	const uint8_t *owner; /* a wire name relative to the apex, in lower case: the apex is
				 the root. Records of one group share the pointer */
	const uint8_t *rdata; /* on the wire, names uncompressed, case as written */
	uint32_t ttl_s;
	uint32_t line;   /* where its first field stands, from 1 */
	uint32_t at;     /* in the bytes: what was written later is further on */
	uint16_t column; /* ... from 1; 65535 for anything further right */
	uint16_t file;   /* index in `files` */
	uint16_t type;
	uint16_t rdlen; /* bytes */
};

/* A file that records came from. */
struct records_file {
	char *path;
	struct file_stamp stamp; /* taken before it was read */
};

struct records {
	uint8_t origin[255]; /* the apex, lower case */
	uint8_t id[255];     /* of the zone (view.h) */
	uint8_t origin_len;
	uint8_t *bytes; /* see records.c */
	size_t len, room;
	uint64_t listed;    /* what $GENERATE had of pools, as a hash; 0: it asked for none */
	uint16_t file;      /* of a group's first record, where it does not say another */
	uint32_t group;     /* the last one, to which records are added, or RECORDS_NONE */
	bool has_record;    /* ... it does not stand there for nothing */
	struct record last; /* ... its last record */
	struct records_file *files;
	size_t n_files;
	/* Counts of what was added. */
	size_t n, groups, rdata_len;
	size_t soas, soa_rrs, soa_len; /* SOAs; these and what signs them; bytes of RDATA of
					  all */
	size_t denials;                /* NSEC, NSEC3, NSEC3PARAM and RRSIG */
};

void records_init(struct records *r, const uint8_t *id); /* of the zone (view.h) */
void records_fini(struct records *r);

/* A group of a name at or below the apex (wire, any case, `len` bytes with the root): what is
 * to be added stands at it. RECORDS_NONE when there is no memory, or over 4 GiB. */
uint32_t records_owner(struct records *r, const uint8_t *name, size_t len);

/* Adds a record at the name of `group`. `owner` and `at` of `rr` do not count. False when there
 * is no memory. */
bool records_add(struct records *r, uint32_t group, const struct record *rr);

/* --- walking ------------------------------------------------------------------------------ */

/* On a walk over all groups as written, or over some of them; see records_each(). */
struct records_walk {
	const struct records *r;
	uint32_t at;   /* of the record that comes next; 0: the group has ended */
	uint32_t then; /* the group that comes next, or RECORDS_NONE */
	bool all;
	struct record rr; /* the record; its neighbour's, before it is read */
};

/* All records as written. records_walk_next() goes to the first of them. */
struct records_walk records_all(const struct records *r);
/* Those of a group and of all that were linked to it. */
struct records_walk records_each(const struct records *r, uint32_t group);
/* False when there are no more; else walk->rr is the next. */
bool records_walk_next(struct records_walk *walk);

/* Groups as written: RECORDS_NONE is before the first and behind the last. For as long as
 * nothing is linked. */
uint32_t records_next_group(const struct records *r, uint32_t group);

/* The group's name; and whether its records are NSEC3 or what signs these, whose owners are
 * names of their own (RFC 5155 section 7.2.8). Records of both kinds are never in one group. */
const uint8_t *records_group_name(const struct records *r, uint32_t group);
bool records_group_nsec3(const struct records *r, uint32_t group);

/* records_each() of `group` goes on with that of `next`, which is of the same name. */
void records_link(struct records *r, uint32_t group, uint32_t next);

/* A name relative to the apex in full. Returns `to`. */
uint8_t *records_full_name(
	const struct records *r, const uint8_t *relative, uint8_t to[static 255]);

/* --- faults ------------------------------------------------------------------------------- */

/* A fault where `rr` was written. Its line is read from the file once more, unless that has
 * changed or the fault is not shown. Errors are always false. */
__attribute__((format(printf, 4, 5))) bool records_error(const struct records *r,
	const struct record *rr, struct faults *f, const char *fmt, ...);
__attribute__((format(printf, 4, 5))) void records_warning(const struct records *r,
	const struct record *rr, struct faults *f, const char *fmt, ...);

#endif
