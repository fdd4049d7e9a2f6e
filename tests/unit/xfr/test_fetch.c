#include "xfr/fetch.h"

#include "base/bytes.h"
#include "dns/rrtype.h"
#include "unit/unit.h"
#include "unit/xfr/nameserver.h"
#include "unit/zone/zone_of.h"
#include "zone/change.h"
#include "zone/image.h"
#include "zone/lookup.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

static const uint8_t apex[] = "\2ex";

enum { EXPIRE_S = 1209600 };

/* What a primary says: records parted by blanks, messages by ";".
 * S7  the SOA with serial 7            N   an NS record
 * W3  www.ex. A 192.0.2.3              X   a record of another zone
 * C   one of another class             M   one of a type that no zone has
 * B   an A record of three bytes       E   the EXPIRE option, 77 s
 * L   a CNAME in the place of W        R   REFUSED
 * H   it hangs up */
struct says {
	const char *ixfr, *axfr;
};

static size_t add(uint8_t *to, size_t at, const char *word)
{
	static const uint8_t ns[] = "\2ns\2ex", option[] = { 0, 9, 0, 4, 0, 0, 0, 77 };
	const unsigned n = (unsigned)atoi(word + 1);
	const uint8_t v4[4] = { 192, 0, 2, (uint8_t)n };
	uint8_t soa[40] = "\2ns\2ex\0\1h\2ex"; /* 7 and 6 bytes */
	size_t next;

	switch (*word) {
	case 'S':
		be32_put(soa + 13, n);
		be32_put(soa + 13 + 12, EXPIRE_S);
		return nameserver_add(to, at, 0, "ex.", RRTYPE_SOA, 300, soa, 13 + 20);
	case 'N': return nameserver_add(to, at, 0, "ex.", RRTYPE_NS, 300, ns, sizeof ns);
	case 'W': return nameserver_add(to, at, 0, "www.ex.", RRTYPE_A, 300, v4, 4);
	case 'L': return nameserver_add(to, at, 0, "www.ex.", RRTYPE_CNAME, 300, ns, sizeof ns);
	case 'X': return nameserver_add(to, at, 0, "www.other.", RRTYPE_A, 300, v4, 4);
	case 'M': return nameserver_add(to, at, 0, "www.ex.", RRTYPE_ANY, 300, v4, 4);
	case 'B': return nameserver_add(to, at, 0, "www.ex.", RRTYPE_A, 300, v4, 3);
	case 'E': return nameserver_add(to, at, 2, ".", RRTYPE_OPT, 0, option, sizeof option);
	case 'C':
		next = nameserver_add(to, at, 0, "www.ex.", RRTYPE_A, 300, v4, 4);
		be16_put(to + 2 + at + 8 + 2, RRCLASS_CH);
		return next;
	case 'R': be16_put(to + 4, FLAG_QR | RCODE_REFUSED); return at;
	}
	return at;
}

static size_t answer(void *ctx, const uint8_t *query, size_t len, uint8_t *to)
{
	const struct says *says = ctx;
	const bool ixfr = be16_get(query + QUERY_HEADER + sizeof apex) == RRTYPE_IXFR;
	const char *p = ixfr ? says->ixfr : says->axfr;
	size_t sent = 0, at = nameserver_begin(to, query, len, FLAG_QR | FLAG_AA);

	if (!p || *p == 'H')
		return 0;
	for (; *p; p += *p == ' ') {
		if (*p == ';') {
			sent += nameserver_end(to + sent, at);
			at = nameserver_begin(to + sent, query, len, FLAG_QR | FLAG_AA);
			p++;
			continue;
		}
		at = add(to + sent, at, p);
		p += strcspn(p, " ;");
	}
	return sent + nameserver_end(to + sent, at);
}

static struct zone *zone_we_have(void)
{
	struct faults f;

	faults_init(&f);
	struct zone *z = zone_of("ex.", "$TTL 300\n@ SOA ns h 5 0 0 1209600 0\n@ NS ns\nwww A 192.0.2.1\n", &f);
	CU_ASSERT_PTR_NOT_NULL_FATAL(z);
	faults_fini(&f);
	return z;
}

/* The last byte of the one address of www; 0: there is none, or more than one. */
static unsigned www_of(const struct zone *z)
{
	struct zone_name name;

	zone_name_set(&name, zone_of_key, (const uint8_t *)"\3www\2ex");
	const struct zone_node *n = zone_find_node(z, &name, 0);
	const struct zone_rrset *set = n ? zone_find_rrset(n, RRTYPE_A) : NULL;
	return set && set->len == IMAGE_RR_FIXED + 4 ? set->wire[set->len - 1] : 0;
}

