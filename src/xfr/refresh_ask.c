/* refresh_ask.c - has the primary a newer serial? Its SOA is asked for over UDP, signed where the peer has a key.
 */
#include "xfr/refresh_inner.h"

#include "dns/rrtype.h"
#include "zone/serial.h"

#include <stdio.h>
#include <string.h>
#include <time.h>

static size_t write_question(void *ctx, uint8_t to[static EXCHANGE_MOST], uint16_t id)
{
	struct secondary *s = ctx;
	const struct peer *p = &s->peers[s->at];
	const uint8_t *name = view_apex(s->apex);
	const size_t apex = name_len(name);
	uint8_t *q = to + QUERY_HEADER;
	static const uint8_t opt[EDNS_OPT_FIXED + 4] = { 0, 0, RRTYPE_OPT, EDNS_PAYLOAD >> 8,
		EDNS_PAYLOAD & 255, 0, 0, 0, 0, 0, 4, 0, EDNS_EXPIRE, 0, 0 };

	memset(to, 0, QUERY_HEADER);
	be16_put(to, id);
	be16_put(to + 4, 1);
	be16_put(to + 10, 1);
	memcpy(q, name, apex);
	be16_put(q + apex, RRTYPE_SOA);
	be16_put(q + apex + 2, RRCLASS_IN);
	memcpy(q + apex + 4, opt, sizeof opt);
	const size_t len = QUERY_HEADER + apex + 4 + sizeof opt;
	s->tsig.key = NULL;
	return p->is_signed ? tsig_ask(&s->tsig, &p->key, to, len, (uint64_t)time(NULL)) : len;
}

/* What an answer says. */
struct soa_answer {
	uint32_t serial, expire_s;
	bool has_soa;
	char error[RCODE_TEXT + 8];
};

static const char *check_tsig(struct secondary *s, const struct message *m,
	const struct message_rr *last, unsigned section)
{
	struct query_tsig t;

	if (!s->tsig.key)
		return NULL;
	if (section != 2 || last->type != RRTYPE_TSIG || !message_tsig(last, &t))
		return "answers without a signature";
	if (tsig_check_answer(&s->tsig, &t, m->bytes, (uint64_t)time(NULL)) == TSIG_GOOD)
		return NULL;
	return tsig_error_text(s->tsig.error);
}

static void read_option(const struct message_rr *rr, struct soa_answer *to)
{
	if (rr->rdlen >= 8 && be16_get(rr->rdata) == EDNS_EXPIRE && be16_get(rr->rdata + 2) == 4)
		to->expire_s = be32_get(rr->rdata + 4);
}

/* NULL, or what is wrong with it: as long as `to` is there. */
static const char *read_answer(
	struct secondary *s, const uint8_t *packet, size_t len, struct soa_answer *to)
{
	struct message m;
	struct message_rr rr = { .type = 0 };
	unsigned section = 0;
	char name[RCODE_TEXT];

	if (!message_open(&m, packet, len))
		return m.wrong;
	while (message_next(&m, &rr, &section)) {
		if (section == 0 && rr.type == RRTYPE_SOA && name_equal(rr.owner, view_apex(s->apex)) &&
			rr.rdlen >= REFRESH_SOA_NUMBERS) {
			to->has_soa = true;
			to->serial = be32_get(rr.rdata + rr.rdlen - REFRESH_SOA_NUMBERS);
		}
		if (section == 2 && rr.type == RRTYPE_OPT)
			read_option(&rr, to);
	}
	if (m.wrong)
		return m.wrong;
	const char *wrong = check_tsig(s, &m, &rr, section);
	if (wrong)
		return wrong;
	if (m.flags & RCODE_BITS) {
		snprintf(to->error, sizeof to->error, "answers %s",
			rcode_text(name, m.flags & RCODE_BITS));
		return to->error;
	}
	return to->has_soa ? NULL : "answers without the zone's SOA";
}

static void take_answer(void *ctx, const uint8_t *packet, size_t len)
{
	struct secondary *s = ctx;
	struct soa_answer a = { 0 };
	char peer[PEER_TEXT];
	const char *wrong = packet ? read_answer(s, packet, len, &a) : "does not answer over UDP";

	s->exchange = NULL;
	s->of->counts.asking--;
	if (wrong) {
		snprintf(s->view.fault, sizeof s->view.fault, "%s: %s",
			peer_text(peer, &s->peers[s->at]), wrong);
		s->at = (s->at + 1) % s->n;
		if (++s->tried < s->n) {
			refresh_ask_serial(s);
		} else {
			/* Perhaps only UDP does not come through. */
			s->tried = 0;
			refresh_fetch(s);
		}
		return;
	}
	s->tried = 0;
	if (s->zone && (a.serial == s->zone->serial || serial_is_newer(s->zone->serial, a.serial))) {
		refresh_heard_same(s, a.expire_s);
		if (s->of->opts.checked)
			s->of->opts.checked(
				s->of->opts.ctx, s->apex, s->view.checked_s, s->expire_s);
		return;
	}
	refresh_fetch(s);
}

void refresh_ask_serial(struct secondary *s)
{
	struct refresher *r = s->of;

	/* What it has is asked for where nobody listens: IXFR tells, too, that there is nothing newer. */
	if (s->peers[s->at].tls) {
		refresh_fetch(s);
		return;
	}
	s->doing = ASKS;
	r->counts.asked++;
	s->exchange = exchange_start(r->exchanges,
		&(struct exchange_opts){ .to = (const struct sockaddr *)&s->peers[s->at].at,
			.to_len = s->peers[s->at].len,
			.ctx = s,
			.write = write_question,
			.done = take_answer });
	if (s->exchange) {
		r->counts.asking++;
	} else {
		snprintf(s->view.fault, sizeof s->view.fault, "out of memory");
		refresh_failed(s);
	}
}
