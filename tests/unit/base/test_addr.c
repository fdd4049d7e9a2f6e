#include "base/addr.h"
#include "unit/unit.h"

#include <netinet/in.h>
#include <string.h>

static const char *shown(const char *text)
{
	static char buf[ADDR_TEXT];
	struct prefix p;

	return prefix_parse(&p, text, NULL) ? prefix_text(buf, &p) : "refused";
}

static void prefixes_are_read_as_people_write_them(void)
{
	static const struct {
		const char *text, *as;
	} row[] = {
		{ "192.0.2.0/24", "192.0.2.0/24" },
		{ "192.0.2.1", "192.0.2.1/32" },
		{ "0.0.0.0/0", "0.0.0.0/0" },
		{ "2001:db8::/32", "2001:db8::/32" },
		{ "::/0", "::/0" },
		{ "192.0.2.1/24", "refused" }, /* bits behind the length */
		{ "192.0.2.0/33", "refused" },
		{ "192.0.2.0/", "refused" },
		{ "192.0.2.0/ 4", "refused" },
		{ "192.0.2", "refused" },
		{ "2001:db8::/129", "refused" },
		{ "", "refused" },
	};

	for (size_t i = 0; i < UNIT_COUNT(row); i++)
		CU_ASSERT_STRING_EQUAL(shown(row[i].text), row[i].as);
}

static void a_prefix_with_bits_behind_is_told_which_was_meant(void)
{
	struct prefix p;
	struct fault why;

	CU_ASSERT_FALSE(prefix_parse(&p, "192.0.2.77/24", &why));
	CU_ASSERT_PTR_NOT_NULL(strstr(why.text, "192.0.2.0/24"));
}

static void ipv4_inside_ipv6_is_found(void)
{
	static const struct {
		const char *say, *in, *out;
		unsigned v4_at;
	} row[] = {
		{ "6to4 (RFC 3056): 192.0.2.4 is 2002:c000:204::/48", "2002:c000:204::1",
			"192.0.2.4", 16 },
		{ "NAT64 (RFC 6052 section 2.4): 192.0.2.33", "64:ff9b::192.0.2.33",
			"192.0.2.33", 96 },
		{ "Teredo (RFC 4380 section 4): inverted",
			"2001:0:4136:e378:8000:63bf:3fff:fdd2", "192.0.2.45", 96 },
		{ "mapped", "::ffff:192.0.2.1", "192.0.2.1", 96 },
		{ "others stay", "2001:db8::1", "2001:db8::1", 0 },
	};
	char text[ADDR_TEXT];

	for (size_t i = 0; i < UNIT_COUNT(row); i++) {
		struct addr a;
		unsigned v4_at;
		CU_ASSERT_TRUE_FATAL(addr_parse(&a, row[i].in));
		a = addr_plain(&a, &v4_at);
		CU_ASSERT_STRING_EQUAL(addr_text(text, &a), row[i].out);
		if (strcmp(row[i].in, "::ffff:192.0.2.1") != 0)
			CU_ASSERT_EQUAL(v4_at, row[i].v4_at);
	}
}

static void special_purpose_addresses_are_not_global(void)
{
	static const struct {
		const char *addr;
		bool global;
	} row[] = {
		{ "10.255.255.255", false },
		{ "11.0.0.0", true },
		{ "100.63.255.255", true },
		{ "100.64.0.0", false },
		{ "127.0.0.1", false },
		{ "169.254.1.1", false },
		{ "172.15.255.255", true },
		{ "172.16.0.0", false },
		{ "172.32.0.0", true },
		{ "192.0.2.1", false },
		{ "192.168.0.1", false },
		{ "198.18.0.1", false },
		{ "198.20.0.1", true },
		{ "198.51.100.9", false },
		{ "203.0.113.1", false },
		{ "223.255.255.255", true },
		{ "224.0.0.1", false },
		{ "255.255.255.255", false },
		{ "0.1.2.3", false },
		{ "8.8.8.8", true },
		{ "::1", false },
		{ "2001:db8::1", false },
		{ "2001:db9::1", true },
		{ "fc00::1", false },
		{ "fe80::1", false },
		{ "ff02::1", false },
		{ "2a00::1", true },
		{ "3fff::1", false },
	};

	for (size_t i = 0; i < UNIT_COUNT(row); i++) {
		struct addr a;
		struct prefix within;
		CU_ASSERT_TRUE_FATAL(addr_parse(&a, row[i].addr));
		CU_ASSERT_EQUAL(addr_is_global(&a, &within), row[i].global);
		if (!row[i].global)
			CU_ASSERT_TRUE(prefix_has(&within, &a));
	}
}

static void endpoints_have_ports(void)
{
	static const struct {
		const char *text, *as;
	} row[] = {
		{ "192.0.2.1", "192.0.2.1:53" },
		{ "192.0.2.1:5300", "192.0.2.1:5300" },
		{ "[::1]:5300", "[::1]:5300" },
		{ "[::1]", "[::1]:53" },
		{ "::1", "[::1]:53" },
		{ "::ffff:192.0.2.1", "[::ffff:192.0.2.1]:53" },
		{ "192.0.2.1:", "refused" },
		{ "192.0.2.1:99999", "refused" },
		{ "[::1", "refused" },
		{ "[::1]x", "refused" },
		{ "example.com:53", "refused" },
		{ ":53", "refused" },
	};
	char text[ADDR_TEXT];

	for (size_t i = 0; i < UNIT_COUNT(row); i++) {
		struct sockaddr_storage sa;
		socklen_t len;
		struct fault why;
		const bool ok = addr_parse_endpoint(&sa, &len, row[i].text, 53, &why);
		CU_ASSERT_STRING_EQUAL(
			ok ? addr_sockaddr_text(text, (struct sockaddr *)&sa) : "refused",
			row[i].as);
	}
}

static void common_bits_are_counted(void)
{
	struct addr a, b;

	addr_parse(&a, "192.0.2.0");
	addr_parse(&b, "192.0.3.0");
	CU_ASSERT_EQUAL(addr_common_bits(&a, &b), 96 + 23);
	CU_ASSERT_EQUAL(addr_common_bits(&a, &a), 128);
	addr_parse(&b, "8000::");
	CU_ASSERT_EQUAL(addr_common_bits(&a, &b), 0);
}

void suite_addr(void)
{
	static const struct unit_case cases[] = {
		{ "prefixes are read as people write them",
			prefixes_are_read_as_people_write_them },
		{ "a prefix with bits behind its length is told which was meant",
			a_prefix_with_bits_behind_is_told_which_was_meant },
		{ "IPv4 inside IPv6 is found (mapped, 6to4, Teredo, NAT64)",
			ipv4_inside_ipv6_is_found },
		{ "special-purpose addresses are not global",
			special_purpose_addresses_are_not_global },
		{ "endpoints have ports", endpoints_have_ports },
		{ "common bits are counted", common_bits_are_counted },
	};

	unit_suite("base/addr", cases, UNIT_COUNT(cases));
}
