#include "zone/names.h"

#include "dns/name.h"
#include "dns/rrtype.h"
#include "zone/order.h"
#include "zone/zone.h"

#include <stdlib.h>
#include <string.h>

/* Hashes of a name and of all between it and the apex: hash[i] and at[i] are of label i;
 * hash[labels] is the apex's. */
struct hashes {
	unsigned labels;
	uint8_t at[NAME_LABELS_MOST + 1];
	uint64_t hash[NAME_LABELS_MOST + 1];
};

static void hash_name(struct hashes *h, const struct names *names, const uint8_t *wire)
{
	unsigned at = 0, n = 0;

	for (; wire[at]; at += wire[at] + 1u)
		h->at[n++] = (uint8_t)at;
	n -= names->apex_labels;
	h->at[n] = (uint8_t)(at + 1 - names->apex_len);
	h->labels = n;
	h->hash[n] = names->apex_hash;
	while (n--)
		h->hash[n] = zone_hash_label(names->key, h->hash[n + 1], wire + h->at[n]);
}

/* Owners of NSEC3 records are names of their own, which no question finds (RFC 5155 section
 * 7.2.8): `flags` tells the two kinds apart, here and in the image. */
static uint32_t *find_slot(const struct names *names, uint64_t hash, const uint8_t *wire,
	size_t len, uint8_t flags)
{
	uint32_t s = (uint32_t)(hash >> 32) & (names->slots_n - 1);

	for (;; s = (s + 1) & (names->slots_n - 1)) {
		if (!names->slot[s])
			return &names->slot[s];
		const struct names_entry *e = &names->entry[names->slot[s] - 1];
		if (e->hash == hash && e->len == len && (e->flags & NODE_NSEC3) == flags &&
			memcmp(names->r->bytes + e->owner, wire, len) == 0)
			return &names->slot[s];
	}
}

static bool grow(struct names *names)
{
	const uint32_t room = names->room * 2, slots_n = names->slots_n * 2;

	if (room > 1u << 30)
		return false;
	struct names_entry *entry = realloc(names->entry, room * sizeof *entry);
	if (!entry)
		return false;
	names->entry = entry;
	names->room = room;
	uint32_t *slot = calloc(slots_n, sizeof *slot);
	if (!slot)
		return false;
	for (uint32_t i = 0; i < names->n; i++) {
		uint32_t s = (uint32_t)(entry[i].hash >> 32) & (slots_n - 1);
		while (slot[s])
			s = (s + 1) & (slots_n - 1);
		slot[s] = i + 1;
	}
	free(names->slot);
	names->slot = slot;
	names->slots_n = slots_n;
	return true;
}

/* The entry of the name that starts at label `i` of a name whose wire starts at `owner`;
 * `*is_new` when it was made. */
static uint32_t intern(struct names *names, const struct hashes *h, unsigned i, uint32_t owner,
	uint8_t flags, bool *is_new)
{
	const uint32_t at = owner + h->at[i];
	const size_t len = h->at[h->labels] - h->at[i];

	*is_new = false;
	if (names->n == names->room && !grow(names))
		return NAMES_NONE;
	uint32_t *slot = find_slot(names, h->hash[i], names->r->bytes + at, len, flags);
	if (*slot)
		return *slot - 1;
	*is_new = true;
	names->entry[names->n] = (struct names_entry){ .hash = h->hash[i],
		.owner = at,
		.first = NAMES_NONE,
		.last = NAMES_NONE,
		.len = (uint8_t)len,
		.labels = (uint8_t)(h->labels - i),
		.flags = flags };
	*slot = ++names->n;
	return names->n - 1;
}

/* The entry of an owner and, when it is new, of every name between it and the apex. */
static uint32_t add_owner(struct names *names, uint32_t owner, uint8_t flags)
{
	struct hashes h;
	bool is_new;

	hash_name(&h, names, names->r->bytes + owner);
	const uint32_t entry = intern(names, &h, 0, owner, flags, &is_new);
	for (unsigned i = 1; is_new && i <= h.labels; i++)
		if (intern(names, &h, i, owner, 0, &is_new) == NAMES_NONE)
			return NAMES_NONE;
	return entry;
}

