#include "xfr/fetch.h"

#include "base/bytes.h"
#include "base/scope.h"
#include "dns/rrtype.h"
#include "dns/edns.h"
#include "jobs/jobs.h"
#include "xfr/ixfr.h"
#include "zone/image.h"
#include "zone/rdata.h"
#include "zone/serial.h"
#include "zone/zone_with.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

enum { SOA_NUMBERS = 20, SOA_EXPIRE = 12, LONE_SOA_MS = 5000 };

/* What comes in, until all of it is there. */
struct incoming {
	const struct fetch_opts *o;
	struct records records;
	struct message m;
	bool begun;         /* the SOA that opens it has come */
	bool ended;         /* ... and the one that closes it */
	bool incremental;   /* what comes are changes */
	struct ixfr ixfr;
	bool other;         /* something else has come in between: it is no answer of a SOA alone */
	uint32_t serial;    /* that is on its way */
	uint32_t expire_s;
	bool expire_told;   /* by the EDNS option */
	uint64_t n, messages;
	uint8_t rdata[MESSAGE_RDATA_MOST];
};

static bool fail(const struct incoming *in, struct fault *why, const char *what)
{
	char name[PEER_TEXT];

	return fault(why, "%s: %s", peer_text(name, in->o->peer), what);
}

/* --- the question ------------------------------------------------------------------------- */

/* IXFR has the SOA that we have in its authority section (RFC 1995 section 3); EXPIRE is asked for in an
 * OPT record. */
static size_t write_query(const struct fetch_opts *o, uint16_t type, uint8_t *to)
{
	const uint8_t *name = view_apex(o->apex);
	const size_t apex = name_len(name);
	uint8_t *p = to + QUERY_HEADER;

	memset(to, 0, QUERY_HEADER);
	be16_put(to + 4, 1);
	memcpy(p, name, apex);
	be16_put(p + apex, type);
	be16_put(p + apex + 2, RRCLASS_IN);
	p += apex + 4;
	if (type == RRTYPE_IXFR) {
		const struct zone_node *n = image_first(o->have);
		const struct zone_rrset *soa = zone_find_rrset(n, RRTYPE_SOA);
		be16_put(to + 8, 1);
		memcpy(p, soa->wire, IMAGE_RR_FIXED);
		const size_t rdlen = image_rdata(o->have, n, soa, 0, p + IMAGE_RR_FIXED);
		be16_put(p + 10, (unsigned)rdlen);
		p += IMAGE_RR_FIXED + rdlen;
	}
	const uint8_t opt[EDNS_OPT_FIXED + 4] = { 0, 0, RRTYPE_OPT, EDNS_PAYLOAD >> 8,
		EDNS_PAYLOAD & 255, 0, 0, 0, 0, 0, 4, 0, EDNS_EXPIRE, 0, 0 };
	be16_put(to + 10, 1);
	memcpy(p, opt, sizeof opt);
	return (size_t)(p - to) + sizeof opt;
}

/* --- records ------------------------------------------------------------------------------ */

static void read_expire(struct incoming *in, const struct message_rr *rr)
{
	const uint8_t *p = rr->rdata, *const end = p + rr->rdlen;

	while (end - p >= 4) {
		const size_t len = be16_get(p + 2);
		if ((size_t)(end - p) < 4 + len)
			return;
		if (be16_get(p) == EDNS_EXPIRE && len == 4) {
			in->expire_told = true;
			in->expire_s = be32_get(p + 4);
		}
		p += 4 + len;
	}
}

static bool add_record(
	struct incoming *in, const struct message_rr *rr, size_t rdlen, struct fault *why)
{
	const uint32_t group = records_owner(&in->records, rr->owner, name_len(rr->owner));

	if (!group ||
		!records_add(&in->records, group,
			&(struct record){ .rdata = in->rdata,
				.ttl_s = rr->ttl_s > INT32_MAX ? 0 : rr->ttl_s,
				.type = rr->type,
				.rdlen = (uint16_t)rdlen,
				.file = UINT16_MAX }))
		return fail(in, why, "out of memory");
	return true;
}

static bool take_change(
	struct incoming *in, const struct message_rr *rr, size_t rdlen, struct fault *why)
{
	const bool is_soa = rr->type == RRTYPE_SOA && name_equal(rr->owner, view_apex(in->o->apex));
	struct fault wrong;

