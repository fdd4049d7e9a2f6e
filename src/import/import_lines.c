#include "import/import_lines.h"

#include <ctype.h>
#include <string.h>
#include <strings.h>

void lines_init(struct lines *l, const char *text, size_t len)
{
	memset(l, 0, sizeof *l);
	l->at = text;
	l->end = text + len;
	l->line = 1;
}

bool lines_is(const struct lines_word *w, const char *text)
{
	return !w->quoted && w->len == strlen(text) && strncasecmp(w->at, text, w->len) == 0;
}

static bool is_decimal(const char *at, const char *end)
{
	int byte = 0;

	for (unsigned i = 0; i < 3; i++) {
		if (end - at <= (ptrdiff_t)i || !isdigit((unsigned char)at[i]))
			return false;
		byte = byte * 10 + at[i] - '0';
	}
	return byte > 0 && byte < 256;
}

char *lines_plain(struct arena *mem, const struct lines_word *w)
{
	const char *at = w->at + w->quoted, *end = w->at + w->len;
	char *plain = arena_alloc(mem, w->len + 1), *to = plain;

	if (w->quoted && end > at && end[-1] == '"')
		end--;
	while (at < end) {
		if (*at != '\\' || at + 1 == end) {
			*to++ = *at++;
		} else if (is_decimal(at + 1, end)) {
			*to++ = (char)((at[1] - '0') * 100 + (at[2] - '0') * 10 + at[3] - '0');
			at += 4;
		} else {
			*to++ = at[1];
			at += 2;
		}
	}
	*to = 0;
	return plain;
}

static const char *quoted_end(const char *at, const char *end)
{
	for (at++; at < end && *at != '"' && *at != '\n'; at++)
		if (*at == '\\' && at + 1 < end)
			at++;
	return at < end && *at == '"' ? at + 1 : at;
}

static const char *plain_end(const char *at, const char *end)
{
	while (at < end && !isspace((unsigned char)*at) && !strchr("();\"", *at))
		at += *at == '\\' && at + 1 < end ? 2 : 1;
	return at;
}

bool lines_next(struct lines *l)
{
	int open = 0;

	if (l->at >= l->end)
		return false;
	l->raw = l->at;
	l->raw_line = l->line;
	l->n = 0;
	l->owner = !isspace((unsigned char)*l->at) && *l->at != ';';
	while (l->at < l->end && (*l->at != '\n' || open > 0)) {
		const char *from = l->at;
		if (*from == ';') {
			while (l->at < l->end && *l->at != '\n')
				l->at++;
			continue;
		}
		if (isspace((unsigned char)*from) || *from == '(' || *from == ')' || !*from) {
			open += *from == '(' ? 1 : *from == ')' ? -1 : 0;
			l->line += *from == '\n';
			l->at++;
			continue;
		}
		l->at = *from == '"' ? quoted_end(from, l->end) : plain_end(from, l->end);
		if (l->n < LINES_WORDS_MOST)
			l->words[l->n++] = (struct lines_word){ from, (size_t)(l->at - from), *from == '"' };
	}
	l->raw_len = (size_t)(l->at - l->raw);
	l->at += l->at < l->end;
	l->line++;
	return true;
}
