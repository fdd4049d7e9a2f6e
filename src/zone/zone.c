#include "zone/zone.h"

#include "base/memory.h"
#include "base/part.h"
#include "base/scope.h"
#include "zone/delta.h"
#include "zone/denial.h"
#include "zone/history.h"

#include <stdlib.h>
#include <string.h>

void zone_set_id(struct zone *z, struct hash_key key, const uint8_t *id)
{
	const uint8_t *apex = view_apex(id);
	struct zone_name name;

	z->apex_len = (uint8_t)name_len(apex);
	z->apex_labels = (uint8_t)name_labels(apex);
	z->view_len = (uint8_t)(apex - id);
	name_lower(z->apex, apex, z->apex_len);
	if (z->view_len)
		name_lower(z->apex + z->apex_len, id, (size_t)z->view_len + z->apex_len);
	zone_name_set(&name, key, z->apex);
	z->apex_hash = name.hash[0];
}

struct zone *zone_placeholder(struct hash_key key, const uint8_t *id)
{
	struct zone *z = memory_zeroed(1, sizeof *z + zone_tail_of(id));

	z->refs = 1;
	zone_set_id(z, key, id);
	return z;
}

static struct zone *plain(const struct zone *z)
{
	return (struct zone *)(uintptr_t)z;
}

/* For a scope. */
static void let_go_zone(void *z)
{
	zone_drop(z);
}

void zone_hold(const struct zone *z)
{
	__atomic_add_fetch(&plain(z)->refs, 1, __ATOMIC_RELAXED);
	scope_hold(plain(z), let_go_zone);
}

static bool was_last(struct zone *z)
{
	return __atomic_sub_fetch(&z->refs, 1, __ATOMIC_ACQ_REL) == 0;
}

static void free_zone(struct zone *z)
{
	for (unsigned i = 0; i < z->pools_n; i++)
		free(z->pools[i]);
	free(z->pools);
	history_drop(z->history);
	delta_free(z->delta);
	if (!z->base) {
		denial_free(z->denial);
		free(z->slots);
		free(z->places);
		free(z->image);
	} else if (was_last(z->base)) {
		free_zone(z->base); /* it has no base */
	}
	memory_free(z); /* a placeholder is a block of its scope */
}

void zone_drop(const struct zone *z)
{
	struct zone *mine = plain(z);

	scope_forget(mine, let_go_zone);
	if (z && was_last(mine))
		free_zone(mine);
}

size_t zone_bytes(const struct zone *z)
{
	return sizeof *z + zone_tail(z) + z->slots_n * sizeof *z->slots +
		z->places_n * sizeof *z->places + z->image_len + denial_bytes(z->denial) +
		delta_bytes(z->delta);
}

void zone_name_put(struct zone_name *name, struct hash_key key, const uint8_t *lower,
	const struct name_marks *marks)
{
	unsigned n = marks->n;
	uint64_t above = key.k0;

	name->wire = lower;
	name->labels = n;
	name->len = marks->at[n] + 1u;
	memcpy(name->at, marks->at, 8); /* nearly all names end here */
	if (n >= 8)
		memcpy(name->at + 8, marks->at + 8, n + 1 - 8);
	name->hash[n] = above;
	while (n--)
		name->hash[n] = above = zone_hash_label(key, above, lower + marks->at[n]);
}

void zone_name_set(struct zone_name *name, struct hash_key key, const uint8_t *lower)
{
	struct name_marks marks;

	name_mark(&marks, lower);
	zone_name_put(name, key, lower, &marks);
}

/* A slot of the set: `zone` is a number plus one, 0 is empty. */
struct set_slot {
	uint32_t tag, zone;
};

enum { SET_PAGE = 256 };

/* Some zones in a row, which sets have in common that differ elsewhere. */
struct set_page {
	struct part part;
	unsigned n;
	const struct zone *zones[]; /* [n] held */
};

/* How zones are found: of sets that have the same ones, in whatever versions. */
struct set_index {
	struct part part;
	struct set_slot *slots;
	uint32_t *rules; /* NULL: all are 0 */
	uint32_t *next;  /* of views: the number of the next zone of that apex, plus 1; NULL: there are none */
};

struct zone_set {
	unsigned refs; /* atomic */
	struct hash_key key;
	uint32_t slots_n, n;
	uint64_t depths[2]; /* bit d: there is an apex of d labels */
	const struct set_slot *slots; /* the index's */
	const struct zone **zones;    /* [n] the pages' */
	const uint32_t *rules;        /* [n] the index's; NULL: all are 0 */
	struct set_index *index;      /* held, as are those in */
	struct set_page **pages;
};

static size_t count_pages(size_t n)
{
	return (n + SET_PAGE - 1) / SET_PAGE;
}

