/* serial.h - which serial is newer, and has a zone that is read anew the one that it needs?
 *
 * Secondaries ask for nothing but the serial: data that changes without it stays here.
 */
#ifndef ZONE_SERIAL_H
#define ZONE_SERIAL_H

#include "base/fault.h"
#include "zone/records.h"
#include "zone/zone.h"

/* RFC 1982 section 3.2; half way round is neither. */
static inline bool serial_is_newer(uint32_t serial, uint32_t than)
{
	return serial != than && serial - than < 0x80000000u;
}

/* `soa` is where `next` has its own from. Both zones are whole. */
void serial_check(const struct zone *before, const struct zone *next, const struct records *r,
	const struct record *soa, struct faults *f);

#endif
