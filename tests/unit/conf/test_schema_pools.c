#include "conf/conf.h"

#include "unit/conf/told.h"
#include "unit/unit.h"

#include <math.h>
#include <string.h>

/* Two edges that have a place, and one without any weight either. */
#define EDGES                                                                                 \
	"edges: { ams1: { at: \"1,2\", a: 192.0.2.1 }, iad2: { at: \"3,4\", a: 192.0.2.2 }, " \
	"far: { a: 192.0.2.3, weight: 0 } }\n"

static void are_edges(const uint16_t *edges, size_t n, const char *want)
{
	CU_ASSERT_EQUAL_FATAL(n, strlen(want));
	for (size_t i = 0; i < n; i++)
		CU_ASSERT_EQUAL(edges[i], want[i] - '0');
}

static void pools_keep_their_order_and_values(void)
{
	struct conf c;

	told_complete(&c);
	CU_ASSERT_EQUAL_FATAL(c.n_pools, 3);
	const struct pool_opts *web = &c.pools[0], *rest = &c.pools[1];
	CU_ASSERT_STRING_EQUAL(web->name, "web");
	are_edges(web->edges, web->n, "012");
	are_edges(web->fallback, web->n_fallback, "10");
	CU_ASSERT_EQUAL(web->policy, POOL_NEAREST);
	CU_ASSERT_EQUAL(web->answers, 2);
	CU_ASSERT_DOUBLE_EQUAL(web->spread_ms, 2.5, 1e-9);
	CU_ASSERT_TRUE(isinf(web->spread_share));
	CU_ASSERT_EQUAL(web->ttl_min_s, 20);
	CU_ASSERT_EQUAL(web->ttl_max_s, 60);
	CU_ASSERT_EQUAL(web->all_down, POOL_OTHER);
	CU_ASSERT_EQUAL(web->other, 1);
	CU_ASSERT_EQUAL(rest->policy, POOL_WEIGHTED);
	CU_ASSERT_TRUE(isinf(rest->spread_ms));
	CU_ASSERT_DOUBLE_EQUAL(rest->spread_share, 0.05, 1e-9);
	CU_ASSERT_EQUAL(rest->ttl_min_s, 3600);
	CU_ASSERT_EQUAL(rest->ttl_max_s, 3600);
	CU_ASSERT_EQUAL(rest->all_down, POOL_EMPTY);
	CU_ASSERT_EQUAL(c.pools[2].policy, POOL_ROUND_ROBIN);
	conf_fini(&c);
}

static void pins_keep_their_order_and_say_who(void)
{
	struct conf c;
	char buf[ADDR_TEXT];

	told_complete(&c);
	const struct pool_pin *pin = c.pools[0].pins;
	CU_ASSERT_EQUAL_FATAL(c.pools[0].n_pins, 6);
	CU_ASSERT_EQUAL(pin[0].kind, PIN_CONTINENT);
	CU_ASSERT_STRING_EQUAL(pin[0].code, "EU");
	are_edges(pin[0].edges, pin[0].n, "0");
	CU_ASSERT_EQUAL(pin[1].kind, PIN_COUNTRY);
	CU_ASSERT_STRING_EQUAL(pin[1].code, "NO");
	CU_ASSERT_EQUAL(pin[2].kind, PIN_REGION);
	CU_ASSERT_STRING_EQUAL(pin[2].code, "US-CA");
	CU_ASSERT_EQUAL(pin[3].kind, PIN_ASN);
	CU_ASSERT_EQUAL(pin[3].asn, 64500);
	CU_ASSERT_EQUAL(pin[4].asn, 64501);
	are_edges(pin[4].edges, pin[4].n, "2");
	CU_ASSERT_EQUAL(pin[5].kind, PIN_NET);
	CU_ASSERT_STRING_EQUAL(prefix_text(buf, &pin[5].net), "203.0.113.0/24");
	are_edges(pin[5].edges, pin[5].n, "20");
	conf_fini(&c);
}

