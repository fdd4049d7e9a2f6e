/* file.h - a whole file in memory.
 */
#ifndef BASE_FILE_H
#define BASE_FILE_H

#include "base/arena.h"
#include "base/fault.h"

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

struct file {
	char *text; /* NUL after the last byte, for the reader's convenience */
	size_t len;
};

/* Puts `len` bytes in the place of the file at `path`, for others to see all of the old or all
 * of the new, whenever the machine stops: a new file beside it is written, synced and renamed,
 * and the folder synced. Its permissions are 0600. */
bool file_replace(const char *path, const char *bytes, size_t len, struct fault *why);

/* Which version of a file this is: any change of it changes the stamp. */
struct file_stamp {
	uint64_t device, inode, size;
	int64_t mtime_ns, ctime_ns;
};

/* Reads a regular file of at most `most` bytes, or a device that ends as one; a pipe might not
 * and is refused. On false `f` is empty. */
bool file_read(struct file *f, const char *path, size_t most, struct fault *why);
void file_free(struct file *f);
/* The same, for scope_hold(): what was read is not of the scope by itself. */
void file_let_go(void *f);

/* False when there is no such file; `stamp` is zero then. */
bool file_stamp(const char *path, struct file_stamp *stamp);
bool file_stamp_same(const struct file_stamp *a, const struct file_stamp *b);

/* `path` as seen from the folder that holds `from`: absolute paths stay, others are joined.
 * Lives in `mem`. */
char *file_beside(struct arena *mem, const char *from, const char *path);

#endif
