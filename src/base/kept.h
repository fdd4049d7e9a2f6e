/* kept.h - what was made of files at length is kept in a file of ours, and had at once at the next start.
 *
 * Such a file is parts, one after the other, each as memory has it, with its length and a hash; in front is by which version of the program,
 * and for which kind of machine, it was made. What is of another version, cut short or changed is told apart from what is right, and is
 * nobody's loss: what it was made of is still there. It is not synced, since what a crash makes of it is seen. Its owner
 * is believed, and has to be who reads it: root takes none from the user that it becomes. Any thread but the loop's.
 */
#ifndef BASE_KEPT_H
#define BASE_KEPT_H

#include "base/fault.h"
#include "base/text.h"

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

enum { KEPT_PATH = 4096, KEPT_NAME = 16 };

struct kept_out {
	int fd;
	bool bad;
	uint64_t part; /* its number */
	char path[KEPT_PATH];
};

/* A file that takes the place of the one at `path` when it is done. `kind` is a short word, with the number of its form: "zone 1". */
bool kept_create(struct kept_out *o, const char *path, const char *kind, struct fault *why);
void kept_put(struct kept_out *o, const void *bytes, size_t len);
/* What was put is in place; or nothing is, and what was there stays. */
bool kept_done(struct kept_out *o, struct fault *why);
void kept_give_up(struct kept_out *o);

struct kept_in {
	int fd;
	uint64_t at;         /* bytes that were read */
	uint64_t part, left; /* bytes that may follow */
	uint64_t len, hash; /* of the part that is next */
	bool bad;
};

/* False: there is none that is of use here. The caller closes it, or the scope that is on; `in` stays where it is until then. */
bool kept_open(struct kept_in *in, const char *path, const char *kind);
/* The same, and its first part is that text, which is passed. False: likewise. */
bool kept_open_of(struct kept_in *in, const char *path, const char *kind, const struct text *of);
void kept_close(struct kept_in *in);
/* The same, of one whose front is right and the rest is not: it goes, so that it is written anew and not taken for what is wanted. */
void kept_close_harmed(struct kept_in *in, const char *path);

/* How long the next part is; 0 too when something was wrong. */
size_t kept_next(const struct kept_in *in);
/* Reads the next part, of that length, on all processors where it is long. False, now and from then on: it is not there, or not as it was put. */
bool kept_get(struct kept_in *in, void *to, size_t len);
/* All has been read, and was right. */
bool kept_ended(const struct kept_in *in);

#endif
