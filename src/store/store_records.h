/* store_records.h - the records of a zone as one run of bytes, and back.
 *
 * A record is its owner (wire, whole; one zero byte: that of the record before it, since no owner of
 * two bytes is empty but the root's, which is written as 0xff 0), type, TTL, RDLENGTH, RDATA: numbers in
 * network order.
 */
#ifndef STORE_STORE_RECORDS_H
#define STORE_STORE_RECORDS_H

#include "store/store.h"

struct records; /* zone/records.h */

enum { STORE_RECORD_MOST = NAME_MOST + 1 + 8 + 65535 };

struct store_records {
	const struct zone *zone; /* borrowed */
	const struct zone_node *node;
	bool begun;           /* with that node */
	const uint8_t *limit; /* nodes from there on are not looked at, yet; NULL: there is none */
	const struct zone_rrset *set;
	unsigned sets_left;
	size_t at;
};

/* In front of the first record. */
struct store_records store_records(const struct zone *z);

/* Whole records, until there are `enough` bytes or none is left in front of the limit: so `to` has STORE_RECORD_MOST more. The first
 * of each run has its owner. Returns how much there is; 0 at the end. */
size_t store_records_fill(struct store_records *r, uint8_t *to, size_t enough);

/* All of such bytes into records of a zone (records.h). False: they make no sense to their end, or there is no memory. */
bool store_records_read(struct records *to, const uint8_t *bytes, size_t len);

#endif
