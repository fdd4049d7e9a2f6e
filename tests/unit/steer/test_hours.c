#include "steer/hours.h"

#include "unit/unit.h"

#include <stdio.h>
#include <string.h>
#include <time.h>

static int64_t utc(const char *text)
{
	struct tm tm = { 0 };

	strptime(text, "%Y-%m-%d %H:%M:%S", &tm);
	return timegm(&tm);
}

static const char *text_of(int64_t t)
{
	static char text[32];
	const time_t at = (time_t)t;
	struct tm tm;

	if (t == INT64_MAX)
		return "never";
	gmtime_r(&at, &tm);
	strftime(text, sizeof text, "%Y-%m-%d %H:%M:%S", &tm);
	return text;
}

static void hours_are_of_a_zone(void)
{
	static const struct {
		const char *say, *hours, *at; /* UTC */
		bool now;
		const char *next;
	} row[] = {
		{ "in winter", "Mon-Fri 08:00-18:00 Europe/Berlin", "2026-01-05 06:59:59", false,
			"2026-01-05 07:00:00" },
		{ "... it is one hour", "Mon-Fri 08:00-18:00 Europe/Berlin", "2026-01-05 07:00:00",
			true, "2026-01-05 17:00:00" },
		{ "in summer", "Mon-Fri 08:00-18:00 Europe/Berlin", "2026-07-06 06:00:00", true,
			"2026-07-06 16:00:00" },
		{ "over the weekend", "Mon-Fri 08:00-18:00 Europe/Berlin", "2026-07-03 16:00:00",
			false, "2026-07-06 06:00:00" },
		{ "over the weekend of the change", "Mon-Fri 08:00-18:00 Europe/Berlin",
			"2026-03-27 17:00:00", false, "2026-03-30 06:00:00" },
		{ "into the next day", "Sat 22:00-06:00", "2026-07-05 05:59:59", true,
			"2026-07-05 06:00:00" },
		{ "... not of the day before", "Sat 22:00-06:00", "2026-07-04 05:00:00", false,
			"2026-07-04 22:00:00" },
		{ "an hour that is not there", "02:30-03:00 Europe/Berlin", "2026-03-28 12:00:00",
			false, "2026-03-30 00:30:00" },
		{ "an hour that is there twice", "02:00-02:30 Europe/Berlin", "2026-10-25 00:10:00",
			true, "2026-10-25 00:30:00" },
		{ "... again", "02:00-02:30 Europe/Berlin", "2026-10-25 00:30:00", false,
			"2026-10-25 01:00:00" },
		{ "days alone", "Sun,Tue Asia/Tokyo", "2026-07-04 14:59:59", false,
			"2026-07-04 15:00:00" },
		{ "days around the week's end", "Fri-Mon", "2026-07-07 00:00:00", false,
			"2026-07-10 00:00:00" },
		{ "to midnight", "20:00-24:00", "2026-07-07 20:00:00", true, "2026-07-08 00:00:00" },
		{ "always", "Mon-Sun", "2026-07-07 20:00:00", true, "never" },
		{ "a zone of half an hour", "09:00-17:00 Asia/Kolkata", "2026-07-07 03:30:00", true,
			"2026-07-07 11:30:00" },
	};

	for (size_t i = 0; i < UNIT_COUNT(row); i++) {
		struct arena mem = { 0 };
		struct fault why = { "" };
		struct hours h;
		CU_ASSERT_TRUE_FATAL(hours_parse(&h, &mem, row[i].hours, &why));
		const int64_t at = utc(row[i].at);
		const char *next = text_of(hours_next(&h, at));
		if (hours_hold(&h, at) != row[i].now || strcmp(next, row[i].next) != 0)
			printf("%s: %s until %s\n", row[i].say, hours_hold(&h, at) ? "now" : "not now",
				next);
		CU_ASSERT_EQUAL(hours_hold(&h, at), row[i].now);
		CU_ASSERT_STRING_EQUAL(next, row[i].next);
		arena_fini(&mem);
	}
}

/* Minute by minute through a year with both changes: what is said to come does come. */
static void what_is_next_is_what_comes(void)
{
	static const char *const zones[] = { "Europe/Berlin", "America/New_York", "UTC" };
	char text[64];

	for (unsigned k = 0; k < 9; k++) {
		struct arena mem = { 0 };
		struct hours h;
		struct fault why;
		snprintf(text, sizeof text, "%s %02u:%02u-%02u:%02u %s", k % 2 ? "Mon-Fri" : "Sun,Wed",
			k * 2, k * 7 % 60, (k * 11 + 5) % 24, k * 13 % 60, zones[k % 3]);
		CU_ASSERT_TRUE_FATAL(hours_parse(&h, &mem, text, &why));
		const int64_t first = utc("2026-01-01 00:00:00");
		int64_t next = hours_next(&h, first);
		unsigned wrong = 0;
		for (int64_t t = first + 60; t < first + 366 * 86400; t += 60) {
			wrong += (hours_hold(&h, t) != hours_hold(&h, t - 60)) != (t == next);
			if (t == next)
				next = hours_next(&h, t);
		}
		if (wrong)
			printf("%s: %u wrong\n", text, wrong);
		CU_ASSERT_EQUAL(wrong, 0);
		arena_fini(&mem);
	}
}

static void hours_that_are_none_are_told(void)
{
	static const char *const row[] = { "", "Europe/Berlin", "Monday 08:00-18:00", "Mon-", "08:00",
		"08:00-", "8-18", "08:60-09:00", "24:01-25:00", "08:00-08:00", "24:00-08:00",
		"Mon 08:00-18:00 Europe/Berlni", "Mon 08:00-18:00Europe/Berlin", "Mon;Tue",
		"Mon-Fri08:00-18:00" };

	for (size_t i = 0; i < UNIT_COUNT(row); i++) {
		struct arena mem = { 0 };
		struct fault why = { "" };
		struct hours h;
		if (hours_parse(&h, &mem, row[i], &why))
			printf("%s is taken\n", row[i]);
		CU_ASSERT_FALSE(hours_parse(&h, &mem, row[i], &why));
		CU_ASSERT(*why.text);
		arena_fini(&mem);
	}
}

void suite_hours(void)
{
	static const struct unit_case cases[] = {
		{ "hours are of a zone", hours_are_of_a_zone },
		{ "what is next is what comes", what_is_next_is_what_comes },
		{ "hours that are none are told", hours_that_are_none_are_told },
	};

	unit_suite("steer/hours", cases, UNIT_COUNT(cases));
}
