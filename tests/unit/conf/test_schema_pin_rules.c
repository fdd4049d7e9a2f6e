#include "conf/conf.h"

#include "geo/netmap.h"
#include "unit/conf/told.h"
#include "unit/unit.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#define EDGES "edges: { ams1: { at: \"1,2\", a: 192.0.2.1 }, iad2: { at: \"3,4\", a: 192.0.2.2 } }\n"
#define HEAD  SERVER ZONES EDGES "clients: { office: [ 10.0.0.0/8 ], lab: { nets: 192.0.2.0/24 } }\n"
#define RULE(text) HEAD "pools: { p: { edges: [ ams1 ], pin: [ { " text " } ] }, q: { edges: iad2 } }\n"

static void rules_say_who_and_what(void)
{
	struct text lines = { 0 };
	struct conf c;

	CU_ASSERT_TRUE_FATAL(told_read(&c,
		HEAD "pools:\n"
		     "  p:\n"
		     "    edges: [ ams1, iad2 ]\n"
		     "    pin:\n"
		     "      - { country: [ de, FR ], asn: AS3320, to: [ iad2, ams1 ] }\n"
		     "      - { clients: [ office, lab ], resolver: 192.0.2.53, to: q, only: on }\n"
		     "      - { type: AAAA, via: [ tls, https ], during: [ \"Mon-Fri 08:00-18:00 "
		     "Europe/Berlin\", Sat ], to: ams1 }\n"
		     "      - { not: { city: Berlin, net: 192.0.2.0/24 }, to: refused }\n"
		     "  q: { edges: iad2 }\n",
		&lines));
	CU_ASSERT_STRING_EQUAL(text_get(&lines), "");
	const struct pool_rule *r = c.pools[0].rules;
	CU_ASSERT_EQUAL_FATAL(c.pools[0].n_rules, 4);
	CU_ASSERT_EQUAL(r[0].when.n, 3);
	CU_ASSERT_STRING_EQUAL(r[0].when.conds[0].code, "DE");
	CU_ASSERT_EQUAL(r[0].when.conds[2].kind, PIN_ASN);
	CU_ASSERT_TRUE(r[0].to.n == 2 && r[0].to.edges[0] == 1 && r[0].to.edges[1] == 0);
	CU_ASSERT_STRING_EQUAL(r[0].to.code, "country de FR, asn AS3320");
	CU_ASSERT_EQUAL(r[1].when.n_clients, 2);
	CU_ASSERT_EQUAL(r[1].when.n_resolvers, 1);
	CU_ASSERT_TRUE(r[1].to.to_pool && r[1].to.pool == 1 && r[1].only);
	CU_ASSERT(r[2].when.types == POOL_TYPE_AAAA && r[2].when.via == 12 && r[2].when.n_during == 2);
	CU_ASSERT_STRING_EQUAL(r[2].to.code, "type AAAA, via tls https, during Mon-Fri 08:00-18:00 "
					     "Europe/Berlin or Sat");
	r++;
	CU_ASSERT_EQUAL(r[2].unless.n, 2);
	CU_ASSERT_TRUE(r[2].nobody && r[2].refused && !r[2].when.n);
	CU_ASSERT_STRING_EQUAL(r[2].to.code, "not (city Berlin, net 192.0.2.0/24): refused");
	conf_fini(&c);
	text_fini(&lines);
}

