#include "xfr/notify.h"
#include "xfr/sockets.h"

#include "base/addr.h"
#include "dns/query.h"
#include "unit/unit.h"
#include "unit/zone/zone_of.h"

#include <string.h>

static void the_message_has_the_soa_and_a_signature(void)
{
	static const uint8_t want[] = "\x12\x34\x24\0\0\1\0\1\0\0\0\0\7example\0\0\6\0\1"
				      "\300\14\0\6\0\1\0\0\1\54\0\54\3ns1\7example\0\1h\7example\0"
				      "\0\0\0\1\0\0\0\2\0\0\0\3\0\0\0\4\0\0\0\5";
	uint8_t message[NOTIFY_MOST], secret[32] = { 7 };
	struct tsig_key key = { .name = (const uint8_t *)"\1k", .secret = secret,
		.secret_len = sizeof secret };
	struct faults f;
	struct query q;
	struct tsig t;

	faults_init(&f);
	struct zone *z = zone_of("example.", "$TTL 300\n@ SOA ns1 h 1 2 3 4 5\n@ NS ns1\nns1 A 192.0.2.1\n", &f);
	faults_fini(&f);
	CU_ASSERT_PTR_NOT_NULL_FATAL(z);
	size_t len = notify_write(message, z, 0x1234, NULL, 0);
	CU_ASSERT_EQUAL(len, sizeof want - 1);
	CU_ASSERT_EQUAL(memcmp(message, want, len), 0);
	tsig_algorithm_parse("hmac-sha256", &key.algorithm, &key.mac_len);
	len = notify_write(message, z, 0x1234, &key, 1700000000);
	/* As a query it has a signature that is good. */
	query_parse(&q, message, len);
	CU_ASSERT_EQUAL(tsig_verify(&t, &q.tsig, message, &key, 1, 1700000000), TSIG_GOOD);
	zone_drop(z);
}

static void an_answer_is_one_by_its_id_its_opcode_and_its_bit(void)
{
	static const struct {
		const char *say, *bytes;
		size_t len;
		int rcode;
	} row[] = {
		{ "good", "\x12\x34\xa4\0\0\0\0\0\0\0\0\0", 12, 0 },
		{ "without AA", "\x12\x34\xa0\0\0\0\0\0\0\0\0\0", 12, 0 },
		{ "refused", "\x12\x34\xa4\5\0\0\0\0\0\0\0\0", 12, 5 },
		{ "AD, CD and Z are no RCODE", "\x12\x34\xa4\x79\0\0\0\0\0\0\0\0", 12, 9 },
		{ "another ID", "\x12\x35\xa4\0\0\0\0\0\0\0\0\0", 12, -1 },
		{ "our own", "\x12\x34\x24\0\0\0\0\0\0\0\0\0", 12, -1 },
		{ "of a query", "\x12\x34\x84\0\0\0\0\0\0\0\0\0", 12, -1 },
		{ "of an update", "\x12\x34\xa8\0\0\0\0\0\0\0\0\0", 12, -1 },
		{ "cut short", "\x12\x34\xa4\0\0\0\0\0\0\0\0", 11, -1 },
	};

	for (size_t i = 0; i < UNIT_COUNT(row); i++)
		CU_ASSERT_EQUAL(notify_read((const uint8_t *)row[i].bytes, row[i].len, 0x1234),
			row[i].rcode);
}

static void addresses_are_the_same_by_address_and_port(void)
{
	static const struct {
		const char *a, *b;
		bool same;
	} row[] = {
		{ "192.0.2.1:53", "192.0.2.1:53", true },
		{ "192.0.2.1:53", "192.0.2.1:54", false },
		{ "192.0.2.1:53", "192.0.2.2:53", false },
		{ "[2001:db8::1]:53", "[2001:db8::1]:53", true },
		{ "[2001:db8::1]:53", "[2001:db8::2]:53", false },
		{ "[2001:db8::1]:53", "[2001:db8::1]:54", false },
		{ "[::]:53", "0.0.0.0:53", false },
	};

	for (size_t i = 0; i < UNIT_COUNT(row); i++) {
		struct sockaddr_storage a, b;
		socklen_t len;
		struct fault why;
		CU_ASSERT_FATAL(addr_parse_endpoint(&a, &len, row[i].a, 53, &why));
		CU_ASSERT_FATAL(addr_parse_endpoint(&b, &len, row[i].b, 53, &why));
		CU_ASSERT_EQUAL(sockets_same_address((struct sockaddr *)&a, (struct sockaddr *)&b),
			row[i].same);
	}
}

void suite_notify(void)
{
	static const struct unit_case cases[] = {
		{ "the message has the SOA and a signature",
			the_message_has_the_soa_and_a_signature },
		{ "an answer is one by its ID its opcode and its bit",
			an_answer_is_one_by_its_id_its_opcode_and_its_bit },
		{ "addresses are the same by address and port",
			addresses_are_the_same_by_address_and_port },
	};

	unit_suite("xfr/notify", cases, UNIT_COUNT(cases));
}
