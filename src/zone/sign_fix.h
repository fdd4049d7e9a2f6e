/* sign_fix.h - a name of a signed zone has what it should have, and a change set says what is
 * different from what it has.
 *
 * For sign_follow() and sign_renew().
 */
#ifndef ZONE_SIGN_FIX_H
#define ZONE_SIGN_FIX_H

#include "base/fault.h"
#include "zone/change.h"
#include "zone/sign.h"
#include "zone/sign_rrset.h"

struct sign_fix {
	const struct zone *z;   /* signed */
	const struct zone *now; /* with the change, but for what follows from it */
	const struct sign_opts *o;
	struct sign_types types;
	struct sign_by by;
	int64_t until_s; /* signatures that end before are made anew */
	uint32_t ttl_s;  /* of the chain: RFC 9077 */
	struct change *to;
	struct fault *why;
	uint64_t made; /* signatures */
	struct sign_desk desk;
	struct sign_bits bits;
	struct sign_rr *rr, *wanted;
	size_t rr_room, wanted_room;
	uint8_t *bytes, *wanted_bytes;
	size_t bytes_room, wanted_bytes_room;
};

/* `x` has its first eight members. */
void sign_fix_init(struct sign_fix *x);
void sign_fix_fini(struct sign_fix *x);

/* A name (whole, lower case) and what is there: in x->now, and before the change in x->z. NULL:
 * nothing. */
struct sign_name {
	const uint8_t *owner;
	const struct zone_node *now, *was;
	const struct zone_node *next; /* to which its NSEC leads; NULL: it has none */
};

/* False after a fault. */
bool sign_fix_name(struct sign_fix *x, const struct sign_name *name);

/* The NSEC3 of an owner: its RDATA as it should be, NULL when there should be none. */
bool sign_fix_nsec3(
	struct sign_fix *x, const struct sign_name *name, const uint8_t *rdata, size_t len);

/* Are the signatures (or NULL) of an RRset those that it should have? */
bool sign_fix_right(const struct sign_fix *x, const struct zone_rrset *rrsig, uint16_t type,
	uint32_t ttl_s);

#endif
