#include "conf/parse_text.h"

#include "base/text.h"

#include <stdint.h>
#include <string.h>

static bool wrong(const struct parse_source *src, struct parse_place p, const char *say)
{
	const struct fault_at at = { src->path, src->text, src->text_end, p.line, p.column };

	return faults_error(src->faults, &at, "%s", say);
}

/* --- characters --------------------------------------------------------------------------- */

/* Of the character that begins with this byte; 0 when none does. */
static size_t utf8_len(unsigned char lead)
{
	if (lead < 0x80)
		return 1;
	if (lead < 0xc2 || lead > 0xf4)
		return 0;
	return lead < 0xe0 ? 2 : lead < 0xf0 ? 3 : 4;
}

/* How many bytes of UTF-8 (RFC 3629) the character at `s` has, and the character; 0 when it is
 * none. */
static size_t take_utf8(const char *s, const char *end, uint32_t *c)
{
	static const uint32_t least[5] = { 0, 0, 0x80, 0x800, 0x10000 };
	const unsigned char lead = (unsigned char)*s;
	const size_t len = utf8_len(lead);

	if (len == 0 || (size_t)(end - s) < len)
		return 0;
	*c = len == 1 ? lead : lead & (0x7fu >> len);
	for (size_t i = 1; i < len; i++) {
		if (((unsigned char)s[i] & 0xc0) != 0x80)
			return 0;
		*c = *c << 6 | ((unsigned char)s[i] & 0x3f);
	}
	return *c < least[len] || *c > 0x10ffff || (*c >= 0xd800 && *c < 0xe000) ? 0 : len;
}

/* What is wrong with a character, or NULL. YAML 1.1 breaks lines at more than people and
 * editors do; we would show the wrong line from there on. */
static const char *bad_char(uint32_t c, const char *next, const char *end)
{
	if (c == '\r' && (next == end || *next != '\n'))
		return "a carriage return alone is no line end (save the file with Unix line "
		       "ends)";
	if (c == 0x85 || c == 0x2028 || c == 0x2029)
		return "an unusual line break (U+0085, U+2028 or U+2029); write an ordinary "
		       "line end";
	if (c == 0)
		return "a NUL byte; this is no text file";
	if ((c < ' ' && c != '\t' && c != '\n' && c != '\r') || (c >= 0x7f && c < 0xa0))
		return "a control character; take it out";
	if (c == 0xfeff || c == 0xfffe || c == 0xffff)
		return "a byte order mark or another invisible character; save the file as "
		       "plain UTF-8";
	return NULL;
}

bool parse_text_check(const struct parse_source *src)
{
	struct parse_place at = { 1, 1 };
	uint32_t c = 0;

	for (const char *s = src->text; s < src->text_end; at.column++) {
		const size_t len = take_utf8(s, src->text_end, &c);
		if (len == 0)
			return wrong(
				src, at, "this is not UTF-8; save the file in that encoding");
		s += len;
		const char *say = bad_char(c, s, src->text_end);
		if (say)
			return wrong(src, at, say);
		if (c == '\n')
			at = (struct parse_place){ at.line + 1, 0 };
	}
	return true;
}

/* --- tabs --------------------------------------------------------------------------------- */

static bool before(struct parse_place a, struct parse_place b)
{
	return a.line < b.line || (a.line == b.line && a.column < b.column);
}

static bool starts_comment(const char *s, const char *text)
{
	return *s == '#' && (s == text || strchr(" \t\n", s[-1]));
}

void parse_text_tabs(const struct parse_source *src, const struct parse_span *spans, size_t n)
{
	struct parse_place at = { 1, 1 }, first = { 0, 0 };
	unsigned lines = 0, last = 0;
	size_t span = 0;
	bool comment = false;

	for (const char *s = src->text; s < src->text_end; s++) {
		if (((unsigned char)*s & 0xc0) == 0x80)
			continue; /* the rest of a character */
		while (span < n && !before(at, spans[span].to))
			span++;
		const bool inside = span < n && !before(at, spans[span].from);
		if (!inside && starts_comment(s, src->text))
			comment = true;
		if (*s == '\t' && !inside && !comment && last != at.line) {
			if (lines++ == 0)
				first = at;
			last = at.line;
		}
		at.column++;
		if (*s == '\n') {
			at = (struct parse_place){ at.line + 1, 1 };
			comment = false;
		}
	}
	if (lines == 1)
		wrong(src, first, "a tab; write spaces");
	else if (lines) {
		struct text say = { 0 };
		text_addf(&say, "a tab; write spaces (%u lines have tabs)", lines);
		wrong(src, first, text_get(&say));
		text_fini(&say);
	}
}

/* --- what libyaml says -------------------------------------------------------------------- */

enum place { HERE, BEGUN }; /* where the caret helps most */

/* Parts of libyaml's sentences, and ours. The first row that fits counts; a NULL context fits
 * all. */
