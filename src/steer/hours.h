/* hours.h - hours of the week in a time zone: "Mon-Fri 08:00-18:00 Europe/Berlin".
 *
 * A value that never changes. Whether they are now is asked off the packet path: the standing of
 * edges keeps what holds and until when. Times are UNIX times.
 */
#ifndef STEER_HOURS_H
#define STEER_HOURS_H

#include "base/tz.h"

struct hours {
	const char *text; /* as it is written */
	uint8_t days;     /* bits, Monday first */
	uint32_t from_s, to_s; /* of the day; up to 86400. Not from < to: into the next day */
	const struct tz *tz;
};

/* Lives in `mem`. False with a sentence. */
bool hours_parse(struct hours *h, struct arena *mem, const char *text, struct fault *why);

struct hours hours_copy(struct arena *mem, const struct hours *h);

bool hours_hold(const struct hours *h, int64_t t);

/* When that changes, behind `t`; INT64_MAX: never. */
int64_t hours_next(const struct hours *h, int64_t t);

#endif