struct row {
	const char *say;
	bool have, whole;
	struct says says;
	enum fetch_kind kind;
	/* Of a zone that has come. */
	uint32_t serial;
	unsigned www;
	bool incremental;
	unsigned records, messages, asked;
	const char *why; /* of one that has not */
};

static bool is_well(const struct row *row, enum fetch_kind kind, const struct fetched *got, const struct fault *why)
{
	if (kind != row->kind)
		return false;
	if (kind == FETCH_FAILED)
		return strncmp(why->text, "parent (127.0.0.1:", 18) == 0 && strstr(why->text, row->why) && !got->zone;
	if (kind == FETCH_SAME)
		return !got->zone && !got->change;
	return got->zone->serial == row->serial && www_of(got->zone) == row->www && got->incremental == row->incremental &&
		(got->change != NULL) == row->incremental && got->records == row->records && got->messages == row->messages;
}

static enum fetch_kind fetch(const struct row *row, const struct zone *have, struct fetched *got, struct nameserver *s, struct fault *why)
{
	struct says says = row->says;

	*why = (struct fault){ 0 };
	nameserver_open(s, answer, &says);
	const enum fetch_kind kind = fetch_zone(&(struct fetch_opts){ .apex = apex, .peer = &s->peer,
						       .limits = { 20000, 20000, 20000, 100000 }, .have = row->have ? have : NULL,
						       .whole = row->whole, .compile = { .key = zone_of_key } }, got, why);
	nameserver_close(s);
	return kind;
}

static void what_comes_is_a_zone_or_is_told(void)
{
#define AXFR6 "S6 N W9 S6"
	static const struct row row[] = {
		{ "nothing newer", true, false, { "S5", NULL }, FETCH_SAME, .asked = 1 },
		{ "something older", true, false, { "S4", NULL }, FETCH_SAME, .asked = 1 },
		{ "a step", true, false, { "S6 S5 W1 S6 W2 S6", NULL }, FETCH_NEW, 6, 2, true, 6, 1, 1, NULL },
		{ "two, in two messages", true, false, { "S7 S5 W1 S6 W2;S6 W2 S7 W3 S7", NULL }, FETCH_NEW, 7, 3, true, 10, 2, 1, NULL },
		{ "all of it in the place of steps", true, false, { AXFR6, NULL }, FETCH_NEW, 6, 9, false, 4, 1, 1, NULL },
		{ "no steps there", true, false, { "R", AXFR6 }, FETCH_NEW, 6, 9, false, 4, 1, 2, NULL },
		{ "it hangs up on who asks for steps", true, false, { "H", AXFR6 }, FETCH_NEW, 6, 9, false, 4, 1, 2, NULL },
		{ "steps that we cannot go", true, false, { "S6 S5 W7 S6 W2 S6", AXFR6 }, FETCH_NEW, 6, 9, false, 4, 1, 2, NULL },
		{ "records behind the last step", true, false, { "S6 S5 W1 S6 W2 S6 W3", AXFR6 }, FETCH_NEW, 6, 9, false, 4, 1, 2, NULL },
		{ "a step that does not go", true, false, { "S7 S5 W1 S6 W2 S5 W2 S7 W3 S7", AXFR6 }, FETCH_NEW, 6, 9, false, 4, 1, 2, NULL },
		{ "neither", true, false, { "R", "R" }, FETCH_FAILED, .asked = 2, .why = ": answers REFUSED" },
		{ "all of it is wanted", true, true, { "S5", AXFR6 }, FETCH_NEW, 6, 9, false, 4, 1, 1, NULL },
		{ "all of it", false, false, { NULL, AXFR6 }, FETCH_NEW, 6, 9, false, 4, 1, 1, NULL },
		{ "in three messages", false, false, { NULL, "S6;N W9;S6" }, FETCH_NEW, 6, 9, false, 4, 3, 1, NULL },
		{ "with a record of another zone", false, false, { NULL, "S6 X N W9 S6" }, FETCH_NEW, 6, 9, false, 4, 1, 1, NULL },
		{ "nothing", false, false, { NULL, "" }, FETCH_FAILED, .asked = 1, .why = ": answers without a record" },
		{ "no SOA in front", false, false, { NULL, "N S6 W9 S6" }, FETCH_FAILED, .asked = 1, .why = ": does not begin with the zone's SOA" },
		{ "two SOAs", false, false, { NULL, "S6 N S7" }, FETCH_FAILED, .asked = 1, .why = ": sends another SOA in the middle of a transfer" },
		{ "and no step without what it is upon", false, false, { NULL, "S6 S5 W1 S6 W2 S6" }, FETCH_FAILED, .asked = 1,
			.why = ": sends another SOA in the middle of a transfer" },
		{ "more behind its end", false, false, { NULL, AXFR6 " W3" }, FETCH_FAILED, .asked = 1,
			.why = ": sends records behind the end of the transfer" },
		{ "another class", false, false, { NULL, "S6 C" }, FETCH_FAILED, .asked = 1, .why = ": sends a record of another class than IN" },
		{ "a type that is none", false, false, { NULL, "S6 M" }, FETCH_FAILED, .asked = 1, .why = ": www.ex. ANY: no zone has such a record" },
		{ "data that is none", false, false, { NULL, "S6 B" }, FETCH_FAILED, .asked = 1, .why = ": www.ex. A: " },
		{ "no zone", false, false, { NULL, "S6 N W1 L S6" }, FETCH_FAILED, .asked = 1, .why = ": serial 6 is not taken: " },
		{ "no answer", false, false, { NULL, "H" }, FETCH_FAILED, .asked = 1, .why = ": closes the connection before the end" },
	};
	struct zone *have = zone_we_have();

	for (size_t i = 0; i < UNIT_COUNT(row); i++) {
		struct fetched got;
		struct nameserver s;
		struct fault why;
		const enum fetch_kind kind = fetch(&row[i], have, &got, &s, &why);
		const bool ixfr = row[i].have && !row[i].whole;
		if (!is_well(&row[i], kind, &got, &why) || s.n != row[i].asked || strncmp(s.asked[0], ixfr ? "ex. 251" : "ex. 252", 7) != 0 ||
			(s.n > 1 && strncmp(s.asked[1], "ex. 252", 7) != 0)) {
			printf("%s: %d, %u asked, %u records, %u messages: %s\n", row[i].say, kind, s.n, (unsigned)got.records, (unsigned)got.messages, why.text);
			CU_FAIL("a transfer");
		}
		if (got.zone)
			zone_drop(got.zone);
		change_free(got.change);
	}
	zone_drop(have);
}

