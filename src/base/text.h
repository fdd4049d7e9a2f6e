/* text.h - a string that grows.
 *
 * Always ends in NUL once anything was added. `struct text t = { 0 }` is an empty one. For the
 * control thread and the tools; memory that cannot be had truncates the text (`lost` is
 * set).
 */
#ifndef BASE_TEXT_H
#define BASE_TEXT_H

#include <stdarg.h>
#include <stdbool.h>
#include <stddef.h>

struct text {
	char *s; /* NULL while empty */
	size_t len, room;
	bool lost; /* something did not fit into memory, or could not be sent on */
	/* Or NULL: what has come together, once it is TEXT_DRAIN bytes, goes there and leaves
	 * the text. False: nobody takes it any more. */
	bool (*drain)(void *ctx, const char *s, size_t len);
	void *drain_ctx;
};

enum { TEXT_DRAIN = 256 << 10 };

void text_add(struct text *t, const char *s);
void text_add_bytes(struct text *t, const char *s, size_t len);
void text_add_char(struct text *t, char c);
__attribute__((format(printf, 2, 3))) void text_addf(struct text *t, const char *fmt, ...);
__attribute__((format(printf, 2, 0))) void text_addv(
	struct text *t, const char *fmt, va_list ap);

/* Adds what `from` has, without a copy where `to` is empty; `from` is empty then. */
void text_take(struct text *to, struct text *from);

/* Never NULL; borrowed until the next addition. */
const char *text_get(const struct text *t);
void text_fini(struct text *t);
/* The same, for scope_hold(): a text is not of a scope by itself. */
void text_let_go(void *t);

/* A text of UTF-8 that was cut: without the piece of a character at its end. Returns its length. */
size_t text_utf8_end(char *s);

/* The length of the character of UTF-8 that starts there, in a text that ends in NUL; 0: it is none (RFC
 * 3629 section 4). */
size_t text_utf8_len(const unsigned char *s);

#endif
