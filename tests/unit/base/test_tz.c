#include "base/tz.h"

#include "base/file.h"
#include "unit/unit.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <time.h>

static uint64_t mix(uint64_t *seed)
{
	*seed = *seed * 6364136223846793005u + 1442695040888963407u;
	return *seed >> 24;
}

/* What the C library makes of the same files, from 1950 to 2150. */
static void offsets_are_those_of_the_c_library(void)
{
	static const char *const zones[] = { "UTC", "Europe/Berlin", "America/New_York",
		"Australia/Lord_Howe", "Asia/Kolkata", "America/Sao_Paulo", "Africa/Casablanca",
		"Europe/Dublin", "Pacific/Auckland", "Asia/Gaza", "America/Nuuk" };
	const char *was = getenv("TZ");
	char *kept = was ? strdup(was) : NULL;
	uint64_t seed = 1;

	for (size_t z = 0; z < UNIT_COUNT(zones); z++) {
		struct arena mem = { 0 };
		struct fault why = { "" };
		const struct tz *tz = tz_read(&mem, zones[z], &why);
		unsigned differ = 0;
		CU_ASSERT_PTR_NOT_NULL_FATAL(tz);
		setenv("TZ", zones[z], 1);
		tzset();
		for (unsigned i = 0; i < 4000; i++) {
			const time_t t = (time_t)(mix(&seed) % 6311390400u) - 631152000;
			struct tm tm;
			localtime_r(&t, &tm);
			differ += tz_offset(tz, t) != tm.tm_gmtoff;
		}
		/* Right at each change, and a second before it. */
		unsigned changes = 0;
		for (int64_t t = 1000000000; t < 2840140800 && differ == 0; changes++) {
			const int64_t next = tz_next(tz, t);
			if (next == INT64_MAX)
				break;
			for (time_t at = (time_t)(next - 1); at <= next; at++) {
				struct tm tm;
				localtime_r(&at, &tm);
				differ += tz_offset(tz, at) != tm.tm_gmtoff;
			}
			CU_ASSERT_FATAL(next > t);
			t = next;
		}
		if (differ)
			printf("%s: %u differ\n", zones[z], differ);
		CU_ASSERT_EQUAL(differ, 0);
		CU_ASSERT(z < 1 || z > 3 || changes > 100);
		arena_fini(&mem);
	}
	if (kept)
		setenv("TZ", kept, 1);
	else
		unsetenv("TZ");
	tzset();
	free(kept);
}

static void names_do_not_leave_the_database(void)
{
	static const char *const names[] = { "", "/etc/passwd", "../../../etc/passwd", "Europe/../Europe/Berlin",
		"Europe", "Europe/Berlni", "Europe/Berlin ", ".", "tzdata.zi" };

	for (size_t i = 0; i < UNIT_COUNT(names); i++) {
		struct arena mem = { 0 };
		struct fault why = { "" };
		CU_ASSERT_PTR_NULL(tz_read(&mem, names[i], &why));
		CU_ASSERT(*why.text);
		arena_fini(&mem);
	}
}

/* Whatever becomes of a file's bytes, nothing outside of it is read, and there is an offset. */
static void broken_files_are_told(void)
{
	struct fault why;
	struct file f;
	uint64_t seed = 7;
	unsigned broken = 0;

	CU_ASSERT_TRUE_FATAL(file_read(&f, "/usr/share/zoneinfo/Europe/Berlin", 1 << 20, &why));
	for (size_t len = 0; len < f.len; len += 7) {
		struct arena mem = { 0 };
		uint8_t *bytes = malloc(len + 1);
		memcpy(bytes, f.text, len);
		for (unsigned i = 0; len && i < len % 3; i++)
			bytes[mix(&seed) % len] = (uint8_t)mix(&seed);
		uint8_t *exact = realloc(bytes, len ? len : 1);
		const struct tz *tz = tz_parse(&mem, exact, len, &why);
		if (tz)
			(void)(tz_offset(tz, 4000000000) + tz_next(tz, 4000000000));
		broken += !tz;
		free(exact);
		arena_fini(&mem);
	}
	CU_ASSERT(broken > 100);
	file_free(&f);
}

