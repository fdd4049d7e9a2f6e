/* rdata_ldns.h - the data of all types that ldns has a grammar for.
 *
 * ldns says which fields a type has. Most of them are read by zone/field and zone/rdata_odd,
 * with a fault at the exact word; what is left (locations, base32 and base64, dates, mnemonics)
 * ldns itself turns into bytes, after we have made sure that it gets nothing but what it
 * handles well: it takes numbers out of range, leftovers and half bytes without a word, and
 * some longer inputs write past its buffers. Control thread.
 */
#ifndef ZONE_RDATA_LDNS_H
#define ZONE_RDATA_LDNS_H

#include "base/fault.h"
#include "zone/field.h"

/* False after a fault; a type without a grammar is one, which tells to use "\#". The end of the
 * entry is not checked. */
bool rdata_ldns_read(struct fields *f, uint16_t type);

/* See rdata_check(). */
bool rdata_ldns_check(uint16_t type, const uint8_t *rdata, size_t len, struct fault *why);

#endif
