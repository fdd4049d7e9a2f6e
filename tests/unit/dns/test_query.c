#include "dns/query.h"
#include "unit/unit.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

/* A packet in hex, spaces ignored. */
static size_t bytes(uint8_t *to, const char *hex)
{
	size_t n = 0;

	for (; *hex; hex++) {
		if (*hex == ' ')
			continue;
		char two[3] = { hex[0], hex[1], 0 };
		to[n++] = (uint8_t)strtoul(two, NULL, 16);
		hex++;
	}
	return n;
}

/* The packet in memory of just its size, so that the address sanitizer sees every byte read too
 * many. */
static enum query_result parse(struct query *q, const char *hex)
{
	uint8_t buf[2048];
	const size_t len = bytes(buf, hex);
	uint8_t *exact = malloc(len ? len : 1);

	memcpy(exact, buf, len);
	const enum query_result r = query_parse(q, exact, len);
	free(exact);
	return r;
}

#define HEAD(ar) "1234 0000 0001 0000 0000 000" #ar
#define WWW      "03 777757 02 4578 00 0001 0001" /* wwW.Ex. A IN */
#define TSIG(class)                                                                            \
	"01 6b 00 00fa " class " 00000000 0017 01 61 00 000000000001 012c 0004 aabbccdd 1234 " \
			       "0000 0000"
#define OPT(len) "00 0029 04d0 00 00 0000 " len

static void questions_are_read_in_lower_case(void)
{
	struct query q;

	CU_ASSERT_EQUAL(parse(&q, HEAD(0) WWW), QUERY_OK);
	CU_ASSERT_EQUAL(q.name_len, 8);
	CU_ASSERT_EQUAL(memcmp(q.name, "\3www\2ex", 8), 0);
	CU_ASSERT_EQUAL(q.qtype, 1);
	CU_ASSERT_EQUAL(q.qclass, 1);
	CU_ASSERT_FALSE(q.edns.present);
	CU_ASSERT_EQUAL(q.edns.payload, 512);
}