static const struct {
	const char *problem, *context;
	enum place place;
	const char *say;
	const char *chars; /* ... and only when the caret is at one of these; NULL: at any */
} words[] = {
	{ "found unexpected end of stream", "quoted scalar", BEGUN,
		.say = "this quote is never closed" },
	{ "found unexpected document indicator", "quoted scalar", BEGUN,
		.say = "this quote is never closed" },
	{ "escape", "quoted scalar", HERE,
		.say = "an unknown escape; in double quotes write \\\\ for one backslash, or "
		       "use "
		       "single quotes" },
	{ "hexdecimal", "quoted scalar", HERE, .say = "this escape needs hexadecimal digits" },
	{ "could not find expected ':'", NULL, BEGUN,
		.say = "a key without a \":\" behind it" },
	{ "did not find expected ',' or ']'", NULL, HERE,
		.say = "a \",\" or \"]\" is missing before this; text with brackets, commas or "
		       "\": \" in it needs quotes" },
	{ "did not find expected ',' or '}'", NULL, HERE,
		.say = "a \",\" or \"}\" is missing before this; text with brackets, commas or "
		       "\": \" in it needs quotes" },
	{ "mapping values are not allowed", NULL, HERE,
		.say = "a \":\" that cannot be here; the line is indented too far, or its text "
		       "needs quotes" },
	{ "block sequence entries are not allowed", NULL, HERE,
		.say = "a list cannot start here; put its first \"- \" on a line of its own "
		       "below the key" },
	{ "mapping keys are not allowed", NULL, HERE,
		.say = "a \"?\" that cannot be here; text that starts so needs quotes" },
	{ "did not find expected key", NULL, HERE,
		.say = "this bracket closes nothing; take it out", .chars = "]}" },
	{ "did not find expected key", NULL, HERE,
		.say = "this does not belong to the mapping above; indent it like the keys "
		       "there, or put the text before it in quotes" },
	{ "did not find expected '-' indicator", NULL, HERE,
		.say = "this does not belong to the list above; indent it by more or less, or "
		       "begin it with \"- \"" },
	{ "did not find expected node content", NULL, HERE,
		.say = "text that starts with \":\" needs quotes", .chars = ":" },
	{ "did not find expected node content", NULL, HERE,
		.say = "a value is missing before this" },
	{ "cannot start any token", NULL, HERE,
		.say = "text cannot start with this character; put it in quotes" },
	{ "alphabetic or numeric", NULL, HERE,
		.say = "text that starts with \"*\" or \"&\" needs quotes" },
	{ "found unexpected ':'", NULL, HERE,
		.say = "a \":\" that cannot be here; put the text in quotes" },
	{ "expected <document start>", NULL, HERE,
		.say = "this does not belong to anything above; indent it like the other "
		       "keys" },
	{ "", "block scalar", HERE,
		.say = "the first line of a text block is \"|\" or \">\" and nothing more" },
	{ "", "directive", HERE,
		.say = "a line that starts with \"%\" is no configuration; put the text in "
		       "quotes" },
	{ "", "tag", HERE, .say = "a tag (\"!\"); take it out, or put the text in quotes" },
};

#define WORDS (sizeof words / sizeof *words)

static bool fits(const struct parse_problem *p, size_t row, char c)
{
	const char *context = p->context ? p->context : "";

	return strstr(p->problem, words[row].problem) &&
		(!words[row].context || strstr(context, words[row].context)) &&
		(!words[row].chars || (c && strchr(words[row].chars, c)));
}

/* The character at a place; NUL at the end. */
static char char_at(const struct parse_source *src, struct parse_place want)
{
	struct parse_place at = { 1, 1 };

	for (const char *s = src->text; s < src->text_end; s++) {
		if (((unsigned char)*s & 0xc0) == 0x80)
			continue;
		if (!before(at, want))
			return *s;
		at.column++;
		if (*s == '\n')
			at = (struct parse_place){ at.line + 1, 1 };
	}
	return 0;
}

bool parse_text_problem(const struct parse_source *src, const struct parse_problem *p)
{
	const char c = char_at(src, p->at);
	struct parse_place at = p->at;
	struct text say = { 0 };
	size_t i = 0;

	if (c == '\t')
		return wrong(src, at, "a tab; write spaces");
	while (i < WORDS && !fits(p, i, c))
		i++;
	if (i == WORDS)
		text_addf(&say, "not well-formed YAML: %s", p->problem);
	else
		text_add(&say, words[i].say);
	if (i < WORDS && words[i].place == BEGUN && p->begun.line)
		at = p->begun;
	else if (strstr(p->problem, "expected ','") && p->begun.line &&
		p->begun.line != at.line)
		text_addf(&say, " (the bracket is opened on line %u)", p->begun.line);
	wrong(src, at, text_get(&say));
	text_fini(&say);
	return false;
}
