/* touched.h - the names that a change set touches, and their records after it.
 *
 * For one zone_with(). Names in canonical order.
 */
#ifndef ZONE_TOUCHED_H
#define ZONE_TOUCHED_H

#include "zone/change.h"
#include "zone/records.h"
#include "zone/zone.h"

struct touched_name {
	const uint8_t
		*name; /* relative to the apex, as struct zone_node has it; the change's */
	uint8_t len;
	uint32_t from, to; /* of the records of the change */
};

struct touched {
	const struct zone *z;
	bool tolerant;
	struct faults *f;
	struct change_record *op; /* by owner; what goes before what comes */
	size_t n_ops;
	struct touched_name *name;
	size_t n;
	/* What touched_put() works with. */
	struct touched_record *record;
	size_t n_records, room;
	uint8_t *bytes;
	size_t len, bytes_room;
};

/* The change is borrowed until touched_fini(). False after a fault, then there is nothing to
 * end: it is of another zone or serial, or there is no memory. */
bool touched_init(struct touched *t, const struct zone *z, const struct change *c,
	bool tolerant, struct faults *f);
void touched_fini(struct touched *t);

/* Adds to `to` the records that name `i` has after the change, at `*group`, RECORDS_NONE when
 * there are none. `was` are the nodes that it has before: the one of the zone, and the one that
 * owns NSEC3 records; NULL where there is none. False after a fault. */
bool touched_put(struct touched *t, size_t i, const struct zone_node *const was[2],
	struct records *to, uint32_t *group);

/* Adds the records of a node as they are. False: no memory. */
bool touched_copy(struct touched *t, const struct zone_node *n, struct records *to);

#endif