static void values_of_pools_are_checked(void)
{
	static const struct told_case row[] = {
		{ "an edge that is near another's name",
			SERVER ZONES EDGES "pools: { p: { edges: [ ams1, ida2 ] } }\n",
			"4:30: error: there is no edge \"ida2\"; did you mean \"iad2\"?\n" },
		{ "an edge that is near nothing",
			SERVER ZONES EDGES "pools: { p: { edges: london } }\n",
			"4:22: error: there is no edge \"london\"; write it under \"edges\" "
			"first\n" },
		{ "a pool as \"force\" names it",
			SERVER ZONES EDGES "pools: { p: { edges: [ pool:q ] }, q: { edges: [ ams1, iad2 ] } }\n",
			"4:24: error: a pool stands here by its name alone, or as { pool: q }\n" },
		{ "... without a name", SERVER ZONES EDGES "pools: { p: { edges: [ \"pool:\" ] }, q: { edges: [ ams1, iad2 ] } }\n",
			"4:24: error: a pool stands here by its name alone, or as { pool: NAME }\n" },
		{ "... with what a terminal obeys", SERVER ZONES EDGES "pools: { p: { edges: [ \"pool:\\e[2J\" ] }, q: { edges: [ ams1, iad2 ] } }\n",
			"4:24: error: a pool stands here by its name alone, or as { pool: ?[2J }\n" },
		{ "a pool that is called so", SERVER ZONES EDGES "pools: { p: { edges: [ \"pool:q\" ] }, \"pool:q\": { edges: [ ams1, iad2 ] } }\n", "" },
		{ "a pool that is a list", SERVER ZONES EDGES "pools: { p: [ ams1, iad2 ] }\n",
			"4:13: error: pool p must be a mapping of keys and values, not a list; write for example: { edges: [ ams1, iad1 ] }\n" },
		{ "an edge twice",
			SERVER ZONES EDGES "pools: { p: { edges: [ ams1, iad2, ams1 ] } }\n",
			"4:36: error: edge ams1 is here twice; take one out\n" },
		{ "no edges",
			SERVER ZONES EDGES
			"pools: { p: { policy: nearest }, q: { edges: [] } }\n",
			"4:10: error: \"edges\" is missing in pool p; write for example: "
			"edges: [ ams1, iad2 ]\n"
			"4:46: error: \"edges\" must be the name of an edge, or a list of "
			"them, or of pools, not an empty list\n" },
		{ "pools without any edges", SERVER ZONES "pools: { p: { edges: [ a, b ] } }\n",
			"3:1: error: pools need edges; write them under \"edges\"\n" },
		{ "nearest to an edge that stands nowhere",
			SERVER ZONES EDGES "pools: { p: { edges: [ ams1, far ] } }\n",
			"4:30: error: edge far has no \"at\", and pool p is nearest; give the "
			"edge its place, or the pool another policy\n" },
		{ "... is told once when the place is faulty",
			SERVER ZONES
			"edges: { e: { at: x, a: 192.0.2.1 } }\npools: { p: { edges: e } }\n",
			"3:19: error: \"at\" must be latitude and longitude, such as "
			"\"52.37,4.90\", not \"x\"\n" },
		{ "... is not told when the policy is unclear",
			SERVER ZONES EDGES "pools: { p: { edges: far, policy: closest } }\n",
			"4:35: error: \"policy\" must be nearest, ordered, round-robin, weighted, hash, "
			"least-latency or least-load, not "
			"\"closest\"\n" },
		{ "weighted by nothing",
			SERVER ZONES EDGES "pools: { p: { edges: far, policy: weighted } }\n",
			"4:35: error: pool p is weighted, and all its edges have weight 0\n" },
		{ "an unknown policy",
			SERVER ZONES EDGES "pools: { p: { edges: ams1, policy: closest } }\n",
			"4:36: error: \"policy\" must be nearest, ordered, round-robin, weighted, hash, "
			"least-latency or least-load, not "
			"\"closest\"\n" },
		{ "too many answers",
			SERVER ZONES EDGES "pools: { p: { edges: ams1, answers: 17 } }\n",
			"4:37: error: \"answers\" must be a number from 1 to 16, not "
			"\"17\"\n" },
		{ "a spread without a unit",
			SERVER ZONES EDGES "pools: { p: { edges: ams1, spread: 10 } }\n",
			"4:36: error: \"spread\" needs a unit; write 10ms or 10%\n" },
		{ "a spread below zero",
			SERVER ZONES EDGES "pools: { p: { edges: ams1, spread: -5ms } }\n",
			"4:36: error: \"spread\" must be a time or a share, such as 10ms or "
			"5%, not \"-5ms\"\n" },
		{ "a ttl without a unit",
			SERVER ZONES EDGES "pools: { p: { edges: ams1, ttl: 60 } }\n",
			"4:33: error: \"ttl\" needs a unit (s, m, h, d or w); write 60s\n" },
		{ "a ttl the wrong way round",
			SERVER ZONES EDGES "pools: { p: { edges: ams1, ttl: 1m-20s } }\n",
			"4:33: error: \"ttl\" goes from the smaller to the larger; write "
			"20s-1m\n" },
		{ "half a ttl", SERVER ZONES EDGES "pools: { p: { edges: ams1, ttl: 20s- } }\n",
			"4:33: error: \"ttl\" must be a duration in whole seconds or a range "
			"of them, such as 60s or 20s-60s, not \"20s-\"\n" },
		{ "parts of a second",
			SERVER ZONES EDGES "pools: { p: { edges: ams1, ttl: 500ms } }\n",
			"4:33: error: \"ttl\" must be a duration in whole seconds or a range "
			"of them, such as 60s or 20s-60s, not \"500ms\"\n" },
		{ "a ttl past 2^31 - 1 seconds (RFC 2181 section 8)",
			SERVER ZONES EDGES "pools: { p: { edges: ams1, ttl: 2147483648s } }\n",
			"4:33: error: \"ttl\" must be a duration in whole seconds or a range "
			"of them, such as 60s or 20s-60s, not "
			"\"2147483648s\"\n" },
		{ "all-down: an unknown word",
			SERVER ZONES EDGES "pools: { p: { edges: ams1, all-down: none } }\n",
			"4:38: error: \"all-down\" must be all, first, empty or { pool: NAME "
			"}, not \"none\"\n" },
		{ "all-down: an unknown pool",
			SERVER ZONES EDGES
			"pools: { web: { edges: ams1, all-down: { pool: wbe } }, q: { edges: "
			"ams1, all-down: { pool: backup } } }\n",
			"4:48: error: there is no pool \"wbe\"; did you mean \"web\"?\n"
			"4:93: error: there is no pool \"backup\"; write it under \"pools\" "
			"first\n" },
		{ "all-down: no pool named",
			SERVER ZONES EDGES "pools: { p: { edges: ams1, all-down: {} } }\n",
			"4:28: error: \"pool\" is missing in all-down; write for example: { "
			"pool: NAME }\n" },
		{ "a default edge of another pool",
			SERVER ZONES EDGES
			"pools: { p: { default: [ iad2, ams1 ], edges: ams1 } }\n",
			"4:26: error: edge iad2 is not one of pool p; add it to the pool's "
			"\"edges\", or take it out here\n" },
		{ "... is no fault while it is unclear which edges the pool has",
			SERVER ZONES EDGES
			"pools: { p: { edges: [ ams1, ida2 ], default: iad2 } }\n",
			"4:30: error: there is no edge \"ida2\"; did you mean \"iad2\"?\n" },
		{ "families that go some other way",
			SERVER ZONES EDGES "pools: { p: { edges: ams1, families: aprat } }\n",
			"4:38: error: \"families\" must be together or apart, not \"aprat\"; did you mean \"apart\"?\n" },
		{ "too few of a type",
			SERVER ZONES EDGES "pools: { p: { edges: ams1, least-up: { a: 0, aaa: 1 } } }\n",
			"4:43: error: \"a\" must be a number of edges from 1 on, not \"0\"\n"
			"4:46: error: unknown key \"aaa\" in least-up; did you mean \"aaaa\"?\n" },
		{ "too few of anything",
			SERVER ZONES EDGES "pools: { p: { edges: ams1, least-up: some } }\n",
			"4:38: error: \"least-up\" must be a number of edges from 1 on, a share of them such as 50%, "
			"or numbers of each type such as { a: 1, aaaa: 1 }, not \"some\"\n" },
		{ "a pool with nothing", SERVER ZONES EDGES "pools:\n  p:\n",
			"5:3: error: there is no value behind this; write one, or take the "
			"line out\n" },
		{ "a pool without a name",
			SERVER ZONES EDGES "pools: { \"\": { edges: ams1 } }\n",
			"4:10: error: the name of a pool has 1 to 255 bytes\n" },
	};

	told_check(row, UNIT_COUNT(row));
}