/* RFC 7314: from the option, and where there is none from the SOA. */
static void how_long_it_is_good_is_told(void)
{
	static const struct {
		struct row row;
		uint32_t expire_s;
	} row[] = {
		{ { "the SOA", false, false, { NULL, "S6 N W9 S6" }, FETCH_NEW, .asked = 1 }, EXPIRE_S },
		{ { "the option", false, false, { NULL, "S6 N W9 S6 E" }, FETCH_NEW, .asked = 1 }, 77 },
		{ { "of an earlier message", false, false, { NULL, "S6 N E;W9 S6" }, FETCH_NEW, .asked = 1 }, 77 },
		{ { "where it is the same", true, false, { "S5 E", NULL }, FETCH_SAME, .asked = 1 }, 77 },
	};
	struct zone *have = zone_we_have();

	for (size_t i = 0; i < UNIT_COUNT(row); i++) {
		struct fetched got;
		struct nameserver s;
		struct fault why;
		CU_ASSERT_EQUAL(fetch(&row[i].row, have, &got, &s, &why), row[i].row.kind);
		if (got.expire_s != row[i].expire_s)
			CU_FAIL(row[i].row.say);
		if (got.zone)
			zone_drop(got.zone);
	}
	zone_drop(have);
}

/* What a transfer may have is the operator's to say. */
static void one_that_is_too_large_is_given_up(void)
{
	static const struct says says = { NULL, "S6 N W9 S6" };
	struct nameserver s;
	struct fetched got;
	struct fault why = { 0 };

	nameserver_open(&s, answer, (void *)(uintptr_t)&says);
	CU_ASSERT_EQUAL(fetch_zone(&(struct fetch_opts){ .apex = apex, .peer = &s.peer, .limits = { 20000, 20000, 20000, 60 },
					   .compile = { .key = zone_of_key } }, &got, &why), FETCH_FAILED);
	nameserver_close(&s);
	CU_ASSERT_PTR_NOT_NULL(strstr(why.text, ": sends more than a transfer may have"));
}

void suite_fetch(void);
void suite_fetch(void)
{
	static const struct unit_case cases[] = {
		{ "what comes is a zone, or is told", what_comes_is_a_zone_or_is_told },
		{ "how long it is good is told", how_long_it_is_good_is_told },
		{ "one that is too large is given up", one_that_is_too_large_is_given_up },
	};

	unit_suite("xfr/fetch", cases, UNIT_COUNT(cases));
}
