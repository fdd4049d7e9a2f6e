#include "xfr/update.h"

#include "dns/message.h"
#include "dns/rrtype.h"
#include "unit/unit.h"
#include "unit/zone/zone_of.h"
#include "zone/zone_with.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

/* An UPDATE message, put together record by record. */
struct request {
	uint8_t b[4096];
	size_t len;
};

static const uint8_t apex[] = "\2ex";

static void put16(struct request *r, unsigned v)
{
	r->b[r->len++] = (uint8_t)(v >> 8);
	r->b[r->len++] = (uint8_t)v;
}

static void start(struct request *r)
{
	static const uint8_t head[] = { 0, 1, 0x28, 0, 0, 1, 0, 0, 0, 0, 0, 0 };

	memcpy(r->b, head, sizeof head);
	r->len = sizeof head;
	memcpy(r->b + r->len, apex, sizeof apex);
	r->len += sizeof apex;
	put16(r, RRTYPE_SOA);
	put16(r, RRCLASS_IN);
}

/* "p" a prerequisite, "u" a change; owner, class, type, ttl, data: "p www ANY A 0 -"; data in hex. */
static void put(struct request *r, const char *line)
{
	char kind[2], owner[64], class[8], type[16], data[256];
	unsigned ttl;
	uint16_t t = RRTYPE_ANY;
	uint8_t name[NAME_MOST];
	static const uint8_t root[1];

	CU_ASSERT_EQUAL_FATAL(sscanf(line, "%1s %63s %7s %15s %u %255s", kind, owner, class,
				      type, &ttl, data),
		6);
	const bool at = strcmp(owner, "@") == 0, far = strchr(owner, '.') != NULL;
	if (at)
		memcpy(name, apex, sizeof apex);
	else
		name_parse(name, NULL, owner, strlen(owner), far ? root : apex);
	memcpy(r->b + r->len, name, name_len(name));
	r->len += name_len(name);
	if (strcmp(type, "ANY") != 0)
		CU_ASSERT_TRUE(rrtype_parse(&t, type, strlen(type)));
	put16(r, t);
	put16(r, strcmp(class, "ANY") == 0 ? RRCLASS_ANY
			: strcmp(class, "NONE") == 0 ? RRCLASS_NONE
			: strcmp(class, "CH") == 0 ? RRCLASS_CH
						   : RRCLASS_IN);
	put16(r, ttl >> 16);
	put16(r, ttl & 0xffff);
	const size_t n = strcmp(data, "-") == 0 ? 0 : strlen(data) / 2;
	put16(r, (unsigned)n);
	for (size_t i = 0; i < n; i++) {
		const char two[3] = { data[2 * i], data[2 * i + 1], 0 };
		r->b[r->len++] = (uint8_t)strtoul(two, NULL, 16);
	}
	r->b[*kind == 'p' ? 7 : 9]++;
}

static const char zone_text[] = "$TTL 300\n@ SOA ns1 host 7 7200 900 1209600 60\n@ NS ns1\n"
				"ns1 A 192.0.2.53\nwww A 192.0.2.1\nwww A 192.0.2.2\n"
				"www TXT \"x\"\nalias CNAME www\n"
				"mail MX 5 w\nsrv SRV 1 2 3 w\nsign PTR \\{\n";

