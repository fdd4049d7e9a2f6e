#include "report/metrics_text.h"

#include "unit/unit.h"

#include <math.h>
#include <stdio.h>
#include <string.h>

/* --- values of labels --------------------------------------------------------------------- */

static void labels_have_no_octet_that_a_reader_trips_over(void)
{
	static const struct {
		const char *say, *value, *is;
	} row[] = {
		{ "plain text", "example.org.", "example.org." },
		{ "a quote", "a\"b", "a\\\"b" },
		{ "a backslash, as names have them", "a\\046b.", "a\\\\046b." },
		{ "a newline", "a\nb", "a\\nb" },
		{ "UTF-8 of two octets", "b\xc3\xbc", "b\xc3\xbc" },
		{ "of three", "\xe2\x82\xac", "\xe2\x82\xac" },
		{ "of four", "\xf0\x9f\x98\x80", "\xf0\x9f\x98\x80" },
		{ "Latin-1", "b\xfcr", "b\xef\xbf\xbdr" },
		{ "one that ends early", "b\xc3", "b\xef\xbf\xbd" },
		{ "one that another character ends", "\xc3(", "\xef\xbf\xbd(" },
		{ "an overlong slash", "\xc0\xaf", "\xef\xbf\xbd\xef\xbf\xbd" },
		{ "an overlong one of three", "\xe0\x80\xaf",
			"\xef\xbf\xbd\xef\xbf\xbd\xef\xbf\xbd" },
		{ "a surrogate", "\xed\xa0\x80", "\xef\xbf\xbd\xef\xbf\xbd\xef\xbf\xbd" },
		{ "behind the last character", "\xf4\x90\x80\x80",
			"\xef\xbf\xbd\xef\xbf\xbd\xef\xbf\xbd\xef\xbf\xbd" },
		{ "the last character", "\xf4\x8f\xbf\xbf", "\xf4\x8f\xbf\xbf" },
		{ "nothing", "", "" },
	};

	for (size_t i = 0; i < UNIT_COUNT(row); i++) {
		struct text out = { 0 };
		struct metrics m = { .out = &out };
		char want[128];
		metrics_family(&m, "x", METRICS_GAUGE, "X.");
		const size_t head = out.len;
		metrics_count(&m, 1, "l", row[i].value, NULL);
		snprintf(want, sizeof want, "waymark_x{l=\"%s\"} 1\n", row[i].is);
		CU_ASSERT_STRING_EQUAL(text_get(&out) + head, want);
		text_fini(&out);
	}
}

/* --- forms -------------------------------------------------------------------------------- */

static void make_all(struct text *out, bool open)
{
	struct metrics m = { .out = out, .open = open };
	const uint64_t counts[] = { 1, 0, 2 };
	const double le[] = { 0.5, 1 };

	metrics_one(&m, "queries", METRICS_COUNTER, "Queries.", UINT64_MAX);
	metrics_family(&m, "build", METRICS_INFO, "Build.");
	metrics_count(&m, 1, "version", "1", "of", "x", NULL);
	metrics_family(&m, "age_seconds", METRICS_GAUGE, "Age.");
	metrics_real(&m, 0.25, NULL);
	metrics_real(&m, NAN, NULL);
	metrics_real(&m, -INFINITY, NULL);
	metrics_family(&m, "took_seconds", METRICS_HISTOGRAM, "Time.");
	metrics_histogram(&m, &(struct metrics_buckets){ counts, le, 3, 1.5 });
	metrics_family(&m, "process_ttl_seconds", METRICS_SUMMARY, "TTL.");
	metrics_summary(&m, 60, 2);
	metrics_end(&m);
}

static void text_has_counters_by_their_whole_name(void)
{
	struct text out = { 0 };

	make_all(&out, false);
	CU_ASSERT_STRING_EQUAL(text_get(&out),
		"# HELP waymark_queries_total Queries.\n"
		"# TYPE waymark_queries_total counter\n"
		"waymark_queries_total 18446744073709551615\n"
		"# HELP waymark_build_info Build.\n"
		"# TYPE waymark_build_info gauge\n"
		"waymark_build_info{version=\"1\",of=\"x\"} 1\n"
		"# HELP waymark_age_seconds Age.\n"
		"# TYPE waymark_age_seconds gauge\n"
		"waymark_age_seconds 0.25\nwaymark_age_seconds NaN\nwaymark_age_seconds -Inf\n"
		"# HELP waymark_took_seconds Time.\n"
		"# TYPE waymark_took_seconds histogram\n"
		"waymark_took_seconds_bucket{le=\"0.5\"} 1\n"
		"waymark_took_seconds_bucket{le=\"1\"} 1\n"
		"waymark_took_seconds_bucket{le=\"+Inf\"} 3\n"
		"waymark_took_seconds_sum 1.5\nwaymark_took_seconds_count 3\n"
		"# HELP process_ttl_seconds TTL.\n"
		"# TYPE process_ttl_seconds summary\n"
		"process_ttl_seconds_sum 60\nprocess_ttl_seconds_count 2\n");
	text_fini(&out);
}

static void openmetrics_has_families_without_suffix_and_an_end(void)
{
	struct text out = { 0 };

	make_all(&out, true);
	const char *s = text_get(&out);
	CU_ASSERT_PTR_NOT_NULL(strstr(s, "# TYPE waymark_queries counter\nwaymark_queries_total 1"));
	CU_ASSERT_PTR_NOT_NULL(strstr(s, "# TYPE waymark_build info\nwaymark_build_info{"));
	CU_ASSERT_TRUE(out.len > 6 && strcmp(s + out.len - 6, "# EOF\n") == 0);
	text_fini(&out);
}

static void the_form_is_what_is_wanted_most(void)
{
	static const struct {
		const char *accept;
		bool open;
	} row[] = {
		{ NULL, false },
		{ "", false },
		{ "*/*", false },
		{ "text/plain", false },
		{ "application/openmetrics-text", true },
		{ "application/openmetrics-text;q=0", false },
		/* Prometheus 2.42 */
		{ "application/openmetrics-text;version=1.0.0,application/"
		  "openmetrics-text;version=0.0.1;q=0.75,text/plain;version=0.0.4;q=0.5,*/*;q=0.1",
			true },
		{ "text/plain;q=0.9, application/openmetrics-text; q=0.25", false },
		{ "text/plain;q=0.25 ,application/openmetrics-text;q=0.9", true },
		{ "application/openmetrics-textile", false },
		{ "application/json", false },
		{ ",,;;q=,", false },
	};

	for (size_t i = 0; i < UNIT_COUNT(row); i++)
		CU_ASSERT_EQUAL(metrics_accept_open(row[i].accept), row[i].open);
}

static const struct unit_case cases[] = {
	{ "labels have no octet that a reader trips over",
		labels_have_no_octet_that_a_reader_trips_over },
	{ "text has counters by their whole name", text_has_counters_by_their_whole_name },
	{ "OpenMetrics has families without suffix, and an end",
		openmetrics_has_families_without_suffix_and_an_end },
	{ "the form is what is wanted most", the_form_is_what_is_wanted_most },
};

void suite_metrics_text(void);
void suite_metrics_text(void)
{
	unit_suite("report/metrics_text", cases, UNIT_COUNT(cases));
}
