/* rdata_rare.h - types that few zones have, and for which ldns has no text form.
 *
 * They are written as BIND and NSD write them. Readers work as those of zone/field; checkers
 * get all of the data. Control thread.
 */
#ifndef ZONE_RDATA_RARE_H
#define ZONE_RDATA_RARE_H

#include "base/fault.h"
#include "zone/field.h"

/* False with `*known` when it is wrong; `*known` is false for types that are read elsewhere. */
bool rdata_rare_read(struct fields *f, uint16_t type, bool *known);

/* See rdata_check(). */
bool rdata_rare_check(
	uint16_t type, const uint8_t *rdata, size_t len, bool *known, struct fault *why);

#endif
