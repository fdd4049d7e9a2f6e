#include "base/log.h"

#include <errno.h>
#include <limits.h>
#include <poll.h>
#include <stdarg.h>
#include <stdbool.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <time.h>
#include <unistd.h>

/* The one piece of state that all share: where messages go. Set once, before there are threads.
 */
static struct {
	const char *program;
	enum log_level most;
	bool journal, times;
} target = { "waymark", LOG_NOTICE, false, false };

void log_open(const char *program, enum log_level most)
{
	target.program = program;
	target.most = most;
	target.journal = getenv("JOURNAL_STREAM") != NULL && !isatty(STDERR_FILENO);
}

void log_times(void)
{
	target.times = true;
}

enum { PATIENCE_MS = 200 };

/* Commands and signals must not wait for who has stopped reading our pipe: what finds no room
 * is lost, and false tells of it. A pipe that is ready takes PIPE_BUF bytes. */
static bool put_out(const char *s, size_t len)
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
			return false; /* nobody is left to be told */
		s += n;
		len -= (size_t)n;
	}
	return true;
}

enum { HEAD = 128 };

/* What stands in front of a line: the journal has times and names of its own. */
static size_t put_head(char to[static HEAD], enum log_level level)
{
	static const int syslog_level[] = { 3, 4, 5, 7 };
	struct timespec now;
	struct tm tm;
	size_t n = 0;

	if (target.journal)
		return (size_t)snprintf(to, HEAD, "<%d>", syslog_level[level]);
	if (target.times) {
		clock_gettime(CLOCK_REALTIME, &now);
		n = strftime(to, HEAD, "%Y-%m-%dT%H:%M:%S", gmtime_r(&now.tv_sec, &tm));
		n += (size_t)snprintf(to + n, HEAD - n, ".%03ldZ ", now.tv_nsec / 1000000);
	}
	return n + (size_t)snprintf(to + n, HEAD - n, "%.60s: ", target.program);
}

static void put(enum log_level level, const char *fmt, va_list ap)
{
	static const char *const word[] = { "error: ", "warning: ", "", "debug: " };
	char line[2048];
	size_t n = put_head(line, level);

	if (!target.journal)
		n += (size_t)snprintf(line + n, sizeof line - n, "%s", word[level]);
	const size_t left = sizeof line - n - 1;
	const int more = vsnprintf(line + n, left, fmt, ap);
	size_t len = n +
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

/* Of the first line of a fault; those that are set in show where it is. */
static enum log_level level_of(const char *line, size_t len)
{
	static const char warning[] = "warning: ";
	const char *error = memmem(line, len, "error: ", 7),
		   *warn = memmem(line, len, warning, sizeof warning - 1);

	return warn && (!error || warn < error) ? LOG_WARNING : LOG_ERROR;
}

void log_text(const char *text)
{
	enum log_level level = LOG_ERROR;
	char head[HEAD];

	for (size_t len; *text; text += len) {
		len = strcspn(text, "\n");
		len += text[len] == '\n';
		const bool set_in = strncmp(text, "    ", 4) == 0;
		if (!set_in)
			level = level_of(text, len);
		/* The caret stands below what it points to. */
		const size_t n = set_in && !target.journal ? 0 : put_head(head, level);
		if (!put_out(head, n) || !put_out(text, len))
			return;
	}
}

void die(const char *fmt, ...)
{
	va_list ap;

	va_start(ap, fmt);
	put(LOG_ERROR, fmt, ap);
	va_end(ap);
	exit(1);
}
