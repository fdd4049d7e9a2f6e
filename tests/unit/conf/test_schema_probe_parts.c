#include "conf/conf.h"

#include "unit/conf/told.h"
#include "unit/unit.h"

#include <string.h>

#define HEAD                                     \
	"server: { listen: \"127.0.0.1:53\" }\n" \
	"zones: [ { name: a, file: b } ]\n"

static const struct probe_opts *probe_of(const struct conf *c, unsigned number)
{
	return number ? &c->probes[number - 1] : NULL;
}

static void probes_are_named_or_kinds_or_several_of_them(void)
{
	struct text lines;
	struct conf c;

	CU_ASSERT_TRUE_FATAL(told_read(&c,
		HEAD "edges: { one: { a: 192.0.2.1, probe: icmp }, two: { a: 192.0.2.2 } }\n"
		     "pools:\n"
		     "  a: { edges: [ one, two ], policy: ordered, probe: both }\n"
		     "  b: { edges: [ { edge: one, probe: none }, { edge: two, probe: { any: [ "
		     "tcp, { all: [ web, icmp ] } ] } } ], policy: ordered }\n"
		     "  c: { edges: one, policy: ordered, probe: { any: [ tcp, { all: [ web, "
		     "icmp ] } ] } }\n"
		     "probes:\n"
		     "  both: { at-least: 2, of: [ early, web, tcp ] }\n"
		     "  early: { any: [ https, icmp ] }\n"
		     "  web: { kind: http, path: /x }\n",
		&lines));
	const struct probe_opts *both = probe_of(&c, c.pools[0].probe),
				*any = probe_of(&c, c.pools[1].members[1].probe);
	CU_ASSERT_STRING_EQUAL(both->name, "both");
	CU_ASSERT(both->kind == PROBE_SEVERAL && both->least == 2 && both->n_parts == 3);
	CU_ASSERT_STRING_EQUAL(both->parts[0].name, "early");
	CU_ASSERT(both->parts[0].least == 1 && both->parts[0].n_parts == 2 &&
		both->parts[0].parts[0].kind == PROBE_HTTPS && both->parts[0].parts[0].verify);
	CU_ASSERT_STRING_EQUAL(both->parts[1].path, "/x");
	CU_ASSERT_EQUAL(both->parts[2].kind, PROBE_TCP);
	CU_ASSERT_EQUAL(probe_of(&c, c.pools[1].members[0].probe)->kind, PROBE_NONE);
	CU_ASSERT_STRING_EQUAL(any->name, "any(tcp, all(web, icmp))");
	CU_ASSERT(any->least == 1 && any->parts[1].least == 2);
	CU_ASSERT_EQUAL(c.pools[2].probe, c.pools[1].members[1].probe); /* one probe */
	CU_ASSERT_EQUAL(probe_of(&c, c.edges[0].probe)->kind, PROBE_ICMP);
	CU_ASSERT_EQUAL(c.edges[1].probe, 0);
	CU_ASSERT_EQUAL(probe_targets(both), 6);
	text_fini(&lines);
	conf_fini(&c);
}

#define POOL "edges: { one: { a: 192.0.2.1 } }\npools: { a: { edges: one, policy: ordered, probe: "

static void what_is_wrong_with_several_is_told_at_its_place(void)
{
	static const struct told_case cases[] = {
		{ "a list alone", HEAD POOL "[ tcp, icmp ] } }\n",
			"4:51: error: must all of these pass, or one? Write { all: [ ... ] } or { any: [ "
			"... ] }\n" },
		{ "at-least without of", HEAD POOL "{ at-least: 2 } } }\n",
			"4:53: error: \"at-least\" needs \"of\" beside it, such as of: [ tcp, https "
			"]\n" },
		{ "of without at-least", HEAD POOL "{ of: [ tcp ] } } }\n",
			"4:53: error: \"of\" needs \"at-least\" beside it, such as at-least: 2\n" },
		{ "more than there are", HEAD POOL "{ at-least: 3, of: [ tcp, icmp ] } } }\n",
			"4:63: error: at least 3 of 2 can never be up\n" },
		{ "two lists", HEAD POOL "{ all: [ tcp ], any: [ icmp ] } } }\n",
			"4:53: error: one of \"all\", \"any\" and \"of\" goes in one mapping; write one "
			"into the other's list, as { all: [ ... ] }\n" },
		{ "the same twice",
			HEAD POOL "{ all: [ tcp, w ] } } }\nprobes: { w: { kind: tcp, port: 80 } }\n",
			"4:65: error: w asks what tcp asks; take one out\n" },
		{ "what passes always", HEAD POOL "{ any: [ tcp, none ] } } }\n",
			"4:65: error: none passes always; take it out\n" },
		{ "a word that is near", HEAD POOL "{ any: [ htps, tpc ] } } }\n",
			"4:60: error: there is no probe \"htps\"; did you mean \"https\"?\n"
			"4:66: error: there is no probe \"tpc\"; did you mean \"tcp\"?\n" },
		{ "a kind that needs words", HEAD POOL "exec } }\n",
			"4:51: error: a probe of kind exec needs to be told more; write one under "
			"\"probes\", and its name for \"probe\"\n" },
		{ "a whole probe in its place", HEAD POOL "{ kind: tcp } } }\n",
			"4:51: error: write this probe under \"probes\", and its name for "
			"\"probe\"\n" },
		{ "a circle",
			HEAD "probes: { a: { all: [ b ] }, b: { any: [ tcp, c ] }, c: { all: [ a ] } }\n",
			"3:66: error: probes that are made of each other in a circle: a -> b -> c -> a\n" },
		{ "too deep",
			HEAD POOL "{ all: [ { any: [ tcp, { all: [ icmp, { any: [ http, { all: [ https ] } ] "
				  "} ] } ] } ] } } }\n",
			"4:53: error: probes are 5 deep in each other here; 4 are allowed\n" },
		{ "of a pool",
			HEAD "edges: { one: { a: 192.0.2.1 } }\npools: { b: { edges: one, policy: "
			     "ordered }, a: { edges: [ { pool: b, probe: tcp } ], policy: ordered } }\n",
			"4:71: error: \"probe\" is for edges: pools are up by their own probes; write it "
			"in that pool\n" },
	};

	told_check(cases, UNIT_COUNT(cases));
}

void suite_schema_probe_parts(void)
{
	static const struct unit_case cases[] = {
		{ "probes are named, or kinds, or several of them",
			probes_are_named_or_kinds_or_several_of_them },
		{ "what is wrong with several is told at its place",
			what_is_wrong_with_several_is_told_at_its_place },
	};

	unit_suite("conf/schema_probe_parts", cases, UNIT_COUNT(cases));
}
