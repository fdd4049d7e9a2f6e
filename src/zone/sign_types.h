/* sign_types.h - what of a zone is signed, and which types its names have.
 *
 * RFC 4035 section 2 and RFC 5155 section 7.1. Of a zone that has no signatures yet, and of one
 * that has: what signing makes does not count.
 */
#ifndef ZONE_SIGN_TYPES_H
#define ZONE_SIGN_TYPES_H

#include "zone/compile.h"
#include "zone/keyset.h"

/* Types that signing makes, and that are not a zone's own where we sign it. ZONEMD is one,
 * since a digest of the zone would be wrong once that is signed. */
bool sign_makes(uint16_t type, bool apex);

/* The records of the zone itself at a name; not those of a name of which the zone says nothing
 * (glue, or below a DNAME). */
static inline bool sign_sees(const struct zone_node *n)
{
	return !(n->flags & (NODE_HIDDEN | NODE_NSEC3));
}

/* Has the name records of its own? */
bool sign_has_data(const struct zone_node *n);

/* Is an RRset of that type signed there? An EDGE is not: what is answered of it is. */
bool sign_covers(const struct zone_node *n, uint16_t type);

/* Does the name have an NSEC, or an NSEC3? With opt-out delegations without DS have none, nor
 * have names that are there for these alone. */
bool sign_has_nsec(const struct zone_node *n);
bool sign_has_nsec3(const struct zone *z, const struct zone_node *n, bool opt_out);

/* A set of types on its way to a bitmap. Zeroed it is empty. */
struct sign_bits {
	uint8_t window[256][32];
	uint64_t used[4];
};

enum { SIGN_BITMAP_MOST = 256 * 34 };

struct sign_types {
	const struct keyset *keys;
	const struct compile_opts *compile; /* what pools can answer */
};

/* The bitmap of the name's NSEC or NSEC3 (RFC 4034 section 4.1.2). Returns its length. `bits`
 * is empty, and so it is afterwards. */
size_t sign_bitmap(const struct sign_types *t, const struct zone *z, const struct zone_node *n,
	struct sign_bits *bits, uint8_t to[static SIGN_BITMAP_MOST]);

#endif
