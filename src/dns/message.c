#include "dns/message.h"

#include "base/bytes.h"
#include "dns/rrtype.h"

#include <string.h>

enum { RR_FIXED = 10, QUESTION_FIXED = 4 };

static bool wrong(struct message *m, const char *what)
{
	m->wrong = what;
	return false;
}

size_t message_name(const struct message *m, size_t *at, uint8_t to[static NAME_MOST])
{
	size_t p = *at, before = *at, len = 0;
	bool jumped = false;

	for (;;) {
		if (p >= m->len)
			return 0;
		const unsigned label = m->bytes[p];
		if (label >= 0xc0) {
			if (p + 2 > m->len)
				return 0;
			const size_t leads = be16_get(m->bytes + p) & 0x3fffu;
			if (leads >= before || leads < QUERY_HEADER)
				return 0;
			if (!jumped)
				*at = p + 2;
			jumped = true;
			p = before = leads;
			continue;
		}
		if (label > 63 || len + label + 1 > NAME_MOST || p + label + 1 > m->len)
			return 0;
		memcpy(to + len, m->bytes + p, label + 1);
		len += label + 1;
		p += label + 1;
		if (label == 0)
			break;
	}
	if (!jumped)
		*at = p;
	return len;
}

bool message_open(struct message *m, const uint8_t *bytes, size_t len)
{
	*m = (struct message){ .bytes = bytes, .len = len, .at = QUERY_HEADER };
	if (len < QUERY_HEADER)
		return wrong(m, "it is too short");
	m->id = be16_get(bytes);
	m->flags = be16_get(bytes + 2);
	for (unsigned i = 0; i < 3; i++)
		m->left[i] = be16_get(bytes + 6 + 2 * i);
	const unsigned questions = be16_get(bytes + 4);
	if (questions > 1)
		return wrong(m, "it has several questions");
	if (!questions)
		return true;
	if (!message_name(m, &m->at, m->qname) || m->len - m->at < QUESTION_FIXED)
		return wrong(m, "its question is cut short");
	m->qtype = be16_get(bytes + m->at);
	m->qclass = be16_get(bytes + m->at + 2);
	m->at += QUESTION_FIXED;
	return true;
}

bool message_next(struct message *m, struct message_rr *rr, unsigned *section)
{
	unsigned s = 0;

	while (s < 3 && !m->left[s])
		s++;
	if (m->wrong)
		return false;
	if (s == 3)
		return m->at < m->len ? wrong(m, "it has bytes behind its last record") : false;
	rr->start = m->bytes + m->at;
	const size_t len = message_name(m, &m->at, rr->owner);
	if (!len)
		return wrong(m, "a record's owner is no name");
	if (m->len - m->at < RR_FIXED)
		return wrong(m, "a record is cut short");
	name_lower(rr->owner, rr->owner, len);
	const uint8_t *p = m->bytes + m->at;
	rr->type = be16_get(p);
	rr->class = be16_get(p + 2);
	rr->ttl_s = be32_get(p + 4);
	rr->rdlen = be16_get(p + 8);
	rr->rdata = p + RR_FIXED;
	if (m->len - m->at - RR_FIXED < rr->rdlen)
		return wrong(m, "a record's data is cut short");
	m->at += RR_FIXED + (size_t)rr->rdlen;
	m->left[s]--;
	*section = s;
	return true;
}

/* --- names in RDATA ----------------------------------------------------------------------- */

/* n: a name; s: a character-string; a digit: so many times two bytes. What is left is taken as
 * it is. */
static const char *layout(uint16_t type)
{
	switch (type) {
	case RRTYPE_NS:
	case RRTYPE_MD:
	case RRTYPE_MF:
	case RRTYPE_CNAME:
	case RRTYPE_MB:
	case RRTYPE_MG:
	case RRTYPE_MR:
	case RRTYPE_PTR:
	case RRTYPE_DNAME:
	case RRTYPE_NXT: return "n";
	case RRTYPE_SOA:
	case RRTYPE_MINFO:
	case RRTYPE_RP: return "nn";
	case RRTYPE_MX:
	case RRTYPE_AFSDB:
	case RRTYPE_RT:
	case RRTYPE_KX: return "1n";
	case RRTYPE_PX: return "1nn";
	case RRTYPE_SRV: return "3n";
	case RRTYPE_NAPTR: return "2sssn";
	case RRTYPE_SIG: return "9n";
	default: return "";
	}
}

struct rdata {
	struct message *m;
	size_t at, end; /* in the message */
	uint8_t *to;
	size_t len;
};

static bool copy(struct rdata *r, size_t n)
{
	if (r->end - r->at < n || r->len + n > MESSAGE_RDATA_MOST)
		return false;
	memcpy(r->to + r->len, r->m->bytes + r->at, n);
	r->at += n;
	r->len += n;
	return true;
}

static bool put_part(struct rdata *r, char what)
{
	uint8_t name[NAME_MOST];

	if (what == 's')
		return r->at < r->end && copy(r, r->m->bytes[r->at] + 1u);
	if (what != 'n')
		return copy(r, 2u * (unsigned)(what - '0'));
	const size_t len = message_name(r->m, &r->at, name);
	if (!len || r->at > r->end || r->len + len > MESSAGE_RDATA_MOST)
		return false;
	memcpy(r->to + r->len, name, len);
	r->len += len;
	return true;
}

int message_rdata(struct message *m, const struct message_rr *rr, uint8_t *to)
{
	const size_t at = (size_t)(rr->rdata - m->bytes);
	struct rdata r = { .m = m, .at = at, .end = at + rr->rdlen, .to = to };

	for (const char *l = layout(rr->type); *l; l++)
		if (!put_part(&r, *l)) {
			wrong(m, "a record's data is not what its type has");
			return -1;
		}
	if (!copy(&r, r.end - r.at)) {
		wrong(m, "a record's data is too long");
		return -1;
	}
	return (int)r.len;
}

/* --- TSIG --------------------------------------------------------------------------------- */

bool message_tsig(const struct message_rr *rr, struct query_tsig *to)
{
	enum { TIMES = 8, MAC_LEN = 2, TAIL = 6 };
	const uint8_t *p = rr->rdata, *const end = p + rr->rdlen;

	if (rr->type != RRTYPE_TSIG || rr->class != RRCLASS_ANY || rr->ttl_s != 0)
		return false;
	const size_t key = name_check(rr->start, rr->rdata - RR_FIXED),
		     algorithm = name_check(p, end);
	if (!key || !algorithm || (size_t)(end - p) < algorithm + TIMES + MAC_LEN)
		return false;
	to->key = rr->start;
	to->key_len = (uint8_t)key;
	to->algorithm = p;
	to->algorithm_len = (uint8_t)algorithm;
	p += algorithm + TIMES;
	const size_t mac = be16_get(p);
	p += MAC_LEN;
	if ((size_t)(end - p) < mac + TAIL)
		return false;
	to->id = p + mac;
	return (size_t)(end - to->id) == (size_t)TAIL + be16_get(to->id + 4);
}
