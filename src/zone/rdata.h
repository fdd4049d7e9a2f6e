/* rdata.h - the data of one record, from text to wire.
 *
 * The common types are read here, SVCB and a few of odd shape in rooms of their own, and all
 * others by the grammar that ldns has for them (zone/rdata_ldns). Any type may be written as
 * "\# length hex" (RFC 3597 section 5). Control thread.
 */
#ifndef ZONE_RDATA_H
#define ZONE_RDATA_H

#include "base/fault.h"
#include "zone/token.h"

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

enum { RDATA_MOST = 65535 };

/* Reads what is left of the entry as data of `type`: names come out uncompressed, their case as
 * written. Returns its length, or -1 after a fault. `origin` is wire. */
int rdata_read(
	struct tokens *in, uint16_t type, const uint8_t *origin, uint8_t to[static RDATA_MOST]);

/* Whether these bytes are data of `type`; anything is when we do not know the type. Names must
 * be uncompressed. */
bool rdata_check(uint16_t type, const uint8_t *rdata, size_t len, struct fault *why);

#endif
