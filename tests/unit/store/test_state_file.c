#include "store/state_file.h"

#include "unit/unit.h"

#include <math.h>
#include <stdio.h>
#include <string.h>

/* A machine that has been up for 1,000 s; the monotonic clock is another than that of the boot.
 */
static const struct state_file_clock then = {
	.boot = "one", .boot_ms = 1000000, .wall_ms = 1700000000000, .now_us = 500000000
};

static struct state_file_clock later(const char *boot, int64_t boot_ms, int64_t wall_ms)
{
	struct state_file_clock c = {
		.boot_ms = boot_ms, .wall_ms = wall_ms, .now_us = 900000000
	};

	snprintf(c.boot, sizeof c.boot, "%s", boot);
	return c;
}

static bool read_text(struct state_file *s, const char *text,
	const struct state_file_clock *now, struct fault *why)
{
	return state_file_read(s, "state", text, strlen(text), now, why);
}

static void what_is_written_comes_back(void)
{
	struct state_file_verdict verdicts[] = {
		{ "tcp", "ams", { .b = { [10] = 255, 255, 192, 0, 2, 1 } }, true, 400000000 },
		{ "a \"b\" \\c", "nyc\n", { .b = { 0x20, 1, 0xd, 0xb8, [15] = 1 } }, false,
			-100000000 },
	};
	struct forced forced[] = {
		{ .edge = "ams", .pool = "", .state = EDGE_DOWN, .who = "root",
			.why = "new \"disks\"", .when_s = 1700000001, .begun = true,
			.begun_s = 1700000001, .until_us = UINT64_MAX, .id = 4 },
		{ .edge = "nyc", .pool = "", .state = EDGE_DRAIN, .who = "uid 7", .why = "",
			.when_s = 5, .begun = true, .begun_s = 5, .id = 5,
			.until_us = 500000000 + 60000000 },
		{ .edge = "fra", .pool = "", .state = EDGE_UP, .who = "root", .why = "",
			.when_s = 5, .begun = true, .id = 6,
			.until_us = 400000000 }, /* over as it is written */
		{ .edge = "n*", .pool = "web", .what = FORCED_WEIGHT, .weight = 7, .who = "root",
			.why = "", .when_s = 6, .begun = true, .begun_s = 1700000000,
			.until_s = 1800000000, .until_us = UINT64_MAX, .id = 7 },
		{ .edge = "ams", .pool = "", .state = EDGE_DRAIN, .who = "root", .why = "",
			.when_s = 6, .from_s = 1790000000, .until_s = 1800000000,
			.until_us = UINT64_MAX, .id = 9 },
		{ .edge = "rom", .pool = "", .who = "", .why = "", .from_s = 1,
			.until_s = 1800000000, .until_us = UINT64_MAX, .configured = true,
			.begun = true, .id = 8 }, /* the configuration's */
	};
	struct external_verdict told[] = {
		{ .probe = "mon", .edge = "ams", .up = true, .why = "", .who = "root", .load = NAN,
			.when_s = 9, .changed_s = 7, .until_us = UINT64_MAX },
		{ .probe = "mon", .edge = "ams", .one = true, .addr = verdicts[0].addr, .why = "\"x\"",
			.who = "token ci", .load = 0.25, .when_s = 9, .changed_s = 9,
			.until_us = 500000000 + 60000000 },
		{ .probe = "mon", .edge = "fra", .why = "", .who = "root", .load = NAN,
			.until_us = 500000000 + 9000000 }, /* over as it is read */
	};
	const struct state_file s = { .forced = { forced, 6, 12 },
		.told = { told, 3, 3 },
		.verdicts = verdicts,
		.n = 2 };
	struct text to = { 0 };
	struct state_file back;
	struct fault why;

	state_file_write(&to, &s, &then);
	/* 10 s later, of the same boot. */
	struct state_file_clock now = later("one", 1010000, 1700000500000);
	CU_ASSERT_TRUE_FATAL(read_text(&back, text_get(&to), &now, &why));
	CU_ASSERT_EQUAL(back.age_ms, 10000);
	CU_ASSERT_EQUAL(back.strange, 0);
	CU_ASSERT_EQUAL_FATAL(back.n, 2);
	CU_ASSERT_STRING_EQUAL(back.verdicts[0].probe, "tcp");
	CU_ASSERT_STRING_EQUAL(back.verdicts[0].edge, "ams");
	CU_ASSERT_EQUAL(memcmp(&back.verdicts[0].addr, &verdicts[0].addr, 16), 0);
	CU_ASSERT_TRUE(back.verdicts[0].up);
	/* So since 100 s before it was written. */
	CU_ASSERT_EQUAL(back.verdicts[0].since_us, 900000000 - 110000000);
	CU_ASSERT_STRING_EQUAL(back.verdicts[1].probe, "a \"b\" \\c");
	CU_ASSERT_STRING_EQUAL(back.verdicts[1].edge, "nyc\n");
	CU_ASSERT_EQUAL(memcmp(&back.verdicts[1].addr, &verdicts[1].addr, 16), 0);
	CU_ASSERT_FALSE(back.verdicts[1].up);
	CU_ASSERT_EQUAL(back.verdicts[1].since_us, 900000000 - 610000000);
	CU_ASSERT_EQUAL_FATAL(back.told.n, 2);
	CU_ASSERT(back.told.of[0].up && isnan(back.told.of[0].load) && back.told.of[0].changed_s == 7 &&
		back.told.of[0].until_us == UINT64_MAX && !back.told.of[0].one);
	CU_ASSERT(!back.told.of[1].up && back.told.of[1].one &&
		back.told.of[1].until_us == 900000000 + 50000000);
	CU_ASSERT_EQUAL(memcmp(&back.told.of[1].addr, &verdicts[0].addr, 16), 0);
	CU_ASSERT_STRING_EQUAL(back.told.of[1].who, "token ci");
	CU_ASSERT_STRING_EQUAL(back.told.of[1].why, "\"x\"");
	CU_ASSERT_EQUAL_FATAL(back.forced.n, 4);
	CU_ASSERT_EQUAL(back.forced.last_id, 12);
	const struct forced *ams = forced_by_id(&back.forced, 4),
			    *nyc = forced_by_id(&back.forced, 5),
			    *some = forced_by_id(&back.forced, 7),
			    *later_on = forced_by_id(&back.forced, 9);
	CU_ASSERT_TRUE_FATAL(ams && nyc && some && later_on);
	/* In the order in which they began: nyc in 1970, n* one second before ams. */
	CU_ASSERT_TRUE(nyc < some && some < ams && ams < later_on);
	CU_ASSERT_TRUE(some->begun && some->what == FORCED_WEIGHT && some->weight == 7 &&
		some->until_s == 1800000000);
	CU_ASSERT_STRING_EQUAL(some->edge, "n*");
	CU_ASSERT_STRING_EQUAL(some->pool, "web");
	CU_ASSERT_TRUE(!later_on->begun && later_on->from_s == 1790000000);
	CU_ASSERT_TRUE(ams->state == EDGE_DOWN && ams->when_s == 1700000001 &&
		ams->until_us == UINT64_MAX);
	CU_ASSERT_STRING_EQUAL(ams->who, "root");
	CU_ASSERT_STRING_EQUAL(ams->why, "new \"disks\"");
	CU_ASSERT_EQUAL(nyc->state, EDGE_DRAIN);
	CU_ASSERT_EQUAL(nyc->until_us, 900000000 + 50000000);
	state_file_fini(&back);
	text_fini(&to);
}

