#include "answer/answer.h"

#include "unit/answer/asking.h"
#include "unit/unit.h"

#include "dns/edns.h"
#include "steer/stage.h"

#include <stdio.h>
#include <string.h>

static struct asking x;

static void names_are_answered_by_what_the_zone_has(void)
{
	static const struct asking_row rows[] = {
		{ "an address", "mail A", "NOERROR aa | mail 300 A 192.0.2.25 | - | - | -",
			46 },
		{ "NODATA has the SOA, with the smaller of its TTL and its minimum (RFC 2308 "
		  "section 3)",
			"mail AAAA",
			"NOERROR aa | - | example. 60 SOA ns1 host 7 7200 900 1209600 60 | - | "
			"-",
			75 },
		{ "NXDOMAIN has it, too", "nope A",
			"NXDOMAIN aa | - | example. 60 SOA ns1 host 7 7200 900 1209600 60 | - "
			"| -",
			75 },
		{ "RD comes back, CD does not (RFC 4035 section 3.1.6)", "mail A rd cd",
			"NOERROR aa rd | mail 300 A 192.0.2.25 | - | - | -", 46 },
		{ "the question's case comes back", "MaIl.ExAmPlE. A",
			"NOERROR aa | MaIl.ExAmPlE. 300 A 192.0.2.25 | - | - | -", 46 },
		{ "an empty non-terminal is NODATA", "b.ent A",
			"NOERROR aa | - | example. 60 SOA ns1 host 7 7200 900 1209600 60 | - | "
			"-",
			76 },
		{ "a wildcard's answer bears the question's name", "q.w A",
			"NOERROR aa | q.w 300 A 192.0.2.11 | - | - | -", 45 },
		{ "a wildcard does not stand for its own parent", "w A",
			"NOERROR aa | - | example. 60 SOA ns1 host 7 7200 900 1209600 60 | - | "
			"-",
			72 },
		{ "a wildcard is a name by itself", "*.w A",
			"NOERROR aa | *.w 300 A 192.0.2.11 | - | - | -", 45 },
		{ "class ANY is answered without authority (RFC 1035 section 6.2)",
			"mail A class=255", "NOERROR | mail 300 A 192.0.2.25 | - | - | -", 46 },
		{ "another class is not ours", "mail A class=4 edns",
			"REFUSED | - | - | - | 1232 ede20", 47 },
		{ "another zone is not ours", "elsewhere.test. A", "REFUSED | - | - | - | -",
			32 },
		{ "... and with EDNS it is told why", "elsewhere.test. A edns",
			"REFUSED | - | - | - | 1232 ede20", 49 },
		{ "a zone that is not there yet has nothing to say", "x.late.test. A",
			"SERVFAIL | - | - | - | -", 29 },
		{ "... and tells that it is not ready", "x.late.test. A edns",
			"SERVFAIL | - | - | - | 1232 ede14", 46 },
		{ "the DS of a cut between two zones of ours is the parent's", "child DS",
			"NOERROR aa | - | example. 60 SOA ns1 host 7 7200 900 1209600 60 | - | "
			"-",
			76 },
		{ "all else there is the child's", "child TXT",
			"NOERROR aa | - | child 50 SOA ns.child host.child 1 2 3 4 50 | - | -",
			75 },
		{ "a name of the child", "www.child A",
			"NOERROR aa | www.child 200 A 192.0.2.57 | - | - | -", 51 },
		{ "what the child does not have", "nope.child A",
			"NXDOMAIN aa | - | child 50 SOA ns.child host.child 1 2 3 4 50 | - | -",
			80 },
		{ "ANY over UDP is one set (RFC 8482 section 4.1)", "mixedmx ANY",
			"NOERROR aa | mixedmx 300 A 192.0.2.63 | - | - | -", 49 },
		{ "... and over TCP all", "mixedmx ANY tcp",
			"NOERROR aa | mixedmx 300 A 192.0.2.63, mixedmx 300 MX 1 mail, mixedmx "
			"300 AAAA 2001:db8::63 | - | - | -",
			98 },
	};
	asking_rows(&x, rows, UNIT_COUNT(rows));
}

