#include "zone/names.h"

#include "base/memory.h"
#include "dns/name.h"
#include "zone/order.h"

#include <stdlib.h>
#include <string.h>

/* A group on its way to its place. */
struct sort_key {
	struct order_key key;
	uint32_t group;
};

/* --- canonical order ---------------------------------------------------------------------- */

/* Of a name that owns an NSEC3 record and others the others come first. */
static int compare_keys(
	const struct records *r, const struct sort_key *a, const struct sort_key *b)
{
	const int d = order_compare(&a->key, &b->key);
	if (d)
		return d;
	const int e = name_compare(
		records_group_name(r, a->group), records_group_name(r, b->group));
	if (e)
		return e;
	return records_group_nsec3(r, a->group) - records_group_nsec3(r, b->group);
}

/* Where the row that ascends from `from` on ends. */
static size_t row_end(
	const struct records *r, const struct sort_key *keys, size_t from, size_t n)
{
	size_t end = from + 1;

	while (end < n && compare_keys(r, &keys[end - 1], &keys[end]) <= 0)
		end++;
	return end;
}

/* Two rows become one in `to`; of equal keys those of `a` come first. */
static void merge(const struct records *r, struct sort_key *to, const struct sort_key *a,
	size_t n_a, const struct sort_key *b, size_t n_b)
{
	while (n_a && n_b) {
		if (compare_keys(r, a, b) <= 0) {
			*to++ = *a++;
			n_a--;
		} else {
			*to++ = *b++;
			n_b--;
		}
	}
	memcpy(to, n_a ? a : b, (n_a ? n_a : n_b) * sizeof *to);
}

/* One pass over the rows that there are: halves their number. Returns how many are left. */
static size_t merge_rows(
	const struct records *r, struct sort_key *to, const struct sort_key *from, size_t n)
{
	size_t rows = 0;

	for (size_t i = 0, mid, end; i < n; i = end, rows++) {
		mid = row_end(r, from, i, n);
		end = mid < n ? row_end(r, from, mid, n) : mid;
		merge(r, to + i, from + i, mid - i, from + mid, end - mid);
	}
	return rows;
}

/* Zones are mostly written in order already, or in a few long rows that are: merging these is
 * nearly as good as having nothing to do. False when there is no memory. */
static bool sort_keys(const struct records *r, struct sort_key **keys, size_t n)
{
	if (row_end(r, *keys, 0, n) == n)
		return true;
	struct sort_key *other = malloc(n * sizeof *other);
	if (!other)
		return false;
	for (size_t rows = 2; rows > 1;) {
		struct sort_key *from = *keys;
		rows = merge_rows(r, other, from, n);
		*keys = other;
		other = from;
	}
	free(other);
	return true;
}

static struct sort_key *sorted_keys(const struct records *r)
{
	struct sort_key *keys = malloc(r->groups * sizeof *keys);
	size_t n = 0;

	if (!keys)
		return NULL;
	for (uint32_t g = RECORDS_NONE; (g = records_next_group(r, g)) != RECORDS_NONE;) {
		const uint8_t *name = records_group_name(r, g);
		keys[n++] = (struct sort_key){ order_key(name, name_len(name) - 1), g };
	}
	if (!sort_keys(r, &keys, n)) {
		free(keys);
		return NULL;
	}
	return keys;
}

/* --- entries ------------------------------------------------------------------------------ */

/* The names above the one that was entered last, and this. */
struct path {
	unsigned n;                           /* labels of the last name */
	uint32_t entry[NAME_LABELS_MOST + 1]; /* [labels] */
};

static struct names_entry *add_entry(struct names *names, uint32_t owner, unsigned len)
{
	if (names->n == names->room) {
		const uint32_t room = names->room + names->room / 2 + 16;
		struct names_entry *more = room > 1u << 31
			? NULL
			: realloc(names->entry, room * sizeof *more);
		if (!more)
			return NULL;
		names->entry = more;
		names->room = room;
	}
	struct names_entry *e = &names->entry[names->n++];
	*e = (struct names_entry){ .owner = owner, .len = (uint8_t)len };
	names->len += len;
	return e;
}