static void its_age_is_by_the_clock_that_can_be_trusted(void)
{
	static const struct {
		const char *say, *boot;
		int64_t boot_ms, wall_ms, age_ms;
	} row[] = {
		{ "the same boot: its own clock", "one", 1003000, 1800000000000, 3000 },
		{ "another boot: the time of day", "two", 5000, 1700000007000, 7000 },
		{ "no boot is known: the time of day", "", 1003000, 1700000007000, 7000 },
		{ "a clock that was set back", "two", 5000, 1600000000000, 0 },
		{ "its own clock set back", "one", 900000, 1700000007000, 0 },
	};
	const struct state_file none = { .n = 0 };
	struct text to = { 0 };

	state_file_write(&to, &none, &then);
	for (size_t i = 0; i < UNIT_COUNT(row); i++) {
		const struct state_file_clock now = later(
			row[i].boot, row[i].boot_ms, row[i].wall_ms);
		struct state_file s;
		struct fault why;
		CU_ASSERT_TRUE_FATAL(read_text(&s, text_get(&to), &now, &why));
		if (s.age_ms != row[i].age_ms)
			CU_FAIL(row[i].say);
		CU_ASSERT_EQUAL(s.n + s.forced.n + s.strange, 0);
		state_file_fini(&s);
	}
	text_fini(&to);
}

#define TOP(forced, verdicts)                                               \
	"{ \"waymark_state\": 1, \"boot\": \"one\", \"boot_ms\": 1000000, " \
	"\"wall_ms\": 1, \"forced\": [ " forced " ], \"verdicts\": [ " verdicts " ] }"
#define VERDICT(more) \
	"{ \"probe\": \"p\", \"edge\": \"e\", \"address\": \"192.0.2.1\"" more " }"

