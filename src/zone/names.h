/* names.h - the names of a zone while it is compiled.
 *
 * All owners in canonical order (RFC 4034 section 6.1), each once, with the empty non-terminals
 * between them and the apex (RFC 4592 section 2.2.2). Control thread; lives for one
 * zone_compile().
 */
#ifndef ZONE_NAMES_H
#define ZONE_NAMES_H

#include "zone/records.h"
#include "zone/zone.h"

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

struct names_entry {
	uint32_t owner; /* offset in the records' bytes: a wire name relative to the apex */
	uint32_t group; /* of its records, RECORDS_NONE when it has none */
	uint32_t node;  /* its offset in the image, once it is there */
	uint8_t len;    /* bytes without the root */
	uint8_t labels; /* without the apex's */
	uint8_t flags;  /* NODE_* */
};

struct names {
	struct records *r;
	struct names_entry *entry; /* the apex first */
	uint32_t n, room;
	size_t len; /* bytes of all names, without the roots */
};

/* False when there is no memory, or there are over 2^31 names. The apex has a record. `r` is
 * borrowed until names_fini(), and its groups are linked. */
bool names_init(struct names *names, struct records *r);
void names_fini(struct names *names);

/* Fills the table by which the nodes of `z` are found; all have their place in the image. False
 * when there is no memory. */
bool names_fill_slots(const struct names *names, struct zone *z, struct hash_key key);

static inline const uint8_t *names_wire(const struct names *names, uint32_t entry)
{
	return names->r->bytes + names->entry[entry].owner;
}

#endif
