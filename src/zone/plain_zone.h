/* plain_zone.h - a zone as it is for who knows no EDGE: addresses, or a CNAME, in the place of each.
 *
 * It shares the image of the zone that it is made of. Any thread that holds that.
 */
#ifndef ZONE_PLAIN_ZONE_H
#define ZONE_PLAIN_ZONE_H

#include "base/arena.h"
#include "zone/compile.h"
#include "zone/keyset.h"

/* A name with an EDGE. */
struct plain_edge {
	const uint8_t *owner; /* wire, whole, lower case */
	const char *pool;
	const uint8_t *rdata; /* of the record, whole */
	size_t rdlen;
	uint32_t ttl_s;
	const uint16_t *own; /* [n_own] types of its own records, beside the EDGE: those are what is
			      * answered */
	unsigned n_own;
};

/* All that can be seen, in the order of the zone; they and their array live in `mem`. */
struct plain_edge *plain_zone_edges(const struct zone *z, struct arena *mem, size_t *n);

/* What stands there instead, of one type. */
struct plain_rrset {
	uint16_t type, rdlen; /* of each record */
	unsigned n;
	const uint8_t *rdata; /* one behind the other */
};
enum { PLAIN_RRSETS = 4 };

/* Records of other types. */
struct plain_record {
	uint16_t type, rdlen;
	const uint8_t *rdata;
};

struct plain_answer {
	uint32_t ttl_s;
	/* RRsets, and records beside. Without any the EDGE stays, so that the name is there. */
	unsigned n, n_records;
	struct plain_rrset sets[PLAIN_RRSETS];
	const struct plain_record *records;
};

struct plain_zone_opts {
	const struct plain_edge *edges; /* [n] of plain_zone_edges() */
	const struct plain_answer *answers; /* [n] */
	size_t n;
	uint32_t serial; /* in the place of its own */
	struct compile_opts compile;
	/* Of a zone that is signed here: what signs what is other. NULL: it is not signed. */
	const struct keyset *keys;
	int64_t now_s;
};

/* `z` is ready, and not signed elsewhere. Count 1, without a history. NULL after a fault. */
struct zone *plain_zone_make(
	const struct zone *z, const struct plain_zone_opts *opts, struct faults *f);

#endif
