/* rdata_odd.h - the types whose data has a shape of its own.
 *
 * Their fields depend on each other (IPSECKEY, AMTRELAY, HIP), or are one notation for many
 * bytes (LOC, APL, WKS, NSAP, ATMA). Readers work as those of zone/field; checkers get all of
 * the data. Control thread.
 */
#ifndef ZONE_RDATA_ODD_H
#define ZONE_RDATA_ODD_H

#include "base/fault.h"
#include "zone/field.h"

bool rdata_odd_read_ipseckey(struct fields *f); /* RFC 4025 */
bool rdata_odd_read_amtrelay(struct fields *f); /* RFC 8777 */
bool rdata_odd_read_hip(struct fields *f);      /* RFC 8005; without the rendezvous servers */
bool rdata_odd_read_loc(struct fields *f);      /* RFC 1876 */
bool rdata_odd_read_apl(struct fields *f);      /* RFC 3123; one item */
bool rdata_odd_read_wks(struct fields *f);  /* RFC 1035 section 3.4.2; without the address */
bool rdata_odd_read_nsap(struct fields *f); /* RFC 1706 */
bool rdata_odd_read_atma(
	struct fields *f); /* ATM Forum AF-DANS-0152: E.164 (+digits) or an AESA in hex */

/* How many bytes at `p` are such data, or 0. HIP as above; a LOC of another version is any
 * data. */
size_t rdata_odd_ipseckey_len(const uint8_t *p, const uint8_t *end);
size_t rdata_odd_amtrelay_len(const uint8_t *p, const uint8_t *end);
size_t rdata_odd_hip_len(const uint8_t *p, const uint8_t *end);
size_t rdata_odd_loc_len(const uint8_t *p, const uint8_t *end);
size_t rdata_odd_apl_len(const uint8_t *p, const uint8_t *end);

#endif
