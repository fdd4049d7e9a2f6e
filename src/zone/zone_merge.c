/* A zone with a delta becomes one without: runs of the shared image and the delta's nodes are
 * copied in turn, and what finds the nodes is made anew. */
#include "zone/zone_with.h"

#include "zone/delta.h"
#include "zone/history.h"

#include <stdlib.h>
#include <string.h>

struct merge {
	const struct zone *z;
	struct zone *to;
	uint32_t len; /* of the image so far */
};

static void put(struct merge *m, const uint8_t *from, size_t len)
{
	memcpy(m->to->image + m->len, from, len);
	m->len += (uint32_t)len;
}

static void put_image(struct merge *m)
{
	const struct zone *z = m->z;
	const struct delta *d = z->delta;
	uint32_t done = 0;

	for (uint32_t i = 0; i < d->n; i++) {
		const uint32_t place = d->entry[i].at & ~(uint32_t)DELTA_INSTEAD;
		const struct zone_node *n = delta_node(d, d->entry[i].node);
		put(m, z->image + done, place - done);
		done = place;
		if (d->entry[i].at & DELTA_INSTEAD)
			done = (uint32_t)(zone_node_end(zone_node_at(z, place)) - z->image);
		if (!(n->flags & NODE_GONE))
			put(m, (const uint8_t *)n,
				(size_t)(zone_node_end(n) - (const uint8_t *)n));
	}
	put(m, z->image + done, z->image_end - done);
	m->to->image_end = m->len;
	const uint8_t *soa = (const uint8_t *)z->soa_negative;
	put(m, soa, (size_t)((const uint8_t *)zone_next_rrset(z->soa_negative) - soa));
}

/* Labels of a name that is relative to the apex. */
static unsigned count_labels(const struct zone_node *n)
{
	unsigned labels = 0;

	for (unsigned at = 0; at < n->name_len; at += n->name[at] + 1u)
		labels++;
	return labels;
}

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
	uint32_t i = 0;

	z->depth = 0;
	for (uint32_t at = 4; at < z->image_end; i++) {
		const struct zone_node *n = zone_node_at(z, at);
		const unsigned labels = count_labels(n);
		const uint64_t hash = labels ? zone_hash_label(key, above[labels - 1], n->name)
					     : z->apex_hash;
		above[labels] = hash;
		z->depth = labels > z->depth ? (uint8_t)labels : z->depth;
		if (i % ZONE_PLACES == 0)
			z->places[z->places_n++] = at;
		if (!(n->flags & NODE_NSEC3))
			put_slot(&slots, hash, at);
		at = (uint32_t)(zone_node_end(n) - z->image);
	}
	for (i = 0; i < AHEAD; i++)
		put_slot(&slots, 0, 0);
}

static bool copy_pools(struct zone *to, const struct zone *z)
{
	to->pools_n = 0;
	to->pools = z->pools_n ? calloc(z->pools_n, sizeof *to->pools) : NULL;
	if (z->pools_n && !to->pools)
		return false;
	for (; to->pools_n < z->pools_n; to->pools_n++)
		if (!(to->pools[to->pools_n] = strdup(z->pools[to->pools_n])))
			return false;
	return true;
}

/* Its count is not of the scope that may be on: it is a part of the zone. */
static void keep_history(struct zone *to, const struct zone *z)
{
	to->history = z->history;
	if (to->history)
		__atomic_add_fetch(&to->history->part.refs, 1, __ATOMIC_RELAXED);
}

/* Room for all; false: there is none. */
static bool start(struct merge *m)
{
	const struct zone *z = m->z;
	const size_t image = (size_t)z->image_len + z->delta->image_len;
	struct zone *to = m->to = calloc(1, sizeof *to + z->apex_len);

	if (!to)
		return false;
	to->refs = 1;
	if (image > UINT32_MAX)
		return false;
	const size_t from = offsetof(struct zone, slots_n); /* others count at the same time */
	memcpy((uint8_t *)to + from, (const uint8_t *)z + from,
		sizeof *to + z->apex_len - from);
	to->base = NULL;
	to->delta = NULL;
	keep_history(to, z);
	to->places_n = 0;
	to->slots_n = z->nodes + z->nodes / 3 + 1;
	to->slots = calloc(to->slots_n, sizeof *to->slots);
	to->places = malloc(
		(z->places_n + z->delta->n / ZONE_PLACES + 2u) * sizeof *to->places);
	to->image = malloc(image);
	return copy_pools(to, z) && to->slots && to->places && to->image;
}

struct zone *zone_merge(const struct zone *z, struct hash_key key, struct faults *f)
{
	struct merge m = { .z = z };

	if (!z->delta) {
		zone_hold(z);
		return (struct zone *)(uintptr_t)z;
	}
	if (z->denial) {
		struct zone *anew = zone_anew(z, key, f);
		if (anew)
			keep_history(anew, z);
		return anew;
	}
	if (!start(&m)) {
		zone_drop(m.to);
		faults_error(f, &(struct fault_at){ 0 }, "out of memory");
		return NULL;
	}
	put_image(&m);
	struct zone *to = m.to;
	uint8_t *trimmed = realloc(to->image, m.len);
	to->image = trimmed ? trimmed : to->image;
	to->image_len = m.len;
	to->apex_node = zone_node_at(to, 4);
	to->soa_negative = zone_rrset_at(to, to->image_end);
	find_nodes(to, key);
	to->refs = 0; /* as in zone_compile() */
	zone_hold(to);
	return to;
}

struct zone *zone_merge_wanted(struct zone *z, struct hash_key key)
{
	struct faults none;

	if (!zone_wants_merge(z))
		return z;
	faults_init(&none);
	struct zone *merged = zone_merge(z, key, &none);
	faults_fini(&none);
	if (!merged)
		return z;
	zone_drop(z);
	return merged;
}
