#include "answer/sections.h"

#include "unit/answer/asking.h"
#include "unit/unit.h"

#include <string.h>

static struct asking x;

static void addresses_that_will_be_asked_for_come_along(void)
{
	static const struct asking_row rows[] = {
		{ "MX brings addresses as a question for them would find them: not behind a "
		  "CNAME, no glue, no edges",
			"mx MX",
			"NOERROR aa | mx 300 MX 1 mail, mx 300 MX 2 any.w, mx 300 MX 3 c1, mx "
			"300 MX 4 other.sub, mx 300 MX 5 www | - | mail 300 A 192.0.2.25, "
			"any.w 300 A 192.0.2.11 | -",
			168 },
		{ "the names of one RRset are not looked up twice", "example. MX",
			"NOERROR aa | example. 300 MX 10 mail | - | mail 300 A 192.0.2.25 | -",
			62 },
		{ "SRV", "srv SRV",
			"NOERROR aa | srv 300 SRV 1 2 3 mail | - | mail 300 A 192.0.2.25 | -",
			77 },
		{ "KX", "kx KX",
			"NOERROR aa | kx 300 KX 1 mail | - | mail 300 A 192.0.2.25 | -", 72 },
		{ "RT", "rt RT",
			"NOERROR aa | rt 300 RT 1 mail | - | mail 300 A 192.0.2.25 | -", 72 },
		{ "AFSDB", "afs AFSDB",
			"NOERROR aa | afs 300 AFSDB 1 mail | - | mail 300 A 192.0.2.25 | -",
			73 },
		{ "NS, glue as well", "example. NS",
			"NOERROR aa | example. 300 NS ns1, example. 300 NS ns2.sub | - | ns1 "
			"300 A 192.0.2.53, ns1 300 AAAA 2001:db8::53, ns2.sub 300 A 192.0.2.54 "
			"| -",
			125 },
		{ "NAPTR by its flag: A", "na NAPTR",
			"NOERROR aa | na 300 NAPTR 1 2 \"A\" \"\" \"\" mail | - | mail 300 A "
			"192.0.2.25 | -",
			78 },
		{ "... S brings the SRV", "ns NAPTR",
			"NOERROR aa | ns 300 NAPTR 1 2 \"s\" \"\" \"\" srv | - | srv 300 SRV 1 "
			"2 3 mail | -",
			93 },
		{ "... any other nothing", "nu NAPTR",
			"NOERROR aa | nu 300 NAPTR 1 2 \"u\" \"x\" \"\" mail | - | - | -", 63 },
		{ "SVCB", "svcb SVCB",
			"NOERROR aa | svcb 300 SVCB 1 mail | - | mail 300 A 192.0.2.25 | -",
			74 },
		{ "HTTPS to its owner", "own HTTPS",
			"NOERROR aa | own 300 HTTPS 1 . | - | own 300 A 192.0.2.61 | -", 60 },
		{ "... which a wildcard does not make up", "q.wild HTTPS",
			"NOERROR aa | q.wild 300 HTTPS 1 . | - | - | -", 47 },
		{ "AliasMode brings the same type of its target, and addresses", "ali HTTPS",
			"NOERROR aa | ali 300 HTTPS 0 own | - | own 300 HTTPS 1 ., own 300 A "
			"192.0.2.61 | -",
			87 },
		{ "no more than one type brings any", "mixedmx A",
			"NOERROR aa | mixedmx 300 A 192.0.2.63 | - | - | -", 49 },
		{ "a referral has the glue it needs, and what else is known", "x.sub A",
			"NOERROR | - | sub 300 NS ns2.sub, sub 300 NS ns1 | ns2.sub 300 A "
			"192.0.2.54, ns1 300 A 192.0.2.53, ns1 300 AAAA 2001:db8::53 | -",
			127 },
		{ "... the cut itself", "sub NS",
			"NOERROR | - | sub 300 NS ns2.sub, sub 300 NS ns1 | ns2.sub 300 A "
			"192.0.2.54, ns1 300 A 192.0.2.53, ns1 300 AAAA 2001:db8::53 | -",
			125 },
		{ "... what is glue", "ns2.sub A",
			"NOERROR | - | sub 300 NS ns2.sub, sub 300 NS ns1 | ns2.sub 300 A "
			"192.0.2.54, ns1 300 A 192.0.2.53, ns1 300 AAAA 2001:db8::53 | -",
			125 },
		{ "... no glue of other zones", "out A",
			"NOERROR | - | out 300 NS ns.elsewhere.test., out 300 NS ns1 | ns1 300 "
			"A 192.0.2.53, ns1 300 AAAA 2001:db8::53 | -",
			122 },
		{ "a DS that is not there is denied by us", "sub DS",
			"NOERROR aa | - | example. 60 SOA ns1 host 7 7200 900 1209600 60 | - | "
			"-",
			74 },
		{ "a child of ours brings its own", "child NS",
			"NOERROR aa | child 200 NS ns.child | - | ns.child 200 A 192.0.2.56 | "
			"-",
			64 },
		{ "a server that a wildcard makes, outside of the cut", "x.wildns A",
			"NOERROR | - | wildns 300 NS any.w | any.w 300 A 192.0.2.11 | -", 70 },
		{ "AliasMode to nothing", "none HTTPS",
			"NOERROR aa | none 300 HTTPS 0 . | - | - | -", 45 },
	};
	asking_rows(&x, rows, UNIT_COUNT(rows));
}

