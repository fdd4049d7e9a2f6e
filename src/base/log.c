#include "base/log.h"

#include <errno.h>
#include <limits.h>
#include <poll.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

/* The one piece of state that all share: where messages go. Set once, before there are threads.
 */
static struct {
	const char *program;
	enum log_level most;
	int journal;
} target = { "waymark", LOG_NOTICE, 0 };

void log_open(const char *program, enum log_level most)
{
	target.program = program;
	target.most = most;
	target.journal = getenv("JOURNAL_STREAM") != NULL && !isatty(STDERR_FILENO);
}

enum { PATIENCE_MS = 200 };

/* Commands and signals must not wait for who has stopped reading our pipe: what finds no room
 * is lost. A pipe that is ready takes PIPE_BUF bytes. */
static void put_out(const char *s, size_t len)
{
	while (len) {
		struct pollfd room = { .fd = STDERR_FILENO, .events = POLLOUT };
		const int ready = poll(&room, 1, PATIENCE_MS);
		if (ready < 0 && errno == EINTR)
			continue;
		const ssize_t n = ready > 0
			? write(STDERR_FILENO, s, len < PIPE_BUF ? len : PIPE_BUF)
			: -1;
		if (n <= 0)
			return; /* nobody is left to be told */
		s += n;
		len -= (size_t)n;
	}
}

static void put(enum log_level level, const char *fmt, va_list ap)
{
	static const char *const word[] = { "error: ", "warning: ", "", "debug: " };
	static const int syslog_level[] = { 3, 4, 5, 7 };
	char line[2048];
	int n;

	if (target.journal)
		n = snprintf(line, sizeof line, "<%d>", syslog_level[level]);
	else
		n = snprintf(line, sizeof line, "%s: %s", target.program, word[level]);
	const size_t left = sizeof line - (size_t)n - 1;
	const int more = vsnprintf(line + n, left, fmt, ap);
	size_t len = (size_t)n +
		(more < 0                              ? 0
				: (size_t)more >= left ? left - 1
						       : (size_t)more);
	line[len++] = '\n';
	put_out(line, len);
}

void log_line(enum log_level level, const char *fmt, ...)
{
	va_list ap;

	if (level > target.most)
		return;
	va_start(ap, fmt);
	put(level, fmt, ap);
	va_end(ap);
}

void log_text(const char *text)
{
	put_out(text, strlen(text));
}

void die(const char *fmt, ...)
{
	va_list ap;

	va_start(ap, fmt);
	put(LOG_ERROR, fmt, ap);
	va_end(ap);
	exit(1);
}
