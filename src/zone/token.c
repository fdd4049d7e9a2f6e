#include "zone/token.h"

#include <stdarg.h>
#include <stdint.h>
#include <stdio.h>
#include <string.h>

enum character {
	PLAIN,
	BLANK,
	RETURN,
	NEWLINE,
	STOP,
	COMMENT,
	OPEN,
	CLOSE,
	QUOTE,
	BACKSLASH,
	FOREIGN /* part of a word, unless it looks like a blank */
};

static const uint8_t character[256] = {
	[' '] = BLANK,
	['\t'] = BLANK,
	['\r'] = RETURN,
	['\n'] = NEWLINE,
	[0] = STOP,
	[';'] = COMMENT,
	['('] = OPEN,
	[')'] = CLOSE,
	['"'] = QUOTE,
	['\\'] = BACKSLASH,
	['\v'] = FOREIGN,
	['\f'] = FOREIGN,
	[0x80 ... 0xff] = FOREIGN,
};

static inline enum character kind(const char *p)
{
	return (enum character)character[(unsigned char)*p];
}

/* What decides on a token is at most so far behind it. */
enum { LOOK_AHEAD = 4 };

void token_init(
	struct tokens *t, const char *path, const char *text, size_t len, struct faults *f)
{
	*t = (struct tokens){ .path = path, .faults = f };
	token_init_part(t, text, len, 1, false);
}

void token_init_part(struct tokens *t, const char *text, size_t len, unsigned line, bool more)
{
	*t = (struct tokens){
		.at = text,
		.text = text,
		.end = text + len,
		.text_line = line,
		.cut_at = text + len -
			(more && len > LOOK_AHEAD ? LOOK_AHEAD
					: more    ? len
						  : 0),
		.entry = text,
		.entry_line = line,
		.line_start = text,
		.line = line,
		.path = t->path,
		.faults = t->faults,
	};
	t->tok.s = text;
}

/* --- what no text has ----------------------------------------------------------------------- */

static void bad(struct tokens *t, const char *at, const char *go_on)
{
	t->tok = (struct token){ at, 0, TOKEN_BAD, false, false };
	t->at = go_on;
}

/* A NUL that is not in a comment; all of the file is given up, or UTF-16 would have a fault at
 * every other byte. */
static void take_nul(struct tokens *t, const char *p)
{
	token_fault(t, p,
		"there is a NUL byte here: this is no text file, or one in UTF-16 (save it as "
		"UTF-8)");
	t->depth = 0;
	t->cut_at = t->end; /* whatever may come */
	bad(t, p, t->end);
}

/* Carriage returns at a line's end are as good as none; elsewhere some take them for a blank
 * and some for a newline. Returns what is behind them, or NULL after a fault. */
static const char *returns_end(struct tokens *t, const char *p)
{
	const char *q = p;

	while (*q == '\r')
		q++;
	if (*q == '\n' || q == t->end)
		return q;
	token_fault(t, p, "there is a carriage return inside of this line (remove it)");
	bad(t, p, q);
	return NULL;
}

/* --- words -------------------------------------------------------------------------------- */

static bool escape_is_cut(const char *p)
{
	return p[1] == 0 || p[1] == '\n' || (p[1] == '\r' && p[2] == '\n');
}

/* `p` is behind an opening quote; returns the closing one, or the end of the line when there is
 * none. */
static const char *quote_end(const char *p, bool *escaped)
{
	while (*p && *p != '\n' && *p != '"') {
		if (*p == '\\' && !escape_is_cut(p)) {
			*escaped = true;
			p++;
		}
		p++;
	}
	return p;
}

static void take_quoted(struct tokens *t, const char *p)
{
	const char *s = p + 1;
	bool escaped = false;
	const char *e = quote_end(s, &escaped);

	t->at = p; /* parentheses up to here are counted */
	if (!*e && e != t->end) {
		take_nul(t, e);
		return;
	}
	if (*e != '"') {
		token_fault(t, p,
			"this quote is not closed on its line (a \" is missing, or write \\\" "
			"for the sign)");
		bad(t, p, e);
		return;
	}
	t->tok = (struct token){ s, (unsigned)(e - s), TOKEN_QUOTED, escaped, false };
	t->at = e + 1;
}

/* What follows a byte that no word has as it stands; NULL after a fault. */
static const char *foreign_end(struct tokens *t, const char *word, const char *p)
{
	char name[TOKEN_BLANK_NAME];
	size_t len;

	if (!token_blank(p, &len, name))
		return p + len;
	token_fault(t, p,
		"there is %s here, which looks like a blank and is none in a zone file "
		"(replace it by a space or a tab)",
		name);
	bad(t, word, p + len);
	return NULL;
}

