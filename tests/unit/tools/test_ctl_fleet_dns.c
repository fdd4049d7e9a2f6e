#include "tools/ctl_fleet_dns.h"

#include "base/bytes.h"
#include "unit/unit.h"

#include <string.h>

static const uint8_t name[] = "\3www\7example";

static void a_query_asks_as_that_client_would(void)
{
	static const uint8_t wanted[] = {
		0x12, 0x34, 0, 0, 0, 1, 0, 0, 0, 0, 0, 1,                          /* RFC 1035 section 4.1.1 */
		3, 'w', 'w', 'w', 7, 'e', 'x', 'a', 'm', 'p', 'l', 'e', 0, 0, 28, 0, 1,
		0, 0, 41, 1232 >> 8, 1232 & 255, 0, 0, 0, 0, 0, 11,                /* RFC 6891 section 6.1.2 */
		0, 8, 0, 7, 0, 1, 24, 0, 198, 51, 100                              /* RFC 7871 section 6 */
	};
	uint8_t query[CTL_FLEET_DNS_QUERY];
	const struct ctl_fleet_dns_question q = { name, sizeof name, 28, 0xc6336400u };

	CU_ASSERT_EQUAL(ctl_fleet_dns_query(query, 0x1234, &q), sizeof wanted);
	CU_ASSERT_EQUAL(memcmp(query, wanted, sizeof wanted), 0);
}

static void clients_are_nets_of_hosts_and_the_same_by_one_seed(void)
{
	uint64_t random = 7, again = 7;

	for (unsigned i = 0; i < 100000; i++) {
		const uint32_t net = ctl_fleet_dns_client(&random), first = net >> 24;
		if (net & 255 || !first || first == 10 || first == 127 || first >= 224)
			CU_FAIL_FATAL("no net that hosts may have");
		if (net != ctl_fleet_dns_client(&again))
			CU_FAIL_FATAL("another by the same seed");
	}
}

/* An answer of the question's name with those addresses, in that order; scope under 0: without OPT. */
static size_t answer(uint8_t to[static 512], const uint8_t *last_octets, unsigned n, int scope, unsigned rcode)
{
	uint8_t *p = to + 12;

	memset(to, 0, 512);
	to[2] = 0x84;
	to[3] = (uint8_t)rcode;
	be16_put(to + 4, 1);
	be16_put(to + 6, (uint16_t)n);
	be16_put(to + 10, scope >= 0);
	memcpy(p, name, sizeof name);
	p += sizeof name;
	be16_put(p, 1);
	be16_put(p + 2, 1);
	p += 4;
	for (unsigned i = 0; i < n; i++) {
		const uint8_t record[] = { 0xc0, 12, 0, 1, 0, 1, 0, 0, 0, 60, 0, 4, 192, 0, 2, last_octets[i] };
		memcpy(p, record, sizeof record);
		p += sizeof record;
	}
	const uint8_t opt[] = { 0, 0, 41, 4, 208, 0, 0, 0, 0, 0, 15, 0, 10, 0, 0, 0, 8, 0, 7, 0, 1, 24, (uint8_t)scope, 198, 51, 100 };
	if (scope >= 0) {
		memcpy(p, opt, sizeof opt);
		p += sizeof opt;
	}
	return (size_t)(p - to);
}

static void answers_are_the_same_in_whatever_order(void)
{
	uint8_t bytes[512];
	char one[CTL_FLEET_DNS_ANSWER], other[CTL_FLEET_DNS_ANSWER];
	size_t len = answer(bytes, (const uint8_t[]){ 1, 20 }, 2, 16, 0);

	CU_ASSERT_TRUE(ctl_fleet_dns_answer(bytes, len, one));
	CU_ASSERT_STRING_EQUAL(one, "192.0.2.1 192.0.2.20 scope /16");
	len = answer(bytes, (const uint8_t[]){ 20, 1 }, 2, 16, 0);
	CU_ASSERT_TRUE(ctl_fleet_dns_answer(bytes, len, other));
	CU_ASSERT_STRING_EQUAL(one, other);
}

static void what_differs_is_told(void)
{
	static const struct { unsigned n, rcode; int scope; const char *text; } row[] = {
		{ 1, 0, 0, "192.0.2.1 scope /0" },
		{ 1, 0, -1, "192.0.2.1 no scope" },
		{ 0, 3, 24, "rcode 3 scope /24" },
		{ 0, 5, -1, "rcode 5 no scope" },
	};

	for (size_t i = 0; i < UNIT_COUNT(row); i++) {
		uint8_t bytes[512];
		char text[CTL_FLEET_DNS_ANSWER];
		const size_t len = answer(bytes, (const uint8_t[]){ 1 }, row[i].n, row[i].scope, row[i].rcode);
		CU_ASSERT_TRUE(ctl_fleet_dns_answer(bytes, len, text));
		CU_ASSERT_STRING_EQUAL(text, row[i].text);
	}
}

static void what_is_cut_short_is_none(void)
{
	uint8_t bytes[512];
	char text[CTL_FLEET_DNS_ANSWER];
	const size_t len = answer(bytes, (const uint8_t[]){ 1, 2 }, 2, 16, 0);

	for (size_t n = 0; n < len; n++)
		if (ctl_fleet_dns_answer(bytes, n, text))
			CU_FAIL("an answer that is cut short is taken");
}

void suite_ctl_fleet_dns(void)
{
	static const struct unit_case cases[] = {
		{ "a query asks as that client would", a_query_asks_as_that_client_would },
		{ "clients are nets of hosts, and the same by one seed", clients_are_nets_of_hosts_and_the_same_by_one_seed },
		{ "answers are the same in whatever order", answers_are_the_same_in_whatever_order },
		{ "what differs is told", what_differs_is_told },
		{ "what is cut short is none", what_is_cut_short_is_none },
	};

	unit_suite("tools/ctl_fleet_dns", cases, UNIT_COUNT(cases));
}
