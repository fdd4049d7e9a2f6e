#include "conf/conf.h"

#include "unit/conf/told.h"
#include "unit/unit.h"

static void is_address(const struct addr *a, const char *want)
{
	char buf[ADDR_TEXT];

	CU_ASSERT_STRING_EQUAL(addr_text(buf, a), want);
}

static void edges_keep_their_order_and_values(void)
{
	struct conf c;

	told_complete(&c);
	CU_ASSERT_EQUAL_FATAL(c.n_edges, 3);
	const struct edge_opts *ams = &c.edges[0], *iad = &c.edges[1], *sin = &c.edges[2];
	CU_ASSERT_STRING_EQUAL(ams->name, "ams1");
	CU_ASSERT_TRUE(ams->placed);
	CU_ASSERT_DOUBLE_EQUAL(ams->lat, 52.37, 1e-9);
	CU_ASSERT_DOUBLE_EQUAL(ams->lon, 4.9, 1e-9);
	CU_ASSERT_EQUAL_FATAL(ams->n_a, 2);
	is_address(&ams->a[0], "192.0.2.10");
	is_address(&ams->a[1], "192.0.2.11");
	CU_ASSERT_EQUAL_FATAL(ams->n_aaaa, 1);
	is_address(&ams->aaaa[0], "2001:db8:1::10");
	CU_ASSERT_EQUAL(ams->weight, 7);
	CU_ASSERT_EQUAL(ams->state, EDGE_UP);
	CU_ASSERT_PTR_NULL(ams->cname);
	told_name(iad->cname, "Edge.example.net.");
	CU_ASSERT_DOUBLE_EQUAL(iad->lon, -77.45, 1e-9);
	CU_ASSERT_EQUAL(iad->n_a + iad->n_aaaa, 0);
	CU_ASSERT_EQUAL(iad->state, EDGE_DRAIN);
	CU_ASSERT_EQUAL(iad->weight, 1);
	CU_ASSERT_STRING_EQUAL(sin->name, "sin1");
	CU_ASSERT_EQUAL(sin->state, EDGE_DOWN);
	conf_fini(&c);
}

static void edges_say_where_probes_ask(void)
{
	struct text lines;
	struct conf c;

	CU_ASSERT_TRUE_FATAL(told_read(&c,
		SERVER ZONES "edges:\n"
			     "  a: { a: [ 192.0.2.1, 192.0.2.2 ], probe-address: \"10.0.0.1:8080\" }\n"
			     "  b: { a: 192.0.2.3, aaaa: \"2001:db8::3\", probe-address: [ 10.0.0.2, "
			     "\"[fd00::2]:81\" ] }\n"
			     "  c: { cname: cdn.example.net, probe-address: \"bücher.example:82\" }\n"
			     "  d: { a: 192.0.2.4, probe-address: off }\n"
			     "  e: { cname: cdn.example.net }\n",
		&lines));
	const struct edge_opts *e = c.edges;
	CU_ASSERT(e[0].n_points == 1 && e[0].points[0].port == 8080 && !e[0].points[0].name);
	is_address(&e[0].points[0].addr, "10.0.0.1");
	CU_ASSERT(e[1].n_points == 2 && e[1].points[0].port == 0 && e[1].points[1].port == 81);
	is_address(&e[1].points[1].addr, "fd00::2");
	CU_ASSERT(e[2].n_points == 1 && e[2].points[0].port == 82);
	CU_ASSERT_STRING_EQUAL(e[2].points[0].name, "xn--bcher-kva.example");
	is_address(&e[2].points[0].addr, "::");
	CU_ASSERT(e[3].unprobed && e[3].n_points == 0);
	CU_ASSERT(!e[4].unprobed && e[4].n_points == 0);
	text_fini(&lines);
	conf_fini(&c);
}