	if (!ixfr_take(&in->ixfr,
		    &(struct change_record){ .owner = rr->owner,
			    .rdata = in->rdata,
			    .ttl_s = rr->ttl_s > INT32_MAX ? 0 : rr->ttl_s,
			    .type = rr->type,
			    .rdlen = (uint16_t)rdlen },
		    is_soa, is_soa ? be32_get(in->rdata + rdlen - SOA_NUMBERS) : 0, &wrong))
		return fail(in, why, wrong.text);
	in->ended = in->ixfr.ended;
	return true;
}

/* A SOA at the apex: it opens the transfer or closes it. */
static bool take_soa(
	struct incoming *in, const struct message_rr *rr, size_t rdlen, struct fault *why)
{
	const uint8_t *numbers = in->rdata + rdlen - SOA_NUMBERS;
	const uint32_t serial = be32_get(numbers);

	if (!in->begun) {
		in->begun = true;
		in->serial = serial;
		if (!in->expire_told)
			in->expire_s = be32_get(numbers + SOA_EXPIRE);
		return add_record(in, rr, rdlen, why);
	}
	/* The second record tells: the SOA that we have opens an incremental transfer. */
	if (!in->other && in->o->have && serial != in->serial) {
		in->incremental = in->other = true;
		in->ixfr.apex = in->o->apex;
		in->ixfr.last = in->serial;
		return take_change(in, rr, rdlen, why);
	}
	if (serial != in->serial)
		return fail(in, why, "sends another SOA in the middle of a transfer");
	in->ended = true;
	return true;
}

/* As strict as with what stands in a file. */
static bool check_rdata(
	struct incoming *in, const struct message_rr *rr, size_t rdlen, struct fault *why)
{
	char name[NAME_TEXT], type[RRTYPE_TEXT], say[NAME_TEXT + 300];
	struct fault wrong;

	if (rrtype_is_meta(rr->type))
		fault(&wrong, "no zone has such a record");
	else if (rdata_check(rr->type, in->rdata, rdlen, &wrong))
		return true;
	snprintf(say, sizeof say, "%s %s: %.200s", name_text(name, rr->owner),
		rrtype_text(type, rr->type), wrong.text);
	return fail(in, why, say);
}

static bool take_record(struct incoming *in, const struct message_rr *rr, struct fault *why)
{
	const struct fetch_opts *o = in->o;

	if (in->ended)
		return fail(in, why, "sends records behind the end of the transfer");
	if (rr->class != RRCLASS_IN)
		return fail(in, why, "sends a record of another class than IN");
	if (!name_is_under(rr->owner, view_apex(o->apex)))
		return true; /* others send such, too, and are not heard (RFC 5936 section 3) */
	const int rdlen = message_rdata(&in->m, rr, in->rdata);
	if (rdlen < 0)
		return fail(in, why, in->m.wrong);
	if (!check_rdata(in, rr, (size_t)rdlen, why))
		return false;
	in->n++;
	if (in->incremental)
		return take_change(in, rr, (size_t)rdlen, why);
	if (rr->type == RRTYPE_SOA && name_equal(rr->owner, view_apex(o->apex))) {
		if (rdlen < SOA_NUMBERS + 2)
			return fail(in, why, "sends a SOA that is none");
		return take_soa(in, rr, (size_t)rdlen, why);
	}
	if (!in->begun)
		return fail(in, why, "does not begin with the zone's SOA");
	in->other = true;
	return add_record(in, rr, (size_t)rdlen, why);
}

/* --- messages ----------------------------------------------------------------------------- */

static bool check_rcode(const struct incoming *in, struct fault *why)
{
	const unsigned rcode = in->m.flags & RCODE_BITS;
	char say[64], name[RCODE_TEXT];

	if (!rcode)
		return true;
	snprintf(say, sizeof say, "answers %s", rcode_text(name, rcode));
	return fail(in, why, say);
}

static bool take_message(struct incoming *in, struct fault *why)
{
	struct message_rr rr;
	unsigned section;

	if (!check_rcode(in, why))
		return false;
	while (message_next(&in->m, &rr, &section)) {
		if (section == 0 && !take_record(in, &rr, why))
			return false;
		if (section == 2 && rr.type == RRTYPE_OPT)
			read_expire(in, &rr);
	}
	in->messages++;
	return !in->m.wrong || fail(in, why, in->m.wrong);
}

/* What one answer says. FETCH_SAME: a SOA alone that is no newer than ours. */
static enum fetch_kind take_answer(struct incoming *in, struct talk *t, struct fault *why)
{
	const struct zone *have = in->o->have;