/* A word with escapes, quotes or foreign bytes in it; `p` is where plain characters ended. */
static void take_odd_word(struct tokens *t, const char *s, const char *p)
{
	struct token tok = { s, 0, TOKEN_WORD, false, false };

	for (;;) {
		while (kind(p) == PLAIN)
			p++;
		if (kind(p) == BACKSLASH) {
			if (escape_is_cut(p)) {
				token_fault(t, p,
					"there is nothing behind this backslash "
					"(write \\\\ for the sign; parentheses join lines)");
				bad(t, s, p + 1);
				return;
			}
			tok.escaped = true;
			p += 2;
		} else if (kind(p) == FOREIGN) {
			if (!(p = foreign_end(t, s, p)))
				return;
		} else if (kind(p) == QUOTE) {
			const char *opening = p++;
			tok.quote_inside = true;
			if (opening[-1] != '=')
				continue;
			p = quote_end(p, &tok.escaped);
			if (*p != '"') {
				token_fault(t, opening,
					"this quote is not closed on its line (a \" is "
					"missing)");
				bad(t, s, p);
				return;
			}
			p++;
		} else {
			break;
		}
	}
	tok.len = (unsigned)(p - s);
	t->tok = tok;
	t->at = p;
}

static void take_word(struct tokens *t, const char *s)
{
	const char *p = s;

	t->at = s; /* parentheses up to here are counted */
	while (kind(p) == PLAIN)
		p++;
	if (kind(p) == BACKSLASH || kind(p) == QUOTE || kind(p) == FOREIGN) {
		take_odd_word(t, s, p);
		return;
	}
	t->tok = (struct token){ s, (unsigned)(p - s), TOKEN_WORD, false, false };
	t->at = p;
}

/* --- between words ------------------------------------------------------------------------ */

static const char *line_end(const struct tokens *t, const char *p)
{
	const char *nl = memchr(p, '\n', (size_t)(t->end - p));

	return nl ? nl : t->end;
}

static void take_end(struct tokens *t, const char *p)
{
	t->tok = (struct token){ p, 0, TOKEN_END, false, false };
	t->at = p;
}

static void new_line(struct tokens *t, const char *start)
{
	t->line++;
	t->line_start = start;
}

/* True when the parenthesis made a token of its own, a bad one. */
static bool parenthesis(struct tokens *t, const char *p)
{
	if (*p == '(') {
		if (t->depth++ == 0)
			t->open = p;
		return false;
	}
	if (t->depth) {
		t->depth--;
		return false;
	}
	token_fault(t, p,
		"this parenthesis was never opened (remove it, or put the ( where the record "
		"starts)");
	bad(t, p, p + 1);
	return true;
}

static void find_next(struct tokens *t)
{
	const char *p = t->at;

	for (;;) {
		switch (kind(p)) {
		case BLANK: p++; break;
		case PLAIN:
		case FOREIGN:
		case BACKSLASH: take_word(t, p); return;
		case RETURN:
			t->at = p;
			if (!(p = returns_end(t, p)))
				return;
			break;
		case NEWLINE:
			if (!t->depth) {
				take_end(t, p);
				return;
			}
			new_line(t, ++p);
			break;
		case STOP:
			t->at = p;
			if (p != t->end) {
				take_nul(t, p);
				return;
			}
			if (t->depth)
				token_fault(t, p, "the file ends inside a parenthesis");
			take_end(t, p);
			return;
		case COMMENT:
			if (!t->depth) {
				take_end(t, p);
				return;
			}
			p = line_end(t, p);
			break;
		case OPEN:
		case CLOSE:
			if (parenthesis(t, p))
				return;
			p++;
			break;
		case QUOTE: take_quoted(t, p); return;
		}
	}
}

/* The first time a bad token, and then the end: nobody takes what is cut for whole, and nobody
 * waits for an end that does not come. */
static void cut(struct tokens *t)
{
	if (t->cut)
		take_end(t, t->end);
	else
		bad(t, t->end, t->end);
	t->cut = true;
	t->failed = true;
}

void token_next(struct tokens *t)
{
	if (!t->cut)
		find_next(t);
	if (t->cut || t->at > t->cut_at)
		cut(t);
}

void token_skip(struct tokens *t)
{
	while (t->tok.kind != TOKEN_END)
		token_next(t);
}