/* A file of one offset that has no change, and `rule` behind it (RFC 9636). */
static const struct tz *ruled(struct arena *mem, const char *rule, struct fault *why)
{
	static const uint8_t head[44] = { 'T', 'Z', 'i', 'f', '2', [39] = 1, [43] = 4 }, type[10] = { 0, 0, 0, 0, 0, 0, 'L', 'M', 'T' };
	uint8_t bytes[300];
	size_t n = 0;

	for (unsigned i = 0; i < 2; i++) {
		memcpy(bytes + n, head, sizeof head);
		memcpy(bytes + n + sizeof head, type, sizeof type);
		n += sizeof head + sizeof type;
	}
	n += (size_t)sprintf((char *)bytes + n, "\n%s\n", rule);
	return tz_parse(mem, bytes, n, why);
}

/* Days of the year, with and without the 29th of February, and of a month's week (POSIX, TZ). */
static void rules_turn_on_their_day(void)
{
	static const struct {
		const char *rule;
		int year;
		int64_t begins; /* summer time */
	} row[] = {
		{ "EST5EDT,J60,J300", 2023, 1677654000 },
		{ "EST5EDT,J60,J300", 2024, 1709276400 },
		{ "EST5EDT,J59,J300", 2023, 1677567600 },
		{ "EST5EDT,J59,J300", 2024, 1709103600 },
		{ "EST5EDT,J365/0,J300", 2024, 1735621200 },
		{ "EST5EDT,59,299", 2023, 1677654000 },
		{ "EST5EDT,59,299", 2024, 1709190000 },
		{ "EST5EDT,0/3,299", 2024, 1704096000 },
		{ "EST5EDT,M3.2.0,M11.1.0", 2024, 1710054000 },
		{ "EST5EDT,M2.5.4/1,M11.1.0", 2024, 1709186400 },
		{ "<-03>3<-02>,J60,J300", 2023, 1677646800 },
	};

	for (size_t i = 0; i < UNIT_COUNT(row); i++) {
		struct arena mem = { 0 };
		struct fault why = { "" };
		const struct tz *tz = ruled(&mem, row[i].rule, &why);
		CU_ASSERT_PTR_NOT_NULL_FATAL(tz);
		const int32_t before = tz_offset(tz, row[i].begins - 1), after = tz_offset(tz, row[i].begins);
		if (after != before + 3600 || tz_next(tz, row[i].begins - 1) != row[i].begins) {
			printf("%s in %d: %d, %d, %lld\n", row[i].rule, row[i].year, before, after, (long long)tz_next(tz, row[i].begins - 1));
			CU_FAIL("another day");
		}
		arena_fini(&mem);
	}
}

static void what_is_no_rule_is_told(void)
{
	static const char *const row[] = { "EST5EDT,J0,J300", "EST5EDT,J366,J300", "EST5EDT,366,1", "EST5EDT,M13.1.0,M1.1.0", "EST5EDT,M0.1.0,M1.1.0",
		"EST5EDT,M1.6.0,M1.1.0", "EST5EDT,M1.0.0,M1.1.0", "EST5EDT,M1.1.7,M1.1.0", "EST5EDT,M1.1,M1.1.0", "EST5EDT,J60", "EST5EDT,J60,J300,", "5",
		"EST", "EST5EDT;J60,J300" };

	for (size_t i = 0; i < UNIT_COUNT(row); i++) {
		struct arena mem = { 0 };
		struct fault why = { "" };
		char say[100];
		snprintf(say, sizeof say, "no time zone: its rule \"%s\" is none", row[i]);
		if (ruled(&mem, row[i], &why))
			CU_FAIL(row[i]);
		CU_ASSERT_STRING_EQUAL(why.text, say);
		arena_fini(&mem);
	}
}

void suite_tz(void)
{
	static const struct unit_case cases[] = {
		{ "offsets are those of the C library", offsets_are_those_of_the_c_library },
		{ "names do not leave the database", names_do_not_leave_the_database },
		{ "broken files are told", broken_files_are_told },
		{ "rules turn on their day", rules_turn_on_their_day },
		{ "what is no rule is told", what_is_no_rule_is_told },
	};

	unit_suite("base/tz", cases, UNIT_COUNT(cases));
}