static void free_page(struct part *p)
{
	struct set_page *page = (struct set_page *)p; /* its first member */

	for (unsigned i = 0; i < page->n; i++)
		zone_drop(page->zones[i]);
	memory_free(page);
}

static void free_index(struct part *p)
{
	struct set_index *index = (struct set_index *)p; /* its first member */

	memory_free(index->rules);
	memory_free(index->next);
	memory_free(index->slots);
	memory_free(index);
}

/* Of those that begin there. */
static struct set_page *page_new(const struct zone *const *zones, size_t left)
{
	const size_t n = left < SET_PAGE ? left : SET_PAGE;
	struct set_page *page =
		memory_zeroed(1, sizeof *page + n * sizeof(page->zones[0]));

	page->part = part_new(free_page);
	for (; page->n < n; page->n++) {
		page->zones[page->n] = zones[page->n];
		zone_hold(zones[page->n]);
	}
	return page;
}

static uint32_t first_slot(uint64_t hash, uint32_t slots_n)
{
	return (uint32_t)((hash >> 32) * slots_n >> 32);
}

/* Of two zones of one apex: which is asked first? Who serves all that are left is last. */
static bool is_before(const struct zone_set *set, const struct zone *a, uint32_t at, const struct zone *b,
	uint32_t bt)
{
	if (!a->view_len != !b->view_len)
		return a->view_len != 0;
	return zone_set_rule(set, at) < zone_set_rule(set, bt);
}

/* Where zones are of one apex, they are a chain from the slot on. */
static uint32_t *find_link(
	struct zone_set *set, uint32_t *link, const struct zone *z, uint32_t number)
{
	while (*link && is_before(set, set->zones[*link - 1], *link - 1, z, number))
		link = &set->index->next[*link - 1];
	return link;
}

static void add_slot(struct zone_set *set, const struct zone *z, uint32_t number)
{
	struct set_index *index = set->index;
	uint32_t s = first_slot(z->apex_hash, set->slots_n);

	for (; index->slots[s].zone; s = s + 1 == set->slots_n ? 0 : s + 1) {
		const struct zone *is = set->zones[index->slots[s].zone - 1];
		if (!index->next || is->apex_len != z->apex_len ||
			memcmp(is->apex, z->apex, z->apex_len) != 0)
			continue;
		uint32_t *link = find_link(set, &index->slots[s].zone, z, number);
		index->next[number] = *link;
		*link = number + 1;
		return;
	}
	index->slots[s] = (struct set_slot){ (uint32_t)z->apex_hash, number + 1 };
	set->depths[z->apex_labels / 64] |= 1ull << z->apex_labels % 64;
}

static bool has_views(const struct zone *const *zones, size_t n)
{
	for (size_t i = 0; i < n; i++)
		if (zones[i]->view_len)
			return true;
	return false;
}

struct zone_set *zone_set_new(
	struct hash_key key, const struct zone *const *zones, const uint32_t *rules, size_t n)
{
	struct zone_set *set = memory_zeroed(1, sizeof *set);

	set->refs = 1;
	set->key = key;
	set->n = (uint32_t)n;
	set->slots_n = (uint32_t)(n + n / 2 + 2);
	struct set_index *index = set->index = memory_zeroed(1, sizeof *index);
	index->part = part_new(free_index);
	set->slots = index->slots = memory_zeroed(set->slots_n, sizeof *index->slots);
	if (has_views(zones, n))
		index->next = memory_zeroed(n, sizeof *index->next);
	set->zones = memory_zeroed(n + 1, sizeof *set->zones);
	if (rules) {
		index->rules = memory_zeroed(n + 1, sizeof *rules);
		memcpy(index->rules, rules, n * sizeof *rules);
	}
	set->rules = index->rules;
	for (uint32_t i = 0; i < n; i++) {
		set->zones[i] = zones[i];
		add_slot(set, zones[i], i);
	}
	set->pages = memory_zeroed(count_pages(n) + 1, sizeof(*set->pages));
	for (size_t i = 0; i < count_pages(n); i++)
		set->pages[i] = page_new(zones + i * SET_PAGE, n - i * SET_PAGE);
	return set;
}