/* How many labels, from the apex on, `name` has in common with the last name of the path. */
static unsigned shared_labels(const struct names *names, const struct path *path,
	const uint8_t *name, const struct name_marks *marks)
{
	unsigned n = path->n < marks->n ? path->n : marks->n, same = 0;

	while (same < n) {
		const struct names_entry *e = &names->entry[path->entry[same + 1]];
		const uint8_t *label = name + marks->at[marks->n - same - 1],
			      *theirs = names->r->bytes + e->owner;
		if (memcmp(label, theirs, *theirs + 1u) != 0)
			break;
		same++;
	}
	return same;
}

/* A name that is not there yet, behind all that are not between it and the apex. */
static bool add_name(struct names *names, struct path *path, uint32_t group)
{
	const uint8_t *name = records_group_name(names->r, group);
	const uint32_t owner = (uint32_t)(name - names->r->bytes);
	const bool nsec3 = records_group_nsec3(names->r, group);
	struct name_marks marks;

	name_mark(&marks, name);
	const unsigned same = names->n ? shared_labels(names, path, name, &marks) : 0;
	for (unsigned labels = names->n ? same + 1 : 0; labels <= marks.n; labels++) {
		const bool is_own = labels == marks.n;
		const unsigned at = marks.at[marks.n - labels];
		struct names_entry *e = add_entry(names, owner + at, marks.at[marks.n] - at);
		if (!e)
			return false;
		e->labels = (uint8_t)labels;
		e->group = is_own ? group : RECORDS_NONE;
		e->flags = is_own && nsec3 ? NODE_NSEC3 : 0;
		if (e->flags)
			return true;
		path->entry[labels] = names->n - 1;
		path->n = labels;
		/* Only at such a name a wildcard needs to be looked for. */
		if (labels && name_is_wildcard(name + at))
			names->entry[path->entry[labels - 1]].flags |= NODE_WILDCARD;
	}
	/* All its labels are there when the last name is below it, or is an NSEC3's. */
	if (same == marks.n && names->n && nsec3) {
		struct names_entry *e = add_entry(names, owner, marks.at[marks.n]);
		if (!e)
			return false;
		e->labels = marks.n;
		e->group = group;
		e->flags = NODE_NSEC3;
	}
	return true;
}

static bool add_names(struct names *names, const struct sort_key *keys, size_t n)
{
	struct path path = { 0 };

	names->room = (uint32_t)n + 16;
	names->entry = malloc(names->room * sizeof *names->entry);
	if (!names->entry)
		return false;
	for (size_t i = 0; i < n; i++) {
		if (i && compare_keys(names->r, &keys[i - 1], &keys[i]) == 0)
			records_link(names->r, keys[i - 1].group, keys[i].group);
		else if (!add_name(names, &path, keys[i].group))
			return false;
	}
	return true;
}

bool names_init(struct names *names, struct records *r)
{
	*names = (struct names){ .r = r };
	struct sort_key *keys = sorted_keys(r);
	const bool ok = keys && add_names(names, keys, r->groups);
	free(keys);
	return ok;
}

void names_fini(struct names *names)
{
	free(names->entry);
	*names = (struct names){ 0 };
}

/* --- the table ---------------------------------------------------------------------------- */

bool names_fill_slots(const struct names *names, struct zone *z, struct hash_key key)
{
	uint64_t above[NAME_LABELS_MOST + 1]; /* [labels] of the names above */

	/* 3 of 4 slots filled: 1.6 slots looked at for a hit, all in one cache line or two. */
	z->slots_n = z->nodes + z->nodes / 3 + 1;
	z->slots = calloc(z->slots_n, sizeof *z->slots);
	memory_huge(z->slots, z->slots_n * sizeof *z->slots);
	if (!z->slots)
		return false;
	for (uint32_t i = 0; i < names->n; i++) {
		const struct names_entry *e = &names->entry[i];
		if (e->flags & NODE_NSEC3)
			continue;
		const uint64_t hash = e->labels
			? zone_hash_label(key, above[e->labels - 1], names_wire(names, i))
			: z->apex_hash;
		above[e->labels] = hash;
		uint32_t s = (uint32_t)((hash >> 32) * z->slots_n >> 32);
		while (z->slots[s].node)
			s = s + 1 == z->slots_n ? 0 : s + 1;
		z->slots[s] = (struct zone_slot){ (uint32_t)hash, e->node };
	}
	return true;
}
