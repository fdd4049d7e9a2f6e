/* names.h - the names of a zone while it is compiled.
 *
 * Finds every owner once, adds the empty non-terminals between them and the apex (RFC 4592
 * section 2.2.2), chains each name's records and puts all in canonical order. Control thread;
 * lives for one zone_compile().
 */
#ifndef ZONE_NAMES_H
#define ZONE_NAMES_H

#include "base/bytes.h"
#include "zone/records.h"

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

enum { NAMES_NONE = UINT32_MAX };

struct names_entry {
	uint64_t hash;        /* as zone_hash_label() chains it */
	uint32_t owner;       /* offset in the records' bytes */
	uint32_t first, last; /* records, NAMES_NONE when there are none; see names.next */
	uint32_t node;        /* its offset in the image, once it is there */
	uint8_t len;          /* bytes without the apex's part and the root */
	uint8_t labels;       /* without the apex's */
	uint8_t flags;        /* NODE_* */
};

struct names {
	const struct records *r;
	struct hash_key key;
	uint64_t apex_hash;
	uint8_t apex_len, apex_labels;
	struct names_entry *entry;
	uint32_t n, room;
	uint32_t *slot;   /* entry number + 1; 0 is empty */
	uint32_t slots_n; /* a power of two */
	uint32_t *next;   /* [record] the next of the same name */
	uint32_t *order;  /* [0..n) entries in canonical order, the apex first */
};

/* False when there is no memory, or there are over 2^31 names. `r` is borrowed until
 * names_fini(). */
bool names_init(struct names *names, const struct records *r, struct hash_key key);
void names_fini(struct names *names);

/* The entry of a lower-cased wire name at or below the apex; NAMES_NONE when it has none. */
uint32_t names_find(const struct names *names, const uint8_t *wire);

static inline const uint8_t *names_wire(const struct names *names, uint32_t entry)
{
	return names->r->bytes + names->entry[entry].owner;
}

#endif
