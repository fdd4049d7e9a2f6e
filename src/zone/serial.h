/* serial.h - has a zone that is read anew the serial that it needs?
 *
 * Secondaries ask for nothing but the serial: data that changes without it stays here.
 */
#ifndef ZONE_SERIAL_H
#define ZONE_SERIAL_H

#include "base/fault.h"
#include "zone/records.h"
#include "zone/zone.h"

/* `soa` is where `next` has its own from. Both zones are whole. */
void serial_check(const struct zone *before, const struct zone *next, const struct records *r,
	const struct record *soa, struct faults *f);

#endif
