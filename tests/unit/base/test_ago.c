#include "base/ago.h"

#include "unit/unit.h"

#include <stdio.h>
#include <stdlib.h>
#include <time.h>

/* 2026-11-28 05:30:00 in UTC, 06:30 in Berlin. */
#define NOW 1795843800

static void moments_that_have_been_are_read(void)
{
	static const struct {
		const char *text;
		int64_t s; /* 0: it is none */
	} row[] = {
		{ "30s", NOW - 30 },
		{ "10m", NOW - 600 },
		{ "2h ago", NOW - 7200 },
		{ "1d", NOW - 86400 },
		{ "06:15:30", NOW - 870 },
		{ "06:15", NOW - 841 },
		{ "06:30", NOW + 59 },        /* this minute has not ended */
		{ "06:31", NOW - 86400 + 119 }, /* yesterday's */
		{ "23:00:00", NOW - 27000 },
		{ "2026-11-28 06:15:30", NOW - 870 },
		{ "2026-11-28T06:15", NOW - 841 },
		{ "2026-11-28T05:15:30Z", NOW - 870 },
		{ "2026-11-28T07:15:30+02:00", NOW - 870 },
		{ "2026-11-28T00:15:30-05:00", NOW - 870 },
		{ "2026-07-01 12:00:00", 1782900000 }, /* summer: two hours ahead of UTC */
		{ "", 0 },
		{ "now", 0 },
		{ "10", 0 },
		{ "-5m", 0 },
		{ "5w", 0 },
		{ "99999999999999999999d", 0 },
		{ "24:00", 0 },
		{ "1:00", 0 },
		{ "10:60", 0 },
		{ "10:15:", 0 },
		{ "10:15Z", 0 },
		{ "2026-11-28", 0 },
		{ "2026-00-28 10:15", 0 },
		{ "2026-13-28 10:15", 0 },
		{ "2026-11-00 10:15", 0 },
		{ "2026-11-28 10:15:00+1", 0 },
		{ "2026-11-28 10:15:00 Z", 0 },
	};
	char text[AGO_TEXT];

	setenv("TZ", "Europe/Berlin", 1);
	tzset();
	for (size_t i = 0; i < UNIT_COUNT(row); i++) {
		int64_t s = 0;
		const bool ok = ago_moment(&s, row[i].text, NOW);
		if (ok != (row[i].s != 0) || (ok && s != row[i].s))
			printf("%s: %d, %lld\n", row[i].text, ok, (long long)s);
		CU_ASSERT_EQUAL(ok, row[i].s != 0);
		CU_ASSERT_TRUE(!ok || s == row[i].s);
	}
	CU_ASSERT_STRING_EQUAL(ago_text(text, NOW), "2026-11-28 06:30:00");
	CU_ASSERT_STRING_EQUAL(ago_text(text, INT64_MAX), "9223372036854775807"); /* of a year that no calendar has */
	unsetenv("TZ");
	tzset();
}

void suite_ago(void);
void suite_ago(void)
{
	static const struct unit_case cases[] = {
		{ "moments that have been are read", moments_that_have_been_are_read },
	};

	unit_suite("base/ago", cases, UNIT_COUNT(cases));
}
