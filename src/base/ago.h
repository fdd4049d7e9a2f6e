/* ago.h - moments that have been, as people write them: "10:15", "30m ago", "2026-12-01T02:00:00Z".
 */
#ifndef BASE_AGO_H
#define BASE_AGO_H

#include <stdbool.h>
#include <stdint.h>

enum { AGO_TEXT = 32 };

/* Seconds since 1970. "10:15" and "10:15:30" are local time, the last such moment before `now_s`; "30m" (s, m, h, d) is so long
 * before it; "2026-12-01 10:15" with seconds or without is local time, and with "Z" or "+01:00" behind it (RFC 3339) what
 * it says. A moment without seconds is the end of its minute, so that what was in it is before it. */
bool ago_moment(int64_t *s, const char *text, int64_t now_s);

/* "2026-12-01 10:15:30", in local time. */
const char *ago_text(char to[static AGO_TEXT], int64_t s);

#endif
