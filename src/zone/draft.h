/* draft.h - changes of a zone that are gathered before they are made: records that are set, and
 * those that are taken away.
 *
 * A draft looks at the version of the zone that it was begun with, which it holds;
 * change_onto() brings it upon what is served when it is done. One thread at a time.
 */
#ifndef ZONE_DRAFT_H
#define ZONE_DRAFT_H

#include "base/fault.h"
#include "zone/change.h"
#include "zone/zone.h"

enum { DRAFT_RECORDS_MOST = 10000 }; /* of all names that it touches */

struct draft;

/* Of a zone that is ready. NULL: no memory. */
struct draft *draft_new(const struct zone *base, struct hash_key key);
void draft_free(struct draft *d); /* NULL is fine */

const struct zone *draft_base(const struct draft *d);

/* The record is there, beside others of its type, which get its TTL; of SOA, CNAME, DNAME and
 * EDGE, of which a name has one, in their place. `comes` does not count. False: it cannot be,
 * or there is no memory. */
bool draft_set(struct draft *d, const struct change_record *rr, struct fault *why);

/* Takes away all of a name; with a type (not 0), its records of that type; with data, the one
 * that has it. False: there is none such, or it has to stay (the SOA), or there is no memory.
 */
struct draft_unset {
	const uint8_t *owner; /* wire, lower case */
	uint16_t type;
	const uint8_t *rdata; /* NULL: any */
	uint16_t rdlen;
};
bool draft_unset(struct draft *d, const struct draft_unset *what, struct fault *why);

/* The TTL of the RRset as the draft has it now; or that of the SOA. */
uint32_t draft_ttl(struct draft *d, const uint8_t *owner, uint16_t type);

/* Does the zone still have an NS at its top, or had it none before? */
bool draft_has_ns(const struct draft *d);

/* All of it as one change of the base, whose serial is one higher unless a SOA was set. NULL,
 * and `why` is empty: nothing is another than it was; or no memory. */
struct change *draft_change(const struct draft *d, struct fault *why);

#endif