static void chains_are_followed_through_our_zones(void)
{
	static const struct asking_row rows[] = {
		{ "a CNAME is followed", "c1 A",
			"NOERROR aa | c1 300 CNAME c2, c2 300 CNAME mail, mail 300 A "
			"192.0.2.25 | - | - | -",
			80 },
		{ "who asks for it gets it", "c1 CNAME",
			"NOERROR aa | c1 300 CNAME c2 | - | - | -", 45 },
		{ "the end of a chain may have no such type", "c1 MX",
			"NOERROR aa | c1 300 CNAME c2, c2 300 CNAME mail | example. 60 SOA ns1 "
			"host 7 7200 900 1209600 60 | - | -",
			109 },
		{ "... or not be there, which the RCODE tells (RFC 6604)", "cnx A",
			"NXDOMAIN aa | cnx 300 CNAME nope | example. 60 SOA ns1 host 7 7200 "
			"900 1209600 60 | - | -",
			93 },
		{ "a chain leads into another zone of ours", "cchild A",
			"NOERROR aa | cchild 300 CNAME www.child, www.child 200 A 192.0.2.57 | "
			"- | - | -",
			72 },
		{ "a chain that leaves our zones is the resolver's to follow", "cout A",
			"NOERROR aa | cout 300 CNAME x.other.test. | - | - | -", 56 },
		{ "... as is one into a zone that is not there yet", "clate A",
			"NOERROR aa | clate 300 CNAME x.late.test. | - | - | -", 56 },
		{ "a loop of two ends", "loop1 A",
			"NOERROR aa | loop1 300 CNAME loop2, loop2 300 CNAME loop1 | - | - | -",
			65 },
		{ "a loop of one ends", "self A",
			"NOERROR aa | self 300 CNAME self | - | - | -", 44 },
		{ "a DNAME makes a CNAME (RFC 6672 section 3.1)", "x.d A",
			"NOERROR aa | d 300 DNAME w, x.d 300 CNAME x.w, x.w 300 A 192.0.2.11 | "
			"- | - | -",
			84 },
		{ "... which is all that is asked for here", "x.d CNAME",
			"NOERROR aa | d 300 DNAME w, x.d 300 CNAME x.w | - | - | -", 68 },
		{ "a DNAME does not redirect itself", "d A",
			"NOERROR aa | - | example. 60 SOA ns1 host 7 7200 900 1209600 60 | - | "
			"-",
			72 },
		{ "... and can be asked for", "d DNAME",
			"NOERROR aa | d 300 DNAME w | - | - | -", 50 },
		{ "a name that becomes too long is YXDOMAIN (RFC 6672 section 2.2)",
			"aaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaa."
			"aaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaa."
			"aaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaa.long A",
			"YXDOMAIN aa | long 300 DNAME "
			"aaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaa."
			"bbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbb | - | - | -",
			313 },
		{ "... which it does not at 255 bytes",
			"aaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaa."
			"aaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaa."
			"aaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaa.long TXT tcp",
			"NXDOMAIN aa | long 300 DNAME "
			"aaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaa."
			"bbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbb, "
			"aaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaa."
			"aaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaa."
			"aaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaa.long 300 CNAME "
			"aaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaa."
			"aaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaa."
			"aaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaa."
			"aaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaa."
			"bbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbb | example. 60 SOA ns1 host 7 7200 "
			"900 1209600 60 | - | -",
			515 },
	};
	asking_rows(&x, rows, UNIT_COUNT(rows));
}

