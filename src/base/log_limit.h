/* log_limit.h - which lines of a log are held back, since there are too many of their kind.
 *
 * A kind is a place in the sources that logs. So many lines of one are logged within a span of time; how many more there
 * were is told when that is over, with the last of them. Any thread.
 */
#ifndef BASE_LOG_LIMIT_H
#define BASE_LOG_LIMIT_H

#include <stdarg.h>
#include <stdbool.h>
#include <stdint.h>

enum {
	LOG_LIMIT_LINES = 100, /* of a kind, within ... */
	LOG_LIMIT_S = 10,
	LOG_LIMIT_KINDS = 256, /* that are told apart; further ones are not limited */
	LOG_LIMIT_TEXT = 512   /* bytes of a last line that are kept */
};

/* What was held back of a kind. */
struct log_held {
	uint64_t lines;
	int level;
	uint32_t id;
	unsigned for_s;
	char last[LOG_LIMIT_TEXT];
};

/* A line of the kind `place`, with what it says. True: it may go; `held` (its `lines` 0: nothing) is to
 * be told before it. */
struct log_kind {
	const void *place;
	int level;
	uint32_t id;
};
bool log_limit_may(const struct log_kind *kind, uint64_t now_s, struct log_held *held, const char *fmt,
	va_list ap) __attribute__((format(printf, 4, 0)));

/* What is to be told by now; false: nothing more. */
bool log_limit_next(uint64_t now_s, struct log_held *held);

/* As if nothing had been logged. */
void log_limit_forget(void);

#endif
