#include "probe/external_file.h"

#include "base/moment.h"
#include "base/text.h"
#include "probe/load_from.h"

#include <math.h>
#include <stdarg.h>
#include <stdio.h>
#include <string.h>
#include <strings.h>

enum { LINE_MOST = 1024, SHOWN_MOST = 40 };

struct line_reader {
	const struct external_file *about;
	struct externals *to;
	struct fault *why;
	unsigned line;
	char *begin, *at; /* of a copy of the line that ends in NUL */
};

__attribute__((format(printf, 3, 4))) static bool wrong(
	const struct line_reader *r, const char *at, const char *fmt, ...)
{
	char say[512];
	va_list ap;

	va_start(ap, fmt);
	vsnprintf(say, sizeof say, fmt, ap);
	va_end(ap);
	return fault(r->why, "%s:%u:%u: %s", r->about->path, r->line,
		fault_column(r->begin, at), say);
}

/* The next word, which ends in NUL from now on; NULL: there is none. */
static char *next_word(struct line_reader *r)
{
	char *word = r->at + strspn(r->at, " \t");
	const size_t n = strcspn(word, " \t");

	if (!n)
		return NULL;
	r->at = word + n + (word[n] != 0);
	word[n] = 0;
	return word;
}

static bool take_subject(struct line_reader *r, struct external_verdict *v, char *word)
{
	v->one = addr_parse(&v->addr, word);
	v->edge = v->one ? "" : word;
	return strlen(word) <= EXTERNAL_TEXT_MOST ||
		wrong(r, word, "no edge has so long a name");
}

static bool take_state(struct line_reader *r, struct external_verdict *v)
{
	const char *word = next_word(r);

	if (!word)
		return wrong(r, r->begin + strlen(r->begin),
			"how is it? Write up or down behind the edge");
	v->up = strcasecmp(word, "up") == 0;
	return v->up || strcasecmp(word, "down") == 0 ||
		wrong(r, word, "\"%.*s\" is neither up nor down", SHOWN_MOST, word);
}

static bool take_span(struct line_reader *r, uint64_t *ms)
{
	const char *word = next_word(r);

	return (word && moment_span(ms, word) && *ms) ||
		wrong(r, word ? word : r->at,
			"\"for\" needs a time behind it, such as 90s (or is it the reason's? Then put "
			"another word first)");
}

static bool take_load(struct line_reader *r, double *load)
{
	const char *word = next_word(r);
	float v;

	if (!word || !load_from_number(word, strlen(word), &v))
		return wrong(r, word ? word : r->at,
			"\"load\" needs a number of at least 0 behind it, such as 0.7 (or is it the "
			"reason's? Then put another word first)");
	*load = v;
	return true;
}

/* "for" and "load" stand before the reason, which is the rest. */
static bool take_rest(struct line_reader *r, struct external_verdict *v, uint64_t *for_ms)
{
	for (;;) {
		char *rest = r->at + strspn(r->at, " \t");
		const size_t n = strcspn(rest, " \t");
		if (n == 3 && strncmp(rest, "for", 3) == 0) {
			next_word(r);
			if (!take_span(r, for_ms))
				return false;
		} else if (n == 4 && strncmp(rest, "load", 4) == 0) {
			next_word(r);
			if (!take_load(r, &v->load))
				return false;
		} else {
			v->why = rest;
			break;
		}
	}
	size_t end = strlen(v->why);
	while (end && (v->why[end - 1] == ' ' || v->why[end - 1] == '\t'))
		v->why[--end] = 0;
	return end <= EXTERNAL_TEXT_MOST ||
		wrong(r, v->why, "a reason has up to %d bytes", EXTERNAL_TEXT_MOST);
}

static bool take_line(struct line_reader *r)
{
	const struct external_file *about = r->about;
	struct external_verdict v = { .probe = (char *)(uintptr_t)about->probe,
		.who = "",
		.load = NAN,
		.when_s = about->when_s,
		.changed_s = r->line };
	uint64_t for_ms = about->for_ms;
	char *word = next_word(r);

	if (!word || *word == '#')
		return true;
	if (!take_subject(r, &v, word) || !take_state(r, &v) || !take_rest(r, &v, &for_ms))
		return false;
	const int64_t until_us = about->told_us + (int64_t)for_ms * 1000;
	v.until_us = !for_ms ? UINT64_MAX : until_us > 0 ? (uint64_t)until_us : 0;
	return externals_add(r->to, &v) ||
		wrong(r, word, "more than %d verdicts", EXTERNALS_MOST);
}

/* It is shown on terminals and kept. */
static bool is_fit(struct line_reader *r)
{
	for (const char *p = r->begin; *p;) {
		const size_t n = text_utf8_len((const unsigned char *)p);
		if (!n || ((unsigned char)*p < ' ' && *p != '\t') || *p == 0x7f)
			return wrong(r, p, "this is no text (UTF-8 without control characters)");
		p += n;
	}
	return true;
}

static bool read_lines(struct line_reader *r, const char *text, size_t len)
{
	char copy[LINE_MOST + 1];

	while (len) {
		const char *end = memchr(text, '\n', len);
		size_t n = end ? (size_t)(end - text) : len;
		const size_t whole = n + (end != NULL);
		n -= n && text[n - 1] == '\r';
		r->line++;
		if (n > LINE_MOST || memchr(text, 0, n))
			return fault(r->why, "%s:%u:1: %s", r->about->path, r->line,
				n > LINE_MOST ? "the line is longer than 1024 bytes"
					      : "there is a NUL in the line");
		memcpy(copy, text, n);
		copy[n] = 0;
		r->begin = r->at = copy;
		if (!is_fit(r) || !take_line(r))
			return false;
		text += whole;
		len -= whole;
	}
	return true;
}

bool external_read(struct externals *to, const char *text, size_t len,
	const struct external_file *about, struct fault *why)
{
	struct line_reader r = { .about = about, .to = to, .why = why };
	const struct external_verdict *twice = NULL;
	char addr[ADDR_TEXT];

	*to = (struct externals){ 0 };
	bool ok = read_lines(&r, text, len);
	if (ok && (twice = externals_sort(to)))
		ok = fault(why, "%s:%u:1: %s is told twice; take one of them out", about->path,
			(unsigned)twice->changed_s,
			twice->one ? addr_text(addr, &twice->addr) : twice->edge);
	if (!ok)
		externals_fini(to);
	return ok;
}