static void names_of_pools_are_answered_by_who_asks(void)
{
	static const struct asking_row rows[] = {
		{ "the source decides where there is no subnet", "www A",
			"NOERROR aa | www 300 A 192.0.2.1, www 300 A 192.0.2.101 | - | - | -",
			61 },
		{ "... by where it is", "www A from=3.0.1.1",
			"NOERROR aa | www 300 A 192.0.2.4 | - | - | -", 45 },
		{ "... IPv4 in IPv6 is IPv4", "www A from=::ffff:3.0.1.1",
			"NOERROR aa | www 300 A 192.0.2.4 | - | - | -", 45 },
		{ "... and IPv6 is itself", "www AAAA from=2a00::1",
			"NOERROR aa | www 300 AAAA 2001:db8::2 | - | - | -", 57 },
		{ "a subnet decides, and is answered with the scope of that",
			"www A ecs=1.0.1.0/24",
			"NOERROR aa | www 300 A 192.0.2.1, www 300 A 192.0.2.101 | - | - | "
			"1232 ecs1/24/8",
			83 },
		{ "a net within a net has a longer scope", "www A ecs=3.0.1.0/24",
			"NOERROR aa | www 300 A 192.0.2.4 | - | - | 1232 ecs1/24/17", 67 },
		{ "... whose other half goes elsewhere", "www A ecs=3.0.129.0/24",
			"NOERROR aa | www 300 A 192.0.2.3 | - | - | 1232 ecs1/24/17", 67 },
		{ "a subnet of IPv6", "www AAAA ecs=2a00::/32",
			"NOERROR aa | www 300 AAAA 2001:db8::2 | - | - | 1232 ecs2/32/32", 80 },
		{ "IPv4 in a subnet of IPv6 (6to4) has its scope behind 16 bits",
			"www A ecs=2002:300:100::/48",
			"NOERROR aa | www 300 A 192.0.2.4 | - | - | 1232 ecs2/48/33", 70 },
		{ "source 0 looks at nobody (RFC 7871 section 7.1.2)", "www A ecs=0.0.0.0/0",
			"NOERROR aa | www 300 A 192.0.2.1, www 300 A 192.0.2.101 | - | - | "
			"1232 ecs1/0/0",
			80 },
		{ "a subnet much shorter than the scope is good for a moment",
			"www A ecs=3.0.0.0/12",
			"NOERROR aa | www 1 A 192.0.2.4 | - | - | 1232 ecs1/12/17", 66 },
		{ "... of IPv6, too", "www AAAA ecs=2a00::/24",
			"NOERROR aa | www 1 AAAA 2001:db8::2 | - | - | 1232 ecs2/24/32", 79 },
		{ "... but not where it is as long", "www A ecs=3.0.0.0/17",
			"NOERROR aa | www 300 A 192.0.2.4 | - | - | 1232 ecs1/17/17", 67 },
		{ "... and not from 20 bits on", "www A ecs=2.0.0.0/20",
			"NOERROR aa | www 300 A 192.0.2.2 | - | - | 1232 ecs1/20/16", 67 },
		{ "a subnet of one bit is one", "www A ecs=128.0.0.0/1 from=3.0.1.1",
			"NOERROR aa | www 1 A 192.0.2.1, www 1 A 192.0.2.101 | - | - | 1232 "
			"ecs1/1/3",
			81 },
		{ "a name of a zone's own has scope 0", "mail A ecs=1.0.1.0/24",
			"NOERROR aa | mail 300 A 192.0.2.25 | - | - | 1232 ecs1/24/0", 68 },
		{ "an edge without an address of the type is passed over",
			"www AAAA ecs=3.0.1.0/24",
			"NOERROR aa | www 300 AAAA 2001:db8::3 | - | - | 1232 ecs1/24/17", 79 },
		{ "two answers, each with all of its addresses", "two A ecs=1.0.1.0/24",
			"NOERROR aa | two 300 A 192.0.2.1, two 300 A 192.0.2.101, two 300 A "
			"192.0.2.2 | - | - | 1232 ecs1/24/8",
			99 },
		{ "two answers of the other type", "two AAAA ecs=1.0.1.0/24",
			"NOERROR aa | two 300 AAAA 2001:db8::1, two 300 AAAA 2001:db8::2 | - | "
			"- | 1232 ecs1/24/8",
			107 },
		{ "no edge has an address of the type", "few AAAA",
			"NOERROR aa | - | example. 60 SOA ns1 host 7 7200 900 1209600 60 | - | "
			"-",
			74 },
		{ "what stands beside it is answered as anywhere", "www TXT",
			"NOERROR aa | www 300 TXT \"beside\" | - | - | -", 48 },
		{ "EDGE is a record like others", "www EDGE",
			"NOERROR aa | www 300 TYPE65301 \\# 4 03776562 | - | - | -", 45 },
		{ "what does not is NODATA", "www MX",
			"NOERROR aa | - | example. 60 SOA ns1 host 7 7200 900 1209600 60 | - | "
			"-",
			74 },
		{ "a wildcard of EDGE", "deep.x.steer A ecs=1.0.1.0/24",
			"NOERROR aa | deep.x.steer 300 A 192.0.2.1, deep.x.steer 300 A "
			"192.0.2.101 | - | - | 1232 ecs1/24/8",
			92 },
		{ "names share what the image does not know, behind a CNAME", "far MX",
			"NOERROR aa | far 300 CNAME mxs, mxs 300 MX 1 a.mail.other.test., mxs "
			"300 MX 2 b.mail.other.test. | - | - | -",
			98 },
		{ "a CNAME leads there", "csteer A ecs=2.0.1.0/24",
			"NOERROR aa | csteer 300 CNAME www, www 300 A 192.0.2.2 | - | - | 1232 "
			"ecs1/24/16",
			88 },
		{ "the first of two takes its turn", "turn A",
			"NOERROR aa | turn 50 A 192.0.2.1, turn 50 A 192.0.2.101 | - | - | -",
			62 },
		{ "... then the other", "turn A",
			"NOERROR aa | turn 50 A 192.0.2.2 | - | - | -", 46 },
		{ "... and AAAA by themselves", "turn AAAA",
			"NOERROR aa | turn 50 AAAA 2001:db8::1 | - | - | -", 58 },
		{ "a pool of CNAMEs makes the name one", "alias A",
			"NOERROR aa | alias 300 CNAME to.cdn.test. | - | - | -", 56 },
		{ "... whatever is asked for", "alias TXT",
			"NOERROR aa | alias 300 CNAME to.cdn.test. | - | - | -", 56 },
		{ "... CNAME itself among them", "alias CNAME",
			"NOERROR aa | alias 300 CNAME to.cdn.test. | - | - | -", 56 },
		{ "... DS, too, as at any CNAME: a validator looks for a cut", "alias DS",
			"NOERROR aa | alias 300 CNAME to.cdn.test. | - | - | -", 56 },
		{ "... but not what DNSSEC has beside a CNAME", "alias NSEC",
			"NOERROR aa | - | example. 60 SOA ns1 host 7 7200 900 1209600 60 | - | "
			"-",
			76 },
		{ "ANY is a record of the zone", "alias ANY",
			"NOERROR aa | alias 300 TYPE65301 \\# 6 05616c696173 | - | - | -", 49 },
		{ "a pool of both kinds has none for other types", "mixed TXT",
			"NOERROR aa | - | example. 60 SOA ns1 host 7 7200 900 1209600 60 | - | "
			"-",
			76 },
		{ "... and addresses for who asks for them", "mixed A",
			"NOERROR aa | mixed 300 A 192.0.2.4 | - | - | -", 47 },
	};
	asking_rows(&x, rows, UNIT_COUNT(rows));
}

