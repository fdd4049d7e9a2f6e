#include "base/moment.h"

#include <stdlib.h>
#include <string.h>
#include <time.h>

bool moment_span(uint64_t *ms, const char *text)
{
	static const struct {
		char unit;
		uint64_t ms;
	} units[] = { { 's', 1000 }, { 'm', 60000 }, { 'h', 3600000 }, { 'd', 86400000 },
		{ 'w', 604800000 } };
	const size_t digits = strspn(text, "0123456789");

	if (!digits || digits > 6 || strlen(text) != digits + 1)
		return false;
	for (size_t i = 0; i < sizeof units / sizeof *units; i++)
		if (text[digits] == units[i].unit) {
			*ms = strtoull(text, NULL, 10) * units[i].ms;
			return *ms > 0;
		}
	return false;
}

/* `n` digits, and what stands behind them; 0 as that is nothing. */
static bool take(const char **at, unsigned n, char behind, int *to)
{
	*to = 0;
	for (; n; n--, ++*at) {
		if (**at < '0' || **at > '9')
			return false;
		*to = *to * 10 + (**at - '0');
	}
	if (behind && *(*at)++ != behind)
		return false;
	return true;
}

/* "02:00" or "02:00:30", up to the end or a Z. */
static bool take_clock(const char *at, struct tm *tm)
{
	if (!take(&at, 2, ':', &tm->tm_hour) || !take(&at, 2, 0, &tm->tm_min))
		return false;
	if (*at == ':' && (at++, !take(&at, 2, 0, &tm->tm_sec)))
		return false;
	if (*at == 'Z')
		at++;
	return !*at && tm->tm_hour < 24 && tm->tm_min < 60 && tm->tm_sec < 60;
}

static bool take_day(const char **at, struct tm *tm)
{
	if (!take(at, 4, '-', &tm->tm_year) || !take(at, 2, '-', &tm->tm_mon) ||
		!take(at, 2, 0, &tm->tm_mday))
		return false;
	if (**at != 'T' && **at != ' ')
		return false;
	while (**at == ' ' && (*at)[1] == ' ')
		++*at;
	++*at;
	tm->tm_year -= 1900;
	tm->tm_mon--;
	return tm->tm_year >= 70;
}

static bool next_time(int64_t *s, const struct tm *clock, int64_t now_s)
{
	const int64_t day = now_s - now_s % 86400,
		      of_day = clock->tm_hour * 3600 + clock->tm_min * 60 + clock->tm_sec;

	*s = day + of_day > now_s ? day + of_day : day + 86400 + of_day;
	return true;
}

bool moment_parse(int64_t *s, const char *text, int64_t now_s)
{
	struct tm tm = { .tm_sec = 0 };
	uint64_t ms;

	if (*text == '+') {
		if (!moment_span(&ms, text + 1))
			return false;
		*s = now_s + (int64_t)(ms / 1000);
		return true;
	}
	if (take_clock(text, &tm))
		return next_time(s, &tm, now_s);
	tm = (struct tm){ .tm_sec = 0 };
	if (!take_day(&text, &tm) || !take_clock(text, &tm))
		return false;
	/* A 31st of February is another day when it is read back. */
	const struct tm meant = tm;
	*s = timegm(&tm);
	return tm.tm_mday == meant.tm_mday && tm.tm_mon == meant.tm_mon;
}

const char *moment_text(char to[static MOMENT_TEXT], int64_t s)
{
	const time_t at = (time_t)s;
	struct tm tm;

	if (!gmtime_r(&at, &tm) || !strftime(to, MOMENT_TEXT, "%Y-%m-%dT%H:%M:%SZ", &tm))
		strcpy(to, "?");
	return to;
}
