#include "conf/conf.h"

#include "unit/conf/told.h"
#include "unit/unit.h"

#include <string.h>

#define EDGES                                                                                 \
	"edges: { ams1: { at: \"1,2\", a: 192.0.2.1 }, iad2: { at: \"3,4\", a: 192.0.2.2 }, " \
	"far: { a: 192.0.2.3, weight: 7 } }\n"

static void members_are_edges_and_pools(void)
{
	struct text lines = { 0 };
	struct conf c;

	CU_ASSERT_TRUE_FATAL(told_read(&c,
		SERVER ZONES EDGES
		"pools:\n"
		"  world: { edges: [ eu, far, { pool: ams1, weight: 12.5% }, { edge: iad2, weight: 3 } ], "
		"policy: weighted }\n"
		"  eu: { edges: ams1, pin: { country: { US: ams1, FR: far2 } } }\n"
		"  ams1: { edges: [ { edge: ams1 } ] }\n"
		"  far2: { edges: [ far ], policy: ordered }\n",
		&lines));
	CU_ASSERT_STRING_EQUAL(text_get(&lines), "");
	const struct pool_opts *world = &c.pools[0], *eu = &c.pools[1];
	CU_ASSERT_EQUAL_FATAL(world->n_members, 4);
	CU_ASSERT_EQUAL(world->n, 2);
	CU_ASSERT_EQUAL(world->edges[0], 2);
	CU_ASSERT_EQUAL(world->edges[1], 1);
	const struct pool_member *m = world->members;
	CU_ASSERT_TRUE(m[0].is_pool && m[0].number == 1 && m[0].weight == 1 && !m[0].share);
	CU_ASSERT_TRUE(!m[1].is_pool && m[1].number == 2 && m[1].weight == 7 && !m[1].share);
	CU_ASSERT_TRUE(m[2].is_pool && m[2].number == 2 && m[2].share == POOL_SHARE / 8);
	CU_ASSERT_TRUE(!m[3].is_pool && m[3].number == 1 && m[3].weight == 3);
	CU_ASSERT_EQUAL(eu->n_members, 0);
	CU_ASSERT_FALSE(eu->pins[0].to_pool); /* an edge before a pool */
	CU_ASSERT_TRUE(eu->pins[1].to_pool);
	CU_ASSERT_EQUAL(eu->pins[1].pool, 3);
	CU_ASSERT_EQUAL(c.pools[2].members[0].weight, 1);
	conf_fini(&c);
	text_fini(&lines);
}

static void a_member_with_addresses_of_its_own_is_a_role_of_its_edge(void)
{
	struct text lines = { 0 };
	struct conf c;

	CU_ASSERT_TRUE_FATAL(told_read(&c,
		SERVER ZONES
		"edges: { ams1: { at: \"1,2\", a: 192.0.2.1, aaaa: \"2001:db8::1\", records: \"TXT x\", "
		"probe-address: 198.51.100.1, capacity: 50, probe: tcp, state: drain }, up1: { a: 192.0.2.2, needs: ams1, at: \"1,2\" } }\n"
		"pools:\n"
		"  web: { edges: [ { edge: ams1, a: 192.0.2.9 }, up1 ], pin: { country: { US: ams1 } }, default: ams1 }\n"
		"  mail: { edges: [ { edge: ams1, records: [ \"MX 1 mx.example.\" ], capacity: 30% }, "
		"{ edge: up1, cname: x.example, skip: on } ] }\n"
		"  all: { edges: [ web, mail ], pin: { country: { US: ams1 } } }\n"
		"  plain: { edges: [ ams1 ] }\n",
		&lines));
	CU_ASSERT_STRING_EQUAL(text_get(&lines), "");
	CU_ASSERT_EQUAL_FATAL(c.n_edges, 5);
	const struct edge_opts *web = &c.edges[2], *mail = &c.edges[3], *skipped = &c.edges[4];
	CU_ASSERT_STRING_EQUAL(web->name, "ams1@web");
	CU_ASSERT_TRUE(web->role_of == 1 && web->n_a == 1 && web->a->b[15] == 9 && !web->n_aaaa);
	CU_ASSERT_TRUE(web->placed && web->n_records == 1 && web->state == EDGE_DRAIN);
	CU_ASSERT_TRUE(!web->n_points && web->capacity == 0);
	CU_ASSERT_STRING_EQUAL(mail->name, "ams1@mail");
	CU_ASSERT_TRUE(mail->n_a == 1 && mail->n_aaaa == 1 && mail->n_points == 1);
	CU_ASSERT_TRUE(mail->n_records == 1 && mail->records->type == 15);
	CU_ASSERT_DOUBLE_EQUAL(mail->capacity, 15, 1e-9);
	CU_ASSERT_TRUE(skipped->role_of == 2 && skipped->cname && !skipped->n_a && skipped->n_needs == 1);
	CU_ASSERT_TRUE(c.pools[0].edges[0] == 2 && c.pools[0].edges[1] == 1);
	CU_ASSERT_EQUAL(c.pools[0].pins[0].edges[0], 2); /* a pin names the edge as the pool has it */
	CU_ASSERT_EQUAL(c.pools[0].fallback[0], 2);
	CU_ASSERT_EQUAL(c.pools[2].pins[0].edges[0], 2); /* ... or the first in it */
	CU_ASSERT_EQUAL(c.pools[3].edges[0], 0);
	CU_ASSERT_EQUAL(c.edges[0].n_a, 1);
	conf_fini(&c);
	text_fini(&lines);
}