static void pools_that_stand_in_for_each_other_in_a_circle_are_told(void)
{
	static const struct told_case row[] = {
		{ "itself",
			SERVER ZONES EDGES
			"pools: { web: { edges: ams1, all-down: { pool: web } } }\n",
			"4:48: error: pools that stand in for each other in a circle: web -> "
			"web\n" },
		{ "two, with a third that leads there",
			SERVER ZONES EDGES
			"pools:\n"
			"  lead: { edges: ams1, all-down: { pool: web } }\n"
			"  web: { edges: ams1, all-down: { pool: backup } }\n"
			"  backup: { edges: iad2, all-down: { pool: web } }\n",
			"6:41: error: pools that stand in for each other in a circle: web -> "
			"backup -> web\n" },
		{ "two circles are two faults",
			SERVER ZONES EDGES "pools:\n"
					   "  a: { edges: ams1, all-down: { pool: b } }\n"
					   "  b: { edges: ams1, all-down: { pool: a } }\n"
					   "  c: { edges: iad2, all-down: { pool: c } }\n",
			"5:39: error: pools that stand in for each other in a circle: a -> b "
			"-> a\n"
			"7:39: error: pools that stand in for each other in a circle: c -> "
			"c\n" },
		{ "a chain that ends",
			SERVER ZONES EDGES "pools:\n"
					   "  a: { edges: ams1, all-down: { pool: b } }\n"
					   "  b: { edges: ams1, all-down: { pool: c } }\n"
					   "  c: { edges: iad2, all-down: first }\n",
			"" },
	};

	told_check(row, UNIT_COUNT(row));
}