struct zone_set *zone_set_with(const struct zone_set *set, const size_t *at,
	const struct zone *const *zones, size_t n)
{
	struct zone_set *to = memory_zeroed(1, sizeof *to);
	size_t k = 0;

	/* All but its count, which others change meanwhile. */
	*to = (struct zone_set){ .refs = 1,
		.key = set->key,
		.slots_n = set->slots_n,
		.n = set->n,
		.depths = { set->depths[0], set->depths[1] },
		.slots = set->slots,
		.rules = set->rules,
		.index = set->index };
	to->zones = memory_zeroed(set->n + 1u, sizeof *to->zones);
	memcpy(to->zones, set->zones, set->n * sizeof *to->zones);
	for (size_t i = 0; i < n; i++)
		to->zones[at[i]] = zones[i];
	to->pages = memory_zeroed(count_pages(set->n) + 1, sizeof(*to->pages));
	for (size_t i = 0; i < count_pages(set->n); i++) {
		const size_t from = i * SET_PAGE;
		const bool changed = k < n && at[k] < from + SET_PAGE;
		to->pages[i] = changed ? page_new(to->zones + from, set->n - from)
				       : set->pages[i];
		if (!changed)
			part_hold(&to->pages[i]->part);
		while (k < n && at[k] < from + SET_PAGE)
			k++;
	}
	part_hold(&to->index->part);
	return to;
}

/* For a scope. */
static void let_go(void *set)
{
	zone_set_drop(set);
}

struct zone_set *zone_set_hold(struct zone_set *set)
{
	__atomic_add_fetch(&set->refs, 1, __ATOMIC_RELAXED);
	scope_hold(set, let_go);
	return set;
}

void zone_set_drop(struct zone_set *set)
{
	scope_forget(set, let_go);
	if (!set || __atomic_sub_fetch(&set->refs, 1, __ATOMIC_ACQ_REL))
		return;
	for (size_t i = 0; i < count_pages(set->n); i++)
		part_drop(&set->pages[i]->part);
	part_drop(&set->index->part);
	memory_free(set->pages);
	memory_free(set->zones);
	memory_free(set);
}

size_t zone_set_count(const struct zone_set *set)
{
	return set->n;
}

const struct zone *zone_set_get(const struct zone_set *set, size_t i)
{
	return set->zones[i];
}

uint32_t zone_set_rule(const struct zone_set *set, size_t i)
{
	return set->rules ? set->rules[i] : 0;
}

bool zone_set_has_views(const struct zone_set *set)
{
	return set->index->next != NULL;
}

size_t zone_set_next(const struct zone_set *set, size_t i)
{
	const uint32_t next = set->index->next ? set->index->next[i] : 0;

	return next ? next - 1 : set->n;
}

struct hash_key zone_set_key(const struct zone_set *set)
{
	return set->key;
}

/* The depth of the next apex above a name, `most` labels deep at most; -1: there is none. */
static int next_depth(const struct zone_set *set, int most)
{
	for (int word = most / 64; most >= 0 && word >= 0; word--, most = word * 64 + 63) {
		const uint64_t bits = set->depths[word] & UINT64_MAX >> (63 - most % 64);
		if (bits)
			return word * 64 + 63 - __builtin_clzll(bits);
	}
	return -1;
}

/* A set of few zones is in the caches. */
enum { FETCH_LEAST = 256 };

void zone_set_fetch_slots(const struct zone_set *set, const struct zone_name *name)
{
	if (set->n < FETCH_LEAST)
		return;
	for (int d = (int)name->labels; (d = next_depth(set, d)) >= 0; d--) {
		const uint64_t hash = name->hash[name->labels - (unsigned)d];
		__builtin_prefetch(&set->slots[first_slot(hash, set->slots_n)]);
	}
}

void zone_set_fetch_zones(const struct zone_set *set, const struct zone_name *name)
{
	if (set->n < FETCH_LEAST)
		return;
	for (int d = (int)name->labels; (d = next_depth(set, d)) >= 0; d--) {
		const uint64_t hash = name->hash[name->labels - (unsigned)d];
		const struct set_slot *slot = &set->slots[first_slot(hash, set->slots_n)];
		if (slot->zone && slot->tag == (uint32_t)hash) {
			const struct zone *z = set->zones[slot->zone - 1];
			__builtin_prefetch(z);
			__builtin_prefetch(z->apex);
		}
	}
}

const struct zone *zone_set_find(const struct zone_set *set, const struct zone_name *name,
	unsigned labels_most, size_t *index)
{
	for (int d = (int)labels_most; (d = next_depth(set, d)) >= 0; d--) {
		const unsigned skip = name->labels - (unsigned)d;
		const uint64_t hash = name->hash[skip];
		const uint8_t *suffix = name->wire + name->at[skip];
		const unsigned len = name->len - name->at[skip];
		for (uint32_t s = first_slot(hash, set->slots_n); set->slots[s].zone;
			s = s + 1 == set->slots_n ? 0 : s + 1) {
			if (set->slots[s].tag != (uint32_t)hash)
				continue;
			const struct zone *z = set->zones[set->slots[s].zone - 1];
			if (z->apex_len != len || memcmp(z->apex, suffix, len) != 0)
				continue;
			if (index)
				*index = set->slots[s].zone - 1;
			return z;
		}
	}
	return NULL;
}
