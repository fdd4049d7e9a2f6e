#include "zone/image.h"

#include "dns/rrtype.h"
#include "zone/delta.h"

#include <string.h>

const struct zone_node *image_first(const struct zone *z)
{
	return z->apex_node;
}

const struct zone_node *image_next(const struct zone *z, const struct zone_node *n)
{
	if (z->delta)
		return delta_next(z, n);
	const uint32_t end = (uint32_t)(zone_node_end(n) - z->image);
	return end < z->image_end ? zone_node_at(z, end + zone_in_front(z)) : NULL;
}

size_t image_owner(
	const struct zone *z, const struct zone_node *n, uint8_t to[static NAME_MOST])
{
	memcpy(to, n->name, n->name_len);
	memcpy(to + n->name_len, z->apex, z->apex_len);
	return (size_t)n->name_len + z->apex_len;
}

/* --- names whose end is a pointer --------------------------------------------------------- */

/* The last `labels` labels of a node's name, with the root. */
static size_t put_suffix(
	const struct zone *z, const struct zone_node *n, unsigned labels, uint8_t *to)
{
	uint8_t name[NAME_MOST];
	const uint8_t *p = name;
	const size_t len = image_owner(z, n, name);
	unsigned skip = name_labels(name) - labels;

	while (skip--)
		p += *p + 1u;
	const size_t left = len - (size_t)(p - name);
	memcpy(to, p, left);
	return left;
}

static bool is_pointer(const struct zone_rrset *set, size_t at)
{
	const uint16_t *patch = zone_rrset_patches(set);

	for (unsigned i = 0; i < set->patches; i++)
		if (patch[i] == at)
			return true;
	return false;
}

/* The name that starts at `at` of the wire, or what a pointer there leads to. `*used` (may be
 * NULL) is how many bytes of the wire it takes. */
static size_t put_name(const struct zone *z, const struct zone_node *n,
	const struct zone_rrset *set, size_t at, uint8_t *to, size_t *used)
{
	const size_t from = at;
	size_t len = 0;

	for (;;) {
		const uint8_t *p = set->wire + at;
		if (is_pointer(set, at)) {
			const unsigned pointer = be16_get(p);
			if (used)
				*used = at + 2 - from;
			if (pointer == ZONE_POINTER_APEX)
				return len + put_suffix(z, n, z->apex_labels, to + len);
			if (!(pointer & 0x4000u))
				return len + put_suffix(z, n, pointer & 0xffu, to + len);
			used = NULL;
			at = pointer & 0x3fffu;
			continue;
		}
		memcpy(to + len, p, *p + 1u);
		len += *p + 1u;
		at += *p + 1u;
		if (*p == 0)
			break;
	}
	if (used)
		*used = at - from;
	return len;
}

size_t image_rdata(const struct zone *z, const struct zone_node *n,
	const struct zone_rrset *set, size_t at, uint8_t *to)
{
	const uint8_t *rr = set->wire + at;
	const size_t rdlen = be16_get(rr + 10), names = set->patches ? set->names : 0;
	size_t from = 0, len = 0, used;

	if (names && set->type == RRTYPE_MX) {
		memcpy(to, rr + IMAGE_RR_FIXED, 2);
		from = len = 2;
	}
	for (size_t i = 0; i < names; i++) {
		len += put_name(z, n, set, at + IMAGE_RR_FIXED + from, to + len, &used);
		from += used;
	}
	memcpy(to + len, rr + IMAGE_RR_FIXED + from, rdlen - from);
	return len + rdlen - from;
}