/* Of one priority is a pool; shares stay beside them. */
static void priorities_are_pools_in_order(void)
{
	struct text lines = { 0 };
	struct conf c;

	CU_ASSERT_TRUE_FATAL(told_read(&c,
		SERVER ZONES EDGES
		"pools:\n"
		"  w: { edges: [ { edge: far, priority: 9 }, { edge: ams1, weight: 3 }, { pool: eu, "
		"weight: 5% }, { edge: iad2, priority: 9, weight: 2 } ], policy: weighted, answers: 4, "
		"all-down: first, pin: { country: { US: iad2 } } }\n"
		"  eu: { edges: ams1 }\n",
		&lines));
	CU_ASSERT_STRING_EQUAL(text_get(&lines), "");
	CU_ASSERT_EQUAL_FATAL(c.n_pools, 4);
	const struct pool_opts *w = &c.pools[0], *one = &c.pools[2], *nine = &c.pools[3];
	CU_ASSERT(w->policy == POOL_ORDERED && w->answers == 1 && w->n_members == 3 && w->n_pins == 1);
	CU_ASSERT(w->members[0].number == 1 && w->members[0].share == POOL_SHARE / 20);
	CU_ASSERT(w->members[1].is_pool && w->members[1].number == 2);
	CU_ASSERT(w->members[2].is_pool && w->members[2].number == 3);
	CU_ASSERT_STRING_EQUAL(one->name, "w priority 1");
	CU_ASSERT_STRING_EQUAL(nine->name, "w priority 9");
	CU_ASSERT(one->n == 1 && one->edges[0] == 0 && one->members[0].weight == 3);
	CU_ASSERT(nine->n == 2 && nine->edges[0] == 2 && nine->edges[1] == 1);
	CU_ASSERT(nine->policy == POOL_WEIGHTED && nine->answers == 4 && nine->n_pins == 0);
	CU_ASSERT(nine->all_down == POOL_FIRST && nine->part && !w->part);
	conf_fini(&c);
	text_fini(&lines);
}

#define POOLS(text) SERVER ZONES EDGES "pools:\n" text "  eu: { edges: [ ams1 ] }\n"