	while (!in->ended) {
		if (!talk_next(t, &in->m, why) || !take_message(in, why))
			return FETCH_FAILED;
		if (!in->begun)
			fail(in, why, "answers without a record");
		if (!in->begun)
			return FETCH_FAILED;
		if (in->ended || in->other)
			continue;
		if (have && !serial_is_newer(in->serial, have->serial))
			return FETCH_SAME;
		/* A newer SOA and nothing behind it: some mean "ask for all of it". */
		talk_hurry(t, LONE_SOA_MS);
	}
	return FETCH_NEW;
}

/* --- a zone of it ------------------------------------------------------------------------- */

/* What we have, with the changes that came. */
static struct zone *apply(struct incoming *in, struct fetched *to, struct faults *f)
{
	struct fault wrong;

	to->incremental = true;
	to->change = ixfr_change(&in->ixfr, &wrong);
	if (!to->change) {
		faults_take(f, &wrong);
		return NULL;
	}
	struct zone *z = zone_with(in->o->have, to->change,
		&(struct zone_with_opts){ .compile = in->o->compile }, f);
	/* Of a large one that is not what it is waited for: it is done when it is served. */
	if (z)
		return zone_merges_now(z) ? zone_merge_wanted(z, in->o->compile.key) : z;
	change_free(to->change);
	to->change = NULL;
	return NULL;
}

static enum fetch_kind make_zone(struct incoming *in, struct fetched *to, struct fault *why)
{
	struct faults f;
	char first[512], name[PEER_TEXT];

	faults_init(&f);
	to->zone = in->incremental ? apply(in, to, &f)
				   : zone_compile(&in->records, &in->o->compile, &f);
	if (!to->zone) {
		const char *text = text_get(&f.text) + (f.errors ? f.error_at[0] : 0);
		snprintf(first, sizeof first, "%.*s", (int)strcspn(text, "\n"), text);
		fault(why, "%s: serial %u is not taken: %s", peer_text(name, in->o->peer),
			in->serial, first);
	}
	faults_fini(&f);
	return to->zone ? FETCH_NEW : FETCH_FAILED;
}

/* For a scope. */
static void let_go_talk(void *t)
{
	talk_close(t);
}

static void let_go_incoming(void *in)
{
	records_fini(&((struct incoming *)in)->records);
	ixfr_fini(&((struct incoming *)in)->ixfr);
	free(in);
}

static enum fetch_kind ask(
	struct incoming *in, uint16_t type, struct fetched *to, struct fault *why)
{
	uint8_t query[PEER_QUERY_ROOM];
	enum fetch_kind kind = FETCH_FAILED;
	struct talk *t = talk_open(in->o->peer, &in->o->limits, in->o->job, why);

	if (!t)
		return FETCH_FAILED;
	scope_hold(t, let_go_talk);
	if (talk_ask(t, query, write_query(in->o, type, query), why))
		kind = take_answer(in, t, why);
	to->bytes = talk_bytes(t);
	scope_forget(t, let_go_talk);
	talk_close(t);
	return kind;
}

static enum fetch_kind fetch(
	const struct fetch_opts *o, uint16_t type, struct fetched *to, struct fault *why)
{
	struct incoming *in = calloc(1, sizeof *in);

	*to = (struct fetched){ 0 };
	if (!in) {
		fault(why, "out of memory");
		return FETCH_FAILED;
	}
	in->o = o;
	records_init(&in->records, o->apex);
	scope_hold(in, let_go_incoming);
	enum fetch_kind kind = ask(in, type, to, why);
	if (kind == FETCH_NEW)
		kind = make_zone(in, to, why);
	to->expire_s = in->expire_s;
	to->records = in->n;
	to->messages = in->messages;
	scope_forget(in, let_go_incoming);
	let_go_incoming(in);
	return kind;
}

/* Whatever is wrong with the answer to IXFR, AXFR may be right: peers differ in how they say that they
 * have no history. */
enum fetch_kind fetch_zone(const struct fetch_opts *o, struct fetched *to, struct fault *why)
{
	if (o->have && !o->whole) {
		const enum fetch_kind kind = fetch(o, RRTYPE_IXFR, to, why);
		if (kind != FETCH_FAILED || (o->job && job_is_cancelled(o->job)))
			return kind;
	}
	return fetch(o, RRTYPE_AXFR, to, why);
}
