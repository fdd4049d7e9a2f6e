#include "base/log.h"

#include "base/log_limit.h"
#include "base/text.h"

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

/* The one piece of state that all share: where messages go, and how. Set before there are threads, but for
 * `json`. */
static struct {
	const char *program;
	enum log_level most;
	bool journal, times, limited;
	bool json; /* atomic */
} target = { .program = "waymark", .most = LOG_NOTICE };

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

static size_t put_time(char to[static HEAD])
{
	struct timespec now;
	struct tm tm;

	clock_gettime(CLOCK_REALTIME, &now);
	const size_t n = strftime(to, HEAD, "%Y-%m-%dT%H:%M:%S", gmtime_r(&now.tv_sec, &tm));
	return n + (size_t)snprintf(to + n, HEAD - n, ".%03ldZ", now.tv_nsec / 1000000);
}

/* What stands in front of a line: the journal has times and names of its own. */
static size_t put_head(char to[static HEAD], enum log_level level)
{
	static const int syslog_level[] = { 3, 4, 5, 7 };
	size_t n = 0;

	if (target.journal)
		return (size_t)snprintf(to, HEAD, "<%d>", syslog_level[level]);
	if (target.times) {
		n = put_time(to);
		to[n++] = ' ';
	}
	return n + (size_t)snprintf(to + n, HEAD - n, "%.60s: ", target.program);
}

/* --- the text of a line ------------------------------------------------------------------- */

/* FNV-1a of all but the conversions: each of those counts as one octet that no text has. */
uint32_t log_id(const char *fmt)
{
	uint32_t h = 2166136261u;

	while (*fmt) {
		uint8_t c = (uint8_t)*fmt++;
		if (c == '%' && *fmt == '%') {
			fmt++;
		} else if (c == '%') {
			fmt += strspn(fmt, "-+ #0123456789.*hlzjtL");
			fmt += *fmt != 0;
			c = 0xff;
		}
		h = (h ^ c) * 16777619u;
	}
	return h;
}

/* In JSON; what is no UTF-8 becomes U+FFFD. */
static size_t put_escaped(char *to, size_t room, const char *text)
{
	const unsigned char *s = (const unsigned char *)text;
	size_t n = 0;

	while (*s && n + 8 < room) {
		const size_t len = text_utf8_len(s);
		if (len == 0 || *s < ' ' || *s == '"' || *s == '\\') {
			n += (size_t)snprintf(to + n, room - n, "\\u%04x", len ? *s : 0xfffdu);
			s++;
			continue;
		}
		memcpy(to + n, s, len);
		n += len;
		s += len;
	}
	return n;
}

/* One line as JSON; `id` 0: it has none. Its parts are cut where there is no room. */
static void put_json(enum log_level level, uint32_t id, const char *said)
{
	static const char *const word[] = { "error", "warning", "notice", "debug" };
	char line[4096], when[HEAD];
	size_t n = 0;

	if (target.journal)
		n = put_head(line, level);
	put_time(when);
	n += (size_t)snprintf(line + n, sizeof line - n,
		"{\"time\":\"%s\",\"level\":\"%s\",\"program\":\"%.60s\",", when, word[level],
		target.program);
	if (id)
		n += (size_t)snprintf(line + n, sizeof line - n, "\"id\":\"%08x\",", id);
	n += (size_t)snprintf(line + n, sizeof line - n, "\"message\":\"");
	n += put_escaped(line + n, sizeof line - n - 4, said);
	memcpy(line + n, "\"}\n", 3);
	put_out(line, n + 3);
}

static void put_text(enum log_level level, const char *said)
{
	static const char *const word[] = { "error: ", "warning: ", "", "debug: " };
	char line[2048 + HEAD];
	size_t n = put_head(line, level);

	n += (size_t)snprintf(line + n, sizeof line - n, "%s%s", target.journal ? "" : word[level], said);
	if (n > sizeof line - 2)
		n = sizeof line - 2;
	line[n++] = '\n';
	put_out(line, n);
}

static void put_said(enum log_level level, uint32_t id, const char *said)
{
	if (__atomic_load_n(&target.json, __ATOMIC_RELAXED))
		put_json(level, id, said);
	else
		put_text(level, said);
}

/* A format that is nothing but what somebody else says has no id of its own. */
static void put(enum log_level level, const char *fmt, va_list ap)
{
	char said[1900];

	vsnprintf(said, sizeof said, fmt, ap);
	put_said(level, strcmp(fmt, "%s") == 0 ? 0 : log_id(fmt), said);
}

/* --- too many of a kind ------------------------------------------------------------------- */

static void tell_held(const struct log_held *h)
{
	char said[LOG_LIMIT_TEXT + 128];

	snprintf(said, sizeof said, "%llu more of these in %u s, the last: %s",
		(unsigned long long)h->lines, h->for_s, h->last);
	put_said((enum log_level)h->level, h->id, said);
}

static uint64_t now_s(void)
{
	struct timespec t;

	clock_gettime(CLOCK_MONOTONIC, &t);
	return (uint64_t)t.tv_sec;
}

void log_limited(void)
{
	target.limited = true;
}

void log_tell_held(void)
{
	struct log_held h;

	while (log_limit_next(now_s(), &h))
		tell_held(&h);
}

void log_as_json(bool on)
{
	__atomic_store_n(&target.json, on, __ATOMIC_RELAXED);
}

void log_line(enum log_level level, const char *fmt, ...)
{
	const struct log_kind kind = { __builtin_return_address(0), level, log_id(fmt) };
	struct log_held held;
	va_list ap;

	if (level > target.most)
		return;
	if (target.limited) {
		va_start(ap, fmt);
		const bool may = log_limit_may(&kind, now_s(), &held, fmt, ap);
		va_end(ap);
		if (held.lines)
			tell_held(&held);
		if (!may)
			return;
	}
	va_start(ap, fmt);
	put(level, fmt, ap);
	va_end(ap);
}

/* --- faults ------------------------------------------------------------------------------- */

/* Of the first line of a fault; those that are set in show where it is. */
static enum log_level level_of(const char *line, size_t len)
{
	static const char warning[] = "warning: ";
	const char *error = memmem(line, len, "error: ", 7),
		   *warn = memmem(line, len, warning, sizeof warning - 1);

	return warn && (!error || warn < error) ? LOG_WARNING : LOG_ERROR;
}

/* A line and its caret, which show where a fault is, are for people. */
static void put_line_json(enum log_level level, const char *line, size_t len)
{
	char said[1900];

	snprintf(said, sizeof said, "%.*s", (int)(len && line[len - 1] == '\n' ? len - 1 : len), line);
	put_json(level, 0, said);
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
		if (__atomic_load_n(&target.json, __ATOMIC_RELAXED)) {
			if (!set_in)
				put_line_json(level, text, len);
			continue;
		}
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
