#include "answer/chaos.h"

#include "dns/rrtype.h"

#include <string.h>

/* What the name asks for, or NULL. */
static const struct policy_text *find(const struct query *q, const struct policy *policy)
{
	static const struct {
		const char *name;
		uint8_t len;
		bool version;
	} names[] = {
		{ "\7version\4bind", 14, true },
		{ "\7version\6server", 16, true },
		{ "\10hostname\4bind", 15, false },
		{ "\2id\6server", 11, false },
	};

	for (unsigned i = 0; i < sizeof names / sizeof *names; i++)
		if (q->name_len == names[i].len &&
			memcmp(q->name, names[i].name, names[i].len) == 0)
			return names[i].version ? &policy->version : &policy->identity;
	return NULL;
}

void chaos_answer(struct compose *c, const struct policy *policy)
{
	const struct query *q = c->q;
	const struct policy_text *text = find(q, policy);
	struct writer *w = &c->w;

	if (!text || !text->len || (q->qtype != RRTYPE_TXT && q->qtype != RRTYPE_ANY)) {
		c->rcode = RCODE_REFUSED;
		c->edns.ede = text ? EDE_PROHIBITED : EDE_NOT_AUTHORITATIVE;
		return;
	}
	if (!writer_fits(w, 12u + 1u + text->len)) {
		c->flags |= FLAG_TC;
		return;
	}
	const size_t at = w->len;
	writer_rr_head(w, QUERY_HEADER, RRTYPE_TXT, 0, text->len + 1u);
	be16_put(w->buf + at + 4, RRCLASS_CH);
	w->buf[w->len++] = text->len;
	memcpy(w->buf + w->len, text->text, text->len);
	w->len += text->len;
	writer_count(w, WRITER_ANSWER, 1);
}
