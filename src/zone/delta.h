/* delta.h - what a zone has beside the image that it shares with the zone that it was made of.
 *
 * Nodes that are different from those of the image, whole, and for each name that is gone one
 * without records (NODE_GONE). They are asked first. They stand in canonical order in an image
 * of their own, and each knows its place among the shared one's nodes. Immutable; any thread.
 */
#ifndef ZONE_DELTA_H
#define ZONE_DELTA_H

#include "zone/zone.h"

/* In `at`: it stands in the place of the node that is there, else in front of it. */
enum { DELTA_INSTEAD = 1 };

struct delta_entry {
	uint64_t hash; /* of the name */
	uint32_t node; /* offset in the delta's image */
	uint32_t at; /* offset of a node of the shared image, or of its end; | DELTA_INSTEAD */
};

struct delta {
	uint32_t n, slots_n;
	struct delta_entry *entry; /* [n] */
	struct zone_slot *slots;   /* offsets in this image */
	uint8_t *image; /* starts with 4 bytes of nothing; the negative SOA is last */
	uint32_t image_len;
	uint32_t n_links; /* in a zone with a chain: the nodes that own its links, in order */
	uint32_t *link;   /* [n_links] offsets in this image; NULL: no such zone */
};

/* NULL is fine. */
void delta_free(struct delta *d);
size_t delta_bytes(const struct delta *d);

/* With `n` entries and an image of `len` bytes, to be filled. NULL: no memory. */
struct delta *delta_new(uint32_t n, uint32_t len);
/* All entries have their node and hash. */
void delta_fill_slots(struct delta *d);

static inline const struct zone_node *delta_node(const struct delta *d, uint32_t offset)
{
	return (const struct zone_node *)(const void *)(d->image + offset);
}

/* True when the delta knows the name: `*n` is its node, or one that says that it is gone. */
static inline bool delta_find(const struct delta *d, uint64_t hash, const uint8_t *labels,
	size_t len, const struct zone_node **n)
{
	for (uint32_t s = (uint32_t)((hash >> 32) * d->slots_n >> 32); d->slots[s].node;
		s = s + 1 == d->slots_n ? 0 : s + 1) {
		if (d->slots[s].tag != (uint32_t)hash)
			continue;
		*n = delta_node(d, d->slots[s].node);
		if ((*n)->name_len == len && memcmp((*n)->name, labels, len) == 0)
			return true;
	}
	return false;
}

/* Which entry that node is. */
uint32_t delta_index(const struct delta *d, const struct zone_node *n);

/* All nodes are there, of a zone with that chain: finds its links. False: no memory. */
bool delta_link(struct delta *d, const struct denial *chain);
/* The last of them that is not behind `labels`, or with `strictly` before them; or NULL. */
const struct zone_node *delta_link_before(
	const struct delta *d, const uint8_t *labels, size_t len, bool strictly);
/* The first of them that is behind; or NULL. */
const struct zone_node *delta_link_after(
	const struct delta *d, const uint8_t *labels, size_t len);
/* The node that owns NSEC3 there, or one that says that it is gone; NULL: the delta knows of none. */
const struct zone_node *delta_find_nsec3(
	const struct delta *d, const uint8_t *labels, size_t len);
/* Has the delta something instead of that node of the shared image? */
bool delta_replaces(const struct delta *d, uint32_t place);
/* The last of the links up to `link` of the shared image (`owner`: struct denial) that stands
 * for itself, since the delta has nothing instead; or -1. */
int64_t delta_untouched(const struct delta *d, const uint32_t *owner, int64_t link);

/* The node behind `n` in canonical order, of either image; NULL: there is none. */
const struct zone_node *delta_next(const struct zone *z, const struct zone_node *n);

#endif
