/* import_out.h - YAML on its way out: a tree that is built in any order, and written for people.
 *
 * All of it lives in the arena that it is made in. Keys keep the order in which they came.
 */
#ifndef IMPORT_IMPORT_OUT_H
#define IMPORT_IMPORT_OUT_H

#include "base/arena.h"
#include "base/text.h"

#include <stdbool.h>

struct out; /* a mapping, a list or a scalar */

struct out *out_new(struct arena *mem); /* a mapping */
/* ... of which, and of all in it, no text is taken for a number or a truth by readers of YAML 1.1. */
struct out *out_new_strict(struct arena *mem);

/* The mapping, or the list, behind a key: made where there is none. */
struct out *out_map(struct out *map, const char *key);
struct out *out_list(struct out *map, const char *key);
/* A list behind a key that is not there yet: nothing is looked for. */
struct out *out_new_list(struct out *map, const char *key);
/* The last value is a text, though it may be all digits. */
void out_quote_last(struct out *o);
/* A scalar behind a key, in the place of what was there; the text is copied. */
void out_set(struct out *map, const char *key, const char *text);
__attribute__((format(printf, 3, 4))) void out_setf(struct out *map, const char *key, const char *fmt, ...);
/* At the end of a list. */
void out_add(struct out *list, const char *text);
struct out *out_add_map(struct out *list);

/* What stands behind a key, or NULL; the text of a scalar, or NULL; how many are in it. */
struct out *out_get(const struct out *map, const char *key);
const char *out_text(const struct out *scalar);
size_t out_count(const struct out *o);
/* The i-th of a mapping or a list (NULL: none), and its key. */
struct out *out_at(const struct out *o, size_t i, const char **key);

/* Takes out a key; or all that is empty in a mapping. */
void out_drop(struct out *map, const char *key);
void out_drop_empty(struct out *map);
/* The first `n` stay. */
void out_cut(struct out *o, size_t n);

/* Those keys first, in this order (NULL behind the last); the others behind them. */
void out_order(struct out *map, const char *const keys[]);

/* Sections in lines of their own; what is in them in one line each, where that is not too long. */
void out_write(const struct out *top, struct text *to);

#endif
