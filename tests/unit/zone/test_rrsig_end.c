#include "zone/rrsig_end.h"
#include "base/text.h"
#include "unit/unit.h"
#include "unit/zone/desk.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <time.h>

enum { DAY_S = 24 * 3600 };

/* 2026-11-27T12:00:00Z */
static const int64_t now_s = 1795780800;

static void sign(struct text *to, int64_t begin_s, int64_t end_s)
{
	char from[16], until[16];
	time_t t = (time_t)(now_s + begin_s);
	struct tm tm;

	strftime(from, sizeof from, "%Y%m%d%H%M%S", gmtime_r(&t, &tm));
	t = (time_t)(now_s + end_s);
	strftime(until, sizeof until, "%Y%m%d%H%M%S", gmtime_r(&t, &tm));
	text_addf(to, "a 1 RRSIG A 8 3 1 %s %s 1 a. AAAA\n", until, from);
}

static void the_end_is_told_three_days_or_a_quarter_of_their_time_ahead(void)
{
	static const struct {
		const char *say;
		int64_t begin_s, end_s, soon_s;
		const char *told; /* NULL: nothing */
	} row[] = {
		{ "a month, and four days left", -26 * DAY_S, 4 * DAY_S, DAY_S, NULL },
		{ "a month, and three days left", -27 * DAY_S, 3 * DAY_S, 0,
			"1 of the zone's 1 signatures end soon, the first at "
			"2026-11-30T12:00:00Z" },
		{ "a second more", -27 * DAY_S, 3 * DAY_S + 1, 1, NULL },
		{ "four days, and two left", -2 * DAY_S, 2 * DAY_S, DAY_S, NULL },
		{ "four days, and one left", -3 * DAY_S, DAY_S, 0, "end soon" },
		{ "the last second", -3 * DAY_S, 0, -3 * DAY_S / 4, "end soon" },
		{ "it has ended", -30 * DAY_S, -1, -1 - 3 * DAY_S,
			"1 signatures have expired" },
		{ "it ends before it begins", 2 * DAY_S, DAY_S, DAY_S, "begin later" },
		{ "it begins now", 0, 30 * DAY_S, 27 * DAY_S, NULL },
		{ "it begins within what clocks are apart", 300, 30 * DAY_S, 27 * DAY_S, NULL },
		{ "it begins a second later than that", 301, 30 * DAY_S, 27 * DAY_S,
			"1 of the zone's 1 signatures begin later, the last at 2026-11-27T12:05:01Z" },
	};

	for (size_t i = 0; i < UNIT_COUNT(row); i++) {
		struct text zone = { 0 };
		struct desk d;
		sign(&zone, row[i].begin_s, row[i].end_s);
		desk_init(&d);
		desk_put(&d, "zone", text_get(&zone));
		desk_read(&d);
		d.f.warnings = 0; /* of the record alone */
		const struct rrsig_end s = rrsig_end_find(&d.r, now_s, &d.f);
		CU_ASSERT_EQUAL(s.end_s, now_s + row[i].end_s);
		CU_ASSERT_EQUAL(s.soon_s, now_s + row[i].soon_s);
		CU_ASSERT_EQUAL(d.f.warnings, row[i].told != NULL);
		if (row[i].told)
			CU_ASSERT_PTR_NOT_NULL(strstr(text_get(&d.f.text), row[i].told));
		if (s.soon_s != now_s + row[i].soon_s || d.f.warnings != (row[i].told != NULL))
			printf("\n    %s: %lld %s\n", row[i].say, (long long)(s.soon_s - now_s),
				text_get(&d.f.text));
		desk_fini(&d);
		text_fini(&zone);
	}
}

static void the_first_of_many_counts_and_none_is_nothing(void)
{
	struct text zone = { 0 };
	struct desk d;

	text_add(&zone, "a 1 A 192.0.2.1\n");
	desk_init(&d);
	desk_put(&d, "zone", text_get(&zone));
	desk_read(&d);
	const struct rrsig_end none = rrsig_end_find(&d.r, now_s, &d.f);
	CU_ASSERT_EQUAL(none.end_s, 0);
	desk_fini(&d);
	sign(&zone, -30 * DAY_S, 20 * DAY_S);
	sign(&zone, -20 * DAY_S, 2 * DAY_S);
	sign(&zone, -20 * DAY_S, DAY_S);
	desk_init(&d);
	desk_put(&d, "zone", text_get(&zone));
	desk_read(&d);
	const struct rrsig_end s = rrsig_end_find(&d.r, now_s, &d.f);
	CU_ASSERT_EQUAL(s.end_s, now_s + DAY_S);
	CU_ASSERT_EQUAL(s.soon_s, now_s - 2 * DAY_S);
	CU_ASSERT_EQUAL(d.f.warnings, 1);
	CU_ASSERT_PTR_NOT_NULL(strstr(text_get(&d.f.text),
		"/zone:3:1: warning: 2 of the zone's 3 signatures end soon, the first at "
		"2026-11-28T12:00:00Z"));
	desk_fini(&d);
	text_fini(&zone);
}

void suite_rrsig_end(void);
void suite_rrsig_end(void)
{
	static const struct unit_case cases[] = {
		{ "the end is told three days, or a quarter of their time, ahead",
			the_end_is_told_three_days_or_a_quarter_of_their_time_ahead },
		{ "the first of many counts, and none is nothing",
			the_first_of_many_counts_and_none_is_nothing },
	};

	unit_suite("zone/rrsig_end", cases, UNIT_COUNT(cases));
}
