#include "base/fault.h"

#include <stdarg.h>
#include <stdio.h>
#include <string.h>

bool fault(struct fault *why, const char *fmt, ...)
{
	if (why) {
		va_list ap;
		va_start(ap, fmt);
		vsnprintf(why->text, sizeof why->text, fmt, ap);
		va_end(ap);
	}
	return false;
}

void faults_init(struct faults *f)
{
	*f = (struct faults){ 0 };
}

void faults_fini(struct faults *f)
{
	text_fini(&f->text);
}

bool faults_full(const struct faults *f)
{
	return f->errors >= FAULTS_MOST;
}

enum { SHOWN_LINE = 160, CONTEXT = 60 };

/* A byte that goes on with a character, as all but the first of one do. */
static bool goes_on(char c)
{
	return ((unsigned char)c & 0xc0) == 0x80;
}

unsigned fault_column(const char *line, const char *at)
{
	unsigned column = 1;

	for (; line < at; line++)
		column += !goes_on(*line);
	return column;
}

/* The byte of a line where a column starts, or its end. */
static size_t byte_of(const char *line, size_t len, unsigned column)
{
	size_t i = 0;

	for (; i < len && (column > 1 || goes_on(line[i])); i++)
		column -= !goes_on(line[i]);
	return i;
}

/* Where a value begins, if a key of a secret stands there; else 0. */
static size_t secret_at(const char *line, size_t len, size_t i)
{
	static const char *const keys[] = { "secret", "staging" };

	for (unsigned k = 0; k < sizeof keys / sizeof *keys; k++) {
		size_t at = i + strlen(keys[k]);
		if (at >= len || memcmp(line + i, keys[k], at - i) != 0)
			continue;
		at += line[at] == '"' || line[at] == '\'';
		if (at >= len || line[at++] != ':')
			continue;
		while (at < len && strchr(" \t[", line[at]))
			at++;
		return at;
	}
	return 0;
}

/* The next run of bytes from `at` on that no log should keep: a secret, or who is in a URL. */
static bool next_hidden(const char *line, size_t len, size_t at, size_t *from, size_t *to)
{
	size_t none = at; /* no "@" before it in the word that we are in */

	for (size_t i = at; i < len; i++) {
		const size_t value = secret_at(line, len, i);
		if (value && value < len && line[value] != '{') {
			const char quote = line[value] == '"' || line[value] == '\'' ? line[value] : 0;
			*from = *to = value + (quote != 0);
			while (*to < len && (quote ? line[*to] != quote : !memchr(" \t,}]", line[*to], 5)))
				++*to;
			return true;
		}
		if (i < none || len - i < 3 || memcmp(line + i, "://", 3) != 0)
			continue;
		*from = i + 3;
		*to = 0;
		for (none = *from; none < len && !memchr(" \t\"'", line[none], 4); none++)
			if (line[none] == '@')
				*to = none;
		if (*to)
			return true;
	}
	return false;
}

/* The source line and a caret below the column. Tabs stay tabs in both lines, so that the caret
 * stands right in any terminal; other control characters become '?', and secrets '*'. Of a very long line, the
 * part around the column is shown. */
static void show_line(struct text *out, const struct fault_at *at)
{
	const char *line = at->text, *text_end = at->text_end ? at->text_end : strchr(line, 0);

	for (unsigned n = 1; at->text_end && n < at->line; n++) {
		const char *nl = memchr(line, '\n', (size_t)(at->text_end - line));
		if (!nl)
			return;
		line = nl + 1;
	}
	const char *nl = memchr(line, '\n', (size_t)(text_end - line));
	size_t len = (size_t)((nl ? nl : text_end) - line);
	if (len && line[len - 1] == '\r')
		len--;
	const size_t caret = byte_of(line, len, at->column);
	size_t from = caret > SHOWN_LINE - CONTEXT ? caret - (SHOWN_LINE - CONTEXT) : 0;
	while (from < caret && goes_on(line[from]))
		from++;
	size_t to = len < from + SHOWN_LINE ? len : from + SHOWN_LINE;
	while (to < len && goes_on(line[to]))
		to++;

	size_t hide = 0, hide_end = 0;
	bool more = next_hidden(line, len, 0, &hide, &hide_end);
	text_add(out, "    ");
	for (size_t i = from; i < to; i++) {
		const unsigned char c = (unsigned char)line[i];
		while (more && i >= hide_end)
			more = next_hidden(line, len, hide_end, &hide, &hide_end);
		if (!more || i < hide)
			text_add_char(out, c == '\t' || c >= ' ' ? (char)c : '?');
		else if (!goes_on(line[i]))
			text_add_char(out, '*');
	}
	text_add(out, "\n    ");
	for (size_t i = from; i < caret; i++)
		if (!goes_on(line[i]))
			text_add_char(out, line[i] == '\t' ? '\t' : ' ');
	text_add(out, "^\n");
}