#define PIN(what) SERVER ZONES EDGES "pools: { p: { edges: ams1, pin: { " what " } } }\n"

static void pins_are_checked(void)
{
	static const struct told_case row[] = {
		{ "an edge of another pool", PIN("country: { NL: iad2 }"),
			"4:50: error: edge iad2 is not one of pool p; add it to the pool's "
			"\"edges\", or take it out here\n" },
		{ "NO without quotes is Norway", PIN("country: { NO: ams1 }"), "" },
		{ "three letters", PIN("country: { NLD: ams1 }"),
			"4:46: error: \"NLD\" is not a country (two letters of ISO 3166-1, "
			"such as NL)\n" },
		{ "no such continent", PIN("continent: { XX: ams1 }"),
			"4:48: error: \"XX\" is not a continent (AF, AN, AS, EU, NA, OC or "
			"SA)\n" },
		{ "a region without its country", PIN("region: { CA: ams1 }"),
			"4:45: error: \"CA\" is not a region (country, \"-\" and what the "
			"GeoIP file has: US-CA, US-California)\n" },
		{ "AS 0 (RFC 7607)", PIN("asn: { 0: ams1 }"),
			"4:42: error: \"0\" is not an AS number (1 to 4294967295)\n" },
		{ "an AS number of 33 bits", PIN("asn: { AS4294967296: ams1 }"),
			"4:42: error: \"AS4294967296\" is not an AS number (1 to "
			"4294967295)\n" },
		{ "bits behind the prefix", PIN("net: { 192.0.2.1/24: ams1 }"),
			"4:42: error: \"192.0.2.1/24\" has bits behind its length "
			"(192.0.2.0/24 is the prefix)\n" },
		{ "the same clients in other words",
			PIN("asn: { 64500: ams1, as64500: ams1 }, country: { no: ams1, NO: "
			    "ams1 }"),
			"4:55: error: these clients are pinned twice (first on line 4); take "
			"one out\n"
			"4:93: error: these clients are pinned twice (first on line 4); take "
			"one out\n" },
		{ "a net and one inside it are not the same",
			PIN("net: { 192.0.2.0/24: ams1, 192.0.2.0/25: ams1 }"), "" },
		{ "to no edge", PIN("country: { NO: [], NL: }"),
			"4:50: error: \"country\" must be the name of an edge or a pool, or a "
			"list of edges, not an empty list\n"
			"4:54: error: there is no value behind this; write one, or take the "
			"line out\n" },
		{ "a list", PIN("country: [ NO ]"),
			"4:44: error: country must be a mapping of keys and values, not a "
			"list\n" },
	};

	told_check(row, UNIT_COUNT(row));
}

void suite_schema_pools(void);
void suite_schema_pools(void)
{
	static const struct unit_case cases[] = {
		{ "pools keep their order and values", pools_keep_their_order_and_values },
		{ "pins keep their order and say who", pins_keep_their_order_and_say_who },
		{ "values of pools are checked", values_of_pools_are_checked },
		{ "pools that stand in for each other in a circle are told",
			pools_that_stand_in_for_each_other_in_a_circle_are_told },
		{ "pins are checked", pins_are_checked },
	};

	unit_suite("conf/schema_pools", cases, UNIT_COUNT(cases));
}
