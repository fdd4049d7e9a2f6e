/* token.h - the words of a master file (RFC 1035 section 5.1), one ahead.
 *
 * An entry is what ends at a newline outside of parentheses. A reader looks at `tok`, uses it,
 * and moves on with token_next(); at the entry's end `tok` stays TOKEN_END until token_entry()
 * starts the next one. Words are not copied: they point into the text, escapes still in them. A
 * NUL is a fault, but for those in comments and the one behind the text's end.
 *
 * A text may be a part of a longer one. What comes so near to its end that more of the text
 * could change it is `cut`: it reads as a bad token, and nothing that was told since the entry
 * began may count. Whoever reads then gives the text from `entry` on, with more behind it.
 * Control thread.
 */
#ifndef ZONE_TOKEN_H
#define ZONE_TOKEN_H

#include "base/fault.h"

#include <stdbool.h>
#include <stddef.h>

enum token_kind {
	TOKEN_END, /* of the entry; `s` is where something missing would stand */
	TOKEN_WORD,
	TOKEN_QUOTED, /* `s` to `s + len` is between the quotes */
	TOKEN_BAD     /* a fault, and it has been told */
};

struct token {
	const char *s;
	unsigned len;
	enum token_kind kind;
	bool escaped;      /* there is a backslash in it */
	bool quote_inside; /* a word like key="a b", whose quotes belong to it */
};

struct tokens {
	struct token tok;
	const char *at; /* what is read next */
	const char *text, *end;
	unsigned text_line;     /* the number of the text's first line, from 1 */
	const char *cut_at;     /* a token that ends behind it is cut; the end: none is */
	bool cut;               /* this entry is */
	const char *entry;      /* where it starts, or a comment that is in front of it */
	unsigned entry_line;    /* ... its number */
	const char *line_start; /* of the line that `at` is in */
	unsigned line;          /* ... its number */
	unsigned depth;         /* parentheses that are open */
	const char *open;       /* the outermost of them */
	bool failed;            /* this entry's fault has been told; one is enough */
	const char *path;
	struct faults *faults;

	/* For a text that $GENERATE made: its faults are told at `made_at` of `made_by`, with
	 * `made_note` behind them. */
	struct tokens *made_by;
	const char *made_at, *made_note;
};

/* Ready for token_entry(). All is borrowed. */
void token_init(
	struct tokens *t, const char *path, const char *text, size_t len, struct faults *f);

/* The same for a text whose first line is number `line`, and of which more is to come. */
void token_init_part(struct tokens *t, const char *text, size_t len, unsigned line, bool more);

/* Goes to the first word of the next entry, past what is left of this one and past empty lines.
 * `*indented` is true when the line starts with a blank, that is, without an owner. False at
 * the end of the text, or when it is cut there. */
bool token_entry(struct tokens *t, bool *indented);

void token_next(struct tokens *t);

/* Goes to the end of the entry, which has been told what is wrong with it. */
void token_skip(struct tokens *t);

/* An error at `at`, which is in the text at or before the current token. Only an entry's first
 * is told; when it is inside a parenthesis that is never closed, that is told instead. Always
 * false. */
__attribute__((format(printf, 3, 4))) bool token_fault(
	struct tokens *t, const char *at, const char *fmt, ...);
__attribute__((format(printf, 3, 4))) void token_warning(
	struct tokens *t, const char *at, const char *fmt, ...);

/* True for a word that stands for itself: not quoted, no quotes in it. */
static inline bool token_is_word(const struct token *tok)
{
	return tok->kind == TOKEN_WORD && !tok->quote_inside;
}

/* The current token as a person would quote it, cut short when it is long. */
enum { TOKEN_TEXT = 80 };
const char *token_text(char buf[static TOKEN_TEXT], const struct token *tok);

/* Whether what stands at `p` looks like a blank to a reader without being one of a master
 * file's: a no-break space, a form feed. `*len` is what to go on behind, at least 1, whatever
 * it is. `name` is it in words, as "a no-break space (U+00A0, bytes c2 a0)". */
enum { TOKEN_BLANK_NAME = 80 };
bool token_blank(const char *p, size_t *len, char name[static TOKEN_BLANK_NAME]);

/* The next byte of a string with escapes (RFC 1035 section 5.1: \X and \DDD), at `*p`, which
 * moves behind it. False when the escape is broken; `*p` is at its backslash then. */
bool token_char(const char **p, const char *end, unsigned char *c);

#endif