bool token_entry(struct tokens *t, bool *indented)
{
	token_skip(t);
	while (!t->cut) {
		const char *p = t->at;
		t->entry = p; /* what is in front of a comment has been read */
		if (kind(p) == COMMENT)
			p = line_end(t, p);
		if (*p == '\n') {
			new_line(t, ++p);
			t->entry = p;
		}
		t->at = p;
		t->entry_line = t->line;
		t->depth = 0;
		t->failed = false;
		if (p == t->end) {
			t->cut = t->cut_at < t->end;
			return false;
		}
		*indented = kind(p) == BLANK;
		token_next(t);
		if (t->tok.kind != TOKEN_END)
			return !t->cut;
		if (t->at == t->end)
			return false;
	}
	return false;
}

/* --- faults ------------------------------------------------------------------------------- */

static struct fault_at place_of(const struct tokens *t, const char *at)
{
	struct fault_at where = { .path = t->path, .line = t->line };
	const char *start = t->line_start;

	if (at < start) {
		start = t->text;
		where.line = t->text_line;
		for (const char *nl; (nl = memchr(start, '\n', (size_t)(at - start)));
			start = nl + 1)
			where.line++;
	}
	where.text = start;
	where.column = fault_column(start, at);
	return where;
}

/* Whether the parenthesis that is open at the current token is closed anywhere. */
static bool is_closed(const struct tokens *t)
{
	struct tokens ahead = *t;

	ahead.failed = true;
	do
		token_next(&ahead);
	while (ahead.tok.kind != TOKEN_END);
	return ahead.depth == 0;
}

static void tell_fault(struct tokens *t, const char *at, const char *what)
{
	if (t->made_by) {
		token_fault(t->made_by, t->made_at, "%s (%s)", what, t->made_note);
		return;
	}
	if (t->depth && !is_closed(t)) {
		at = t->open;
		what = "this parenthesis is never closed (a ) is missing at the end of its "
		       "record)";
	}
	const struct fault_at where = place_of(t, at);
	if (t->depth && where.column == 1 && at > t->open)
		faults_error(t->faults, &where,
			"%s (a parenthesis opened on line %u is still open here)", what,
			place_of(t, t->open).line);
	else
		faults_error(t->faults, &where, "%s", what);
}

bool token_fault(struct tokens *t, const char *at, const char *fmt, ...)
{
	char what[900];
	va_list ap;

	if (t->failed)
		return false;
	t->failed = true;
	va_start(ap, fmt);
	vsnprintf(what, sizeof what, fmt, ap);
	va_end(ap);
	tell_fault(t, at, what);
	return false;
}

void token_warning(struct tokens *t, const char *at, const char *fmt, ...)
{
	char what[900];
	va_list ap;

	if (t->made_by) {
		at = t->made_at;
		t = t->made_by;
	}
	/* Finding a place costs; a file with a million warnings shall not. */
	const bool shown = t->faults->warnings < FAULTS_MOST;
	const struct fault_at where = shown ? place_of(t, at)
					    : (struct fault_at){ .path = t->path };
	va_start(ap, fmt);
	vsnprintf(what, sizeof what, fmt, ap);
	va_end(ap);
	faults_warning(t->faults, &where, "%s", what);
}

const char *token_text(char buf[static TOKEN_TEXT], const struct token *tok)
{
	enum { MOST = TOKEN_TEXT - 8 };
	const unsigned n = tok->len < MOST ? tok->len : MOST;
	char *to = buf;

	if (tok->kind == TOKEN_QUOTED)
		*to++ = '"';
	for (unsigned i = 0; i < n; i++)
		*to++ = (unsigned char)tok->s[i] < ' ' ? '?' : tok->s[i];
	if (n < tok->len)
		to = stpcpy(to, "...");
	if (tok->kind == TOKEN_QUOTED)
		*to++ = '"';
	*to = 0;
	return buf;
}

bool token_char(const char **p, const char *end, unsigned char *c)
{
	const char *s = *p;

	if (*s != '\\') {
		*c = (unsigned char)*s;
		*p = s + 1;
		return true;
	}
	if (end - s < 2)
		return false;
	if (s[1] < '0' || s[1] > '9') {
		*c = (unsigned char)s[1];
		*p = s + 2;
		return true;
	}
	if (end - s < 4 || s[2] < '0' || s[2] > '9' || s[3] < '0' || s[3] > '9')
		return false;
	const int v = (s[1] - '0') * 100 + (s[2] - '0') * 10 + (s[3] - '0');
	if (v > 255)
		return false;
	*c = (unsigned char)v;
	*p = s + 4;
	return true;
}
