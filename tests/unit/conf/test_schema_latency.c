#include "conf/conf.h"

#include "unit/conf/told.h"
#include "unit/unit.h"

static void every_key_reaches_its_option(void)
{
	struct text lines;
	struct conf c;

	CU_ASSERT_TRUE_FATAL(told_read(&c,
		SERVER ZONES
		"latency: { files: [ a.csv, /b.csv ], mesh: m.csv, state: s.csv, half-life: "
		"90m, smoothing: 50%, memory: 64M, switch: { gain: 3.5ms, share: 10% }, "
		"explore: { share: 2%, extra: 7ms, every: 1m } }\n",
		&lines));
	const struct conf_latency *l = &c.latency;
	CU_ASSERT_TRUE(l->on);
	CU_ASSERT_EQUAL_FATAL(l->n_files, 2);
	CU_ASSERT_STRING_EQUAL(l->files[0], "/etc/waymark/a.csv");
	CU_ASSERT_STRING_EQUAL(l->files[1], "/b.csv");
	CU_ASSERT_STRING_EQUAL(l->mesh, "/etc/waymark/m.csv");
	CU_ASSERT_STRING_EQUAL(l->state, "/etc/waymark/s.csv");
	CU_ASSERT_EQUAL(l->half_life_ms, 5400000);
	CU_ASSERT_DOUBLE_EQUAL(l->smoothing, 0.5, 1e-9);
	CU_ASSERT_EQUAL(l->memory, 64 << 20);
	CU_ASSERT_DOUBLE_EQUAL(l->change.gain_ms, 3.5, 1e-9);
	CU_ASSERT_DOUBLE_EQUAL(l->change.share, 0.1, 1e-9);
	CU_ASSERT_DOUBLE_EQUAL(l->explore_share, 0.02, 1e-9);
	CU_ASSERT_DOUBLE_EQUAL(l->explore_extra_ms, 7, 1e-9);
	CU_ASSERT_EQUAL(l->explore_every_ms, 60000);
	text_fini(&lines);
	conf_fini(&c);
}

static void defaults_are_those_of_the_manual(void)
{
	struct text lines;
	struct conf c;

	CU_ASSERT_TRUE_FATAL(told_read(&c, SERVER ZONES "latency: { mesh: m.csv }\n", &lines));
	CU_ASSERT_EQUAL(c.latency.half_life_ms, 6 * 3600000);
	CU_ASSERT_DOUBLE_EQUAL(c.latency.smoothing, 0.3, 1e-9);
	CU_ASSERT_EQUAL(c.latency.memory, 1 << 30);
	CU_ASSERT_DOUBLE_EQUAL(c.latency.change.gain_ms, 2, 1e-9);
	CU_ASSERT_DOUBLE_EQUAL(c.latency.change.share, 0.05, 1e-9);
	CU_ASSERT_DOUBLE_EQUAL(c.latency.explore_share, 0, 1e-9);
	text_fini(&lines);
	conf_fini(&c);
}

static void what_is_wrong_is_told_in_words_that_help(void)
{
	static const struct told_case cases[] = {
		{ "a share without its sign", SERVER ZONES "latency: { smoothing: 0.3 }\n",
			"3:23: error: \"smoothing\" must be a share from 1% to 100%, not "
			"\"0.3\"\n" },
		{ "no smoothing at all", SERVER ZONES "latency: { smoothing: 0% }\n",
			"3:23: error: \"smoothing\" must be a share from 1% to 100%, not "
			"\"0%\"\n" },
		{ "a gain in seconds", SERVER ZONES "latency: { switch: { gain: 2s } }\n",
			"3:28: error: \"gain\" must be milliseconds, such as 2ms, not "
			"\"2s\"\n" },
		{ "a size without a unit", SERVER ZONES "latency: { memory: 256 }\n",
			"3:20: error: \"memory\" must be a size from 1M on, such as 256M or "
			"1G, not "
			"\"256\"\n" },
		{ "too little memory", SERVER ZONES "latency: { memory: 10K }\n",
			"3:20: error: \"memory\" must be a size from 1M on, such as 256M or "
			"1G, not "
			"\"10K\"\n" },
		{ "exploring more than half",
			SERVER ZONES "latency: { explore: { share: 60% } }\n",
			"3:30: error: \"share\" must be a share from 0% to 50%, not "
			"\"60%\"\n" },
		{ "a file twice", SERVER ZONES "latency: { files: [ a, a ] }\n",
			"3:24: error: this path is here twice; take one out\n" },
		{ "a slip of the pen", SERVER ZONES "latency: { half-live: 6h }\n",
			"3:12: error: unknown key \"half-live\" in latency; did you mean "
			"\"half-life\"?\n" },
	};

	told_check(cases, UNIT_COUNT(cases));
}

static void edges_that_are_measured_need_no_place(void)
{
	static const struct told_case cases[] = {
		{ "nothing is measured",
			SERVER ZONES
			"edges: { e: { a: 192.0.2.1 } }\npools: { p: { edges: e } }\n",
			"4:22: error: edge e has no \"at\", and pool p is nearest; give the "
			"edge "
			"its place, or the pool another policy\n" },
		{ "something is",
			SERVER ZONES
			"latency: { files: m.csv }\nedges: { e: { a: 192.0.2.1 } }\n"
			"pools: { p: { edges: e } }\n",
			"" },
	};

	told_check(cases, UNIT_COUNT(cases));
}

void suite_schema_latency(void)
{
	static const struct unit_case cases[] = {
		{ "every key reaches its option", every_key_reaches_its_option },
		{ "defaults are those of the manual", defaults_are_those_of_the_manual },
		{ "what is wrong is told in words that help",
			what_is_wrong_is_told_in_words_that_help },
		{ "edges that are measured need no place",
			edges_that_are_measured_need_no_place },
	};

	unit_suite("conf/schema_latency", cases, UNIT_COUNT(cases));
}
