#include "zone/delta.h"

#include "zone/denial_link.h"
#include "zone/order.h"

#include <stdlib.h>

void delta_free(struct delta *d)
{
	if (!d)
		return;
	free(d->entry);
	free(d->slots);
	free(d->link);
	free(d->image);
	free(d);
}

size_t delta_bytes(const struct delta *d)
{
	if (!d)
		return 0;
	return sizeof *d + d->n * sizeof *d->entry + d->slots_n * sizeof *d->slots +
		d->n_links * sizeof *d->link + d->image_len;
}

struct delta *delta_new(uint32_t n, uint32_t len)
{
	struct delta *d = calloc(1, sizeof *d);

	if (!d)
		return NULL;
	d->n = n;
	d->image_len = len;
	d->slots_n = 2 * n +
		1; /* it is small: a miss, which is what mostly comes, is one look */
	d->entry = malloc(n * sizeof *d->entry + 1);
	d->slots = calloc(d->slots_n, sizeof *d->slots);
	d->image = malloc(len);
	if (d->entry && d->slots && d->image)
		return d;
	delta_free(d);
	return NULL;
}

void delta_fill_slots(struct delta *d)
{
	for (uint32_t i = 0; i < d->n; i++) {
		const struct delta_entry *e = &d->entry[i];
		if (delta_node(d, e->node)->flags & NODE_NSEC3)
			continue; /* found by their hashes */
		uint32_t s = (uint32_t)((e->hash >> 32) * d->slots_n >> 32);
		while (d->slots[s].node)
			s = s + 1 == d->slots_n ? 0 : s + 1;
		d->slots[s] = (struct zone_slot){ (uint32_t)e->hash, e->node };
	}
}

/* --- both images in one order ------------------------------------------------------------- */

uint32_t delta_index(const struct delta *d, const struct zone_node *n)
{
	const uint32_t offset = (uint32_t)((const uint8_t *)n - d->image);
	uint32_t low = 0, high = d->n;

	while (high - low > 1) {
		const uint32_t mid = low + (high - low) / 2;
		if (d->entry[mid].node <= offset)
			low = mid;
		else
			high = mid;
	}
	return low;
}

/* The first entry at or behind a place of the shared image. */
static uint32_t first_at(const struct delta *d, uint32_t place)
{
	uint32_t low = 0, high = d->n;

	while (low < high) {
		const uint32_t mid = low + (high - low) / 2;
		if (d->entry[mid].at < place)
			low = mid + 1;
		else
			high = mid;
	}
	return low;
}

static uint32_t behind(const struct zone *z, uint32_t place)
{
	return (uint32_t)(zone_node_end(zone_node_at(z, place)) - z->image) + zone_in_front(z);
}

static bool is_ours(const struct delta *d, const struct zone_node *n)
{
	return (uintptr_t)n - (uintptr_t)d->image < d->image_len;
}

/* --- the chain ---------------------------------------------------------------------------- */

static bool is_link(const struct zone_node *n, const struct denial *chain)
{
	return !(n->flags & NODE_GONE) &&
		denial_is_link(n, chain->nsec3 ? &chain->params : NULL);
}

bool delta_link(struct delta *d, const struct denial *chain)
{
	d->link = malloc(d->n * sizeof *d->link + 1);
	if (!d->link)
		return false;
	for (uint32_t i = 0; i < d->n; i++) {
		if (is_link(delta_node(d, d->entry[i].node), chain))
			d->link[d->n_links++] = d->entry[i].node;
	}
	return true;
}

const struct zone_node *delta_link_before(
	const struct delta *d, const uint8_t *labels, size_t len, bool strictly)
{
	uint32_t low = 0, high = d->n_links;

	while (low < high) {
		const uint32_t mid = low + (high - low) / 2;
		const struct zone_node *n = delta_node(d, d->link[mid]);
		if (order_names(n->name, n->name_len, labels, len) <= -(int)strictly)
			low = mid + 1;
		else
			high = mid;
	}
	return low ? delta_node(d, d->link[low - 1]) : NULL;
}

const struct zone_node *delta_link_after(
	const struct delta *d, const uint8_t *labels, size_t len)
{
	uint32_t low = 0, high = d->n_links;

	while (low < high) {
		const uint32_t mid = low + (high - low) / 2;
		const struct zone_node *n = delta_node(d, d->link[mid]);
		if (order_names(n->name, n->name_len, labels, len) <= 0)
			low = mid + 1;
		else
			high = mid;
	}
	return low < d->n_links ? delta_node(d, d->link[low]) : NULL;
}

const struct zone_node *delta_find_nsec3(
	const struct delta *d, const uint8_t *labels, size_t len)
{
	uint32_t low = 0, high = d->n;

	while (low < high) {
		const uint32_t mid = low + (high - low) / 2;
		const struct zone_node *n = delta_node(d, d->entry[mid].node);
		if (order_names(n->name, n->name_len, labels, len) < 0)
			low = mid + 1;
		else
			high = mid;
	}
	/* One of the same name that owns something else stands in front of it. */
	for (; low < d->n; low++) {
		const struct zone_node *n = delta_node(d, d->entry[low].node);
		if (order_names(n->name, n->name_len, labels, len) != 0)
			return NULL;
		if (n->flags & NODE_NSEC3)
			return n;
	}
	return NULL;
}

bool delta_replaces(const struct delta *d, uint32_t place)
{
	const uint32_t i = first_at(d, place | DELTA_INSTEAD);

	return i < d->n && d->entry[i].at == (place | DELTA_INSTEAD);
}

int64_t delta_untouched(const struct delta *d, const uint32_t *owner, int64_t link)
{
	uint32_t i = link < 0 ? 0 : first_at(d, owner[link] | DELTA_INSTEAD);

	while (link >= 0 && i < d->n && d->entry[i].at == (owner[link] | DELTA_INSTEAD)) {
		link--;
		while (link >= 0 && i > 0 &&
			d->entry[i - 1].at >= (owner[link] | DELTA_INSTEAD))
			i--;
	}
	return link;
}

/* --- the next node ------------------------------------------------------------------------ */

const struct zone_node *delta_next(const struct zone *z, const struct zone_node *n)
{
	const struct delta *d = z->delta;
	uint32_t i, place;

	if (is_ours(d, n)) {
		i = delta_index(d, n);
		place = d->entry[i].at & ~(uint32_t)DELTA_INSTEAD;
		if (d->entry[i].at & DELTA_INSTEAD)
			place = behind(z, place);
		i++;
	} else {
		place = (uint32_t)(zone_node_end(n) - z->image) + zone_in_front(z);
		i = first_at(d, place);
	}
	for (; i < d->n && (d->entry[i].at & ~(uint32_t)DELTA_INSTEAD) == place; i++) {
		const struct zone_node *next = delta_node(d, d->entry[i].node);
		if (!(next->flags & NODE_GONE))
			return next;
		if (d->entry[i].at & DELTA_INSTEAD)
			place = behind(z, place);
	}
	return place < z->image_end ? zone_node_at(z, place) : NULL;
}