/* What comes of lines that end in "\n": the RCODE, and the change as text ("-www A 4", "+..."). */
static unsigned make(const char *lines, char *to, const struct policy_update *rules, size_t n,
	const bool *is_for)
{
	struct faults f;
	faults_init(&f);
	struct zone *z = zone_of("ex.", zone_text, &f);
	faults_fini(&f);
	CU_ASSERT_PTR_NOT_NULL_FATAL(z);
	struct request r;
	struct change *c;
	struct fault why;
	char line[512], name[NAME_TEXT], type[RRTYPE_TEXT];

	start(&r);
	for (const char *p = lines; *p; p += strcspn(p, "\n") + 1) {
		snprintf(line, sizeof line, "%.*s", (int)strcspn(p, "\n"), p);
		put(&r, line);
	}
	const unsigned rcode = update_make(&(struct update_opts){ .zone = z,
						   .key = zone_of_key,
						   .packet = r.b,
						   .len = r.len,
						   .rules = rules,
						   .n_rules = n,
						   .is_for = is_for,
						   .now_s = 1700000000 },
		&c, &why);
	*to = 0;
	CU_ASSERT_EQUAL(rcode != 0, *why.text != 0);
	if (c) {
		struct change_walk w = change_each(c);
		while (change_next(&w))
			sprintf(to + strlen(to), "%c%s %s %u%s", w.rr.comes ? '+' : '-',
				name_text(name, w.rr.owner), rrtype_text(type, w.rr.type),
				w.rr.ttl_s, ";");
		CU_ASSERT_EQUAL(change_from(c), 7);
		change_free(c);
	}
	zone_drop(z);
	return rcode;
}

#define SOA_STEP "-ex. SOA 300;"

static void prerequisites_are_those_of_the_rfc(void)
{
	static const struct {
		const char *say, *lines;
		unsigned rcode;
	} row[] = {
		{ "a name is in use", "p www ANY ANY 0 -\n", 0 },
		{ "... or not", "p nope ANY ANY 0 -\n", RCODE_NXDOMAIN },
		{ "a name is not in use", "p nope NONE ANY 0 -\n", 0 },
		{ "... but is", "p www NONE ANY 0 -\n", RCODE_YXDOMAIN },
		{ "an RRset is there", "p www ANY TXT 0 -\n", 0 },
		{ "... or not", "p www ANY AAAA 0 -\n", RCODE_NXRRSET },
		{ "an RRset is not there", "p www NONE AAAA 0 -\n", 0 },
		{ "... but is", "p www NONE A 0 -\n", RCODE_YXRRSET },
		{ "an RRset is just that", "p www IN A 0 c0000201\np www IN A 0 c0000202\n", 0 },
		{ "... in another order", "p www IN A 0 c0000202\np www IN A 0 c0000201\n", 0 },
		{ "... and has more", "p www IN A 0 c0000201\n", RCODE_NXRRSET },
		{ "... and is another", "p www IN A 0 c0000201\np www IN A 0 c0000203\n",
			RCODE_NXRRSET },
		{ "a TTL", "p www ANY A 1 -\n", RCODE_FORMERR },
		{ "data where none may be", "p www ANY A 0 00\n", RCODE_FORMERR },
		{ "another zone", "p www.other. ANY A 0 -\n", RCODE_NOTZONE },
		{ "another class", "p www CH A 0 -\n", RCODE_FORMERR },
		{ "a type that is none", "p www IN ANY 0 c0000201\n", RCODE_FORMERR },
		{ "... where only a name is meant", "p www ANY OPT 0 -\n", RCODE_FORMERR },
		{ "data that is none of its type", "p alias IN CNAME 0 ff\n", RCODE_FORMERR },
		{ "an RRset of names, in any case", "p mail IN MX 0 0005015702657800\n", 0 },
	};
	char got[4096];

	for (size_t i = 0; i < UNIT_COUNT(row); i++) {
		const unsigned rcode = make(row[i].lines, got, NULL, 0, NULL);
		if (rcode != row[i].rcode)
			printf("%s: %u\n", row[i].say, rcode);
		CU_ASSERT_EQUAL(rcode, row[i].rcode);
		CU_ASSERT_STRING_EQUAL(got, "");
	}
}