static void what_is_not_for_us_is_refused_and_why(void)
{
	static const struct asking_row rows[] = {
		{ "EDNS version 1 is BADVERS", "mail A v=1", "BADVERS | - | - | - | 1232", 41 },
		{ "another opcode is not there", "mail A opcode=2", "NOTIMPL | - | - | - | -",
			12 },
		{ "... with EDNS, too", "mail A opcode=6 edns", "NOTIMPL | - | - | - | 1232",
			23 },
		{ "an UPDATE names its zone by an SOA", "mail A opcode=5",
			"FORMERR | - | - | - | -", 30 },
		{ "a name within a zone is no zone to change", "mail SOA opcode=5 edns",
			"NOTAUTH | - | - | - | 1232 ede20", 47 },
		{ "a zone that nobody may change", "example. SOA opcode=5 edns",
			"REFUSED | - | - | - | 1232 ede18", 42 },
		{ "AXFR is for TCP", "example. AXFR", "NOTIMPL | - | - | - | -", 25 },
		{ "... and for those who may", "example. AXFR tcp edns",
			"REFUSED | - | - | - | 1232 ede18", 42 },
		{ "IXFR is the same", "example. IXFR edns", "REFUSED | - | - | - | 1232 ede18",
			42 },
		{ "... no zone starts there", "mail AXFR tcp edns",
			"NOTAUTH | - | - | - | 1232 ede20", 47 },
		{ "... or none of ours", "elsewhere.test. AXFR tcp edns",
			"NOTAUTH | - | - | - | 1232 ede20", 49 },
	};
	asking_rows(&x, rows, UNIT_COUNT(rows));
}

