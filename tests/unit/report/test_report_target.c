#include "report/report_target.h"

#include "base/clock.h"
#include "report/report_values.h"
#include "unit/unit.h"

#include <math.h>
#include <stdio.h>
#include <string.h>

static const struct probe_opts tcp = { .name = "web", .kind = PROBE_TCP, .port = 80 };
static const struct probe_opts told = { .name = "hook", .kind = PROBE_EXTERNAL };

/* One of which nothing is known yet, `ago_s` old. */
static struct round_view fresh(const struct probe_opts *probe, double ago_s)
{
	struct round_view v = { .probe = probe, .edge = "ams", .say = "", .error = "", .notice = "" };

	addr_parse(&v.addr, "192.0.2.1");
	v.since_us = (int64_t)clock_us() - (int64_t)(ago_s * 1e6);
	v.next_us = UINT64_MAX;
	v.rtt_ms = v.rtt_least_ms = v.rtt_last_ms = v.wire_ms = v.load = NAN;
	return v;
}

/* The line of it; `o` is let go of. */
static const char *line(json_t *o)
{
	static char text[600];
	struct text out = { 0 };

	report_target_text(o, &out);
	snprintf(text, sizeof text, "%s", text_get(&out));
	text_fini(&out);
	json_decref(o);
	return text;
}

static void spans_are_told_in_the_unit_that_fits(void)
{
	static const struct {
		double s;
		const char *want;
	} row[] = { { -3, "0.0 s" }, { 0, "0.0 s" }, { 0.44, "0.4 s" }, { 9.94, "9.9 s" }, { 10, "10 s" }, { 119.4, "119 s" },
		{ 120, "2 min" }, { 7199, "120 min" }, { 7200, "2 h" }, { 172799, "48 h" }, { 172800, "2 days" },
		{ 864000, "10 days" } };

	for (size_t i = 0; i < UNIT_COUNT(row); i++) {
		struct text out = { 0 };
		report_span(&out, row[i].s);
		CU_ASSERT_STRING_EQUAL(text_get(&out), row[i].want);
		text_fini(&out);
	}
}

static void of_one_that_was_not_probed_yet_nothing_is_made_up(void)
{
	struct round_view v = fresh(&tcp, 1000);
	v.next_us = clock_us() + 500 * 1000000ull;
	json_t *o = report_target(&v);

	CU_ASSERT_STRING_EQUAL(values_text(o, "address"), "192.0.2.1");
	CU_ASSERT_STRING_EQUAL(values_text(o, "probe"), "web");
	CU_ASSERT_STRING_EQUAL(values_text(o, "kind"), "tcp");
	CU_ASSERT_STRING_EQUAL(values_text(o, "state"), "down");
	CU_ASSERT_FALSE(json_is_true(json_object_get(o, "known")));
	static const char *const none[] = { "passed", "say", "last_error", "notice", "fleet", "outvoted", "rtt_ms",
		"rtt_least_ms", "rtt_last_ms", "wire_ms", "load", "fresh_s" };
	for (size_t i = 0; i < UNIT_COUNT(none); i++)
		CU_ASSERT_PTR_NULL(json_object_get(o, none[i]));
	CU_ASSERT_DOUBLE_EQUAL(values_number(o, "since_s"), 1000, 60);
	CU_ASSERT_DOUBLE_EQUAL(values_number(o, "next_s"), 500, 60);
	const char *text = line(o);
	CU_ASSERT_PTR_NOT_NULL(strstr(text, "  192.0.2.1                web          ?     for 1"));
	CU_ASSERT_PTR_NOT_NULL(strstr(text, " min: not probed yet; next in "));
}

