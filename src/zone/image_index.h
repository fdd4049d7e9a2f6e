/* image_index.h - what finds the nodes of a zone whose image is complete.
 *
 * For who has made an image other than by zone_compile().
 */
#ifndef ZONE_IMAGE_INDEX_H
#define ZONE_IMAGE_INDEX_H

#include "zone/zone.h"

/* Makes slots, places and depth of `z` by a walk over its image; it has none of them yet, and
 * z->nodes counts its names. False when there is no memory: what was made is the zone's. */
bool image_index(struct zone *z, struct hash_key key);

/* Labels of a name that is relative to the apex. */
static inline unsigned image_labels(const struct zone_node *n)
{
	unsigned labels = 0;

	for (unsigned at = 0; at < n->name_len; at += n->name[at] + 1u)
		labels++;
	return labels;
}

#endif
