#include "store/store_records.h"

#include "base/bytes.h"
#include "zone/image.h"
#include "zone/records.h"

#include <string.h>

enum { SAME_OWNER = 0, ROOT = 0xff, FIXED = 2 + 4 + 2 };

/* Goes on to the next node that has records; false: there is none. */
static bool settle(struct store_records *r)
{
	for (;;) {
		if (r->begun && r->sets_left)
			return true;
		if (r->begun)
			r->node = image_next(r->zone, r->node);
		r->begun = false;
		if (!r->node || (r->limit && (const uint8_t *)r->node >= r->limit))
			return false;
		r->begun = true;
		r->set = zone_first_rrset(r->node);
		r->sets_left = r->node->rrsets;
	}
}

struct store_records store_records(const struct zone *z)
{
	return (struct store_records){ .zone = z, .node = image_first(z) };
}

static size_t put_owner(const struct store_records *r, uint8_t *to)
{
	uint8_t name[NAME_MOST];
	const size_t len = image_owner(r->zone, r->node, name);

	if (len == 1) {
		to[0] = ROOT;
		return 1;
	}
	memcpy(to, name, len);
	return len;
}

size_t store_records_fill(struct store_records *r, uint8_t *to, size_t enough)
{
	const struct zone_node *last = NULL;
	size_t len = 0;

	while (len < enough && settle(r)) {
		const uint8_t *rr = r->set->wire + r->at;
		if (r->node == last)
			to[len++] = SAME_OWNER;
		else
			len += put_owner(r, to + len);
		last = r->node;
		memcpy(to + len, rr + 2, 2);
		memcpy(to + len + 2, rr + 6, 4);
		const size_t rdlen =
			image_rdata(r->zone, r->node, r->set, r->at, to + len + FIXED);
		be16_put(to + len + 6, (unsigned)rdlen);
		len += FIXED + rdlen;
		r->at += IMAGE_RR_FIXED + be16_get(rr + 10);
		if (r->at >= r->set->len) {
			r->at = 0;
			r->set = zone_next_rrset(r->set);
			r->sets_left--;
		}
	}
	return len;
}

bool store_next_record(const struct store_picture *p, size_t *at, struct store_record *rr)
{
	static const uint8_t root[1];
	const uint8_t *b = p->records + *at, *const end = p->records + p->len;

	if (b == end)
		return false;
	if (*b == ROOT) {
		rr->owner = root;
		b++;
	} else if (*b == SAME_OWNER) {
		if (*at == 0)
			return false;
		b++;
	} else {
		const size_t len = name_check(b, end);
		if (!len)
			return false;
		rr->owner = b;
		b += len;
	}
	if (end - b < FIXED)
		return false;
	rr->type = be16_get(b);
	rr->ttl_s = be32_get(b + 2);
	rr->rdlen = be16_get(b + 6);
	rr->rdata = b + FIXED;
	if ((size_t)(end - rr->rdata) < rr->rdlen)
		return false;
	*at = (size_t)(rr->rdata + rr->rdlen - p->records);
	return true;
}

bool store_records_read(struct records *to, const uint8_t *bytes, size_t len)
{
	const struct store_picture p = { .records = (uint8_t *)(uintptr_t)bytes, .len = len };
	struct store_record rr = { .owner = NULL };
	size_t at = 0;

	while (store_next_record(&p, &at, &rr)) {
		const uint32_t group = records_owner(to, rr.owner, name_len(rr.owner));
		if (!group ||
			!records_add(to, group,
				&(struct record){ .rdata = rr.rdata,
					.ttl_s = rr.ttl_s,
					.type = rr.type,
					.rdlen = rr.rdlen,
					.file = UINT16_MAX }))
			return false;
	}
	return at == len;
}
