/* verify.h - what is wrong with records that are each right by themselves?
 *
 * Control thread; part of zone_compile().
 */
#ifndef ZONE_VERIFY_H
#define ZONE_VERIFY_H

#include "base/fault.h"
#include "zone/names.h"
#include "zone/records.h"

#include <stdbool.h>
#include <stdint.h>

/* Bytes of an RRset that still fit into a message of 65,535 with a header, the longest question
 * and an OPT record. */
enum { VERIFY_RRSET_MOST = 65535 - 12 - 259 - 11 - 64 };

/* One SOA, at the apex; copies of it do no harm. */
bool verify_soa(const struct records *r, struct faults *f);

/* The records `set[0..*n)` of one name, sorted by type: which may not stand together, which
 * there may be only one of, and TTLs that differ. Duplicates are taken out, and `*n` told. */
bool verify_node(
	const struct records *r, struct record *set, uint32_t *n, bool apex, struct faults *f);

/* A zone whose nodes can be found, and what it was made of. */
struct verify_zone {
	const struct zone *zone;
	const struct names *names;
	struct hash_key key;
};

/* Warns of name servers inside the zone that have no addresses. */
void verify_names(const struct verify_zone *v, struct faults *f);

#endif
