/* A zone with a delta becomes one without: runs of the shared image and the delta's nodes are
 * copied in turn, and what finds the nodes is made anew. */
#include "zone/zone_with.h"

#include "base/memory.h"
#include "zone/delta.h"
#include "zone/denial_link.h"
#include "zone/history.h"
#include "zone/image_index.h"

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

/* With room for its proof in front of it, where the zone has a chain. */
static void put_node(struct merge *m, const struct zone_node *n)
{
	const uint32_t front = zone_in_front(m->z);

	memset(m->to->image + m->len, 0, front);
	m->len += front;
	put(m, (const uint8_t *)n, (size_t)(zone_node_end(n) - (const uint8_t *)n));
}

static void put_soa(struct merge *m)
{
	const struct zone_rrset *soa = m->z->soa_negative, *end = zone_next_rrset(soa);

	if (soa->is_signed)
		end = zone_next_rrset(end);
	put(m, (const uint8_t *)soa, (size_t)((const uint8_t *)end - (const uint8_t *)soa));
}

static void put_image(struct merge *m)
{
	const struct zone *z = m->z;
	const struct delta *d = z->delta;
	const uint32_t front = zone_in_front(z);
	uint32_t done = 0;

	for (uint32_t i = 0; i < d->n; i++) {
		const uint32_t place = d->entry[i].at & ~(uint32_t)DELTA_INSTEAD;
		const struct zone_node *n = delta_node(d, d->entry[i].node);
		put(m, z->image + done, place - front - done);
		done = place - front;
		if (d->entry[i].at & DELTA_INSTEAD)
			done = (uint32_t)(zone_node_end(zone_node_at(z, place)) - z->image);
		if (!(n->flags & NODE_GONE))
			put_node(m, n);
	}
	put(m, z->image + done, z->image_end - done);
	m->to->image_end = m->len;
	put_soa(m);
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

/* Room for all; false: there is none. */
static bool start(struct merge *m)
{
	const struct zone *z = m->z;
	const size_t image = (size_t)z->image_len + z->delta->image_len +
		(size_t)z->delta->n * zone_in_front(z);
	struct zone *to = m->to = calloc(1, sizeof *to + zone_tail(z));

	if (!to)
		return false;
	to->refs = 1;
	if (image > UINT32_MAX)
		return false;
	const size_t from = offsetof(struct zone, slots_n); /* others count at the same time */
	memcpy((uint8_t *)to + from, (const uint8_t *)z + from,
		sizeof *to + zone_tail(z) - from);
	to->base = NULL;
	to->delta = NULL;
	to->slots = NULL;
	to->places = NULL;
	to->history = NULL;
	history_share(to, z);
	to->image = malloc(image);
	memory_huge(to->image, image);
	/* Its own chain; that there is one says what is in front of nodes. */
	to->denial = z->denial ? calloc(1, sizeof *to->denial) : NULL;
	return copy_pools(to, z) && to->image && !to->denial == !z->denial;
}

static bool fill(struct merge *m, struct hash_key key)
{
	struct zone *to = m->to;
	const struct denial *chain = m->z->denial;

	put_image(m);
	uint8_t *trimmed = realloc(to->image, m->len);
	to->image = trimmed ? trimmed : to->image;
	to->image_len = m->len;
	to->apex_node = zone_node_at(to, 4 + zone_in_front(to));
	to->soa_negative = zone_rrset_at(to, to->image_end);
	return image_index(to, key) &&
		(!chain || denial_link(to, chain->nsec3 ? &chain->params : NULL));
}

struct zone *zone_merge(const struct zone *z, struct hash_key key, struct faults *f)
{
	struct merge m = { .z = z };

	if (!z->delta) {
		zone_hold(z);
		return (struct zone *)(uintptr_t)z;
	}
	if (!start(&m) || !fill(&m, key)) {
		zone_drop(m.to);
		faults_error(f, &(struct fault_at){ 0 }, "out of memory");
		return NULL;
	}
	struct zone *to = m.to;
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
