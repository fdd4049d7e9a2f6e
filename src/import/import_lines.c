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
