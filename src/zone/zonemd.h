/* zonemd.h - the digest of a zone (RFC 8976): made, and held against the ZONEMD record that it has.
 *
 * The scheme SIMPLE with SHA-384 and SHA-512. All of the zone is read (a second for some million records), so it is for a
 * job. Any thread that holds the zone.
 */
#ifndef ZONE_ZONEMD_H
#define ZONE_ZONEMD_H

#include "base/fault.h"
#include "zone/zone.h"

enum zonemd_hash { ZONEMD_NO_HASH, ZONEMD_SHA384 = 1, ZONEMD_SHA512 = 2 };
enum { ZONEMD_DIGEST_MOST = 64, ZONEMD_RDATA_MOST = 6 + ZONEMD_DIGEST_MOST };

/* The digest of all records but ZONEMD at the apex and their signatures. Returns its length; 0: no memory. */
size_t zonemd_digest(
	const struct zone *z, enum zonemd_hash hash, uint8_t to[static ZONEMD_DIGEST_MOST]);

/* The RDATA of the record that the zone has to have. Returns its length; 0: no memory. Last before the signature of itself: all
 * other records stand, with their signatures. */
size_t zonemd_rdata(
	const struct zone *z, enum zonemd_hash hash, uint8_t to[static ZONEMD_RDATA_MOST]);

enum zonemd_result {
	ZONEMD_RIGHT,
	ZONEMD_NONE,    /* it has no such record */
	ZONEMD_UNKNOWN, /* ... none of a scheme and hash that we know */
	ZONEMD_WRONG
};

/* One that is right is enough (RFC 8976 section 4). What is wrong is said in a sentence; so is UNKNOWN and NONE. */
enum zonemd_result zonemd_check(const struct zone *z, struct fault *why);

#endif
