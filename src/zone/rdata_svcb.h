/* rdata_svcb.h - the parameters of SVCB and HTTPS records (RFC 9460): alpn="h2,h3" port=8443
 * ipv4hint=192.0.2.1
 *
 * On the wire they stand in ascending order of their keys, whatever the text's. Control thread.
 */
#ifndef ZONE_RDATA_SVCB_H
#define ZONE_RDATA_SVCB_H

#include "base/fault.h"
#include "zone/field.h"

/* All that is left of the entry; the priority and the target have been read. */
bool rdata_svcb_read(struct fields *f);

/* What follows the target. */
bool rdata_svcb_check(const uint8_t *p, const uint8_t *end, struct fault *why);

#endif
