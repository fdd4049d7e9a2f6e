#include "conf/conf.h"

#include "unit/conf/told.h"
#include "unit/unit.h"

#include <math.h>
#include <string.h>

#define EDGES "edges: { a: { at: \"1,2\", a: 192.0.2.1 }, b: { at: \"3,4\", a: 192.0.2.2 } }\n"
#define PROBES                                                                               \
	"probes: { l: { kind: http, load-from: { header: X-Load } }, n: { kind: tcp, port: " \
	"80 } }\n"
#define POOL(rest) SERVER ZONES EDGES PROBES "pools: { p: { edges: [ a, b ], " rest " } }\n"

static void chains_keep_their_links(void)
{
	static const char text[] = POOL(
		"probe: l, policy: [ nearest within 10ms, least-latency "
		"within 5%, least-load ]");
	struct conf c;
	struct faults f;

	faults_init(&f);
	CU_ASSERT_TRUE_FATAL(conf_read_text(&c, "x.yaml", text, sizeof text - 1, &f));
	const struct pool_opts *p = &c.pools[0];
	CU_ASSERT_EQUAL_FATAL(p->n_links, 2);
	CU_ASSERT_EQUAL(p->links[0].policy, POOL_NEAREST);
	CU_ASSERT(p->links[0].within_ms == 10 && isinf(p->links[0].within_share));
	CU_ASSERT_EQUAL(p->links[1].policy, POOL_LEAST_LATENCY);
	CU_ASSERT(isinf(p->links[1].within_ms) && fabs(p->links[1].within_share - 0.05) < 1e-9);
	CU_ASSERT_EQUAL(p->policy, POOL_LEAST_LOAD);
	conf_fini(&c);
	static const char most[] = POOL("policy: [ nearest within 1000000ms, weighted ]");
	CU_ASSERT_TRUE_FATAL(conf_read_text(&c, "x.yaml", most, sizeof most - 1, &f));
	CU_ASSERT_EQUAL(c.pools[0].links[0].within_ms, 1e6);
	conf_fini(&c);
	faults_fini(&f);
}

static void chains_are_checked(void)
{
	static const struct told_case row[] = {
		{ "a link that takes no edge out", POOL("policy: [ weighted, nearest ]"),
			"5:42: error: weighted takes no edge out; it can only be the last "
			"link\n" },
		{ "a link without its reach", POOL("policy: [ nearest, round-robin ]"),
			"5:42: error: how far behind the best may an edge be? Write for "
			"example "
			"\"nearest within 10ms\"\n" },
		{ "a last link with a reach", POOL("policy: [ nearest within 5ms ]"),
			"5:42: error: the last link orders what the others leave; take "
			"\"within\" out\n" },
		{ "a reach alone", POOL("policy: nearest within 5ms"),
			"5:40: error: \"within\" is for a chain: write [ nearest within 5ms, "
			"... "
			"], or \"spread\"\n" },
		{ "a link twice", POOL("policy: [ nearest within 5ms, nearest ]"),
			"5:62: error: nearest is in this chain already; take it out\n" },
		{ "a reach without its unit", POOL("policy: [ nearest within 5, weighted ]"),
			"5:42: error: \"policy\" must be a policy such as nearest, or in a "
			"chain "
			"\"nearest within 10ms\", not \"nearest within 5\"\n" },
		{ "a reach beyond all", POOL("policy: [ nearest within 1000001ms, weighted ]"),
			"5:42: error: \"policy\" must be a policy such as nearest, or in a "
			"chain "
			"\"nearest within 10ms\", not \"nearest within 1000001ms\"\n" },
		{ "a load with a time",
			POOL("probe: l, policy: [ least-load within 5ms, weighted ]"),
			"5:52: error: a load has no time; write 5%\n" },
		{ "a link that no probe measures for",
			POOL("probe: n, policy: [ nearest within 5ms, least-load ]"),
			"5:72: error: least-load needs a probe with \"load-from\"; probe n has "
			"none\n" },
		{ "a spread beside a chain",
			POOL("policy: [ nearest within 5ms, weighted ], spread: 5ms"),
			"5:74: error: the links of the chain say how far it goes; take "
			"\"spread\" "
			"out\n" },
		{ "a chain of nothing", POOL("policy: []"),
			"5:40: error: \"policy\" must be nearest, ordered, round-robin, weighted, hash, "
			"least-latency or least-load, not an empty list\n" },
		{ "two that say which comes first",
			POOL("probe: l, policy: least-load, affinity: name"),
			"5:62: error: affinity and least-load both say which edge comes first; "
			"make least-load an earlier link of a chain, or take \"affinity\" "
			"out\n" },
		{ "an affinity to nothing", POOL("affinity: none"),
			"5:42: error: \"affinity\" must be name, client or both, not "
			"\"none\"\n" },
		{ "less than its part, for each", POOL("policy: hash, hash-balance: 109%"),
			"5:60: error: \"hash-balance\" must be a share from 110% to 1000%, or off, "
			"not \"109%\"\n" },
		{ "more than any could mean", POOL("policy: hash, hash-balance: 1001%"),
			"5:60: error: \"hash-balance\" must be a share from 110% to 1000%, or off, "
			"not \"1001%\"\n" },
		{ "a bound of no hash", POOL("policy: round-robin, hash-balance: 150%"),
			"5:53: error: hash-balance is for pools with affinity, or of policy hash\n" },
		{ "a bound where what is near differs by a share",
			POOL("affinity: name, spread: 5%, hash-balance: 150%"),
			"5:60: error: hash-balance goes neither with a chain nor with a \"spread\" "
			"that is a share; there edges that have a \"capacity\" are bounded\n" },
	};

	told_check(row, UNIT_COUNT(row));
}

void suite_schema_policy(void)
{
	static const struct unit_case cases[] = {
		{ "chains keep their links", chains_keep_their_links },
		{ "chains are checked", chains_are_checked },
	};

	unit_suite("conf/schema_policy", cases, UNIT_COUNT(cases));
}