static void options_are_answered(void)
{
	static const struct asking_row rows[] = {
		{ "EDNS is answered with EDNS", "mail A edns",
			"NOERROR aa | mail 300 A 192.0.2.25 | - | - | 1232", 57 },
		{ "DO comes back", "mail A do",
			"NOERROR aa | mail 300 A 192.0.2.25 | - | - | 1232 do", 57 },
		{ "NSID is told who asks", "mail A nsid",
			"NOERROR aa | mail 300 A 192.0.2.25 | - | - | 1232 nsid=here", 65 },
		{ "keepalive is for TCP", "mail A keepalive",
			"NOERROR aa | mail 300 A 192.0.2.25 | - | - | 1232", 57 },
		{ "... where our idle time is told (RFC 7828)", "mail A keepalive tcp",
			"NOERROR aa | mail 300 A 192.0.2.25 | - | - | 1232 keepalive100", 63 },
		{ "a client's cookie is answered with a whole one",
			"mail A cookie=0011223344556677",
			"NOERROR aa | mail 300 A 192.0.2.25 | - | - | 1232 option10:24", 85 },
		{ "... as is one with a server's that is not ours",
			"mail A cookie=00112233445566778899aabbccddeeff",
			"NOERROR aa | mail 300 A 192.0.2.25 | - | - | 1232 option10:24", 85 },
		{ "all at once",
			"mail A nsid keepalive tcp cookie=0011223344556677 ecs=2001:db8::/56",
			"NOERROR aa | mail 300 A 192.0.2.25 | - | - | 1232 ecs2/56/0 "
			"option10:24 nsid=here keepalive100",
			114 },
	};
	asking_rows(&x, rows, UNIT_COUNT(rows));
}

static void subnets_may_be_switched_off(void)
{
	x.policy.ecs = false;
	asking_again(&x);
	CU_ASSERT_STRING_EQUAL(asking(&x, "www A ecs=3.0.1.0/24"),
		"NOERROR aa | www 300 A 192.0.2.1, www 300 A 192.0.2.101 | - | - | 1232");
	x.policy.ecs = true;
	asking_again(&x);
}

static void a_pool_that_has_nothing_for_now_says_so_for_as_long(void)
{
	x.states[0] = x.states[1] = EDGE_DOWN;
	asking_again(&x);
	/* The EDGE record's 90 s would be longer than the SOA's 60. */
	CU_ASSERT_STRING_EQUAL(asking(&x, "gone A"),
		"NOERROR aa | - | example. 60 SOA ns1 host 7 7200 900 1209600 60 | - | -");
	x.a.world->standing->pools[3].changes_us = x.a.now_us + 7000000;
	CU_ASSERT_STRING_EQUAL(asking(&x, "gone A"),
		"NOERROR aa | - | example. 7 SOA ns1 host 7 7200 900 1209600 60 | - | -");
	CU_ASSERT_STRING_EQUAL(asking(&x, "few AAAA"),
		"NOERROR aa | - | example. 60 SOA ns1 host 7 7200 900 1209600 60 | - | -");
	/* All others of the pool are far. */
	CU_ASSERT_STRING_EQUAL(asking(&x, "www A ecs=1.0.1.0/24"),
		"NOERROR aa | www 300 A 192.0.2.3 | - | - | 1232 ecs1/24/8");
	x.states[0] = x.states[1] = EDGE_UP;
	asking_again(&x);
}

