#include "unit/conf/told.h"
#include "unit/unit.h"

#define HEAD                                     \
	"server: { listen: \"127.0.0.1:53\" }\n" \
	"zones: [ { name: a, file: b } ]\n"

static void what_edges_need_is_read_whatever_the_order(void)
{
	struct text lines;
	struct conf c;

	CU_ASSERT_TRUE_FATAL(told_read(&c,
		HEAD "edges: { a: { a: 192.0.2.1, needs: [ b, up ] }, b: { a: 192.0.2.2, needs: up, "
		     "probe: tcp }, up: { probe-address: 192.0.2.9, probe: icmp } }\n"
		     "pools: { p: { edges: [ a, b ], policy: ordered, panic: 30% } }\n",
		&lines));
	CU_ASSERT(c.edges[0].n_needs == 2 && c.edges[0].needs[0] == 1 && c.edges[0].needs[1] == 2);
	CU_ASSERT(c.edges[1].n_needs == 1 && c.edges[1].needs[0] == 2 && c.edges[2].n_needs == 0);
	CU_ASSERT_EQUAL(lines.len, 0);
	text_fini(&lines);
	conf_fini(&c);
}

static void what_is_wrong_with_needs_is_told_at_its_place(void)
{
	static const struct told_case cases[] = {
		{ "a circle",
			HEAD "edges: { a: { a: 192.0.2.1, needs: b }, b: { a: 192.0.2.2, needs: c }, c: { "
			     "a: 192.0.2.3, needs: b } }\n",
			"3:98: error: edges that need each other in a circle: b -> c -> b\n" },
		{ "itself", HEAD "edges: { a: { a: 192.0.2.1, needs: a } }\n",
			"3:36: error: edges that need each other in a circle: a -> a\n" },
		{ "nobody", HEAD "edges: { ams1: { a: 192.0.2.1, needs: asm1 } }\n",
			"3:39: error: there is no edge \"asm1\"; did you mean \"ams1\"?\n" },
		{ "nothing to answer with",
			HEAD "edges: { up: { probe-address: 192.0.2.9, probe: icmp } }\npools: { p: { "
			     "edges: up, policy: ordered } }\n",
			"4:22: error: edge up has nothing to answer with: it is there for others to "
			"need\n" },
		{ "what nobody looks at",
			HEAD "edges: { a: { a: 192.0.2.1, needs: b }, b: { a: 192.0.2.2 } }\n",
			"3:36: warning: edge a needs b, which has no \"probe\" of its own: it is down "
			"only when you say so\n" },
	};

	told_check(cases, UNIT_COUNT(cases));
}

void suite_schema_needs(void)
{
	static const struct unit_case cases[] = {
		{ "what edges need is read whatever the order",
			what_edges_need_is_read_whatever_the_order },
		{ "what is wrong with needs is told at its place",
			what_is_wrong_with_needs_is_told_at_its_place },
	};

	unit_suite("conf/schema_needs", cases, UNIT_COUNT(cases));
}