static void changes_are_those_of_the_rfc(void)
{
	static const struct {
		const char *say, *lines, *change;
		unsigned rcode;
	} row[] = {
		{ "a record comes", "u new IN A 60 c0000205\n",
			SOA_STEP "+ex. SOA 300;+new.ex. A 60;", 0 },
		{ "one that is there", "u www IN A 300 c0000201\n", "", 0 },
		{ "its RRset gets its TTL", "u www IN A 60 c0000201\n",
			SOA_STEP "-www.ex. A 300;-www.ex. A 300;+ex. SOA 300;+www.ex. A 60;"
				 "+www.ex. A 60;",
			0 },
		{ "one record goes", "u www NONE A 0 c0000201\n",
			SOA_STEP "-www.ex. A 300;+ex. SOA 300;", 0 },
		{ "one that is not there", "u www NONE A 0 c0000209\n", "", 0 },
		{ "an RRset goes", "u www ANY A 0 -\n",
			SOA_STEP "-www.ex. A 300;-www.ex. A 300;+ex. SOA 300;", 0 },
		{ "a name goes", "u www ANY ANY 0 -\n",
			SOA_STEP "-www.ex. A 300;-www.ex. A 300;-www.ex. TXT 300;"
				 "+ex. SOA 300;",
			0 },
		{ "the apex keeps SOA and NS", "u @ ANY ANY 0 -\n", "", 0 },
		{ "... the last NS, too", "u @ NONE NS 0 036e7331026578 00\n", "", 0 },
		{ "a CNAME does not come beside others", "u www IN CNAME 60 03777777026578 00\n",
			"", 0 },
		{ "others do not come beside a CNAME", "u alias IN A 60 c0000201\n", "", 0 },
		{ "it goes and others come", "u alias ANY CNAME 0 -\nu alias IN A 60 c0000201\n",
			SOA_STEP "-alias.ex. CNAME 300;+ex. SOA 300;+alias.ex. A 60;", 0 },
		{ "what comes and goes is nothing", "u new IN A 60 c0000205\nu new ANY A 0 -\n",
			"", 0 },
		{ "data that is none of its type", "u new IN A 60 c00002\n", "", RCODE_FORMERR },
		{ "a meta type", "u new IN ANY 60 -\n", "", RCODE_FORMERR },
		{ "a TTL where none may be", "u www ANY A 60 -\n", "", RCODE_FORMERR },
		{ "another zone", "u new.other. IN A 60 c0000205\n", "", RCODE_NOTZONE },
		{ "a class that is none", "u new CH A 60 c0000205\n", "", RCODE_FORMERR },
		{ "a type that is none goes", "u www NONE ANY 0 -\n", "", RCODE_FORMERR },
		{ "a TTL of what is to go", "u www NONE A 1 c0000201\n", "", RCODE_FORMERR },
		{ "a TTL with its highest bit", "u new IN A 2147483648 c0000205\n", "", RCODE_FORMERR },
		{ "names in data are the same in any case", "u mail IN MX 300 00050157026578 00\n", "", 0 },
		{ "... their numbers are not", "u mail IN MX 300 00060177026578 00\n", SOA_STEP "+ex. SOA 300;+mail.ex. MX 300;", 0 },
		{ "... nor is text", "u www IN TXT 300 0158\n", SOA_STEP "+ex. SOA 300;+www.ex. TXT 300;", 0 },
		{ "the same of services", "u srv IN SRV 300 0001000200030157026578 00\n", "", 0 },
		{ "... of another port", "u srv IN SRV 300 0001000200040177026578 00\n", SOA_STEP "+ex. SOA 300;+srv.ex. SRV 300;", 0 },
		{ "... one goes by another case", "u srv NONE SRV 0 0001000200030157026578 00\n", SOA_STEP "-srv.ex. SRV 300;+ex. SOA 300;", 0 },
		{ "a sign is no letter of another case", "u sign IN PTR 300 015b026578 00\n", SOA_STEP "+ex. SOA 300;+sign.ex. PTR 300;", 0 },
		{ "a newer SOA", "u @ IN SOA 300 036e73310265780004686f737402657800" "00000009" "0000000100000001001275000000003c\n",
			SOA_STEP "+ex. SOA 300;", 0 },
		{ "an older one", "u @ IN SOA 300 036e73310265780004686f737402657800" "00000006" "0000000100000001001275000000003c\n", "", 0 },
		{ "one of another name", "u www IN SOA 300 036e73310265780004686f737402657800" "00000009" "0000000100000001001275000000003c\n", "", 0 },
		{ "all or nothing", "u new IN A 60 c0000205\nu x.other. IN A 60 c0000205\n", "",
			RCODE_NOTZONE },
	};
	char got[4096];

	for (size_t i = 0; i < UNIT_COUNT(row); i++) {
		char lines[512], *to = lines;
		for (const char *p = row[i].lines; *p; p++) /* "026578 00" is for the reader */
			if (!(p[0] == ' ' && p[1] == '0' && p[2] == '0' && p[3] == '\n'))
				*to++ = *p;
			else {
				*to++ = '0';
				*to++ = '0';
				p += 2;
			}
		*to = 0;
		const unsigned rcode = make(lines, got, NULL, 0, NULL);
		if (rcode != row[i].rcode || strcmp(got, row[i].change) != 0)
			printf("%s: %u %s\n", row[i].say, rcode, got);
		CU_ASSERT_EQUAL(rcode, row[i].rcode);
		CU_ASSERT_STRING_EQUAL(got, row[i].change);
	}
}