static void who_wants_it_minimal_gets_glue_only(void)
{
	x.policy.minimal = true;
	asking_again(&x);
	CU_ASSERT_STRING_EQUAL(
		asking(&x, "example. MX"), "NOERROR aa | example. 300 MX 10 mail | - | - | -");
	CU_ASSERT_STRING_EQUAL(asking(&x, "x.nsx A"),
		"NOERROR | - | nsx 300 NS ns9.nsx | ns9.nsx 300 A 192.0.2.99 | -");
	x.policy.minimal = false;
	asking_again(&x);
}

/* Of 30 servers in the cut, all with glue, as many as have been asked for. */
static void glue_is_whole_or_tc(void)
{
	const char *text = asking(&x, "big A tcp");
	unsigned n = 0;

	for (const char *p = text; (p = strstr(p, " A 10.1.0.")); p++)
		n++;
	CU_ASSERT_EQUAL(n, 30);
	CU_ASSERT_PTR_NULL(strstr(text, " tc"));
	CU_ASSERT_PTR_NOT_NULL(strstr(asking(&x, "big A"), " tc"));
	/* The servers fit, their addresses do not. */
	text = asking(&x, "big A edns size=1000");
	CU_ASSERT_PTR_NOT_NULL(strstr(text, " NS ns30.big"));
	CU_ASSERT_PTR_NOT_NULL(strstr(text, " tc"));
	CU_ASSERT_PTR_NULL(strstr(text, " aa"));
	/* So many names are looked up. */
	n = 0;
	for (const char *p = asking(&x, "seventy A tcp"); (p = strstr(p, " A 10.5.0.")); p++)
		n++;
	CU_ASSERT_EQUAL(n, 64);
}

/* 64 names of RDATA have their addresses looked up. */
static void not_more_than_64_names_are_looked_up(void)
{
	const char *text = asking(&x, "many MX tcp");
	unsigned n = 0;

	for (const char *p = text; (p = strstr(p, " A 10.3.0.")); p++)
		n++;
	CU_ASSERT_EQUAL(n, 64);
}

static const struct unit_case cases[] = {
	{ "addresses that will be asked for come along",
		addresses_that_will_be_asked_for_come_along },
	{ "who wants it minimal gets glue only", who_wants_it_minimal_gets_glue_only },
	{ "glue that is needed is all there, or TC", glue_is_whole_or_tc },
	{ "not more than 64 names are looked up", not_more_than_64_names_are_looked_up },
};

static int open_world(void)
{
	asking_open(&x, false);
	return 0;
}

static int close_world(void)
{
	asking_close(&x);
	return 0;
}

void suite_sections(void);
void suite_sections(void)
{
	unit_suite_with("answer/sections", cases, UNIT_COUNT(cases), open_world, close_world);
}
