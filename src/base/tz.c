#include "base/tz.h"

#include "base/bytes.h"
#include "base/file.h"

#include <stdlib.h>
#include <string.h>

#define TZ_FOLDER "/usr/share/zoneinfo/"

enum {
	TZ_FILE_MOST = 1 << 20,
	TZ_HEAD = 44,
	TZ_RULE_MOST = 255,
	DAY_S = 86400,
	OFFSET_MOST_S = 26 * 3600
};

/* --- days --------------------------------------------------------------------------------- */

static bool is_leap(int64_t y)
{
	return (y % 4 == 0 && y % 100 != 0) || y % 400 == 0;
}

/* Days from 1970 to the first of January. */
static int64_t days_to(int64_t year)
{
	const int64_t y = year - 1;

	return 365 * (year - 1970) + (y / 4 - y / 100 + y / 400) - (1969 / 4 - 1969 / 100 + 1969 / 400);
}

static int64_t year_of(int64_t t)
{
	int64_t year = 1970 + t / 31556952;

	while (days_to(year) * DAY_S > t)
		year--;
	while (days_to(year + 1) * DAY_S <= t)
		year++;
	return year;
}

/* 0 is Sunday. */
static int week_day(int64_t day)
{
	return (int)(((day + 4) % 7 + 7) % 7);
}

static int64_t day_of_month(const struct tz_turn *r, int64_t year)
{
	static const int lengths[12] = { 31, 28, 31, 30, 31, 30, 31, 31, 30, 31, 30, 31 };
	int64_t first = days_to(year);

	for (int m = 1; m < r->month; m++)
		first += lengths[m - 1] + (m == 2 && is_leap(year));
	const int length = lengths[r->month - 1] + (r->month == 2 && is_leap(year));
	int day = (r->day - week_day(first) + 7) % 7 + 7 * (r->week - 1);
	while (day >= length)
		day -= 7;
	return first + day;
}

/* In local time, as if it were UTC. */
static int64_t turn_at(const struct tz_turn *r, int64_t year)
{
	int64_t day = days_to(year);

	switch (r->by) {
	case TZ_MONTH: day = day_of_month(r, year); break;
	case TZ_DAY: day += r->day; break;
	case TZ_DAY_NO_LEAP: day += r->day - 1 + (is_leap(year) && r->day >= 60); break;
	}
	return day * DAY_S + r->time_s;
}

static int64_t summer_begins(const struct tz *tz, int64_t year)
{
	return turn_at(&tz->begins, year) - tz->standard;
}

static int64_t summer_ends(const struct tz *tz, int64_t year)
{
	return turn_at(&tz->ends, year) - tz->summer;
}

static bool is_summer(const struct tz *tz, int64_t t)
{
	const int64_t year = year_of(t + tz->standard), begins = summer_begins(tz, year),
		      ends = summer_ends(tz, year);

	return begins < ends ? t >= begins && t < ends : t >= begins || t < ends;
}

/* --- asking ------------------------------------------------------------------------------- */

/* How many changes are behind. */
static size_t passed(const struct tz *tz, int64_t t)
{
	size_t lo = 0, hi = tz->n;

	while (lo < hi) {
		const size_t mid = lo + (hi - lo) / 2;
		if (tz->at[mid] <= t)
			lo = mid + 1;
		else
			hi = mid;
	}
	return lo;
}

int32_t tz_offset(const struct tz *tz, int64_t t)
{
	const size_t n = passed(tz, t);

	if (n < tz->n || !tz->ruled)
		return tz->offset[n];
	return tz->has_summer && is_summer(tz, t) ? tz->summer : tz->standard;
}

int64_t tz_next(const struct tz *tz, int64_t t)
{
	const size_t n = passed(tz, t);
	int64_t soonest = INT64_MAX;

	if (n < tz->n)
		return tz->at[n];
	if (!tz->ruled || !tz->has_summer)
		return INT64_MAX;
	for (int64_t year = year_of(t) - 1, last = year + 3; year <= last; year++) {
		const int64_t turn[2] = { summer_begins(tz, year), summer_ends(tz, year) };
		for (unsigned i = 0; i < 2; i++)
			if (turn[i] > t && turn[i] < soonest)
				soonest = turn[i];
	}
	return soonest;
}

