#include "steer/hours.h"

#include <string.h>
#include <strings.h>

enum { DAY_S = 86400, DAYS = 7, ALL_DAYS = (1 << DAYS) - 1, SEARCH_MOST = 40 * DAY_S };

/* --- reading ------------------------------------------------------------------------------ */

static const char day_names[DAYS][4] = { "Mon", "Tue", "Wed", "Thu", "Fri", "Sat", "Sun" };

static int take_day(const char **s)
{
	for (int i = 0; i < DAYS; i++)
		if (strncasecmp(*s, day_names[i], 3) == 0) {
			*s += 3;
			return i;
		}
	return -1;
}

/* "Mon-Fri", "Sat,Sun", "Fri-Mon". Up to a space or the end. */
static bool take_days(const char **s, uint8_t *days)
{
	const char *at = *s;

	*days = 0;
	for (;; at++) {
		const int from = take_day(&at);
		int to = from;
		if (from >= 0 && *at == '-') {
			at++;
			to = take_day(&at);
		}
		if (from < 0 || to < 0)
			return false;
		for (int i = from;; i = (i + 1) % DAYS) {
			*days |= (uint8_t)(1 << i);
			if (i == to)
				break;
		}
		if (*at != ',')
			break;
	}
	if (*at && *at != ' ')
		return false;
	*s = at;
	return true;
}

/* "08:00", "8:30", "24:00" */
static bool take_clock(const char **s, uint32_t *to)
{
	uint32_t part[2] = { 0 };

	for (unsigned i = 0; i < 2; i++) {
		unsigned n = 0;
		for (; **s >= '0' && **s <= '9' && n < 3; ++*s, n++)
			part[i] = part[i] * 10 + (uint32_t)(**s - '0');
		if (n > 2 || n < 1 + i)
			return false;
		if (i == 0 && *(*s)++ != ':')
			return false;
	}
	*to = part[0] * 3600 + part[1] * 60;
	return part[1] < 60 && *to <= DAY_S;
}

static void skip_spaces(const char **s)
{
	*s += strspn(*s, " ");
}

bool hours_parse(struct hours *h, struct arena *mem, const char *text, struct fault *why)
{
	const char *s = text;
	bool any = false;

	*h = (struct hours){ .days = ALL_DAYS, .to_s = DAY_S };
	skip_spaces(&s);
	if (take_days(&s, &h->days))
		any = true;
	else
		h->days = ALL_DAYS;
	skip_spaces(&s);
	if (*s >= '0' && *s <= '9') {
		any = true;
		if (!take_clock(&s, &h->from_s) || *s++ != '-' || !take_clock(&s, &h->to_s) ||
			(*s && *s != ' '))
			return fault(why, "hours are as in 08:00-18:00, up to 24:00");
		if (h->from_s == h->to_s || h->from_s == DAY_S)
			return fault(why, "these hours are none; all day is 00:00-24:00");
	}
	skip_spaces(&s);
	if (!any)
		return fault(why, "write days (Mon-Fri, or Sat,Sun), hours (08:00-18:00) or both, and a "
				  "time zone, such as Europe/Berlin, where it is not UTC");
	h->text = arena_strdup(mem, text);
	h->tz = tz_read(mem, *s ? s : "UTC", why);
	return h->tz != NULL;
}

struct hours hours_copy(struct arena *mem, const struct hours *h)
{
	struct hours to = *h;

	to.text = arena_strdup(mem, h->text);
	to.tz = tz_copy(mem, h->tz);
	return to;
}

/* --- asking ------------------------------------------------------------------------------- */

struct local {
	unsigned day; /* 0: Monday */
	uint32_t s;   /* of it */
};

static struct local local_of(const struct hours *h, int64_t t)
{
	const int64_t at = t + tz_offset(h->tz, t), day = at / DAY_S - (at % DAY_S < 0);

	return (struct local){ (unsigned)(((day + 3) % DAYS + DAYS) % DAYS),
		(uint32_t)(at - day * DAY_S) };
}

static bool has_day(const struct hours *h, unsigned day)
{
	return h->days >> day & 1;
}

bool hours_hold(const struct hours *h, int64_t t)
{
	const struct local at = local_of(h, t);

	if (h->from_s < h->to_s)
		return has_day(h, at.day) && at.s >= h->from_s && at.s < h->to_s;
	/* They belong to the day on which they begin. */
	return (has_day(h, at.day) && at.s >= h->from_s) ||
		(has_day(h, (at.day + DAYS - 1) % DAYS) && at.s < h->to_s);
}

/* Nothing can change before one of the day's marks, or before the zone has another offset. */
int64_t hours_next(const struct hours *h, int64_t t)
{
	const bool now = hours_hold(h, t);

	for (int64_t at = t; at < t + SEARCH_MOST;) {
		const uint32_t s = local_of(h, at).s;
		const int64_t turn = tz_next(h->tz, at);
		uint32_t mark = DAY_S;
		if (h->from_s > s)
			mark = h->from_s;
		if (h->to_s > s && h->to_s < mark)
			mark = h->to_s;
		at += mark - s;
		at = turn < at ? turn : at;
		if (hours_hold(h, at) != now)
			return at;
	}
	return INT64_MAX;
}
