/* master_inner.h - what the parts of the master file reader share; for zone/master*.c only.
 *
 * master.c walks files, entries and directives, master_record.c reads records,
 * master_generate.c makes them.
 */
#ifndef ZONE_MASTER_INNER_H
#define ZONE_MASTER_INNER_H

#include "dns/name.h"
#include "zone/head.h"
#include "zone/master.h"
#include "zone/rdata.h"
#include "zone/token.h"

enum {
	MASTER_FILES_MOST = 10000, /* $INCLUDEs of one zone, so that they cannot multiply
				      without end */
	MASTER_OUTSIDE_MOST = 16
};

struct master {
	struct records *to;
	struct faults *faults;
	const char *path;          /* of the outermost file */
	const struct master_pools *pools; /* NULL: nobody knows them */
	uint8_t origin[NAME_MOST]; /* as written */
	size_t origin_len;
	bool origin_inside;    /* it is in the zone, and so is every name relative to it */
	unsigned origin_line;  /* of what set it; 0: it is the zone's */
	unsigned origin_depth; /* ... of which of the files that are being read */

	/* Of names that are not in the zone, the causes that have been told. */
	uint8_t outside[MASTER_OUTSIDE_MOST][NAME_MOST];
	unsigned n_outside;

	uint32_t owner;         /* the group of the last one, or RECORDS_NONE */
	const char *owner_text; /* ... as it was written, while that text lives; else NULL */
	unsigned owner_text_len;

	uint32_t ttl_s, last_ttl_s; /* of $TTL, and the last that stood at a record */
	bool has_ttl, has_last_ttl;

	uint32_t reading[MASTER_INCLUDES_MOST +
		1]; /* the files that include each other, as indices */
	unsigned depth;
	unsigned files; /* read in all */
	uint32_t generated;
	bool out_of_memory;
	uint8_t rdata[RDATA_MOST];
};

/* Tells that there is none, once. Always false. */
bool master_no_memory(struct master *m);

/* `line`: of what sets it, or 0. */
void master_set_origin(struct master *m, const uint8_t *origin, unsigned line);

/* The current token as a name; does not move on. */
bool master_name(
	struct tokens *t, uint8_t name[static NAME_MOST], size_t *len, const uint8_t *origin);

/* The current token is the owner, or what is behind it when the entry is indented. `where` has
 * line and column. */
bool master_record(
	struct master *m, struct tokens *t, bool indented, const struct record *where);

/* Its two halves: the owner (does not move on), and what is behind the head. */
bool master_owner(struct master *m, struct tokens *t);
bool master_data(
	struct master *m, struct tokens *t, struct head *h, const struct record *where);

/* What is behind the word $GENERATE. */
bool master_generate(struct master *m, struct tokens *t, const struct record *where);

#endif
