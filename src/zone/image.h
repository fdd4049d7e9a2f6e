/* image.h - the records of a zone, one after the other, in canonical order.
 *
 * Any thread that holds the zone; reads the image only, and allocates nothing.
 */
#ifndef ZONE_IMAGE_H
#define ZONE_IMAGE_H

#include "zone/edge_rr.h"
#include "zone/zone.h"

enum { IMAGE_RR_FIXED = 12 }; /* bytes of a record in an image in front of its RDATA */

/* The first node, which is the apex; the next, or NULL. Nodes without records are among them.
 */
const struct zone_node *image_first(const struct zone *z);
const struct zone_node *image_next(const struct zone *z, const struct zone_node *n);

/* The whole name of a node, in lower case. Returns its length. */
size_t image_owner(
	const struct zone *z, const struct zone_node *n, uint8_t to[static NAME_MOST]);

/* The RDATA of the record that starts at `at` of an RRset's wire, its names whole. Returns its
 * length; `to` has room for 65535 bytes. */
size_t image_rdata(const struct zone *z, const struct zone_node *n,
	const struct zone_rrset *set, size_t at, uint8_t *to);

/* What an RRset of EDGE says; borrows from it. */
static inline void image_edge(const struct zone_rrset *set, struct edge_rr *to)
{
	edge_rr_read(to, set->wire + IMAGE_RR_FIXED, be16_get(set->wire + IMAGE_RR_FIXED - 2));
}

#endif