static void every_way_out_has_its_packet(void)
{
	static const struct {
		const char *say, *hex;
		enum query_result result;
	} row[] = {
		{ "no header", "1234 0000 0001 0000 0000 00", QUERY_DROP },
		{ "an answer", "1234 8000 0001 0000 0000 0000" WWW, QUERY_DROP },
		{ "opcode NOTIFY", "1234 2000 0001 0000 0000 0000" WWW, QUERY_OK },
		{ "opcode NOTIFY without a question", "1234 2000 0000 0000 0000 0000",
			QUERY_FORMERR },
		{ "opcode STATUS", "1234 1000 0001 0000 0000 0000" WWW, QUERY_NOTIMP },
		{ "opcode 15", "1234 7800 0001 0000 0000 0000" WWW, QUERY_NOTIMP },
		{ "no question (RFC 9619)", "1234 0000 0000 0000 0000 0000", QUERY_FORMERR },
		{ "two questions (RFC 9619)", "1234 0000 0002 0000 0000 0000" WWW WWW,
			QUERY_FORMERR },
		{ "a counted answer that is not there", "1234 0000 0001 0001 0000 0000" WWW,
			QUERY_FORMERR },
		{ "an answer section",
			"1234 0000 0001 0001 0000 0000" WWW
			"c00c 0001 0001 0000 0000 0004 c0000201",
			QUERY_OK },
		{ "an OPT in the authority section",
			"1234 0000 0001 0000 0001 0000" WWW OPT("0000"), QUERY_FORMERR },
		{ "no question and an OPT", "1234 0000 0000 0000 0000 0001" OPT("0000"),
			QUERY_FORMERR },
		{ "no question and a cookie (RFC 7873 section 5.4)",
			"1234 0000 0000 0000 0000 0001" OPT(
				"000c") "000a 0008 0102030405060708",
			QUERY_NO_QUESTION },
		{ "no question and EDNS version 1",
			"1234 0000 0000 0000 0000 0001 00 0029 04d0 00 01 0000 0000",
			QUERY_BADVERS },
		{ "a name that does not end", HEAD(0) "03 7777", QUERY_FORMERR },
		{ "a name without type", HEAD(0) "03 777777 00 00", QUERY_FORMERR },
		{ "a compressed question", HEAD(0) "c00c 0001 0001", QUERY_FORMERR },
		{ "label type 01", HEAD(0) "41 00 0001 0001", QUERY_FORMERR },
		{ "bytes behind the end", HEAD(0) WWW "00", QUERY_OK },
		{ "no additional record where one is counted", HEAD(1) WWW, QUERY_FORMERR },
		{ "an OPT", HEAD(1) WWW OPT("0000"), QUERY_OK },
		{ "two OPTs (RFC 6891 section 6.1.1)", HEAD(2) WWW OPT("0000") OPT("0000"),
			QUERY_FORMERR },
		{ "an OPT that is not at the root",
			HEAD(1) WWW "01 61 00 0029 04d0 0000 0000 0000", QUERY_FORMERR },
		{ "an OPT longer than the packet", HEAD(1) WWW OPT("0004"), QUERY_FORMERR },
		{ "EDNS version 1", HEAD(1) WWW "00 0029 04d0 00 01 0000 0000", QUERY_BADVERS },
		{ "EDNS version 1 with nonsense options",
			HEAD(1) WWW "00 0029 04d0 00 01 0000 0002 ffff", QUERY_BADVERS },
		{ "another additional record",
			HEAD(1) WWW "c00c 0001 0001 0000 0000 0004 c0000201", QUERY_OK },
		{ "... longer than the packet by a byte",
			HEAD(1) WWW "c00c 0001 0001 0000 0000 0005 c0000201", QUERY_FORMERR },
		{ "an unknown option", HEAD(1) WWW OPT("0006") "fde9 0002 abcd", QUERY_OK },
		{ "a cookie of 8 bytes", HEAD(1) WWW OPT("000c") "000a 0008 0102030405060708",
			QUERY_OK },
		{ "a cookie of 7 bytes (RFC 7873 section 5.2.2)",
			HEAD(1) WWW OPT("000b") "000a 0007 01020304050607", QUERY_FORMERR },
		{ "a cookie of 15 bytes",
			HEAD(1) WWW OPT("0013") "000a 000f 010203040506070809101112131415",
			QUERY_FORMERR },
		{ "TSIG (RFC 8945)", HEAD(1) WWW TSIG("00ff"), QUERY_TSIG },
		{ "TSIG of class IN", HEAD(1) WWW TSIG("0001"), QUERY_FORMERR },
		{ "TSIG before an OPT", HEAD(2) WWW TSIG("00ff") OPT("0000"), QUERY_FORMERR },
		{ "TSIG behind an OPT", HEAD(2) WWW OPT("0000") TSIG("00ff"), QUERY_TSIG },
		{ "TSIG cut short", HEAD(1) WWW "01 6b 00 00fa 00ff 00000000 0004 01 61 00 00",
			QUERY_FORMERR },
		{ "an option cut short", HEAD(1) WWW OPT("0003") "fde9 00", QUERY_FORMERR },
		{ "an option longer than the OPT", HEAD(1) WWW OPT("0005") "fde9 0002 ab",
			QUERY_FORMERR },
	};

	for (size_t i = 0; i < UNIT_COUNT(row); i++) {
		struct query q;
		const enum query_result r = parse(&q, row[i].hex);
		CU_ASSERT_EQUAL(r, row[i].result);
		if (r != row[i].result)
			printf("\n    %s: %d\n", row[i].say, r);
	}
}

