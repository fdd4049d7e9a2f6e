/* fault.h - what is wrong with the world, in words for the operator.
 *
 * A `struct fault` holds one sentence, written where the cause is known and printed once by
 * whoever decides. A `struct faults` collects many, each at a place in a text file, for the
 * doors where a person wants to see all that is wrong in one run: zone files and the
 * configuration. One thread each.
 */
#ifndef BASE_FAULT_H
#define BASE_FAULT_H

#include "base/text.h"

#include <stdbool.h>
#include <stddef.h>

enum { FAULTS_MOST = 50 }; /* errors of one run that are shown; the rest is counted */

struct fault {
	char text[1024];
};

/* Always false, so that `return fault(why, ...)` reads well. `why` may be NULL. */
__attribute__((format(printf, 2, 3))) bool fault(struct fault *why, const char *fmt, ...);

/* Where in a text something is wrong. `line` and `column` count from 1, columns in characters
 * of UTF-8; 0 is "the whole file". `text` to `text_end` is the whole content of the file, for
 * showing the line, or NULL; without `text_end`, `text` is that line, up to a newline or NUL.
 * `path` and `text` are borrowed for the call. */
struct fault_at {
	const char *path;
	const char *text, *text_end;
	unsigned line, column;
};

struct faults {
	struct text text; /* everything to print, ready with newlines */
	unsigned errors, warnings;
	size_t error_at[FAULTS_MOST]; /* where in the text each error starts */
};

/* The column of `at` in the line that starts at `line`. */
unsigned fault_column(const char *line, const char *at);

void faults_init(struct faults *f);
void faults_fini(struct faults *f);

/* "path:line:column: error: sentence", the line itself and a caret under the column. Always
 * false. */
__attribute__((format(printf, 3, 4))) bool faults_error(
	struct faults *f, const struct fault_at *at, const char *fmt, ...);
__attribute__((format(printf, 3, 4))) void faults_warning(
	struct faults *f, const struct fault_at *at, const char *fmt, ...);

/* A fault without a place of its own, taken over as it stands: "error: sentence". Always false.
 */
bool faults_take(struct faults *f, const struct fault *one);

/* All of `from` as well, up to the last error that one run shows. */
void faults_add(struct faults *f, const struct faults *from);

/* The same of one of many things, each of which is to be told: once as many errors have been
 * shown as one run shows, the first line of it is all the same. */
void faults_add_each(struct faults *f, const struct faults *from);

/* How far faults have come; and back there, as if none had been told since. */
struct faults_mark {
	size_t len;
	unsigned errors, warnings;
};
struct faults_mark faults_mark(const struct faults *f);
void faults_back(struct faults *f, struct faults_mark mark);

/* One of them, for who shows them in another form; all borrowed from the faults. */
struct fault_view {
	bool warning;
	const char *path; /* "" when it has no place; not NUL-terminated, as `say` */
	size_t path_len;
	unsigned line, column; /* 0: the whole file */
	const char *say;
	size_t say_len;
};

/* The one that starts at `at`, or the first of all when that is NULL. NULL: there is none; else
 * where to go on. */
const char *faults_view(const struct faults *f, const char *at, struct fault_view *to);

/* True once as many errors have been shown as one run shows: time to stop reading. */
bool faults_full(const struct faults *f);

#endif