static void values_of_edges_are_checked(void)
{
	static const struct told_case row[] = {
		{ "latitude and longitude the wrong way round",
			SERVER ZONES "edges: { e: { a: 192.0.2.1, at: \"103.82,1.35\" } }\n",
			"3:33: error: a latitude is from -90 to 90, not 103.82 (latitude comes "
			"first, then longitude)\n" },
		{ "past the date line",
			SERVER ZONES "edges: { e: { a: 192.0.2.1, at: \"1,180.5\" } }\n",
			"3:33: error: a longitude is from -180 to 180, not 180.5\n" },
		{ "a place without quotes in braces",
			SERVER ZONES "edges: { e: { at: 52.37,4.90, a: 192.0.2.1 } }\n",
			"3:19: error: \"at\" must be latitude and longitude, such as "
			"\"52.37,4.90\"; a comma inside { } needs the quotes\n"
			"3:25: error: unknown key \"4.90\" in edge e (known: at, a, aaaa, "
			"cname, flatten, records, probe-address, probe, needs, weight, bias, cost, capacity, load, slow-start, state)\n" },
		{ "records with faults of their own, at their places",
			SERVER ZONES "edges: { e: { a: 192.0.2.1, records: [ \"MX mx1.example.\", 'TXT \"x', "
				     "SOA, A 192.0.2.2, 300 TXT x, TXT a, TXT a ] } }\n",
			"3:44: error: mx1.example. cannot be the preference (a number from 0 to 65535 is "
			"wanted)\n"
			"3:64: error: this quote is not closed on its line (a \" is missing, or write "
			"\\\" for the sign)\n"
			"3:69: error: SOA is a matter of the zone, and no record of an edge\n"
			"3:74: error: addresses of IPv4 belong under \"a\"\n"
			"3:87: error: 300 is no record type (a record of an edge begins with its type, "
			"such as MX 10 mx1.example.; the owner and the TTL are the EDGE record's)\n"
			"3:105: error: this record is here twice; take one out\n" },
		{ "a CNAME beside others",
			SERVER ZONES "edges: { e: { records: [ CNAME a.example, TXT x ] }, "
				     "f: { cname: a.example, records: TXT x }, "
				     "g: { a: 192.0.2.1, records: CNAME a.example } }\n",
			"3:26: error: a CNAME stands alone (RFC 1034 section 3.6.2); take the other "
			"records of the edge out\n"
			"3:77: error: a CNAME stands alone (RFC 1034 section 3.6.2): an edge with a "
			"cname has no records\n"
			"3:114: error: a CNAME stands alone (RFC 1034 section 3.6.2); take the addresses "
			"out, or the CNAME\n" },
		{ "hints that are not the edge's",
			SERVER ZONES "edges: { e: { a: 192.0.2.1, records: [ HTTPS 1 . alpn=h3 "
				     "ipv4hint=192.0.2.1, HTTPS 2 . ipv4hint=192.0.2.2 ] } }\n",
			"3:29: warning: a hint of this edge's HTTPS or SVCB is none of its addresses: "
			"clients may go where A and AAAA do not send them\n" },
		{ "neither one for all nor one for each",
			SERVER ZONES "edges: { e: { a: [ 192.0.2.1, 192.0.2.2, 192.0.2.3 ], "
				     "probe-address: [ 10.0.0.1, 10.0.0.2 ] } }\n",
			"3:70: error: \"probe-address\" has 2 entries and the edge 3 addresses; write "
			"one for all of them, or one for each (those of \"a\" first)\n" },
		{ "a place in words",
			SERVER ZONES "edges: { e: { a: 192.0.2.1, at: Amsterdam } }\n",
			"3:33: error: \"at\" must be latitude and longitude, such as "
			"\"52.37,4.90\", not \"Amsterdam\"\n" },
		{ "no number of any kind",
			SERVER ZONES "edges: { e: { a: 192.0.2.1, at: \"nan,0x10\" } }\n",
			"3:33: error: \"at\" must be latitude and longitude, such as "
			"\"52.37,4.90\", not \"nan,0x10\"\n" },
		{ "three numbers",
			SERVER ZONES "edges: { e: { a: 192.0.2.1, at: [ 1, 2, 3 ] } }\n",
			"3:33: error: \"at\" must be latitude and longitude, such as "
			"\"52.37,4.90\", not a list\n" },
		{ "IPv6 under a",
			SERVER ZONES "edges: { e: { a: [ \"2001:db8::1\", 192.0.2.256 ] } }\n",
			"3:20: error: 2001:db8::1 is an IPv6 address; it belongs under "
			"\"aaaa\"\n"
			"3:35: error: \"192.0.2.256\" is not an IPv4 address\n" },
		{ "IPv4 under aaaa",
			SERVER ZONES
			"edges: { e: { aaaa: [ 192.0.2.1, \"::ffff:192.0.2.1\" ] } }\n",
			"3:23: error: 192.0.2.1 is an IPv4 address; it belongs under \"a\"\n"
			"3:34: error: ::ffff:192.0.2.1 is an IPv4 address written as IPv6; it "
			"belongs under \"a\"\n" },
		{ "an address twice, in other letters",
			SERVER ZONES
			"edges: { e: { aaaa: [ 2001:db8::A, \"2001:DB8:0::a\" ] } }\n",
			"3:36: error: this address is here twice; take one out\n" },
		{ "an address that YAML takes for a key",
			SERVER ZONES "edges:\n  e:\n    aaaa: [ 2001:db8:: ]\n",
			"5:13: error: \"aaaa\" must be an IPv6 address or a list of them; an "
			"address with \":\" at its end needs quotes\n" },
		{ "no way to reach it", SERVER ZONES "edges: { e: { at: \"1,2\" } }\n",
			"3:10: error: edge e has no address; give it \"a\", \"aaaa\", "
			"\"cname\", \"flatten\" or \"records\"\n" },
		{ "a faulty address is a fault, but not none",
			SERVER ZONES "edges: { e: { a: x } }\n",
			"3:18: error: \"x\" is not an IPv4 address\n" },
		{ "a cname that is not used",
			SERVER ZONES "edges: { e: { a: 192.0.2.1, cname: x.example } }\n",
			"3:29: warning: this is not used: edge e has addresses, and they come "
			"first\n" },
		{ "a broken cname", SERVER ZONES "edges: { e: { cname: x..example } }\n",
			"3:22: error: \"x..example\" has an empty label (two dots together, or "
			"a dot in front)\n" },
		{ "the root as cname", SERVER ZONES "edges: { e: { cname: . } }\n",
			"3:22: error: \"cname\" must be a domain name, such as "
			"edge.example.net, not \".\"\n" },
		{ "a cname in its own letters",
			SERVER ZONES "edges: { e: { cname: b\xc3\xbc"
				     "cher.example } }\n",
			"3:22: error: \"b\xc3\xbc"
			"cher.example\" is not ASCII; write the name's xn-- form (RFC "
			"5890)\n" },
		{ "a weight too large",
			SERVER ZONES "edges: { e: { a: 192.0.2.1, weight: 65536 } }\n",
			"3:37: error: \"weight\" must be a number from 0 to 65535, not "
			"\"65536\"\n" },
		{ "an unknown state",
			SERVER ZONES "edges: { e: { a: 192.0.2.1, state: UP } }\n",
			"3:36: error: \"state\" must be up, down or drain, not \"UP\"; did you mean \"up\"?\n" },
		{ "a name that starts like an option",
			SERVER ZONES "edges: { -e: { a: 192.0.2.1 } }\n",
			"3:10: error: \"-e\" is no name for an edge: it starts with a letter "
			"or digit, and has only those and \"-\", \"_\" "
			"and \".\" in it\n" },
		{ "an edge with nothing", SERVER ZONES "edges:\n  e:\n",
			"4:3: error: there is no value behind this; write one, or take the "
			"line out\n" },
		{ "an edge that is an address", SERVER ZONES "edges: { e: 192.0.2.1 }\n",
			"3:13: error: edge e must be a mapping of keys and values, not one "
			"value; write for example: { a: 192.0.2.10 }\n" },
	};

	told_check(row, UNIT_COUNT(row));
}

void suite_schema_edges(void);
void suite_schema_edges(void)
{
	static const struct unit_case cases[] = {
		{ "edges keep their order and values", edges_keep_their_order_and_values },
		{ "edges say where probes ask", edges_say_where_probes_ask },
		{ "values of edges are checked", values_of_edges_are_checked },
	};

	unit_suite("conf/schema_edges", cases, UNIT_COUNT(cases));
}
