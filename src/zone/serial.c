#include "zone/serial.h"

#include "base/bytes.h"
#include "zone/image.h"

#include <stdlib.h>
#include <string.h>

/* The same for the same records in any order. `rdata` has room for any. */
static uint64_t digest(const struct zone *z, uint8_t *rdata)
{
	static const struct hash_key key = { 0x6a09e667f3bcc908u, 0xbb67ae8584caa73bu };
	uint64_t sum = 0;

	for (const struct zone_node *n = image_first(z); n; n = image_next(z, n)) {
		const uint64_t owner = hash_bytes(key, n->name, n->name_len) ^
			(n->flags & NODE_NSEC3);
		const struct zone_rrset *set = zone_first_rrset(n);
		for (unsigned i = 0; i < n->rrsets; i++, set = zone_next_rrset(set))
			for (size_t at = 0; at < set->len;
				at += IMAGE_RR_FIXED + be16_get(set->wire + at + 10)) {
				const size_t len = image_rdata(z, n, set, at, rdata);
				const uint64_t head = (uint64_t)set->type << 32 |
					be32_get(set->wire + at + 6);
				sum += hash_pair(
					hash_pair(owner, head), hash_bytes(key, rdata, len));
			}
	}
	return sum;
}

static bool same_data(const struct zone *a, const struct zone *b)
{
	if (!a->delta && !b->delta && a->image_len == b->image_len &&
		memcmp(a->image, b->image, a->image_len) == 0)
		return true;
	uint8_t *rdata = malloc(UINT16_MAX + 1);
	const bool same = !rdata || digest(a, rdata) == digest(b, rdata); /* nothing is told */
	free(rdata);
	return same;
}

void serial_check(const struct zone *before, const struct zone *next, const struct records *r,
	const struct record *soa, struct faults *f)
{
	/* RFC 1982 section 3.2; half way round is neither. */
	const int32_t step = (int32_t)(next->serial - before->serial);

	if (step < 0)
		records_warning(r, soa, f,
			"the serial %u is less than %u, which is served: secondaries do not "
			"fetch the zone until it is greater (RFC 1982 section 3.2)",
			next->serial, before->serial);
	else if (step == 0 && !same_data(before, next))
		records_warning(r, soa, f,
			"the zone has changed and its serial, %u, has not: secondaries keep "
			"the old data; raise it",
			next->serial);
}
