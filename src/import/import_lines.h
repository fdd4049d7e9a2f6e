/* import_lines.h - a zone file as it is written, record by record: for those that have types, or
 * words, that no other nameserver knows.
 */
#ifndef IMPORT_IMPORT_LINES_H
#define IMPORT_IMPORT_LINES_H

#include "base/arena.h"

#include <stdbool.h>
#include <stddef.h>

enum { LINES_WORDS_MOST = 256 };

struct lines_word {
	const char *at; /* with its quotes */
	size_t len;
	bool quoted;
};

/* One record or directive: all lines up to the parenthesis that closes it. */
struct lines {
	const char *at, *end; /* of the text: where it goes on */
	unsigned line;        /* of what comes next */
	const char *raw;      /* what was read last, without the end of its last line */
	size_t raw_len;
	unsigned raw_line;
	struct lines_word words[LINES_WORDS_MOST];
	size_t n;
	bool owner; /* it begins with an owner, not with a blank */
};

void lines_init(struct lines *l, const char *text, size_t len);
/* False at the end. Blank lines and remarks are records without words. */
bool lines_next(struct lines *l);
/* Whatever the case; not where it is quoted. */
bool lines_is(const struct lines_word *w, const char *text);
/* What it stands for: without its quotes, \X is X, and \DDD a byte by its decimal number. */
char *lines_plain(struct arena *mem, const struct lines_word *w);

#endif
