#include "xfr/parent_ds.h"

#include "base/bytes.h"
#include "base/scope.h"
#include "dns/rrtype.h"

#include <string.h>

static const struct peer_limits limits = {
	.connect_ms = 3000, .silence_ms = 3000, .most_ms = 6000, .most_bytes = 128 << 10
};

static size_t write_query(const uint8_t *apex, uint8_t *to)
{
	const size_t len = name_len(apex);

	memset(to, 0, QUERY_HEADER);
	be16_put(to + 4, 1);
	memcpy(to + QUERY_HEADER, apex, len);
	be16_put(to + QUERY_HEADER + len, RRTYPE_DS);
	be16_put(to + QUERY_HEADER + len + 2, RRCLASS_IN);
	return QUERY_HEADER + len + 4;
}

static bool take(struct message *m, const uint8_t *apex, struct parent_ds *to)
{
	struct message_rr rr;
	unsigned section;

	while (message_next(m, &rr, &section)) {
		if (section != 0 || rr.type != RRTYPE_DS || rr.class != RRCLASS_IN ||
			!name_equal(rr.owner, apex))
			continue;
		if (to->len + 2 + rr.rdlen > sizeof to->records)
			break; /* more than any zone has keys */
		be16_put(to->records + to->len, rr.rdlen);
		memcpy(to->records + to->len + 2, rr.rdata, rr.rdlen);
		to->len += 2u + rr.rdlen;
		to->n++;
		to->ttl_s = rr.ttl_s > to->ttl_s ? rr.ttl_s : to->ttl_s;
	}
	return !m->wrong;
}

static bool read_answer(struct talk *t, const struct peer *peer, const uint8_t *apex,
	struct parent_ds *to, struct fault *why)
{
	char name[PEER_TEXT], code[RCODE_TEXT];
	struct message m;

	if (!talk_next(t, &m, why))
		return false;
	const unsigned rcode = m.flags & RCODE_BITS;
	peer_text(name, peer);
	if (rcode != RCODE_NOERROR && rcode != RCODE_NXDOMAIN)
		return fault(why, "%s: it answers %s", name, rcode_text(code, rcode));
	if (!(m.flags & FLAG_AA))
		return fault(why, "%s: it is not authoritative for the parent zone", name);
	if (m.qtype != RRTYPE_DS || !name_equal(m.qname, apex))
		return fault(why, "%s: it answers another question", name);
	return take(&m, apex, to) || fault(why, "%s: %s", name, m.wrong);
}

static void let_go(void *t)
{
	talk_close(t);
}

bool parent_ds_ask(const struct peer *peer, const uint8_t *apex, struct job *job,
	struct parent_ds *to, struct fault *why)
{
	uint8_t query[PEER_QUERY_ROOM];

	to->len = to->n = to->ttl_s = 0;
	struct talk *t = talk_open(peer, &limits, job, why);
	if (!t)
		return false;
	scope_hold(t, let_go);
	const bool ok = talk_ask(t, query, write_query(apex, query), why) &&
		read_answer(t, peer, apex, to, why);
	scope_forget(t, let_go);
	talk_close(t);
	return ok;
}
