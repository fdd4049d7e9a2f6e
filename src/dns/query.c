#include "dns/query.h"

#include "base/bytes.h"
#include "dns/rrtype.h"

#include <string.h>

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

/* The name at `p`, its pointers followed, which lead back. Returns its length; 0 when it is
 * wrong. */
static size_t follow(
	const uint8_t *packet, const uint8_t *p, const uint8_t *end, uint8_t to[static NAME_MOST])
{
	const uint8_t *from = p;
	size_t len = 0;

	while (p < end) {
		const size_t n = *p + 1u;
		if (*p >= 0xc0 && end - p >= 2) {
			p = packet + (be16_get(p) & 0x3fffu);
			if (p >= from || p < packet + QUERY_HEADER)
				return 0;
			from = p;
			continue;
		}
		if (n > 64 || len + n > NAME_MOST || (size_t)(end - p) < n)
			return 0;
		memcpy(to + len, p, n);
		len += n;
		p += n;
		if (n == 1)
			return len;
	}
	return 0;
}

void query_tsig_key(const struct query_tsig *t, uint8_t to[static NAME_MOST])
{
	follow(t->packet, t->key, t->id, to);
}

/* TSIG (RFC 8945 section 4.2): `rr` is behind the owner, `rdlen` checked. False is FORMERR. */
static bool read_tsig(struct query *q, const uint8_t *owner, const uint8_t *rr, size_t rdlen)
{
	const uint8_t *rdata = rr + 10, *const end = rdata + rdlen;

	uint8_t name[NAME_MOST];

	q->tsig.key = owner;
	q->tsig.key_len = (uint8_t)follow(q->tsig.packet, owner, rr, name);
	q->tsig.algorithm = rdata;
	q->tsig.algorithm_len = (uint8_t)name_check(rdata, end);
	if (!q->tsig.key_len || !q->tsig.algorithm_len || be16_get(rr + 2) != RRCLASS_ANY ||
		be32_get(rr + 4) != 0)
		return false;
	rdata += q->tsig.algorithm_len;
	if (end - rdata < 10)
		return false;
	const size_t mac = be16_get(rdata + 8);
	rdata += 10;
	if ((size_t)(end - rdata) < mac + 6)
		return false;
	q->tsig.id = rdata + mac;
	return (size_t)(end - q->tsig.id) == 6u + be16_get(q->tsig.id + 4);
}

/* The length of an owner, which may be compressed: how long it is is all that matters. 0: it
 * runs over the end. */
static size_t owner_len(const uint8_t *p, const uint8_t *end)
{
	const uint8_t *const start = p;

	while (p < end && *p && *p < 0xc0)
		p += *p + 1;
	if (p >= end)
		return 0;
	return (size_t)(p - start) + (*p ? 2 : 1);
}

struct sections {
	unsigned answer, authority, additional; /* records */
};

/* `count` records, of which the last `additional` are of the additional section and `authority`
 * in front of them of the authority section: one OPT and one TSIG may be there, TSIG at the
 * end; whatever else there is is passed over. */
static enum query_result read_records(struct query *q, const uint8_t *p, const uint8_t *end,
	struct sections n)
{
	const unsigned additional = n.additional;
	unsigned count = n.answer + n.authority + n.additional;
	enum query_result result = QUERY_OK;

	for (; count; count--) {
		const uint8_t *const owner = p;
		if (count == n.authority + additional && n.authority)
			q->authority = owner;
		const size_t len = owner_len(p, end);
		if (len == 0 || (size_t)(end - p) < len + 10)
			return QUERY_FORMERR;
		p += len;
		const unsigned type = be16_get(p);
		const size_t rdlen = be16_get(p + 8);
		if (rdlen > (size_t)(end - p) - 10)
			return QUERY_FORMERR;
		if (type == RRTYPE_OPT) {
			const enum query_result r = *owner == 0 && count <= additional
				? read_opt(q, p, rdlen)
				: QUERY_FORMERR;
			if (r == QUERY_FORMERR)
				return r;
			if (r != QUERY_OK)
				result = r;
		} else if (type == RRTYPE_TSIG) {
			if (count != 1 || !additional || !read_tsig(q, owner, p, rdlen))
				return QUERY_FORMERR;
			if (result == QUERY_OK)
				result = QUERY_TSIG;
		}
		p += 10 + rdlen;
	}
	return result;
}

static enum query_result read_message(
	struct query *q, const uint8_t *packet, const uint8_t *end)
{
	const struct sections n = { be16_get(packet + 6), be16_get(packet + 8),
		be16_get(packet + 10) };
	const unsigned questions = be16_get(packet + 4),
		       records = n.answer + n.authority + n.additional;
	const uint8_t *p = packet + QUERY_HEADER;

	if (questions > 1)
		return QUERY_FORMERR; /* RFC 9619 */
	if (questions == 0) {
		const enum query_result r = read_records(q, p, end, n);
		return r != QUERY_OK         ? r
			: q->edns.cookie_len ? QUERY_NO_QUESTION
					     : QUERY_FORMERR;
	}
	const size_t name_len = name_read(q->name, &q->marks, p, end);
	p += name_len;
	if (!name_len || end - p < 4)
		return QUERY_FORMERR;
	q->name_len = (uint8_t)name_len;
	q->qtype = be16_get(p);
	q->qclass = be16_get(p + 2);
	p += 4;
	if (records == 0)
		return QUERY_OK;
	/* Nearly all queries: one OPT and no more. */
	if (records == 1 && n.additional == 1 && end - p >= EDNS_OPT_FIXED && *p == 0 &&
		be16_get(p + 1) == RRTYPE_OPT &&
		be16_get(p + 9) <= (size_t)(end - p) - EDNS_OPT_FIXED)
		return read_opt(q, p + 1, be16_get(p + 9));
	return read_records(q, p, end, n);
}

enum query_result query_parse(struct query *q, const uint8_t *packet, size_t len)
{
	q->name_len = 0;
	q->edns = (struct edns){ .payload = EDNS_PAYLOAD_LEAST };
	q->tsig.packet = packet;
	q->tsig.key_len = 0;
	q->authority = NULL;
	if (len < QUERY_HEADER)
		return QUERY_DROP;
	q->flags = be16_get(packet + 2);
	if (q->flags & FLAG_QR)
		return QUERY_DROP;
	const enum query_result r = read_message(q, packet, packet + len);
	if (query_opcode(q) == OPCODE_QUERY ||
		((query_opcode(q) == OPCODE_NOTIFY || query_opcode(q) == OPCODE_UPDATE) &&
			r != QUERY_NO_QUESTION))
		return r;
	/* What other opcodes mean by their sections is theirs; but an OPT is answered with one.
	 */
	q->name_len = 0;
	if (r == QUERY_FORMERR)
		q->edns.present = false;
	return QUERY_NOTIMP;
}

bool query_serial(const struct query *q, uint32_t *serial)
{
	enum { NUMBERS = 20, NAMES_LEAST = 2 };
	const uint8_t *p = q->authority;

	if (!p)
		return false;
	/* All of it is in the packet: query_parse() has gone over it. */
	while (*p && *p < 0xc0)
		p += *p + 1;
	p += *p ? 2 : 1;
	const size_t rdlen = be16_get(p + 8);
	if (be16_get(p) != RRTYPE_SOA || rdlen < NUMBERS + NAMES_LEAST)
		return false;
	*serial = be32_get(p + 10 + rdlen - NUMBERS);
	return true;
}