static void entries_that_make_no_sense_are_counted_and_passed_over(void)
{
	static const struct {
		const char *text;
		size_t forced, verdicts;
		unsigned strange;
	} row[] = {
		{ TOP("", ""), 0, 0, 0 },
		{ TOP("", VERDICT(", \"up\": true")), 0, 1, 0 },
		{ TOP("", VERDICT("")), 0, 0, 1 },
		{ TOP("", VERDICT(", \"up\": 1")), 0, 0, 1 },
		{ TOP("", VERDICT(", \"up\": true") ", 7, {}, " VERDICT(", \"up\": false")), 0,
			2, 2 },
		{ TOP("",
			  "{ \"probe\": \"p\", \"edge\": \"e\", \"address\": \"x\", \"up\": "
			  "true }"),
			0, 0, 1 },
		{ TOP("", "{ \"edge\": \"e\", \"address\": \"192.0.2.1\", \"up\": true }"), 0,
			0, 1 },
		{ TOP("", "{ \"probe\": \"e\", \"address\": \"192.0.2.1\", \"up\": true }"), 0,
			0, 1 },
		{ TOP("{ \"edge\": \"e\", \"state\": \"down\" }", ""), 1, 0, 0 },
		{ TOP("{ \"edge\": \"\", \"state\": \"down\" }", ""), 0, 0, 1 },
		{ TOP("{ \"edge\": \"e\", \"state\": \"x\" }", ""), 0, 0, 1 },
		{ TOP("{ \"edge\": \"e\" }", ""), 0, 0, 1 },
		{ TOP("{ \"state\": \"up\" }", ""), 0, 0, 1 },
		{ TOP("{ \"edge\": \"e\", \"state\": \"up\", \"left_ms\": 0 }", ""), 0, 0, 0 },
		{ TOP("{ \"edge\": \"e\", \"state\": \"up\", \"left_ms\": 1 }", ""), 1, 0, 0 },
		{ TOP("{ \"edge\": \"e\", \"state\": \"up\", \"left_ms\": -9 }", ""), 0, 0, 0 },
		{ "{ \"waymark_state\": 1 }", 0, 0, 0 },
	};
	const struct state_file_clock now = later("one", 1000000, 0);

	for (size_t i = 0; i < UNIT_COUNT(row); i++) {
		struct state_file s;
		struct fault why;
		CU_ASSERT_TRUE_FATAL(read_text(&s, row[i].text, &now, &why));
		if (s.forced.n != row[i].forced || s.n != row[i].verdicts ||
			s.strange != row[i].strange) {
			printf("%s: %zu %zu %u\n", row[i].text, s.forced.n, s.n, s.strange);
			CU_FAIL("another reading");
		}
		state_file_fini(&s);
	}
}

static void what_is_no_state_file_is_told(void)
{
	static const struct {
		const char *text, *why;
	} row[] = {
		{ "", "state:1:0: not a state file: " },
		{ "{\n \"a\": }", "state:2:7: not a state file: " },
		{ "{ \"a\": 1, \"a\": 2 }", "not a state file: " },
		{ "{}", "state:1:1: not a state file of this version" },
		{ "[]", "not a state file of this version" },
		{ "{ \"waymark_state\": 2 }", "not a state file of this version" },
	};

	for (size_t i = 0; i < UNIT_COUNT(row); i++) {
		struct state_file s;
		struct fault why;
		CU_ASSERT_FALSE(read_text(&s, row[i].text, &then, &why));
		if (!strstr(why.text, row[i].why)) {
			printf("%s\n", why.text);
			CU_FAIL(row[i].text);
		}
		CU_ASSERT_TRUE(!s.tree && !s.verdicts && !s.n && !s.forced.n);
	}
}

static void the_clocks_are_those_of_the_kernel(void)
{
	const struct state_file_clock a = state_file_now();

	CU_ASSERT_TRUE(strlen(a.boot) == 36 || !*a.boot);
	CU_ASSERT_TRUE(a.wall_ms > 1700000000000);
	CU_ASSERT_TRUE(a.boot_ms > 0 && a.boot_ms < a.wall_ms);
	CU_ASSERT_TRUE(a.now_us > 0 && a.now_us / 1000 <= (uint64_t)a.boot_ms + 1000);
	const struct state_file_clock b = state_file_now();
	CU_ASSERT_TRUE(b.boot_ms >= a.boot_ms && b.now_us >= a.now_us);
	CU_ASSERT_STRING_EQUAL(a.boot, b.boot);
}

static const struct unit_case cases[] = {
	{ "what is written comes back", what_is_written_comes_back },
	{ "its age is by the clock that can be trusted",
		its_age_is_by_the_clock_that_can_be_trusted },
	{ "entries that make no sense are counted and passed over",
		entries_that_make_no_sense_are_counted_and_passed_over },
	{ "what is no state file is told", what_is_no_state_file_is_told },
	{ "the clocks are those of the kernel", the_clocks_are_those_of_the_kernel },
};

void suite_state_file(void);
void suite_state_file(void)
{
	unit_suite("store/state_file", cases, UNIT_COUNT(cases));
}