static void a_pool_that_waits_for_its_first_probes_is_silent(void)
{
	const uint64_t dropped = x.stats.dropped;

	x.a.world->standing->pools[0].waits = true;
	CU_ASSERT_STRING_EQUAL(asking(&x, "www A"), "nothing");
	CU_ASSERT_EQUAL(x.stats.dropped, dropped + 1);
	CU_ASSERT_STRING_EQUAL(asking(&x, "csteer A"), "nothing");
	/* Who waits on a connection for an answer does not ask again. */
	CU_ASSERT_STRING_EQUAL(asking(&x, "www A tcp"), "SERVFAIL | - | - | - | -");
	CU_ASSERT_STRING_EQUAL(
		asking(&x, "www TXT"), "NOERROR aa | www 300 TXT \"beside\" | - | - | -");
	CU_ASSERT_STRING_EQUAL(
		asking(&x, "few A"), "NOERROR aa | few 300 A 192.0.2.4 | - | - | -");
	x.a.world->standing->pools[0].waits = false;
}

/* The stage's pool "web" gives three answers. */
static void a_stage_answers_its_share_and_narrows_all_scopes(void)
{
	const char
		*three = "NOERROR aa | www 300 A 192.0.2.1, www 300 A 192.0.2.101, www 300 A "
			 "192.0.2.2, www 300 A 192.0.2.3 | - | - | 1232 ecs1/24/16";

	x.share = STAGE_ALL;
	asking_again(&x);
	x.stats.staged = x.stats.steered = 0;
	CU_ASSERT_STRING_EQUAL(asking(&x, "www A ecs=1.0.1.0/24"), three);
	CU_ASSERT_EQUAL(x.stats.staged, 1);
	CU_ASSERT_EQUAL(x.stats.steered, 1);
	CU_ASSERT_STRING_EQUAL(asking(&x, "www A ecs=3.0.1.0/24"),
		"NOERROR aa | www 300 A 192.0.2.4, www 300 A 192.0.2.3, www 300 A 192.0.2.1, "
		"www 300 A 192.0.2.101 | - | - | 1232 ecs1/24/17");
	CU_ASSERT_STRING_EQUAL(asking(&x, "few AAAA ecs=2a00:1::/48"),
		"NOERROR aa | - | example. 60 SOA ns1 host 7 7200 900 1209600 60 | - | 1232 "
		"ecs2/48/32");
	CU_ASSERT_EQUAL(x.stats.staged, 3);
	CU_ASSERT_EQUAL(x.stats.staged_unmet, 1);
	/* By the query's source where there is no subnet. */
	CU_ASSERT_PTR_NOT_NULL(
		strstr(asking(&x, "www A from=3.0.1.1"), "192.0.2.4, www 300 A 192.0.2.3"));
	/* Turns of a stage are its own: those of the world stand where they were. */
	x.turns[6 * CHOOSE_TURNS].count = 0;
	asking(&x, "turn A");
	asking(&x, "turn A");
	CU_ASSERT_EQUAL(x.turns[6 * CHOOSE_TURNS].count, 0);
	CU_ASSERT_TRUE(x.turns[POOLS_MOST * CHOOSE_TURNS + 6 * CHOOSE_TURNS].sum > 0);
	x.share = 1; /* of 2^32: nobody */
	asking_again(&x);
	CU_ASSERT_STRING_EQUAL(asking(&x, "www A ecs=1.0.1.0/24"),
		"NOERROR aa | www 300 A 192.0.2.1, www 300 A 192.0.2.101 | - | - | 1232 "
		"ecs1/24/16");
	CU_ASSERT_EQUAL(x.stats.staged, 6);
	x.share = 0;
	asking_again(&x);
}

static void a_trace_tells_of_the_choice(void)
{
	x.a.trace = x.trace;
	asking(&x, "www A ecs=3.0.1.0/24");
	CU_ASSERT_FALSE(x.trace->staged);
	CU_ASSERT_FALSE(x.trace->by_source);
	x.share = STAGE_ALL;
	asking_again(&x);
	asking(&x, "www A ecs=3.0.1.0/24");
	CU_ASSERT_TRUE(x.trace->staged);
	x.share = 0;
	asking_again(&x);
	x.a.trace = NULL;
}

