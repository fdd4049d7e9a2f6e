#include "world/pool_denial.h"

#include "dns/rrtype.h"
#include "zone/denial.h"

#include <string.h>

enum { RR_FIXED = 12, NSEC3_SALT = 4 };

const struct zone_rrset *pool_denial_of(
	const struct zone *z, const struct zone_node *n, const struct zone_node **link)
{
	*link = z->denial ? denial_self(z, n) : NULL;
	return *link ? zone_find_rrset(*link, z->denial->nsec3 ? RRTYPE_NSEC3 : RRTYPE_NSEC) : NULL;
}

/* Where in the RDATA the bitmap begins. */
static size_t bitmap_at(const struct zone_rrset *denial, const uint8_t *rdata)
{
	if (denial->type != RRTYPE_NSEC3)
		return name_len(rdata);
	const size_t next = NSEC3_SALT + 1u + rdata[NSEC3_SALT];
	return next + 1u + rdata[next];
}

/* Where in the bitmap the byte stands that has the type's bit; `len`: it is not there. */
static size_t byte_of(const uint8_t *bitmap, size_t len, uint16_t type)
{
	for (size_t at = 0; at + 2 <= len; at += 2u + bitmap[at + 1])
		if (bitmap[at] == type >> 8)
			return (type & 0xff) / 8u < bitmap[at + 1] ? at + 2 + (type & 0xff) / 8u
								   : len;
	return len;
}

bool pool_denial_lists(const struct zone_rrset *denial, uint16_t type)
{
	const uint8_t *rdata = denial->wire + RR_FIXED;

	if (denial->count != 1)
		return false;
	const size_t at = bitmap_at(denial, rdata), len = denial->len - (size_t)RR_FIXED - at;
	const size_t byte = byte_of(rdata + at, len, type);
	return byte < len && rdata[at + byte] >> (7 - type % 8) & 1;
}

/* Zeroes at the end of its window go, and a window without any (RFC 4034 section 4.1.2). Returns
 * the new length. */
static size_t take_out(uint8_t *bitmap, size_t len, uint16_t type)
{
	size_t at = 0;

	bitmap[byte_of(bitmap, len, type)] &= (uint8_t)~(0x80u >> type % 8);
	while (bitmap[at] != type >> 8)
		at += 2u + bitmap[at + 1];
	const size_t had = bitmap[at + 1];
	size_t has = had;
	while (has && !bitmap[at + 2 + has - 1])
		has--;
	const size_t gone = has ? had - has : 2 + had, from = at + 2 + had;
	bitmap[at + 1] = (uint8_t)has;
	memmove(bitmap + from - gone, bitmap + from, len - from);
	return len - gone;
}

size_t pool_denial_without(
	const struct zone_rrset *denial, uint16_t type, uint8_t to[static POOL_DENIAL_MOST])
{
	const size_t len = denial->len - (size_t)RR_FIXED;

	if (len > POOL_DENIAL_MOST || !pool_denial_lists(denial, type))
		return 0;
	memcpy(to, denial->wire + RR_FIXED, len);
	const size_t at = bitmap_at(denial, to);
	return at + take_out(to + at, len - at, type);
}
