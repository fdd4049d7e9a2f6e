/* pool_denial.h - the proof that a name has not one of the types that its pool can answer.
 *
 * The chain of a zone lists all types that a pool can answer, whatever the state of its edges. While
 * there is none of one type (all edges are down, or all of a family), that is said by the name's own
 * NSEC or NSEC3 without that type: it denies as many names as the chain does, and that type alone
 * (RFC 8198). Any thread; nothing is allocated.
 */
#ifndef WORLD_POOL_DENIAL_H
#define WORLD_POOL_DENIAL_H

#include "zone/zone.h"

enum { POOL_DENIAL_MOST = 1024 }; /* bytes of RDATA; there is no such proof of a longer one */

/* The NSEC or NSEC3 that is about the node itself; NULL. `*link`: the node that has it. */
const struct zone_rrset *pool_denial_of(
	const struct zone *z, const struct zone_node *n, const struct zone_node **link);

/* Does its bitmap have the type? */
bool pool_denial_lists(const struct zone_rrset *denial, uint16_t type);

/* Its RDATA without the type, which it lists. Returns the length; 0: there is none. */
size_t pool_denial_without(
	const struct zone_rrset *denial, uint16_t type, uint8_t to[static POOL_DENIAL_MOST]);

#endif
