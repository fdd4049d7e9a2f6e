#include "net/query_log.h"

#include "base/bytes.h"
#include "dns/query.h"
#include "dns/rrtype.h"

#include <stdio.h>
#include <string.h>
#include <time.h>

/* What is told of one, whatever its form. */
struct told {
	char when[40], client[ADDR_TEXT], name[NAME_TEXT], type[RRTYPE_TEXT], class[16];
	char subnet[ADDR_TEXT]; /* "": none */
	char rcode[RCODE_TEXT]; /* "": no answer */
	const char *via;
	bool rd, dnssec_ok, edns, cut;
	unsigned records;
	unsigned long long took_us;
};

static const char *via_text(enum answer_via via)
{
	switch (via) {
	case VIA_UDP: return "udp";
	case VIA_TCP: return "tcp";
	case VIA_TLS: return "tls";
	case VIA_HTTPS: return "https";
	case VIA_QUIC: return "quic";
	}
	return "";
}

static void put_time(char to[static 40], int64_t us)
{
	const time_t s = (time_t)(us / 1000000);
	struct tm tm;

	const size_t n = strftime(to, 40, "%Y-%m-%dT%H:%M:%S", gmtime_r(&s, &tm));
	snprintf(to + n, 40 - n, ".%06dZ", (int)(us % 1000000));
}

static void put_class(char to[static 16], unsigned class)
{
	switch (class) {
	case RRCLASS_IN: strcpy(to, "IN"); break;
	case RRCLASS_CH: strcpy(to, "CH"); break;
	case RRCLASS_ANY: strcpy(to, "ANY"); break;
	default: snprintf(to, 16, "CLASS%u", class);
	}
}

/* The question as it was sent: the case of letters is part of it. */
static void put_question(struct told *t, const struct query *q, const struct tap_head *h)
{
	strcpy(t->name, "-");
	strcpy(t->type, "-");
	strcpy(t->class, "-");
	if (!q->name_len || q->name_len > h->query_len - QUERY_HEADER)
		return;
	name_text(t->name, tap_query(h) + QUERY_HEADER);
	rrtype_text(t->type, q->qtype);
	put_class(t->class, q->qclass);
}

/* With the bits of an extended code that stand in the OPT record: of our own answers, that is
 * the last record or the one before a TSIG. BADVERS and BADCOOKIE are the two that have some, and
 * stand alone behind the question. */
static unsigned rcode_of(const struct tap_head *h, const struct query *q)
{
	const uint8_t *a = tap_answer(h);
	const size_t opt = QUERY_HEADER + (be16_get(a + 4) ? q->name_len + 4u : 0);
	const unsigned low = a[3] & 15u;

	if (be16_get(a + 6) || be16_get(a + 8) || h->answer_len < opt + EDNS_OPT_FIXED ||
		a[opt] != 0 || be16_get(a + opt + 1) != RRTYPE_OPT)
		return low;
	return low | (unsigned)a[opt + 5] << 4;
}

static void put_answer(struct told *t, const struct query *q, const struct tap_head *h)
{
	if (h->answer_len < QUERY_HEADER)
		return;
	rcode_text(t->rcode, rcode_of(h, q));
	t->records = be16_get(tap_answer(h) + 6);
	t->cut = (be16_get(tap_answer(h) + 2) & FLAG_TC) != 0;
}

static void look(struct told *t, const struct tap_head *h)
{
	struct query q = { 0 };

	memset(t, 0, sizeof *t);
	query_parse(&q, tap_query(h), h->query_len);
	put_time(t->when, h->read_us);
	addr_text(t->client, &h->source);
	t->via = via_text((enum answer_via)h->via);
	if (h->query_len < QUERY_HEADER)
		q = (struct query){ 0 };
	put_question(t, &q, h);
	t->rd = q.flags & FLAG_RD;
	t->edns = q.edns.present;
	t->dnssec_ok = q.edns.present && q.edns.dnssec_ok;
	if (q.edns.present && q.edns.ecs.present)
		prefix_text(t->subnet,
			&(struct prefix){ q.edns.ecs.addr,
				(uint8_t)((q.edns.ecs.family == 2 ? 0 : ADDR_V4_BITS) +
					q.edns.ecs.source) });
	put_answer(t, &q, h);
	t->took_us = (unsigned long long)(h->answered_us - h->read_us);
}

/* Names have backslashes; nothing else in them needs an escape in JSON but the quotation mark,
 * which they have with a backslash. */
static void add_name(struct text *out, const char *name)
{
	for (; *name; name++) {
		if (*name == '\\' || *name == '"')
			text_add_char(out, '\\');
		text_add_char(out, *name);
	}
}

static void add_json(struct text *out, const struct tap_head *h, const struct told *t)
{
	text_addf(out, "{\"time\":\"%s\",\"client\":\"%s\",\"port\":%u,\"transport\":\"%s\",\"name\":\"",
		t->when, t->client, h->port, t->via);
	add_name(out, t->name);
	text_addf(out, "\",\"class\":\"%s\",\"type\":\"%s\",\"rd\":%s,\"edns\":%s,\"do\":%s", t->class,
		t->type, t->rd ? "true" : "false", t->edns ? "true" : "false",
		t->dnssec_ok ? "true" : "false");
	if (*t->subnet)
		text_addf(out, ",\"subnet\":\"%s\"", t->subnet);
	text_addf(out, ",\"query_bytes\":%u", h->query_len);
	if (*t->rcode)
		text_addf(out,
			",\"rcode\":\"%s\",\"answers\":%u,\"truncated\":%s,\"bytes\":%u,\"took_us\":%llu",
			t->rcode, t->records, t->cut ? "true" : "false", h->answer_len, t->took_us);
	text_add(out, "}\n");
}

/* TIME CLIENT#PORT TRANSPORT NAME CLASS TYPE FLAGS SUBNET RCODE ANSWERS BYTES: always as many words. */
static void add_words(struct text *out, const struct tap_head *h, const struct told *t)
{
	text_addf(out, "%s %s#%u %s %s %s %s %s%s%s%s %s ", t->when, t->client, h->port, t->via,
		t->name, t->class, t->type, t->rd ? "+" : "-", t->edns ? "E" : "",
		t->dnssec_ok ? "D" : "", t->cut ? "T" : "", *t->subnet ? t->subnet : "-");
	if (*t->rcode)
		text_addf(out, "%s %u %u\n", t->rcode, t->records, h->answer_len);
	else
		text_add(out, "- - -\n");
}

void query_log_line(struct text *out, const struct tap_head *h, bool json)
{
	struct told t;

	look(&t, h);
	(json ? add_json : add_words)(out, h, &t);
}
