/* rdata_canon.h - RDATA in canonical form (RFC 4034 section 6.2).
 */
#ifndef ZONE_RDATA_CANON_H
#define ZONE_RDATA_CANON_H

#include <stddef.h>
#include <stdint.h>

/* Names of the types that are meant there are written in lower case, with RRSIG and without NSEC (RFC 6840 section
 * 5.1). The RDATA is right, its names whole; `to` has room for `len`. */
void rdata_canon(uint16_t type, const uint8_t *rdata, size_t len, uint8_t *to);

#endif