static void what_is_answered_is_counted(void)
{
	memset(&x.stats, 0, sizeof x.stats);
	asking(&x, "mail A");
	asking(&x, "mail A tcp");
	asking(&x, "nope A");
	asking(&x, "elsewhere.test. A");
	asking(&x, "many A");
	asking(&x, "www A ecs=1.0.1.0/24");
	asking(&x, "few AAAA");
	asking(&x, "mail A v=1");
	asking(&x, "mail A cookie=00112233445566778899aabbccddeeff");
	CU_ASSERT_EQUAL(x.stats.queries[VIA_UDP], 8);
	CU_ASSERT_EQUAL(x.stats.queries[VIA_TCP], 1);
	CU_ASSERT_EQUAL(x.stats.rcode[RCODE_NOERROR], 6);
	CU_ASSERT_EQUAL(x.stats.rcode[RCODE_NXDOMAIN], 1);
	CU_ASSERT_EQUAL(x.stats.rcode[RCODE_REFUSED], 1);
	CU_ASSERT_EQUAL(x.stats.rcode[RCODE_BADVERS], 1);
	CU_ASSERT_EQUAL(x.stats.truncated, 1);
	CU_ASSERT_EQUAL(x.stats.steered, 2);
	CU_ASSERT_EQUAL(x.stats.unmet, 1);
	CU_ASSERT_EQUAL(x.stats.staged, 0);
	CU_ASSERT_EQUAL(x.stats.with_subnet, 1);
	CU_ASSERT_EQUAL(x.stats.cookies_wrong, 1);
	CU_ASSERT_EQUAL(x.stats.cookies_good, 0);
	CU_ASSERT_EQUAL(x.stats.dropped, 0);
}

/* RFC 8945 section 5.2.1: a key that nobody here has. */
static void who_signs_with_an_unknown_key_is_told(void)
{
	static const uint8_t query[] =
		"\x12\x34\0\0\0\1\0\0\0\0\0\1\4mail\7example\0\0\1\0\1"
		"\1k\0\0\xfa\0\xff\0\0\0\0\0\x2a\13hmac-sha256\0\0\0\0\0\0\1\1\x2c"
		"\0\x0d"
		"0123456789abc"
		"\x12\x34\0\0\0\0";
	const char *text = asking_bytes(&x, query, sizeof query - 1, false);

	CU_ASSERT_EQUAL(strncmp(text, "NOTAUTH | - | - | ", 18), 0);
	/* 12 + 18 of the question; 13 + 13 + 16 of the record without a MAC. */
	CU_ASSERT_EQUAL(x.len, 30 + 13 + 13 + 16);
	CU_ASSERT_EQUAL(be16_get(x.reply + x.len - 4), 17); /* BADKEY */
}

static const struct unit_case cases[] = {
	{ "names are answered by what the zone has", names_are_answered_by_what_the_zone_has },
	{ "chains are followed through our zones", chains_are_followed_through_our_zones },
	{ "names of pools are answered by who asks", names_of_pools_are_answered_by_who_asks },
	{ "what is not for us is refused, and told why",
		what_is_not_for_us_is_refused_and_why },
	{ "options are answered", options_are_answered },
	{ "subnets may be switched off", subnets_may_be_switched_off },
	{ "a pool that has nothing for now says so for as long",
		a_pool_that_has_nothing_for_now_says_so_for_as_long },
	{ "a pool that waits for its first probes is silent",
		a_pool_that_waits_for_its_first_probes_is_silent },
	{ "a stage answers its share, and narrows all scopes",
		a_stage_answers_its_share_and_narrows_all_scopes },
	{ "a trace tells of the choice", a_trace_tells_of_the_choice },
	{ "what is answered is counted", what_is_answered_is_counted },
	{ "who signs with an unknown key is told", who_signs_with_an_unknown_key_is_told },
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

void suite_answer(void);
void suite_answer(void)
{
	unit_suite_with("answer/answer", cases, UNIT_COUNT(cases), open_world, close_world);
}