/* NSEC3, or an RRSIG over it? */
static uint8_t kind_of(const struct records *r, const struct record *rr)
{
	const uint16_t type = rr->type == RRTYPE_RRSIG && rr->rdlen >= 2
		? be16_get(r->bytes + rr->rdata)
		: rr->type;

	return type == RRTYPE_NSEC3 ? NODE_NSEC3 : 0;
}

static bool add_records(struct names *names)
{
	const struct records *r = names->r;
	uint32_t entry = NAMES_NONE;
	uint8_t kind, before = 0;

	for (uint32_t i = 0; i < r->n; i++) {
		names->next[i] = NAMES_NONE;
		kind = kind_of(r, &r->rr[i]);
		if (i == 0 || r->rr[i].owner != r->rr[i - 1].owner || kind != before)
			entry = add_owner(names, r->rr[i].owner, kind);
		before = kind;
		if (entry == NAMES_NONE)
			return false;
		struct names_entry *e = &names->entry[entry];
		if (e->first == NAMES_NONE)
			e->first = i;
		else
			names->next[e->last] = i;
		e->last = i;
	}
	return true;
}

/* --- canonical order ---------------------------------------------------------------------- */

struct sort_key {
	struct order_key key;
	uint32_t entry;
};

static int compare_keys(const void *va, const void *vb, void *ctx)
{
	const struct sort_key *a = va, *b = vb;
	const struct names *names = ctx;

	const int d = order_compare(&a->key, &b->key);
	if (d)
		return d;
	const int e = name_compare(names_wire(names, a->entry), names_wire(names, b->entry));
	if (e)
		return e;
	/* A name that owns an NSEC3 record stands twice: the zone's own, such as the apex,
	 * first. */
	return (names->entry[a->entry].flags & NODE_NSEC3) -
		(names->entry[b->entry].flags & NODE_NSEC3);
}

static bool sort_names(struct names *names)
{
	struct sort_key *keys = malloc(names->n * sizeof *keys);
	bool sorted = true;

	names->order = malloc(names->n * sizeof *names->order);
	if (!keys || !names->order) {
		free(keys);
		return false;
	}
	for (uint32_t i = 0; i < names->n; i++) {
		keys[i] = (struct sort_key){
			order_key(names_wire(names, i), names->entry[i].len), i
		};
		/* Zones are often written in order already, or nearly so. */
		sorted = sorted && (i == 0 || compare_keys(&keys[i - 1], &keys[i], names) < 0);
	}
	if (!sorted)
		qsort_r(keys, names->n, sizeof *keys, compare_keys, names);
	for (uint32_t i = 0; i < names->n; i++)
		names->order[i] = keys[i].entry;
	free(keys);
	return true;
}

bool names_init(struct names *names, const struct records *r, struct hash_key key)
{
	struct hashes h;

	*names = (struct names){
		.r = r, .key = key, .apex_hash = key.k0, .room = 16, .slots_n = 32
	};
	names->apex_labels = 0;
	names->apex_len = 1;
	hash_name(&h, names, r->origin); /* as seen from the root */
	names->apex_hash = h.hash[0];
	names->apex_len = (uint8_t)name_len(r->origin);
	names->apex_labels = (uint8_t)name_labels(r->origin);
	names->entry = malloc(names->room * sizeof *names->entry);
	names->slot = calloc(names->slots_n, sizeof *names->slot);
	names->next = malloc((r->n + 1) * sizeof *names->next);
	return names->entry && names->slot && names->next && add_records(names) &&
		sort_names(names);
}

void names_fini(struct names *names)
{
	free(names->entry);
	free(names->slot);
	free(names->next);
	free(names->order);
}

uint32_t names_find(const struct names *names, const uint8_t *wire)
{
	struct hashes h;

	hash_name(&h, names, wire);
	return *find_slot(names, h.hash[0], wire, h.at[h.labels], 0) - 1;
}