/* RFC 7871 section 6 and 7.1.2. */
static void client_subnets_are_read_strictly(void)
{
	static const struct {
		const char *say, *option;
		bool good;
	} row[] = {
		{ "192.0.2.0/24", "000b 0008 0007 0001 18 00 c00002", true },
		{ "2001:db8::/32", "000c 0008 0008 0002 20 00 20010db8", true },
		{ "0.0.0.0/0", "0008 0008 0004 0001 00 00", true },
		{ "family 0 with nothing", "0008 0008 0004 0000 00 00", true },
		{ "family 0 with something", "0009 0008 0005 0000 08 00 c0", false },
		{ "family 3", "000b 0008 0007 0003 18 00 c00002", false },
		{ "IPv4 /33", "000d 0008 0009 0001 21 00 c000020000", false },
		{ "IPv6 /129", "0019 0008 0015 0002 81 00 20010db80000000000000000000000000000",
			false },
		{ "a scope in a query", "000b 0008 0007 0001 18 18 c00002", false },
		{ "a byte too few", "000a 0008 0006 0001 18 00 c000", false },
		{ "a byte too many", "000c 0008 0008 0001 18 00 c0000200", false },
		{ "bits behind the prefix", "000b 0008 0007 0001 17 00 c00003", false },
		{ "no prefix lengths", "0006 0008 0002 0001", false },
		{ "two subnets", "0016 0008 0007 0001 18 00 c00002 0008 0007 0001 18 00 c00002",
			true },
		{ "a bad subnet behind a good one",
			"0016 0008 0007 0001 18 00 c00002 0008 0007 0001 18 01 c00002", false },
	};

	for (size_t i = 0; i < UNIT_COUNT(row); i++) {
		struct query q;
		char hex[512];
		snprintf(hex, sizeof hex, "%s%s00 0029 04d0 00 00 0000 %s", HEAD(1), WWW,
			row[i].option);
		const enum query_result r = parse(&q, hex);
		CU_ASSERT_EQUAL(r, row[i].good ? QUERY_OK : QUERY_FORMERR);
		if (r != (row[i].good ? QUERY_OK : QUERY_FORMERR))
			printf("\n    %s: %d\n", row[i].say, r);
		if (row[i].good)
			CU_ASSERT_TRUE(q.edns.ecs.present);
	}
}

static void a_subnet_is_echoed_with_its_scope(void)
{
	struct query q;
	uint8_t out[64], want[64];

	const struct edns_reply reply = { .ecs = true, .scope = 20 };

	parse(&q, HEAD(1) WWW OPT("000b") "0008 0007 0001 18 00 c00002");
	const size_t len = edns_write(out, &q.edns, &reply, 0);
	CU_ASSERT_EQUAL(len, edns_len(&q.edns, &reply));
	const size_t want_len = bytes(
		want, "00 0029 04d0 00 00 0000 000b 0008 0007 0001 18 14 c00002");
	CU_ASSERT_EQUAL(len, want_len);
	CU_ASSERT_EQUAL(memcmp(out, want, len), 0);
}

static void every_option_of_ours_stands_in_the_opt(void)
{
	const struct edns asked = { .present = true, .dnssec_ok = true };
	const struct edns_reply reply = { .cookie = true,
		.cookie_bytes = { 1, 2, [23] = 9 },
		.nsid = (const uint8_t *)"ams",
		.nsid_len = 3,
		.keepalive = true,
		.keepalive_100ms = 100,
		.ede = EDE_PROHIBITED };
	uint8_t out[128], want[128];

	const size_t len = edns_write(out, &asked, &reply, 1);
	const size_t want_len = bytes(want,
		"00 0029 04d0 01 00 8000 002f"
		"000a 0018 0102 0000000000000000000000000000000000000000 0009"
		"0003 0003 616d73 000b 0002 0064 000f 0002 0012");
	CU_ASSERT_EQUAL(len, edns_len(&asked, &reply));
	CU_ASSERT_EQUAL(len, want_len);
	CU_ASSERT_EQUAL(memcmp(out, want, len), 0);
}

static void a_payload_under_512_is_taken_for_512(void)
{
	struct query q;

	parse(&q, HEAD(1) WWW "00 0029 0000 00 00 8000 0000");
	CU_ASSERT_EQUAL(q.edns.payload, 512);
	CU_ASSERT_TRUE(q.edns.dnssec_ok);
}

void suite_query(void)
{
	static const struct unit_case cases[] = {
		{ "questions are read in lower case", questions_are_read_in_lower_case },
		{ "every way out has its packet", every_way_out_has_its_packet },
		{ "client subnets are read strictly (RFC 7871)",
			client_subnets_are_read_strictly },
		{ "a subnet is echoed with its scope", a_subnet_is_echoed_with_its_scope },
		{ "every option of ours stands in the OPT record",
			every_option_of_ours_stands_in_the_opt },
		{ "a payload under 512 is taken for 512 (RFC 6891 section 6.2.3)",
			a_payload_under_512_is_taken_for_512 },
	};

	unit_suite("dns/query", cases, UNIT_COUNT(cases));
}
