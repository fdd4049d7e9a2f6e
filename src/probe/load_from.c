#include "probe/load_from.h"

#include <ctype.h>
#include <math.h>
#include <stdlib.h>
#include <string.h>
#include <strings.h>

enum { NUMBER_MOST = 64 };

#define LOAD_MOST 1e15

static size_t skip_blanks(const char *s, size_t len, size_t at)
{
	while (at < len && (s[at] == ' ' || s[at] == '\t'))
		at++;
	return at;
}

static size_t skip_digits(const char *s, size_t len, size_t at)
{
	while (at < len && s[at] >= '0' && s[at] <= '9')
		at++;
	return at;
}

/* The end of an exponent, or `at` where none begins there; 0: one begins and has no digits. */
static size_t skip_exponent(const char *s, size_t len, size_t at)
{
	if (at == len || (s[at] != 'e' && s[at] != 'E'))
		return at;
	const size_t sign = at + 1 < len && (s[at + 1] == '+' || s[at + 1] == '-');
	const size_t end = skip_digits(s, len, at + 1 + sign);
	return end > at + 1 + sign ? end : 0;
}

/* A number as JSON has them (RFC 8259 section 6), and no letter, digit, dot or _ behind it. One
 * below 0 is no load. Returns where it ends, 0 when it is none. */
static size_t read_number(const char *s, size_t len, size_t at, float *to)
{
	char buf[NUMBER_MOST + 1] = "";
	const size_t first = at + (at < len && s[at] == '-');
	const size_t whole = skip_digits(s, len, first);
	size_t end = whole;

	if (end < len && s[end] == '.')
		end = skip_digits(s, len, end + 1);
	if (whole == first || s[end - 1] == '.')
		return 0;
	end = skip_exponent(s, len, end);
	if (!end || end - at > NUMBER_MOST)
		return 0;
	if (end < len && (isalnum((unsigned char)s[end]) || s[end] == '.' || s[end] == '_'))
		return 0;
	memcpy(buf, s + at, end - at);
	const double v = strtod(buf, NULL);
	if (!(v >= 0 && v <= LOAD_MOST))
		return 0;
	*to = v > 0 ? (float)v : 0; /* not -0 */
	return end;
}

bool load_from_number(const char *text, size_t len, float *load)
{
	float v;
	size_t at = read_number(text, len, skip_blanks(text, len, 0), &v);

	if (!at)
		return false;
	at = skip_blanks(text, len, at);
	if (at < len && text[at] == '%')
		at++;
	while (at < len && isspace((unsigned char)text[at]))
		at++;
	if (at < len)
		return false;
	*load = v;
	return true;
}

bool load_from_header(const char *line, size_t len, const char *field, float *load)
{
	const size_t n = strlen(field);

	return len > n && strncasecmp(line, field, n) == 0 && line[n] == ':' &&
		load_from_number(line + n + 1, len - n - 1, load);
}

static bool is_word(char c)
{
	return isalnum((unsigned char)c) || c == '_' || c == '-';
}

/* In JSON ends of lines are blanks, too (RFC 8259 section 2). */
static size_t skip_between(const char *s, size_t len, size_t at, bool json)
{
	while ((at = skip_blanks(s, len, at)) < len && json && (s[at] == '\n' || s[at] == '\r'))
		at++;
	return at;
}

/* Is there ":" or "=" and a number at `at`, behind the field's name? */
static bool value_at(const char *s, size_t len, size_t at, bool json, float *load)
{
	if (at < len && (s[at] == '"' || s[at] == '\''))
		at++;
	at = skip_between(s, len, at, json);
	if (at >= len || (s[at] != ':' && s[at] != '='))
		return false;
	at = skip_between(s, len, at + 1, json);
	if (at < len && (s[at] == '"' || s[at] == '\''))
		at++;
	return read_number(s, len, at, load) != 0;
}

bool load_from_body(const char *body, size_t len, const char *field, float *load)
{
	const size_t n = strlen(field);
	const char *from = body;

	while (n && (from = memmem(from, len - (size_t)(from - body), field, n))) {
		const size_t at = (size_t)(from - body);
		const bool begins = at == 0 || !is_word(body[at - 1]);
		const bool ends = at + n == len || !is_word(body[at + n]);
		const bool quoted = at && body[at - 1] == '"' && at + n < len && body[at + n] == '"';
		const bool escaped = at > 1 && body[at - 1] == '"' && body[at - 2] == '\\'; /* inside another name */
		if (begins && ends && !escaped && value_at(body, len, at + n, quoted, load))
			return true;
		from++;
	}
	return false;
}
