#include "conf/conf.h"

#include "unit/conf/told.h"
#include "unit/unit.h"

#include <string.h>

#define EDGES "edges: { ams1: { at: \"1,2\", a: 192.0.2.1 } }\n"
#define POOL(rest) SERVER ZONES EDGES "pools: { p: { edges: ams1, " rest " } }\n"

static void is_form(const struct pool_form *f, const char *front, size_t front_len,
	const char *middle, size_t middle_len)
{
	CU_ASSERT_EQUAL_FATAL(f->front_len, front_len);
	CU_ASSERT_EQUAL(memcmp(f->front, front, front_len), 0);
	CU_ASSERT_EQUAL_FATAL(f->middle_len, middle_len);
	CU_ASSERT_EQUAL(memcmp(f->middle, middle, middle_len), 0);
}

static void services_are_read_into_their_wire_form(void)
{
	struct text lines = { 0 };
	struct conf c;

	CU_ASSERT_TRUE_FATAL(told_read(&c,
		POOL("https: { port: 8443, ech: AAIHBw==, alpn: [ h3, h2 ], no-default-alpn: on, "
		     "priority: 2 }, svcb: { dohpath: \"/q{?dns}\" }"),
		&lines));
	const struct pool_form *f = c.pools[0].forms;
	is_form(&f[POOL_HTTPS], "\0\2\0\0\1\0\6\2h3\2h2\0\2\0\0\0\3\0\2\x20\xfb", 23,
		"\0\5\0\4\0\2\7\7", 8);
	CU_ASSERT_EQUAL(f[POOL_HTTPS].back_len, 0);
	is_form(&f[POOL_SVCB], "\0\1\0", 3, "", 0);
	CU_ASSERT_EQUAL_FATAL(f[POOL_SVCB].back_len, 12);
	CU_ASSERT_EQUAL(memcmp(f[POOL_SVCB].back, "\0\7\0\10/q{?dns}", 12), 0);
	conf_fini(&c);
	text_fini(&lines);
}

static void a_service_may_say_nothing(void)
{
	struct text lines = { 0 };
	struct conf c;

	CU_ASSERT_TRUE_FATAL(told_read(&c, POOL("https: {}"), &lines));
	is_form(&c.pools[0].forms[POOL_HTTPS], "\0\1\0", 3, "", 0);
	CU_ASSERT_PTR_NULL(c.pools[0].forms[POOL_SVCB].front);
	conf_fini(&c);
	text_fini(&lines);
}

static void values_of_services_are_checked(void)
{
	static const struct told_case row[] = {
		{ "no protocol left", POOL("https: { no-default-alpn: on }"),
			"4:54: error: \"no-default-alpn\" needs \"alpn\": no protocol would be "
			"left (RFC 9460 section 7.1.1)\n" },
		{ "a protocol twice", POOL("https: { alpn: [ h2, h3, h2 ] }"),
			"4:53: error: protocol h2 is here twice; take one out\n" },
		{ "a port that is none", POOL("https: { port: 0 }"),
			"4:43: error: \"port\" must be a port from 1 to 65535, not \"0\"\n" },
		{ "priority 0 is AliasMode", POOL("svcb: { priority: 0 }"),
			"4:46: error: \"priority\" must be a number from 1 to 65535, not \"0\"\n" },
		{ "ech that is not base64", POOL("https: { ech: \"%\" }"),
			"4:42: error: \"ech\" must be an ECHConfigList in base64, of at most 2048 "
			"bytes, not \"%\"\n" },
		{ "ech with another length than it says", POOL("https: { ech: AAEHBw== }"),
			"4:42: error: \"ech\" must be an ECHConfigList in base64, of at most 2048 "
			"bytes, not \"AAEHBw==\"\n" },
		{ "a path without the variable", POOL("svcb: { dohpath: \"/q{?dnsx}\" }"),
			"4:45: error: \"dohpath\" must be a path with a variable, such as "
			"\"/dns-query{?dns}\", not \"/q{?dnsx}\"\n" },
		{ "dohpath is no key of https", POOL("https: { dohpath: \"/q{?dns}\" }"),
			"4:37: error: unknown key \"dohpath\" in https (known: alpn, "
			"no-default-alpn, port, ech, priority)\n" },
	};
	told_check(row, UNIT_COUNT(row));
}

static const struct unit_case cases[] = {
	{ "services are read into their wire form", services_are_read_into_their_wire_form },
	{ "a service may say nothing", a_service_may_say_nothing },
	{ "values of services are checked", values_of_services_are_checked },
};

void suite_schema_services(void);
void suite_schema_services(void)
{
	unit_suite("conf/schema_services", cases, UNIT_COUNT(cases));
}