static void what_cannot_be_is_told(void)
{
	static const struct told_case row[] = {
		{ "a slip", POOLS("  w: { edges: [ eu, ue ] }\n"),
			"5:21: error: there is no pool \"ue\"; did you mean \"eu\"?\n" },
		{ "nothing near", POOLS("  w: { edges: [ eu, elsewhere ] }\n"),
			"5:21: error: there is no edge \"elsewhere\"; write it under \"edges\" "
			"first\n" },
		{ "both", POOLS("  w: { edges: [ { edge: ams1, pool: eu } ] }\n"),
			"5:37: error: a member is one edge or one pool; make two of them\n" },
		{ "neither", POOLS("  w: { edges: [ eu, { weight: 3 } ], policy: weighted }\n"),
			"5:21: error: a member is an edge or a pool; write { edge: NAME } or { "
			"pool: NAME }\n" },
		{ "a list", POOLS("  w: { edges: [ eu, [ ams1 ] ] }\n"),
			"5:21: error: a member is the name of an edge or a pool, not a list; take the inner brackets or the second - out\n" },
		{ "a key of something else", POOLS("  w: { edges: [ { pool: eu, wieght: 3 } ] }\n"),
			"5:29: error: unknown key \"wieght\" in this member; did you mean \"weight\"?\n" },
		{ "no weight", POOLS("  w: { edges: [ { pool: eu, weight: 5ms } ] }\n"),
			"5:37: error: \"weight\" must be a number from 0 to 65535, or a share such "
			"as 5%, not \"5ms\"\n" },
		{ "twice", POOLS("  w: { edges: [ eu, { pool: eu, weight: 5% } ] }\n"),
			"5:21: error: pool eu is here twice; take one out\n" },
		{ "more than all",
			POOLS("  w: { edges: [ { pool: eu, weight: 60% }, { edge: iad2, weight: 41% } ] "
			      "}\n"),
			"5:8: error: the shares are 101 % together; 100 % is all\n" },
		{ "too fine",
			POOLS("  w: { edges: [ { pool: eu, weight: 0.0001% }, { edge: iad2, weight: "
			      "60000 } ], policy: weighted }\n"),
			"5:8: error: shares so fine go with smaller weights: all weights together at "
			"most 4294\n" },
		{ "weights where they do not count",
			POOLS("  w: { edges: [ eu, { edge: iad2, weight: 2 } ] }\n"),
			"5:43: warning: weights count in weighted pools; write \"policy: weighted\", "
			"or a share such as 5%\n" },
		{ "no priority", POOLS("  w: { edges: [ eu, { pool: eu, priority: -1 } ] }\n"),
			"5:43: error: \"priority\" must be a number from 0 to 65535, not \"-1\"\n"
			"5:21: error: pool eu is here twice; take one out\n" },
		{ "no way back", POOLS("  w: { edges: [ eu ], policy: ordered, fail-back: after 10 }\n"),
			"5:51: error: \"fail-back\" must be auto, manual or \"after TIME\", such as "
			"after 10m, not \"after 10\"\n" },
		{ "nothing to come back to", POOLS("  w: { edges: [ eu ], fail-back: manual }\n"),
			"5:23: error: only what is ordered fails back; write \"policy: ordered\", or give "
			"members a \"priority\"\n" },
		{ "no bias", POOLS("  w: { edges: [ { edge: ams1, bias: 100 } ] }\n"),
			"5:37: error: \"bias\" must be a whole number from -99 to 99, not \"100\"\n" },
		{ "a bias of a pool", POOLS("  w: { edges: [ { pool: eu, bias: -3 } ] }\n"),
			"5:29: error: a bias is an edge's; write it at the edges of that pool\n" },
		{ "cost where time does not count", POOLS("  w: { edges: [ eu ], policy: ordered, cost: 3ms }\n"),
			"5:40: error: cost counts beside time, in nearest pools; pool w is ordered\n" },
		{ "cost without its unit", POOLS("  w: { edges: [ eu ], cost: 3 }\n"),
			"5:29: error: \"cost\" must be a time such as 2ms, not \"3\"\n" },
		{ "addresses beside a cname",
			POOLS("  w: { edges: [ { edge: ams1, a: 192.0.2.9, cname: x.example } ] }\n"),
			"5:45: error: a member has addresses or a cname of its own, not both; take one out\n" },
		{ "a share of no capacity",
			POOLS("  w: { edges: [ { edge: ams1, capacity: 30% } ] }\n"),
			"5:41: error: edge ams1 has no capacity to take a share of; give it \"capacity\", or write a number here\n" },
		{ "more than all of it",
			POOLS("  w: { edges: [ { edge: ams1, capacity: 130% } ] }\n"),
			"5:41: error: \"capacity\" must be a share of the edge's capacity such as 30%, or a number over 0, not \"130%\"\n" },
		{ "an address of the other family",
			POOLS("  w: { edges: [ { edge: ams1, aaaa: 192.0.2.9 } ] }\n"),
			"5:37: error: 192.0.2.9 is an IPv4 address; it belongs under \"a\"\n" },
		{ "addresses of a pool",
			POOLS("  w: { edges: [ { pool: eu, a: 192.0.2.9 } ] }\n"),
			"5:17: error: addresses, records and capacity of its own has an edge; write them at the edges of pool eu\n" },
		{ "an edge in two roles of one pool",
			POOLS("  w: { edges: [ { edge: ams1, a: 192.0.2.9 }, ams1 ] }\n"),
			"5:47: error: edge ams1 is here twice; take one out\n" },
		{ "more places than addresses to probe",
			POOLS("  w: { edges: [ { edge: ams1, a: [ 192.0.2.9, 192.0.2.10, 192.0.2.11 ], probe-address: [ 192.0.2.12, 192.0.2.13 ] } ] }\n"),
			"5:88: error: \"probe-address\" has 2 entries and the edge 3 addresses; write one for all of them, or one for each (those of \"a\" first)\n" },
		{ "hints that are no addresses of the member",
			POOLS("  w: { edges: [ { edge: ams1, a: 192.0.2.9, records: \"HTTPS 1 . ipv4hint=192.0.2.1\" } ] }\n"),
			"5:45: warning: a hint of this edge's HTTPS or SVCB is none of its addresses: clients may go where A and AAAA do not send them\n" },
		{ "all skipped", POOLS("  w: { edges: [ { pool: eu, skip: on }, { edge: iad2, skip: on } ] }\n"),
			"5:8: error: all of this is skipped, and nothing would ever be answered; take "
			"one \"skip\" out\n" },
		{ "skipped, and here all the same",
			POOLS("  w: { edges: [ { edge: iad2, skip: on }, iad2 ] }\n"),
			"5:43: error: edge iad2 is here twice; take one out\n" },
		{ "a pin to what is skipped",
			POOLS("  w: { edges: [ { edge: iad2, skip: on }, ams1 ], pin: { country: { US: "
			      "iad2 } }, default: iad2 }\n"),
			"" },
		{ "a pool that is called as the members of a priority",
			POOLS("  w: { edges: [ { edge: iad2, priority: 2 }, ams1 ] }\n"
			      "  w priority 2: { edges: ams1 }\n"),
			"5:3: error: there is a pool \"w priority 2\" already, and that is what the "
			"members of that priority are called; give it another name\n" },
		{ "itself", POOLS("  w: { edges: [ eu, w ] }\n"),
			"5:21: error: pools that lead to each other in a circle: w -> w\n" },
		{ "the way round, by who stands in and by a pin",
			POOLS("  w: { edges: [ eu, a ] }\n"
			      "  a: { edges: ams1, all-down: { pool: b } }\n"
			      "  b: { edges: ams1, pin: { country: { US: w } } }\n"),
			"7:39: error: pools that lead to each other in a circle: w -> a -> b -> w\n" },
		{ "a chain", POOLS("  w: { edges: [ eu ], policy: [ nearest within 5ms, ordered ] }\n"),
			"5:31: error: a chain is for pools of edges alone; write it in the pools "
			"that this one has in it\n" },
		{ "keys of pools of edges",
			POOLS("  w: { edges: [ eu, ams1 ], panic: 30%, default: ams1, affinity: client "
			      "}\n"),
			"5:29: error: \"panic\" is for pools of edges alone: write it in the pools "
			"that this one has in it\n"
			"5:41: error: \"default\" is for pools of edges alone: clients that nobody "
			"knows go by the order of the members\n"
			"5:56: error: among pools affinity goes with round-robin or weighted; or "
			"write it in the pools that this one has in it\n"
			"5:29: error: \"panic\" needs \"probe\" beside it, or take it out\n" },
		{ "an edge without a place", POOLS("  w: { edges: [ f ] }\n  f: { edges: far, policy: ordered }\n"),
			"5:8: error: edge far of pool f has no \"at\", and pool w is nearest; give "
			"the edge its place, or the pool another policy\n" },
		{ "a pin to an edge elsewhere",
			POOLS("  w: { edges: [ eu ], pin: { country: { US: iad2 } } }\n"),
			"5:41: error: edge iad2 is not one of pool w; add it to the pool's \"edges\", "
			"or take it out here\n" },
		{ "... which a pool is called, too",
			POOLS("  w: { edges: [ eu ], pin: { country: { US: iad2 } } }\n  iad2: { edges: iad2 }\n"),
			"5:41: error: edge iad2 is not one of pool w; for the pool of that name write "
			"{ pool: iad2 }\n" },
		{ "... and that may be written",
			POOLS("  w: { edges: [ eu ], pin: { country: { US: { pool: iad2 } } } }\n  iad2: { edges: iad2 }\n"), "" },
		{ "a pool that is none",
			POOLS("  w: { edges: [ eu ], pin: [ { country: US, to: { pool: iad } } ] }\n  iad2: { edges: iad2 }\n"),
			"5:57: error: there is no pool \"iad\"; did you mean \"iad2\"?\n" },
		{ "a circle that a pin said so makes",
			POOLS("  w: { edges: [ eu ], pin: { default: { pool: v } } }\n  v: { edges: [ w ] }\n"), "6:17: error: pools that lead to each other in a circle: w -> v -> w\n" },
		{ "too deep",
			POOLS("  a: { edges: b }\n  b: { edges: c }\n  c: { edges: d }\n  d: { edges: e "
			      "}\n  e: { edges: f }\n  f: { edges: g }\n  g: { edges: h }\n  h: { edges: "
			      "i }\n  i: { edges: eu }\n"),
			"5:3: error: pools are 9 deep in each other here; 8 are allowed\n" },
		{ "too deep, by pins and who stands in",
			POOLS("  a: { edges: ams1, pin: { country: { US: b } }, all-down: { pool: b } }\n"
			      "  b: { edges: ams1, all-down: { pool: c } }\n"
			      "  c: { edges: ams1, pin: [ { country: US, to: d } ] }\n"
			      "  d: { edges: ams1, all-down: { pool: e } }\n"
			      "  e: { edges: ams1, all-down: { pool: f } }\n"
			      "  f: { edges: ams1, all-down: { pool: g } }\n"
			      "  g: { edges: ams1, all-down: { pool: h } }\n"
			      "  h: { edges: ams1, all-down: { pool: i } }\n"
			      "  i: { edges: ams1, all-down: { pool: eu } }\n"),
			"5:3: error: pools are 9 deep in each other here; 8 are allowed\n" },
		{ "long, but no pool goes into another",
			POOLS("  a: { edges: ams1, all-down: { pool: b } }\n"
			      "  b: { edges: ams1, all-down: { pool: c } }\n"
			      "  c: { edges: ams1, all-down: { pool: d } }\n"
			      "  d: { edges: ams1, all-down: { pool: e } }\n"
			      "  e: { edges: ams1, all-down: { pool: f } }\n"
			      "  f: { edges: ams1, all-down: { pool: g } }\n"
			      "  g: { edges: ams1, all-down: { pool: h } }\n"
			      "  h: { edges: ams1, all-down: { pool: i } }\n"
			      "  i: { edges: ams1, pin: { country: { US: eu } } }\n"),
			"" },
	};

	told_check(row, UNIT_COUNT(row));
}

void suite_schema_members(void)
{
	static const struct unit_case cases[] = {
		{ "members are edges and pools", members_are_edges_and_pools },
		{ "a member with addresses of its own is a role of its edge",
			a_member_with_addresses_of_its_own_is_a_role_of_its_edge },
		{ "priorities are pools in order", priorities_are_pools_in_order },
		{ "what cannot be is told", what_cannot_be_is_told },
	};

	unit_suite("conf/schema_members", cases, UNIT_COUNT(cases));
}
