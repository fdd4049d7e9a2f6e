#include "base/moment.h"

#include "unit/unit.h"

#include <stdio.h>
#include <string.h>

enum { NOON = 1796126400 }; /* 2026-12-01T12:00:00Z */

static void a_span_is_a_number_and_its_unit(void)
{
	static const struct {
		const char *text;
		uint64_t ms;
	} row[] = { { "90s", 90000 }, { "30m", 1800000 }, { "2h", 7200000 },
		{ "7d", 604800000 }, { "1w", 604800000 }, { "0s", 0 }, { "", 0 }, { "s", 0 },
		{ "5", 0 }, { "5 m", 0 }, { "-5m", 0 }, { "1h30m", 0 }, { "1234567s", 0 },
		{ "5y", 0 } };

	for (size_t i = 0; i < sizeof row / sizeof *row; i++) {
		uint64_t ms = 0;
		const bool ok = moment_span(&ms, row[i].text);
		CU_ASSERT_EQUAL(ok, row[i].ms != 0);
		CU_ASSERT_EQUAL(ok ? ms : 0, row[i].ms);
	}
}

static void a_moment_is_in_utc(void)
{
	static const struct {
		const char *text, *is; /* NULL: it is none */
	} row[] = { { "2026-12-01T02:00Z", "2026-12-01T02:00:00Z" },
		{ "2026-12-01 02:00", "2026-12-01T02:00:00Z" },
		{ "2026-12-01   02:00", "2026-12-01T02:00:00Z" }, { "2026-12-01T 02:00", NULL },
		{ "2026-12-01T02:00:59Z", "2026-12-01T02:00:59Z" },
		{ "2028-02-29T23:59Z", "2028-02-29T23:59:00Z" },
		{ "12:01", "2026-12-01T12:01:00Z" },
		{ "12:00", "2026-12-02T12:00:00Z" }, /* the next one */
		{ "02:00Z", "2026-12-02T02:00:00Z" }, { "+30m", "2026-12-01T12:30:00Z" },
		{ "2026-02-29T00:00Z", NULL }, { "2026-13-01T00:00Z", NULL },
		{ "2026-12-01", NULL }, { "2026-12-01T24:00Z", NULL },
		{ "2026-12-01T02:00+01:00", NULL }, { "2026-12-1T02:00Z", NULL },
		{ "1960-12-01T02:00Z", NULL }, { "2:00", NULL }, { "+0m", NULL },
		{ "tomorrow", NULL }, { "", NULL } };

	for (size_t i = 0; i < sizeof row / sizeof *row; i++) {
		char text[MOMENT_TEXT];
		int64_t s;
		const bool ok = moment_parse(&s, row[i].text, NOON);
		if (ok != (row[i].is != NULL) || (ok && strcmp(moment_text(text, s), row[i].is)))
			printf("%s: %s\n", row[i].text, ok ? moment_text(text, s) : "none");
		CU_ASSERT_EQUAL(ok, row[i].is != NULL);
		if (ok)
			CU_ASSERT_STRING_EQUAL(moment_text(text, s), row[i].is);
	}
	/* Of a year that no calendar has. */
	char text[MOMENT_TEXT];
	CU_ASSERT_STRING_EQUAL(moment_text(text, INT64_MAX), "?");
}

static const struct unit_case cases[] = {
	{ "a span is a number and its unit", a_span_is_a_number_and_its_unit },
	{ "a moment is in UTC", a_moment_is_in_utc },
};

void suite_moment(void);
void suite_moment(void)
{
	unit_suite("base/moment", cases, UNIT_COUNT(cases));
}