/* --- the rule at a file's end: POSIX TZ with the widths of RFC 8536 section 3.3.1 ---------- */

/* Three letters and more, or anything plain in < >. */
static bool take_name(const char **s)
{
	const char *from = *s;

	if (**s == '<') {
		const char *end = strchr(*s, '>');
		*s = end ? end + 1 : *s;
		return end && end > from + 3;
	}
	while ((**s >= 'a' && **s <= 'z') || (**s >= 'A' && **s <= 'Z'))
		++*s;
	return *s >= from + 3;
}

static bool take_number(const char **s, int least, int most, int *to)
{
	int v = 0, n = 0;

	for (; **s >= '0' && **s <= '9' && n < 5; ++*s, n++)
		v = v * 10 + (**s - '0');
	*to = v;
	return n && v >= least && v <= most;
}

/* [+-]hh[:mm[:ss]] */
static bool take_time(const char **s, int32_t *to)
{
	int part[3] = { 0 }, sign = 1;

	if (**s == '-' || **s == '+')
		sign = *(*s)++ == '-' ? -1 : 1;
	for (unsigned i = 0; i < 3; i++) {
		if (i && **s != ':')
			break;
		*s += i > 0;
		if (!take_number(s, 0, i ? 59 : 167, &part[i]))
			return false;
	}
	*to = sign * (part[0] * 3600 + part[1] * 60 + part[2]);
	return true;
}

static bool take_turn(const char **s, struct tz_turn *r)
{
	*r = (struct tz_turn){ .time_s = 2 * 3600 };
	if (*(*s)++ != ',')
		return false;
	if (**s == 'M') {
		++*s;
		if (!take_number(s, 1, 12, &r->month) || *(*s)++ != '.' ||
			!take_number(s, 1, 5, &r->week) || *(*s)++ != '.' ||
			!take_number(s, 0, 6, &r->day))
			return false;
	} else {
		r->by = **s == 'J' ? TZ_DAY_NO_LEAP : TZ_DAY;
		*s += **s == 'J';
		if (!take_number(s, r->by == TZ_DAY_NO_LEAP, 365, &r->day))
			return false;
	}
	if (**s != '/')
		return true;
	++*s;
	return take_time(s, &r->time_s);
}

static bool take_rule(const char *s, struct tz *tz)
{
	int32_t west;

	if (!take_name(&s) || !take_time(&s, &west))
		return false;
	tz->standard = -west;
	tz->summer = tz->standard + 3600;
	tz->ruled = true;
	if (!*s)
		return true;
	if (!take_name(&s))
		return false;
	if (*s && *s != ',') {
		if (!take_time(&s, &west))
			return false;
		tz->summer = -west;
	}
	tz->has_summer = true;
	return take_turn(&s, &tz->begins) && take_turn(&s, &tz->ends) && !*s;
}

/* --- the file ----------------------------------------------------------------------------- */

struct head {
	uint32_t isut, isstd, leaps, times, types, chars;
};

static bool read_head(struct head *h, const uint8_t *b, size_t len)
{
	if (len < TZ_HEAD || memcmp(b, "TZif", 4) != 0 || b[4] < '2')
		return false;
	*h = (struct head){ be32_get(b + 20), be32_get(b + 24), be32_get(b + 28),
		be32_get(b + 32), be32_get(b + 36), be32_get(b + 40) };
	return h->isut <= TZ_FILE_MOST && h->isstd <= TZ_FILE_MOST && h->leaps <= TZ_FILE_MOST &&
		h->times <= TZ_FILE_MOST && h->types && h->types <= 256 && h->chars <= TZ_FILE_MOST;
}

static size_t block_len(const struct head *h, size_t time)
{
	return h->times * (time + 1) + h->types * (size_t)6 + h->chars + h->leaps * (time + 4) +
		h->isstd + h->isut;
}

