#include "zone/delta_work.h"

#include "dns/rrtype.h"
#include "zone/delta.h"
#include "zone/order.h"

#include <stdlib.h>
#include <string.h>

static uint32_t behind(const struct zone *z, uint32_t place)
{
	return (uint32_t)(zone_node_end(zone_node_at(z, place)) - z->image) + zone_in_front(z);
}

/* --- places ------------------------------------------------------------------------------- */

static int compare_place(const struct zone *z, uint32_t place, const struct delta_own *own)
{
	const struct zone_node *n = zone_node_at(z, place);

	return order_names(n->name, n->name_len, own->name, own->len);
}

/* The first node of the image that is not before the name. */
static uint32_t search(const struct zone *z, const struct delta_own *own)
{
	uint32_t low = 0, high = z->places_n;

	while (high - low > 1) {
		const uint32_t mid = low + (high - low) / 2;
		if (compare_place(z, z->places[mid], own) < 0)
			low = mid;
		else
			high = mid;
	}
	uint32_t place = z->places[low];
	while (place < z->image_end && compare_place(z, place, own) < 0)
		place = behind(z, place);
	return place;
}

uint32_t delta_place(const struct zone *z, const struct delta_own *own)
{
	const struct delta *d = z->delta;
	const struct zone_node *n;

	if (d && own->nsec3 && (n = delta_find_nsec3(d, own->name, own->len)))
		return d->entry[delta_index(d, n)].at;
	if (d && !own->nsec3 && delta_find(d, own->hash, own->name, own->len, &n))
		return d->entry[delta_index(d, n)].at;
	if (own->was)
		return (uint32_t)((const uint8_t *)own->was - z->image) | DELTA_INSTEAD;
	return search(z, own);
}

bool delta_is_below(const uint8_t *name, size_t len, const uint8_t *of, size_t of_len)
{
	if (len <= of_len)
		return false;
	while (len > of_len) {
		len -= *name + 1u;
		name += *name + 1u;
	}
	return len == of_len && memcmp(name, of, of_len) == 0;
}

/* --- items -------------------------------------------------------------------------------- */

static int compare_own(
	const struct delta_own *own, const struct delta *d, const struct delta_entry *e)
{
	const struct zone_node *n = delta_node(d, e->node);

	if (own->at != e->at)
		return own->at < e->at ? -1 : 1;
	return order_names(own->name, own->len, n->name, n->name_len);
}

bool delta_work_merge(struct delta_work *w)
{
	const struct delta *d = w->z->delta;
	const uint32_t old = d ? d->n : 0;
	uint32_t i = 0;
	size_t k = 0;

	w->item = malloc((w->n_own + old) * sizeof *w->item);
	if (!w->item)
		return false;
	while (k < w->n_own || i < old) {
		const int c = k == w->n_own ? 1
			: i == old          ? -1
					    : compare_own(&w->own[k], d, &d->entry[i]);
		struct delta_item *item = &w->item[w->n++];
		if (c <= 0) {
			struct delta_own *own = &w->own[k++];
			*item = (struct delta_item){
				.own = own, .hash = own->hash, .at = own->at
			};
			i += c == 0;
			continue;
		}
		const struct zone_node *n = delta_node(d, d->entry[i].node);
		*item = (struct delta_item){ .node = n,
			.hash = d->entry[i].hash,
			.at = d->entry[i].at,
			.flags = n->flags,
			.exists = !(n->flags & NODE_GONE) };
		i++;
	}
	return true;
}

/* --- walking ------------------------------------------------------------------------------ */

static void found_item(const struct delta_work *w, struct delta_next *next)
{
	struct delta_item *item = &w->item[next->i];

	next->item = item;
	next->node = item->node;
	next->name = item->own ? item->own->name : item->node->name;
	next->len = item->own ? item->own->len : item->node->name_len;
	next->flags = item->flags;
}

static void found_node(const struct delta_work *w, struct delta_next *next)
{
	next->item = NULL;
	next->node = zone_node_at(w->z, next->place);
	next->name = next->node->name;
	next->len = next->node->name_len;
	next->flags = next->node->flags;
}

/* Past item next->i. */
static void pass(const struct delta_work *w, struct delta_next *next)
{
	const uint32_t at = w->item[next->i++].at;

	next->place = at & ~(uint32_t)DELTA_INSTEAD;
	if (at & DELTA_INSTEAD)
		next->place = behind(w->z, next->place);
}

static bool look(const struct delta_work *w, struct delta_next *next)
{
	while (next->i < w->n &&
		(w->item[next->i].at & ~(uint32_t)DELTA_INSTEAD) == next->place) {
		if (w->item[next->i].exists) {
			found_item(w, next);
			return true;
		}
		pass(w, next);
	}
	if (next->place >= w->z->image_end)
		return false;
	found_node(w, next);
	return true;
}

bool delta_work_next(const struct delta_work *w, size_t i, struct delta_next *next)
{
	*next = (struct delta_next){ .i = i };
	pass(w, next);
	return look(w, next);
}

bool delta_work_after(const struct delta_work *w, struct delta_next *next)
{
	if (next->item)
		pass(w, next);
	else
		next->place = behind(w->z, next->place);
	return look(w, next);
}

bool delta_work_hide(struct delta_work *w, const struct delta_next *next, bool hidden)
{
	const uint8_t flags = (uint8_t)((next->flags & ~NODE_HIDDEN) |
		(hidden ? NODE_HIDDEN : 0));

	if (next->item) {
		next->item->flags = flags;
		return true;
	}
	if (flags == next->flags)
		return true;
	if (w->n_hidden == w->hidden_room) {
		const size_t room = w->hidden_room * 2 + 16;
		struct delta_item *more = realloc(w->hidden, room * sizeof *more);
		if (!more) {
			w->no_memory = true;
			return false;
		}
		w->hidden = more;
		w->hidden_room = room;
	}
	w->hidden[w->n_hidden++] = (struct delta_item){ .node = next->node,
		.at = next->place | DELTA_INSTEAD,
		.flags = flags,
		.exists = true };
	return true;
}
