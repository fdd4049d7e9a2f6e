/* plain_zones.h - the zones that some peers get with addresses in the place of EDGE records.
 *
 * They follow the state of the edges, so each has a serial of its own: the zone's, or one above its last (plain_zones_serial()).
 * Made off the loop, immutable, shared by count.
 */
#ifndef WORLD_PLAIN_ZONES_H
#define WORLD_PLAIN_ZONES_H

#include "base/part.h"
#include "zone/plain_zone.h"
#include "zone/zone.h"

struct plain_zone {
	struct part part;
	struct arena mem;
	struct zone *of;   /* held: the version that it is made of */
	struct zone *zone; /* held; NULL: signed, so that it goes as it is */
	uint64_t digest;   /* of the serial of `of` and all that stands in the place of EDGE */
	const struct plain_edge *edges; /* [n] of `of`, in `mem` */
	size_t n;
};

struct plain_zones {
	struct part part;
	size_t n;
	struct plain_zone **list; /* [n] held, by the order of registry_compare() */
};

/* Count 1; holds `of`. The rest is the caller's to fill. */
struct plain_zone *plain_zone_new(struct zone *of);
static inline void plain_zone_drop(struct plain_zone *p)
{
	part_drop(p ? &p->part : NULL);
}

/* Takes the array and a count of each. Count 1. */
struct plain_zones *plain_zones_new(struct plain_zone **list, size_t n);
static inline struct plain_zones *plain_zones_hold(struct plain_zones *p)
{
	part_hold(p ? &p->part : NULL);
	return p;
}
static inline void plain_zones_drop(struct plain_zones *p)
{
	part_drop(p ? &p->part : NULL);
}

/* By the zone's id (zone/view.h); NULL. `p` may be NULL. */
struct plain_zone *plain_zones_find(const struct plain_zones *p, const uint8_t *id);

/* The serial of a version: that of the zone where it is newer (RFC 1982) than the last one, else the one after that. */
uint32_t plain_zones_serial(uint32_t zone, uint32_t last);

#endif