static void what_was_found_is_told(void)
{
	struct round_view v = fresh(&tcp, 3600);

	v.known = v.up = v.passed = true;
	v.probes = 7;
	v.failures = 2;
	v.left = 3;
	v.port = 8080;
	v.say = "connected";
	v.error = "refused";
	v.notice = "ends in 3 days";
	v.fleet = "2 of 3 say up";
	v.rtt_ms = 12.3456;
	v.rtt_last_ms = 13;
	v.rtt_least_ms = 11;
	v.wire_ms = 4;
	v.load = 0.5;
	v.next_us = 0; /* it is late */
	json_t *o = report_target(&v);
	CU_ASSERT_STRING_EQUAL(values_text(o, "address"), "192.0.2.1:8080");
	CU_ASSERT_STRING_EQUAL(values_text(o, "state"), "up");
	CU_ASSERT_TRUE(json_is_true(json_object_get(o, "passed")));
	CU_ASSERT_EQUAL(values_number(o, "probes"), 7);
	CU_ASSERT_EQUAL(values_number(o, "failures"), 2);
	CU_ASSERT_EQUAL(values_number(o, "left"), 3);
	CU_ASSERT_EQUAL(values_number(o, "next_s"), 0);
	CU_ASSERT_DOUBLE_EQUAL(values_number(o, "rtt_ms"), 12.346, 1e-9);
	CU_ASSERT_EQUAL(values_number(o, "wire_ms"), 4);
	const char *text = line(o);
	CU_ASSERT_PTR_NOT_NULL(strstr(text,
		": connected; last error: refused; ends in 3 days; fleet: 2 of 3 say up; 12.3 ms (last 13.0, least 11.0); "
		"load 0.5; next in 0.0 s\n"));
	v.outvoted = true;
	v.passed = false; /* then what it says is the error */
	v.rtt_ms = v.load = NAN;
	v.running = true;
	v.next_us = UINT64_MAX;
	o = report_target(&v);
	CU_ASSERT_TRUE(json_is_true(json_object_get(o, "outvoted")));
	CU_ASSERT_EQUAL(values_number(o, "next_s"), 0);
	text = line(o);
	CU_ASSERT_PTR_NOT_NULL(strstr(text, ": connected; ends in 3 days; outvoted by the fleet: 2 of 3 say up; next in 0.0 s\n"));
}

/* There is no next probe: it is good for so long, or for good. */
static void what_is_told_from_outside_is_good_for_a_time(void)
{
	struct round_view v = fresh(&told, 5);

	v.next_us = clock_us() + 1000 * 1000000ull;
	json_t *o = report_target(&v);
	CU_ASSERT_PTR_NULL(json_object_get(o, "fresh_s")); /* nothing was told yet */
	CU_ASSERT_PTR_NULL(json_object_get(o, "next_s"));
	json_decref(o);
	v.known = true;
	o = report_target(&v);
	CU_ASSERT_DOUBLE_EQUAL(values_number(o, "fresh_s"), 1000, 60);
	CU_ASSERT_PTR_NULL(json_object_get(o, "next_s"));
	const char *text = line(o);
	CU_ASSERT_PTR_NOT_NULL(strstr(text, "; good for another 1"));
	CU_ASSERT_PTR_NULL(strstr(text, "next in"));
	v.next_us = UINT64_MAX;
	o = report_target(&v);
	CU_ASSERT_PTR_NULL(json_object_get(o, "fresh_s"));
	CU_ASSERT_PTR_NULL(json_object_get(o, "next_s"));
	json_decref(o);
}

static void loads_are_told_however_small_or_large(void)
{
	static const struct {
		float load;
		double is;
		const char *want;
	} row[] = { { 0, 0, "; load 0" }, { 5e-5f, 5e-5, "; load 5e-05" }, { 0.123456789f, 0.123457, "; load 0.123457" }, { 1.2e9f, 1.2e9, "; load 1.2e+09" } };

	for (size_t i = 0; i < UNIT_COUNT(row); i++) {
		struct round_view v = fresh(&tcp, 10);
		v.known = true;
		v.load = row[i].load;
		json_t *o = report_target(&v);
		CU_ASSERT_EQUAL(values_number(o, "load"), row[i].is);
		CU_ASSERT_PTR_NOT_NULL(strstr(line(o), row[i].want));
	}
}

static const struct unit_case cases[] = {
	{ "spans are told in the unit that fits", spans_are_told_in_the_unit_that_fits },
	{ "of one that was not probed yet nothing is made up", of_one_that_was_not_probed_yet_nothing_is_made_up },
	{ "what was found is told", what_was_found_is_told },
	{ "what is told from outside is good for a time", what_is_told_from_outside_is_good_for_a_time },
	{ "loads are told, however small or large", loads_are_told_however_small_or_large },
};

void suite_report_target(void);
void suite_report_target(void)
{
	unit_suite("report/report_target", cases, UNIT_COUNT(cases));
}
