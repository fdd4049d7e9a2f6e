/* denial_link.h - the chain of a signed zone, of its image, is tied to the nodes.
 *
 * Any thread; of a zone that nobody serves yet.
 */
#ifndef ZONE_DENIAL_LINK_H
#define ZONE_DENIAL_LINK_H

#include "zone/denial.h"

/* Makes z->denial (there may be an empty one) of the NSEC records of the image, or of the NSEC3 with these `params`. The
 * image is complete; every visible node gets its struct zone_proof filled. False: there is no
 * memory, or no such record. */
bool denial_link(struct zone *z, const struct nsec3_params *params);

/* Is the node a link of that chain? */
bool denial_is_link(const struct zone_node *n, const struct nsec3_params *params);

/* The parameters that lead the RDATA of NSEC3 and NSEC3PARAM (behind the hash's algorithm and flags) are these. */
bool denial_in_chain(const struct nsec3_params *p, const uint8_t *rdata);

#endif