__attribute__((format(printf, 4, 0))) static void add(struct faults *f,
	const struct fault_at *at, const char *kind, const char *fmt, va_list ap)
{
	if (at->path && at->line)
		text_addf(&f->text, "%s:%u:%u: %s: ", at->path, at->line,
			at->column ? at->column : 1, kind);
	else if (at->path)
		text_addf(&f->text, "%s: %s: ", at->path, kind);
	else
		text_addf(&f->text, "%s: ", kind);
	text_addv(&f->text, fmt, ap);
	text_add_char(&f->text, '\n');
	if (at->text && at->line && at->column)
		show_line(&f->text, at);
}

bool faults_error(struct faults *f, const struct fault_at *at, const char *fmt, ...)
{
	va_list ap;

	if (f->errors++ < FAULTS_MOST) {
		f->error_at[f->errors - 1] = f->text.len;
		va_start(ap, fmt);
		add(f, at, "error", fmt, ap);
		va_end(ap);
	}
	return false;
}

void faults_warning(struct faults *f, const struct fault_at *at, const char *fmt, ...)
{
	va_list ap;

	if (f->warnings++ < FAULTS_MOST) {
		va_start(ap, fmt);
		add(f, at, "warning", fmt, ap);
		va_end(ap);
	}
}

void faults_add(struct faults *f, const struct faults *from)
{
	const unsigned room = faults_full(f) ? 0 : FAULTS_MOST - f->errors;
	const bool whole = from->errors <= room || room == FAULTS_MOST;
	const size_t start = f->text.len, len = whole ? from->text.len : from->error_at[room];

	if (room)
		text_add_bytes(&f->text, text_get(&from->text), len);
	for (unsigned i = 0; i < room && i < from->errors && i < FAULTS_MOST; i++)
		f->error_at[f->errors + i] = start + from->error_at[i];
	f->errors += from->errors;
	f->warnings += from->warnings;
}

void faults_add_each(struct faults *f, const struct faults *from)
{
	const bool full = faults_full(f);

	if (!full || !from->errors) {
		faults_add(f, from);
		return;
	}
	const char *first = text_get(&from->text) + from->error_at[0];
	text_add_bytes(&f->text, first, strcspn(first, "\n"));
	if (from->errors > 1)
		text_addf(&f->text, " (and %u more)", from->errors - 1);
	text_add_char(&f->text, '\n');
	f->errors += from->errors;
	f->warnings += from->warnings;
}

bool faults_take(struct faults *f, const struct fault *one)
{
	return faults_error(f, &(struct fault_at){ 0 }, "%s", one->text);
}

/* "error: " or "warning: " where a sentence starts: at the beginning, or behind ": ". */
static const char *find_kind(const char *line, size_t len, const char *kind)
{
	const size_t n = strlen(kind);

	for (const char *at = line; (at = memmem(at, len - (size_t)(at - line), kind, n)); at++)
		if (at == line || (at - line >= 2 && at[-2] == ':' && at[-1] == ' '))
			return at;
	return NULL;
}

/* Takes ":NUMBER" off the end of a text. */
static unsigned take_number(const char *s, size_t *len)
{
	size_t at = *len;
	unsigned v = 0, unit = 1;

	for (; at && s[at - 1] >= '0' && s[at - 1] <= '9' && *len - at < 9; at--, unit *= 10)
		v += unit * (unsigned)(s[at - 1] - '0');
	if (at == *len || !at || s[at - 1] != ':')
		return 0;
	*len = at - 1;
	return v;
}

const char *faults_view(const struct faults *f, const char *at, struct fault_view *to)
{
	at = at ? at : text_get(&f->text);
	const char *const end = text_get(&f->text) + f->text.len;
	while (at < end && strncmp(at, "    ", 4) == 0) /* the line of a file, and its caret */
		at += strcspn(at, "\n") + 1;
	if (at >= end)
		return NULL;
	const size_t len = strcspn(at, "\n");
	const char *error = find_kind(at, len, "error: "), *warning = find_kind(at, len, "warning: ");
	const bool warns = warning && (!error || warning < error);
	const char *kind = warns ? warning : error ? error : at;
	const char *say = kind + (warns ? 9 : error ? 7 : 0);
	*to = (struct fault_view){ .warning = warns,
		.path = at,
		.path_len = kind - at > 2 ? (size_t)(kind - at) - 2 : 0,
		.say = say,
		.say_len = (size_t)(at + len - say) };
	size_t path = to->path_len;
	to->column = take_number(at, &path);
	to->line = to->column ? take_number(at, &path) : 0;
	if (to->line)
		to->path_len = path;
	else
		to->column = 0;
	return at + len + 1 < end ? at + len + 1 : end;
}

struct faults_mark faults_mark(const struct faults *f)
{
	return (struct faults_mark){ f->text.len, f->errors, f->warnings };
}

void faults_back(struct faults *f, struct faults_mark mark)
{
	if (f->text.s)
		f->text.s[mark.len] = 0;
	f->text.len = mark.len;
	f->errors = mark.errors;
	f->warnings = mark.warnings;
}
