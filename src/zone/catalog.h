/* catalog.h - a catalog zone (RFC 9432): the list of zones that is in it, and a zone that is made of such a list.
 *
 * Any thread that holds the zone.
 */
#ifndef ZONE_CATALOG_H
#define ZONE_CATALOG_H

#include "base/arena.h"
#include "zone/compile.h"

/* A zone that is listed. Members of several groups are in that which comes first in the order of the bytes. */
struct catalog_member {
	const uint8_t *apex;  /* wire, lower case */
	const uint8_t *label; /* the unique one, lower case, with its length in front */
	const char *const *groups; /* [n_groups] */
	size_t n_groups;
	const uint8_t *coo; /* the apex of the catalog that may take it over; NULL: none */
};

struct catalog {
	struct catalog_member *members; /* [n] by registry_compare() of their apexes */
	size_t n;
};

/* What `z`, which is ready, lists; in `mem`. False: it is broken, and `why` says how, without the zone's name (RFC 9432
 * section 5.1: nothing of it is to be heeded). `most` members it may have. What is not known in it is passed over. */
bool catalog_read(const struct zone *z, size_t most, struct arena *mem, struct catalog *to,
	struct fault *why);

/* The member with that apex; NULL. */
const struct catalog_member *catalog_find(const struct catalog *c, const uint8_t *apex);

/* --- making one --------------------------------------------------------------------------- */

/* A zone that is to be listed: its apex, and the group it is in. */
struct catalog_row {
	const uint8_t *apex; /* wire, lower case */
	const char *group;   /* NULL: none */
};

/* The unique label of a zone: the same in every server, for good. 1 + CATALOG_LABEL bytes. */
enum { CATALOG_LABEL = 32 };
void catalog_label(const uint8_t *apex, uint8_t to[static 1 + CATALOG_LABEL]);

/* The catalog `apex` with these members. Count 1; NULL after a fault. */
struct zone *catalog_make(const uint8_t *apex, uint32_t serial, const struct catalog_row *rows,
	size_t n, const struct compile_opts *opts, struct faults *f);

#endif
