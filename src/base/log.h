/* log.h - one line a message, to standard error.
 *
 * Any thread but the packet path. As text, lines carry the syslog level prefix "<N>" when standard error
 * is the journal (sd-daemon(3)), and otherwise the program's name, a plain word, and for servers
 * the time in UTC; as JSON, each is an object, behind
 * that prefix where that is. Where there is no room for them, on a full disk or a pipe that is not read, they are lost.
 */
#ifndef BASE_LOG_H
#define BASE_LOG_H

#include <stdbool.h>
#include <stdint.h>

enum log_level { LOG_ERROR, LOG_WARNING, LOG_NOTICE, LOG_DEBUG };

/* At start, before there are threads. `program` is borrowed for good. */
void log_open(const char *program, enum log_level most);

/* Lines begin with the time, unless the journal has it. At start, too. */
void log_times(void);

/* Lines are JSON from now on, or text. Any thread. */
void log_as_json(bool on);

/* From now on no more than LOG_LIMIT_LINES of one kind within LOG_LIMIT_S (log_limit.h). At start, too. */
void log_limited(void);
/* Now and then: tells what was held back. */
void log_tell_held(void);

/* The id of a message, which is made of its fixed words: what stands between the conversions of a
 * printf format. */
uint32_t log_id(const char *fmt);

__attribute__((format(printf, 2, 3))) void log_line(enum log_level level, const char *fmt, ...);

/* Several lines at once: what a `struct faults` has collected. */
void log_text(const char *text);

/* We cannot go on: no memory at start, no kernel as we know it. */
__attribute__((format(printf, 1, 2), noreturn)) void die(const char *fmt, ...);

#endif