static bool fill(struct arena *mem, struct tz *tz, const struct head *h, const uint8_t *b)
{
	const uint8_t *which = b + (size_t)h->times * 8, *types = which + h->times;
	int64_t *at = arena_alloc(mem, (h->times + 1) * sizeof *at);
	int32_t *offset = arena_alloc(mem, (h->times + 1) * sizeof *offset);

	offset[0] = (int32_t)be32_get(types);
	for (uint32_t i = 0; i < h->times; i++) {
		if (which[i] >= h->types)
			return false;
		at[i] = (int64_t)be64_get(b + (size_t)i * 8);
		offset[i + 1] = (int32_t)be32_get(types + which[i] * (size_t)6);
		if (i && at[i] <= at[i - 1])
			return false;
	}
	for (uint32_t i = 0; i <= h->times; i++)
		if (offset[i] < -OFFSET_MOST_S || offset[i] > OFFSET_MOST_S)
			return false;
	tz->at = at;
	tz->offset = offset;
	tz->n = h->times;
	return true;
}

const struct tz *tz_parse(struct arena *mem, const uint8_t *b, size_t len, struct fault *why)
{
	struct tz *tz = arena_zalloc(mem, sizeof *tz);
	char rule[TZ_RULE_MOST + 1];
	struct head h;

	if (!read_head(&h, b, len) || block_len(&h, 4) + 2 * TZ_HEAD > len) {
		fault(why, "no time zone: it has no TZif data of version 2 or later");
		return NULL;
	}
	const size_t second = TZ_HEAD + block_len(&h, 4);
	if (!read_head(&h, b + second, len - second) ||
		second + TZ_HEAD + block_len(&h, 8) > len || !fill(mem, tz, &h, b + second + TZ_HEAD)) {
		fault(why, "no time zone: its TZif data is broken");
		return NULL;
	}
	const uint8_t *foot = b + second + TZ_HEAD + block_len(&h, 8);
	const size_t left = len - (size_t)(foot - b);
	const uint8_t *end = left > 1 && *foot == '\n' ? memchr(foot + 1, '\n', left - 1) : NULL;
	if (!end || end - foot - 1 > TZ_RULE_MOST)
		return tz; /* what there is, is all */
	memcpy(rule, foot + 1, (size_t)(end - foot) - 1);
	rule[end - foot - 1] = 0;
	if (*rule && !take_rule(rule, tz)) {
		fault(why, "no time zone: its rule \"%s\" is none", rule);
		return NULL;
	}
	return tz;
}

/* Nothing that leads out of the database. */
static bool is_name(const char *name)
{
	if (!*name || *name == '/' || *name == '.' || strlen(name) > 64 || strstr(name, ".."))
		return false;
	for (const char *s = name; *s; s++)
		if (!((*s >= 'a' && *s <= 'z') || (*s >= 'A' && *s <= 'Z') ||
			    (*s >= '0' && *s <= '9') || strchr("_+-/", *s)))
			return false;
	return true;
}

const struct tz *tz_read(struct arena *mem, const char *name, struct fault *why)
{
	static const int32_t zero[1];
	static const struct tz utc = { .offset = zero };
	char path[sizeof TZ_FOLDER + 64];
	struct fault inner;
	struct file f;

	if (strcmp(name, "UTC") == 0)
		return &utc;
	memcpy(path, TZ_FOLDER, sizeof TZ_FOLDER);
	if (is_name(name))
		strcpy(path + sizeof TZ_FOLDER - 1, name);
	if (!is_name(name) || !file_read(&f, path, TZ_FILE_MOST, &inner)) {
		fault(why, "there is no time zone \"%.64s\" in " TZ_FOLDER, name);
		return NULL;
	}
	const struct tz *tz = tz_parse(mem, (const uint8_t *)f.text, f.len, &inner);
	if (!tz)
		fault(why, "%s: %s", path, inner.text);
	file_free(&f);
	return tz;
}

const struct tz *tz_copy(struct arena *mem, const struct tz *tz)
{
	struct tz *to = arena_memdup(mem, tz, sizeof *tz);

	to->at = arena_memdup(mem, tz->at, tz->n * sizeof *tz->at);
	to->offset = arena_memdup(mem, tz->offset, (tz->n + 1) * sizeof *tz->offset);
	return to;
}
