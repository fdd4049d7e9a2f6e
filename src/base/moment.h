/* moment.h - spans and moments as people write them: "90s", "2h"; "2026-12-01T02:00Z".
 */
#ifndef BASE_MOMENT_H
#define BASE_MOMENT_H

#include <stdbool.h>
#include <stdint.h>

enum { MOMENT_TEXT = 24 };

/* "90s", "30m", "2h", "7d", "1w": a whole number of up to 6 digits, not 0. */
bool moment_span(uint64_t *ms, const char *text);

/* In UTC: "2026-12-01T02:00Z", with seconds or without; a blank may stand for the T, and the Z
 * may be left away. "02:00": when it is that next after `now_s`. "+30m": so long after it.
 * Seconds since 1970. */
bool moment_parse(int64_t *s, const char *text, int64_t now_s);

/* "2026-12-01T02:00:00Z" */
const char *moment_text(char to[static MOMENT_TEXT], int64_t s);

#endif
