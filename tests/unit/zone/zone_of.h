/* zone_of.h - a zone from a text, by way of a real file.
 */
#ifndef UNIT_ZONE_ZONE_OF_H
#define UNIT_ZONE_ZONE_OF_H

#include "base/fault.h"
#include "zone/load.h"

/* The zone of `origin` ("example.") that is written in `text`, or NULL; faults are in `f`. The
 * only pool is "web". */
struct zone *zone_of(const char *origin, const char *text, struct faults *f);

/* The same, in the place of `before`. */
struct zone *zone_of_after(
	const char *origin, const char *text, const struct zone *before, struct faults *f);

/* The same of the zone with that id (zone/view.h). */
struct zone *zone_of_id(const uint8_t *id, const char *text, struct faults *f);

extern const struct hash_key zone_of_key;

#endif
