#include "base/ago.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <time.h>

enum { MINUTE = 60, HOUR = 3600, DAY = 86400, SPAN_MOST = 3660 };

/* Two digits up to `most`, behind what is at `*at`. */
static bool two(const char **at, int most, int *to)
{
	const char *p = *at;

	if (p[0] < '0' || p[0] > '9' || p[1] < '0' || p[1] > '9')
		return false;
	*to = (p[0] - '0') * 10 + p[1] - '0';
	*at = p + 2;
	return *to <= most;
}

/* "10:15", "10:15:30". */
static bool clock_of(const char **at, struct tm *tm, bool *seconds)
{
	if (!two(at, 23, &tm->tm_hour) || *(*at)++ != ':' || !two(at, 59, &tm->tm_min))
		return false;
	*seconds = **at == ':';
	if (!*seconds) {
		tm->tm_sec = 59;
		return true;
	}
	++*at;
	return two(at, 59, &tm->tm_sec);
}

/* "2026-12-01". */
static bool date_of(const char **at, struct tm *tm)
{
	int century, year;

	if (!two(at, 99, &century) || !two(at, 99, &year) || *(*at)++ != '-' ||
		!two(at, 12, &tm->tm_mon) || *(*at)++ != '-' || !two(at, 31, &tm->tm_mday))
		return false;
	tm->tm_year = century * 100 + year - 1900;
	tm->tm_mon--;
	return tm->tm_mon >= 0 && tm->tm_mday >= 1 && tm->tm_year >= 70;
}

/* "", "Z" or "+01:00": seconds east of Greenwich. */
static bool zone_of(const char *at, bool *local, int *east_s)
{
	int hours, minutes;

	*east_s = 0;
	*local = !*at;
	if (!*at || ((*at == 'Z' || *at == 'z') && !at[1]))
		return true;
	const int sign = *at == '+' ? 1 : *at == '-' ? -1 : 0;
	at++;
	if (!sign || !two(&at, 23, &hours) || *at++ != ':' || !two(&at, 59, &minutes) || *at)
		return false;
	*east_s = sign * (hours * HOUR + minutes * MINUTE);
	return true;
}

static bool span_before(int64_t *s, const char *text, int64_t now_s)
{
	char *end;
	const long n = strtol(text, &end, 10);
	const int unit = *end == 's' ? 1 : *end == 'm' ? MINUTE : *end == 'h' ? HOUR : *end == 'd' ? DAY : 0;

	if (*text < '0' || *text > '9' || !unit || (end[1] && strcmp(end + 1, " ago") != 0) ||
		n > (long)SPAN_MOST * DAY / unit)
		return false;
	*s = now_s - (int64_t)n * unit;
	return true;
}

/* The last such time of day. */
static bool time_before(int64_t *s, const struct tm *clock, int64_t now_s)
{
	const time_t now = (time_t)now_s;
	struct tm tm;

	if (!localtime_r(&now, &tm))
		return false;
	for (int back = 0; back < 2; back++) {
		struct tm then = tm;
		then.tm_hour = clock->tm_hour;
		then.tm_min = clock->tm_min;
		then.tm_sec = clock->tm_sec;
		then.tm_mday -= back;
		then.tm_isdst = -1;
		*s = mktime(&then);
		/* The minute that it is has not ended. */
		if (*s <= now_s || *s - clock->tm_sec <= now_s)
			break;
	}
	return *s != -1;
}

bool ago_moment(int64_t *s, const char *text, int64_t now_s)
{
	struct tm tm = { .tm_isdst = -1 };
	const char *at = text;
	bool seconds, local;
	int east_s;

	if (span_before(s, text, now_s))
		return true;
	if (clock_of(&at, &tm, &seconds) && !*at)
		return time_before(s, &tm, now_s);
	tm = (struct tm){ .tm_isdst = -1 };
	at = text;
	if (!date_of(&at, &tm) || (*at != 'T' && *at != 't' && *at != ' '))
		return false;
	at++;
	if (!clock_of(&at, &tm, &seconds) || !zone_of(at, &local, &east_s))
		return false;
	*s = local ? mktime(&tm) : timegm(&tm) - east_s;
	return *s != -1;
}

const char *ago_text(char to[static AGO_TEXT], int64_t s)
{
	const time_t at = (time_t)s;
	struct tm tm;

	if (!localtime_r(&at, &tm) || !strftime(to, AGO_TEXT, "%Y-%m-%d %H:%M:%S", &tm))
		snprintf(to, AGO_TEXT, "%lld", (long long)s);
	return to;
}
