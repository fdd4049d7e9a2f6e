/* stamps.h - which versions of which files something was made from.
 *
 * Shared by count (part.h), immutable. Taking one asks the file system for every file and may
 * wait for a disk: not for the loop.
 */
#ifndef BASE_STAMPS_H
#define BASE_STAMPS_H

#include "base/file.h"
#include "base/part.h"

#include <stdbool.h>
#include <stddef.h>

struct stamps {
	struct part part;
	bool faulty; /* what was read of them was wrong: by who reads them, before it is shared */
	size_t n;
	char **paths; /* own copies */
	struct file_stamp *of;
};

/* Of the files as they are now; one that is not there has a stamp of zeros. Count 1. */
struct stamps *stamps_take(const char *const *paths, size_t n);

/* Anew, of the files of another. */
struct stamps *stamps_again(const struct stamps *s);

static inline struct stamps *stamps_hold(struct stamps *s)
{
	part_hold(s ? &s->part : NULL);
	return s;
}

static inline void stamps_drop(struct stamps *s)
{
	part_drop(s ? &s->part : NULL);
}

/* The same files in the same versions? */
bool stamps_same(const struct stamps *a, const struct stamps *b);

/* Was some file not there? */
bool stamps_lack(const struct stamps *s);

#endif
