#include "conf/host_name.h"

#include "unit/unit.h"

#include <string.h>

static void names_of_hosts_are_as_dns_has_them(void)
{
	static const struct {
		const char *text, *name;
		unsigned port;
		bool v6;
	} row[] = { { "www.example.com", "www.example.com", 0, false },
		{ "WWW.Example.com.", "WWW.Example.com", 0, false },
		{ "www.example.com:8443", "www.example.com", 8443, false },
		{ "bücher.example.org", "xn--bcher-kva.example.org", 0, false },
		{ "BÜCHER.example.org:1", "xn--bcher-kva.example.org", 1, false },
		{ "faß.de", "xn--fa-hia.de", 0, false }, /* as IDNA 2008 has it, not "fass" */
		{ "例え。テスト", "xn--r8jz45g.xn--zckzah", 0, false },
		{ "ab--cd.example", "ab--cd.example", 0, false }, /* libidn2 refuses it */
		{ "xn--bcher-kva.example.org", "xn--bcher-kva.example.org", 0, false },
		{ "localhost", "localhost", 0, false }, { "3com.com", "3com.com", 0, false },
		{ "192.0.2.1", "192.0.2.1", 0, false },
		{ "192.0.2.1:80", "192.0.2.1", 80, false },
		{ "[2001:db8::1]", "2001:db8::1", 0, true },
		{ "[2001:db8::1]:443", "2001:db8::1", 443, true },
		{ "2001:db8::1", "2001:db8::1", 0, true } };

	for (size_t i = 0; i < UNIT_COUNT(row); i++) {
		struct host_name h;
		struct fault why = { "" };
		CU_ASSERT_TRUE(host_name_parse(&h, row[i].text, true, &why));
		CU_ASSERT_STRING_EQUAL(h.name, row[i].name);
		CU_ASSERT_EQUAL(h.port, row[i].port);
		CU_ASSERT_EQUAL(h.v6, row[i].v6);
		CU_ASSERT_FALSE(h.odd);
	}
}

static void what_is_no_host_name_is_refused_with_a_reason(void)
{
	static const struct {
		const char *text, *why;
	} row[] = { { "a..b", "it has an empty label" }, { ".a", "it has an empty label" },
		{ ".", "it has an empty label" }, { "", "it is empty" },
		{ "-a.example", "the label \"-a\" begins or ends with \"-\"" },
		{ "a-.example", "the label \"a-\" begins or ends with \"-\"" },
		{ "xn--bogus-.de", "the label \"xn--bogus-\" begins or ends with \"-\"" },
		{ "a b", "\" \" has no place in it" }, { "a/b", "\"/\" has no place in it" },
		{ "*.example", "\"*\" has no place in it" },
		{ "*.bücher.de", "\"*\" has no place in it" },
		{ "www.example.com:0", "a port is from 1 to 65535" },
		{ "www.example.com:65536", "a port is from 1 to 65535" },
		{ "www.example.com:", "a port is from 1 to 65535" },
		{ "www.example.com:http", "a port is from 1 to 65535" },
		{ "1.2.3", "it ends in a number and is no IPv4 address" },
		{ "256.1.1.1", "it ends in a number and is no IPv4 address" },
		{ "[2001:db8::1", "there is no \"]\"" },
		{ "[www]", "only an IPv6 address stands in brackets" },
		{ "[2001:db8::1]x", "\"x\" behind it is no port" },
		{ "2001:db8::g", "it is no IPv6 address" },
		{ "😀.example",
			"it cannot be written in A-labels (string contains a disallowed "
			"character)" },
		{ "a23456789b123456789c123456789d123456789e123456789f123456789g1234.x",
			"a label of it is longer than 63 characters" } };
	char text[300];
	struct host_name h;
	struct fault why;

	for (size_t i = 0; i < UNIT_COUNT(row); i++) {
		CU_ASSERT_FALSE(host_name_parse(&h, row[i].text, true, &why));
		CU_ASSERT_STRING_EQUAL(why.text, row[i].why);
	}
	for (unsigned i = 0; i < 254; i++)
		text[i] = i % 2 ? '.' : 'a';
	text[253] = 0;
	CU_ASSERT_TRUE(host_name_parse(&h, text, true, &why));
	strcpy(text + 253, ".b");
	CU_ASSERT_FALSE(host_name_parse(&h, text, true, &why));
	CU_ASSERT_STRING_EQUAL(why.text, "it is longer than 253 characters");
	CU_ASSERT_FALSE(host_name_parse(&h, "www.example.com:80", false, &why));
	CU_ASSERT_TRUE(host_name_parse(&h, "_tcp.bücher.de", false, &why));
	CU_ASSERT_STRING_EQUAL(h.name, "_tcp.xn--bcher-kva.de"); /* nothing is dropped */
	CU_ASSERT_TRUE(h.odd);
}

void suite_host_name(void)
{
	static const struct unit_case cases[] = {
		{ "names of hosts are as DNS has them", names_of_hosts_are_as_dns_has_them },
		{ "what is no host name is refused with a reason",
			what_is_no_host_name_is_refused_with_a_reason },
	};

	unit_suite("conf/host_name", cases, UNIT_COUNT(cases));
}
