#include "dns/query.h"

#include "base/bytes.h"
#include "dns/rrtype.h"

/* The question's name, lower-cased as it is read. A compression pointer has nothing to point to
 * here. */
static size_t read_name(struct query *q, const uint8_t *p, const uint8_t *end)
{
	size_t at = 0;

	while (p + at < end) {
		const unsigned len = p[at];
		q->name[at++] = (uint8_t)len;
		if (len == 0)
			return at;
		if (len > 63 || at + len >= NAME_MOST || len >= (size_t)(end - p) - at)
			return 0;
		for (const size_t stop = at + len; at < stop; at++) {
			const uint8_t c = p[at];
			q->name[at] = (uint8_t)(c + ((uint8_t)(c - 'A') < 26 ? 32 : 0));
		}
	}
	return 0;
}

static enum query_result read_opt(struct query *q, const uint8_t *rr, size_t rdlen)
{
	struct edns *e = &q->edns;

	if (e->present)
		return QUERY_FORMERR; /* RFC 6891 section 6.1.1 */
	e->present = true;
	e->payload = be16_get(rr + 2);
	if (e->payload < EDNS_PAYLOAD_LEAST)
		e->payload = EDNS_PAYLOAD_LEAST;
	e->version = rr[5];
	e->dnssec_ok = rr[6] & 0x80;
	if (e->version > 0)
		return QUERY_BADVERS; /* what its options mean is not ours to know */
	return edns_read_options(e, rr + 10, rdlen) ? QUERY_OK : QUERY_FORMERR;
}

/* The additional section: one OPT at most; other records are passed over. */
static enum query_result read_additional(
	struct query *q, const uint8_t *p, const uint8_t *end, unsigned count)
{
	enum query_result result = QUERY_OK;

	for (; count; count--) {
		const bool root = p < end && *p == 0;
		/* An owner may be compressed; its length is all that matters. */
		while (p < end && *p && *p < 0xc0)
			p += *p + 1;
		if (p >= end)
			return QUERY_FORMERR;
		p += *p ? 2 : 1;
		if (end - p < 10)
			return QUERY_FORMERR;
		const size_t rdlen = be16_get(p + 8);
		if (rdlen > (size_t)(end - p) - 10)
			return QUERY_FORMERR;
		if (be16_get(p) == RRTYPE_OPT) {
			const enum query_result r = root ? read_opt(q, p, rdlen)
							 : QUERY_FORMERR;
			if (r == QUERY_FORMERR)
				return r;
			if (r != QUERY_OK)
				result = r;
		}
		p += 10 + rdlen;
	}
	return p == end ? result : QUERY_FORMERR;
}

enum query_result query_parse(struct query *q, const uint8_t *packet, size_t len)
{
	const uint8_t *const end = packet + len;

	q->name_len = 0;
	q->edns = (struct edns){ .payload = EDNS_PAYLOAD_LEAST };
	if (len < QUERY_HEADER)
		return QUERY_DROP;
	q->flags = be16_get(packet + 2);
	if (q->flags & FLAG_QR)
		return QUERY_DROP;
	if (q->flags >> 11 & 15)
		return QUERY_NOTIMP;
	/* One question, no answers (RFC 9619; nobody has use for them in a QUERY). */
	if (be16_get(packet + 4) != 1 || be16_get(packet + 6) || be16_get(packet + 8))
		return QUERY_FORMERR;
	const size_t name_len = read_name(q, packet + QUERY_HEADER, end);
	const uint8_t *p = packet + QUERY_HEADER + name_len;
	if (!name_len || end - p < 4)
		return QUERY_FORMERR;
	q->name_len = (uint8_t)name_len;
	q->qtype = be16_get(p);
	q->qclass = be16_get(p + 2);
	return read_additional(q, p + 4, end, be16_get(packet + 10));
}
