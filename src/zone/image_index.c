#include "zone/image_index.h"

#include "base/memory.h"

#include <stdlib.h>

/* Nodes on their way into the slots, whose memory is asked for as long before it is written:
 * the slots of a large zone are in no cache. */
enum { AHEAD = 16 };

struct slots {
	struct zone *z;
	struct {
		uint64_t hash;
		uint32_t node; /* 0: none yet */
	} wait[AHEAD];
	unsigned at;
};

static uint32_t first_slot(const struct zone *z, uint64_t hash)
{
	return (uint32_t)((hash >> 32) * z->slots_n >> 32);
}

/* Puts the one that has waited longest into its slot. */
static void put_slot(struct slots *p, uint64_t hash, uint32_t node)
{
	struct zone *z = p->z;
	const uint64_t first = p->wait[p->at].hash;
	const uint32_t from = p->wait[p->at].node;

	p->wait[p->at].hash = hash;
	p->wait[p->at].node = node;
	p->at = (p->at + 1) % AHEAD;
	if (node)
		__builtin_prefetch(&z->slots[first_slot(z, hash)], 1);
	if (!from)
		return;
	uint32_t s = first_slot(z, first);
	while (z->slots[s].node)
		s = s + 1 == z->slots_n ? 0 : s + 1;
	z->slots[s] = (struct zone_slot){ (uint32_t)first, from };
}

/* As names_fill_slots(), by a walk over the image. */
static void find_nodes(struct zone *z, struct hash_key key)
{
	uint64_t above[NAME_LABELS_MOST + 1];
	struct slots slots = { .z = z };
	const uint32_t front = zone_in_front(z);
	uint32_t i = 0;

	for (uint32_t at = 4 + front; at < z->image_end; i++) {
		const struct zone_node *n = zone_node_at(z, at);
		if (i % ZONE_PLACES == 0)
			z->places[z->places_n++] = at;
		at = (uint32_t)(zone_node_end(n) - z->image) + front;
		if (n->flags & NODE_NSEC3)
			continue;
		const unsigned labels = image_labels(n);
		const uint64_t hash = labels ? zone_hash_label(key, above[labels - 1], n->name)
					     : z->apex_hash;
		above[labels] = hash;
		z->depth = labels > z->depth ? (uint8_t)labels : z->depth;
		put_slot(&slots, hash, (uint32_t)((const uint8_t *)n - z->image));
	}
	for (i = 0; i < AHEAD; i++)
		put_slot(&slots, 0, 0);
}

/* The nodes that own NSEC3 records are not counted among the zone's. */
static uint32_t count_nodes(const struct zone *z)
{
	const uint32_t front = zone_in_front(z);
	uint32_t n = 0;

	for (uint32_t at = 4 + front; at < z->image_end; n++)
		at = (uint32_t)(zone_node_end(zone_node_at(z, at)) - z->image) + front;
	return n;
}

bool image_index(struct zone *z, struct hash_key key)
{
	const uint32_t all = count_nodes(z);

	z->depth = 0;
	z->places_n = 0;
	z->slots_n = z->nodes + z->nodes / 3 + 1;
	z->slots = calloc(z->slots_n, sizeof *z->slots);
	memory_huge(z->slots, z->slots_n * sizeof *z->slots);
	z->places = malloc((all / ZONE_PLACES + 1u) * sizeof *z->places);
	if (!z->slots || !z->places)
		return false;
	find_nodes(z, key);
	return true;
}