static void wrong_rules_are_told(void)
{
	static const struct told_case row[] = {
		{ "to nowhere", RULE("country: DE"),
			"5:39: error: this rule has no \"to\"; write for example: to: ams1\n" },
		{ "no country", RULE("country: [ DE, Germany ], to: ams1"),
			"5:56: error: \"Germany\" is not a country (two letters of ISO 3166-1, such "
			"as NL)\n" },
		{ "no class", RULE("clients: ofice, to: ams1"),
			"5:50: error: there is no class of clients \"ofice\"; did you mean "
			"\"office\"?\n" },
		{ "an edge of another pool", RULE("country: DE, to: iad2"),
			"5:58: error: edge iad2 is not one of pool p; add it to the pool's "
			"\"edges\", or take it out here\n" },
		{ "a slip", RULE("contry: DE, to: ams1"),
			"5:41: error: unknown key \"contry\" in this rule; did you mean \"country\"?\n" },
		{ "an exception without any", RULE("not: {}, to: ams1"),
			"5:46: error: there is no condition in here; write one\n" },
		{ "no type", RULE("type: HTTPS, to: ams1"),
			"5:47: error: \"type\" must be A or AAAA, or a list of them, not \"HTTPS\"\n" },
		{ "no transport", RULE("via: [ tls, quik ], to: ams1"),
			"5:53: error: \"via\" must be udp, tcp, tls, https or quic, or a list of them, not "
			"\"quik\"; did you mean \"quic\"?\n" },
		{ "no hours", RULE("during: \"Mon 8-18\", to: ams1"),
			"5:49: error: hours are as in 08:00-18:00, up to 24:00\n" },
		{ "no zone", RULE("during: [ Mon, \"Tue Europe/Berlni\" ], to: ams1"),
			"5:56: error: there is no time zone \"Europe/Berlni\" in /usr/share/zoneinfo/\n" },
		{ "no net", SERVER ZONES EDGES "clients: { x: [ 192.0.2.0/33 ] }\n",
			"4:17: error: \"192.0.2.0/33\": a prefix length here is a number from 0 to 32\n" },
		{ "no such key, of a long name", SERVER ZONES EDGES "clients: { abcdefghijabcdefghijabcdefghijabcdefghijabcdefghijabcdefghijabcdefghijabcdefghij: { net: 192.0.2.0/24 } }\n",
			"4:96: error: unknown key \"net\" in class "
			"abcdefghijabcdefghijabcdefghijabcdefghijabcdefghijabcdefghijabcdefgh...; did you mean \"nets\"?\n" },
		{ "no file", SERVER ZONES EDGES "clients: { x: { file: /nowhere/x.txt } }\n",
			"4:23: error: /nowhere/x.txt: No such file or directory\n" },
	};

	told_check(row, UNIT_COUNT(row));
}

static void files_have_a_net_a_line(void)
{
	char path[] = "/tmp/waymark-nets-XXXXXX", yaml[512];
	struct text lines = { 0 };
	struct conf c;

	const int fd = mkstemp(path);
	FILE *f = fdopen(fd, "w");
	fputs("# ours\n192.0.2.0/24\n\n  2001:db8::/32 # six\r\n198.51.100.7", f);
	fclose(f);
	snprintf(yaml, sizeof yaml,
		SERVER ZONES EDGES "pools: { p: { edges: [ ams1 ] } }\nclients: { x: { nets: "
				   "203.0.113.0/24, file: %s } }\n",
		path);
	CU_ASSERT_TRUE_FATAL(told_read(&c, yaml, &lines));
	CU_ASSERT_EQUAL(c.classes[0].n, 4);
	struct addr a = addr_from_v4((const uint8_t[]){ 198, 51, 100, 7 });
	CU_ASSERT_EQUAL(netmap_find(c.classes[0].map, &a).value, 1);
	a = addr_from_v4((const uint8_t[]){ 198, 51, 100, 8 });
	CU_ASSERT_EQUAL(netmap_find(c.classes[0].map, &a).value, 0);
	conf_fini(&c);
	f = fopen(path, "w");
	fputs("192.0.2.0/24\nnonsense\n", f);
	fclose(f);
	CU_ASSERT_FALSE(told_read(&c, yaml, &lines));
	CU_ASSERT_PTR_NOT_NULL(strstr(text_get(&lines), ":2: \"nonsense\""));
	text_fini(&lines);
	unlink(path);
}

void suite_schema_pin_rules(void)
{
	static const struct unit_case cases[] = {
		{ "rules say who and what", rules_say_who_and_what },
		{ "wrong rules are told", wrong_rules_are_told },
		{ "files have a net a line", files_have_a_net_a_line },
	};

	unit_suite("conf/schema_pin_rules", cases, UNIT_COUNT(cases));
}