static void who_may_change_what_is_told_by_name_and_type(void)
{
	static const uint8_t acme[] = "\017_acme-challenge",
			     deep[] = "\017_acme-challenge\1*";
	static const uint8_t *const names[] = { acme, deep };
	static const uint16_t types[] = { RRTYPE_TXT };
	const struct policy_update rules[] = { { .names = names, .n_names = 2, .types = types,
		.n_types = 1 } };
	static const bool yes[] = { true }, no[] = { false };
	char got[4096];

	CU_ASSERT_EQUAL(make("u _acme-challenge IN TXT 60 0161\n", got, rules, 1, yes), 0);
	CU_ASSERT_EQUAL(make("u _acme-challenge IN A 60 c0000201\n", got, rules, 1, yes),
		RCODE_REFUSED);
	CU_ASSERT_EQUAL(make("u www IN TXT 60 0161\n", got, rules, 1, yes), RCODE_REFUSED);
	CU_ASSERT_EQUAL(
		make("u _acme-challenge IN TXT 60 0161\n", got, rules, 1, no), RCODE_REFUSED);
}

static void serials_never_go_back(void)
{
	static const struct {
		uint32_t now;
		enum policy_serial how;
		uint32_t next;
	} row[] = {
		{ 7, SERIAL_INCREMENT, 8 },
		{ UINT32_MAX, SERIAL_INCREMENT, 0 },
		{ 7, SERIAL_UNIXTIME, 1700000000 },
		{ 1700000000, SERIAL_UNIXTIME, 1700000001 },
		{ 1800000000, SERIAL_UNIXTIME, 1800000001 },
		{ 7, SERIAL_DATE, 2023111400 },
		{ 2023111400, SERIAL_DATE, 2023111401 },
		{ 2023111499, SERIAL_DATE, 2023111500 },
	};

	for (size_t i = 0; i < UNIT_COUNT(row); i++)
		CU_ASSERT_EQUAL(
			update_serial(row[i].now, row[i].how, 1700000000), row[i].next);
}

void suite_update(void)
{
	static const struct unit_case cases[] = {
		{ "prerequisites are those of the RFC (2136, 3.2)",
			prerequisites_are_those_of_the_rfc },
		{ "changes are those of the RFC (2136, 3.4)", changes_are_those_of_the_rfc },
		{ "who may change what is told by name and type",
			who_may_change_what_is_told_by_name_and_type },
		{ "serials never go back", serials_never_go_back },
	};

	unit_suite("xfr/update", cases, UNIT_COUNT(cases));
}
