/* tz.h - local time of a time zone, as the tz database has it.
 *
 * Read from compiled files (TZif, RFC 8536), 64-bit data and the rule for the years behind it.
 * A value that lives in an arena and never changes; any thread may ask. Times are UNIX times,
 * offsets seconds east of UTC.
 */
#ifndef BASE_TZ_H
#define BASE_TZ_H

#include "base/arena.h"
#include "base/fault.h"

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

/* When in a year the rule changes: day of the month's `week` (5: the last), or of the year. */
struct tz_turn {
	enum { TZ_MONTH, TZ_DAY, TZ_DAY_NO_LEAP } by;
	int month, week, day; /* the day of the week, 0 Sunday; or of the year */
	int32_t time_s;       /* of local time, perhaps before or behind that day */
};

struct tz {
	const int64_t *at;     /* [n] since then ... */
	const int32_t *offset; /* [n + 1] ... is the offset behind it; [0] before the first */
	size_t n;
	bool ruled;             /* behind the last of them by this rule */
	bool has_summer;
	int32_t standard, summer; /* offsets */
	struct tz_turn begins, ends; /* of summer time */
};

/* A zone of the system's database: "Europe/Berlin". "UTC" needs no file. NULL when there is none,
 * with a sentence. */
const struct tz *tz_read(struct arena *mem, const char *name, struct fault *why);

/* The same from a file's bytes; NULL when they are none, with a sentence. */
const struct tz *tz_parse(struct arena *mem, const uint8_t *bytes, size_t len, struct fault *why);

const struct tz *tz_copy(struct arena *mem, const struct tz *tz);

int32_t tz_offset(const struct tz *tz, int64_t t);

/* The soonest moment behind `t` when the offset may be another; INT64_MAX: never. */
int64_t tz_next(const struct tz *tz, int64_t t);

#endif
