/* name.h - domain names as they stand on the wire.
 *
 * A name is a run of labels, each led by its length, ended by the root's zero byte; at most 255
 * bytes in all and 63 a label (RFC 1035 section 3.1). Never compressed here. "Lower" is ASCII
 * only (RFC 4343).
 */
#ifndef DNS_NAME_H
#define DNS_NAME_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

enum {
	NAME_MOST = 255,        /* bytes on the wire, with the root */
	NAME_LABELS_MOST = 127, /* without the root */
	NAME_TEXT = 1024        /* room for any name as text, with its NUL */
};

enum name_result {
	NAME_OK,
	NAME_EMPTY_LABEL, /* "a..b", or nothing at all */
	NAME_LABEL_LONG,  /* over 63 bytes */
	NAME_LONG,        /* over 255 bytes */
	NAME_BAD_ESCAPE,  /* "\" at the end, or \DDD over 255 */
	NAME_RELATIVE     /* no dot at the end and no origin to put there */
};

/* Where the labels of a name start, in bytes from its first; at[n] is the root's. */
struct name_marks {
	uint8_t n; /* labels without the root */
	uint8_t at[NAME_LABELS_MOST + 1];
};

/* Presentation format (RFC 1035 section 5.1: "\." and "\DDD") to the wire. A name without a dot
 * at its end gets `origin` (wire) appended; "@" alone is `origin`. Case stays. `*len` (may be
 * NULL) is the length with the root. */
enum name_result name_parse(uint8_t to[static NAME_MOST], size_t *len, const char *text,
	size_t text_len, const uint8_t *origin);

/* What to tell a person about any of them but NAME_OK. */
const char *name_result_text(enum name_result r);

/* Presentation format, with the dot at the end; returns `buf`. */
const char *name_text(char buf[static NAME_TEXT], const uint8_t *name);

size_t name_len(const uint8_t *name);      /* bytes, with the root */
unsigned name_labels(const uint8_t *name); /* without the root */

/* Of a name that is one. */
void name_mark(struct name_marks *marks, const uint8_t *name);

/* The name at `p`, which must end before `end`, in one go: in lower case into `to`, its labels
 * marked. Returns its length; 0 when it is none (name_check()). May write, and read up to
 * `end`, seven bytes more than the name has. */
enum { NAME_READ = NAME_MOST + 7 };
size_t name_read(uint8_t to[static NAME_READ], struct name_marks *marks, const uint8_t *p,
	const uint8_t *end);

/* `to` may be `name`. */
void name_lower(uint8_t *to, const uint8_t *name, size_t len);

/* Whatever the case. */
bool name_equal(const uint8_t *a, const uint8_t *b);

/* True when `name` is `ancestor` or below it, whatever the case. */
bool name_is_under(const uint8_t *name, const uint8_t *ancestor);

/* Canonical order (RFC 4034 section 6.1): <0, 0, >0. */
int name_compare(const uint8_t *a, const uint8_t *b);

/* True when the first label is "*" (RFC 4592 section 2.1.1). */
bool name_is_wildcard(const uint8_t *name);

/* The length of the name at `p`, checked: every label at most 63, at most 255 bytes, ended
 * before `end`. 0 when it is no such thing; a compression pointer is none. */
size_t name_check(const uint8_t *p, const uint8_t *end);

#endif
