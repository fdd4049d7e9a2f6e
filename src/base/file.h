/* file.h - the one door for files that are read, and for those that are replaced.
 *
 * What is read is a regular file of a size that its kind may have: whoever names a pipe, a
 * device or a file without an end in its place gets a sentence, and nobody waits.
 */
#ifndef BASE_FILE_H
#define BASE_FILE_H

#include "base/arena.h"
#include "base/fault.h"
#include "base/text.h"

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>
#include <sys/types.h>

struct file {
	char *text; /* NUL after the last byte, for the reader's convenience */
	size_t len;
};

/* Puts the text in the place of the file at `path`, for others to see all of the old or all of
 * the new, whenever the machine stops: a new file beside it, PATH.new, is written, synced and
 * renamed, and the folder synced. A link at either name is replaced, not followed. A text that
 * has lost something is not written. On false the old file is as it was, but when only the
 * folder could not be synced. */
bool file_replace(const char *path, const struct text *text, mode_t mode, struct fault *why);

/* What is no file stays: a device, a pipe, a folder, or a link to one (/dev/stdout) is not to be renamed away by who may do all. */
bool file_may_be_replaced(const char *path, struct fault *why);

/* The same of many files of one folder at the cost of a few: each is written as PATH.new, and not synced; then all are
 * synced at once, renamed, and the folder synced. Whenever the machine stops before, no file is in its place; what was
 * prepared and is not put in place has to be dropped. */
bool file_prepare(const char *path, const struct text *text, mode_t mode, struct fault *why);
bool file_place_all(char *const *paths, size_t n, struct fault *why);
void file_drop_prepared(const char *path);

/* One file that has to be on the disk before something else is, and in its place only after that: it is synced as PATH.new. When the
 * machine stops between, it is there still. */
bool file_prepare_synced(const char *path, const struct text *text, mode_t mode, struct fault *why);
bool file_is_prepared(const char *path);
/* Puts it in its place, and syncs the folder. */
bool file_place(const char *path, struct fault *why);

struct file_stamp;

/* The same, but only in the place of that version of the file (NULL: where there is none), by size and time of its
 * text: what somebody else has put there meanwhile, or written into it, stays. `now` is the version that this has
 * made. */
enum file_result {
	FILE_REPLACED,
	FILE_IS_OTHER, /* there is another version; nothing has happened */
	FILE_FAILED    /* `why` says so */
};
struct file_version {
	const struct file_stamp *was;
	struct file_stamp *now;
	mode_t mode;
};
enum file_result file_replace_version(const char *path, const struct text *text,
	const struct file_version *v, struct fault *why);

/* Which version of a file this is: any change of it changes the stamp. File systems note the
 * time of a change by a clock that stands still for some milliseconds; a stamp that was taken
 * within such a tick of the last change is `fresh`, for it may not tell of the next one, and
 * differs from the stamp of the same file once that time is over: so it is looked at once more.
 */
struct file_stamp {
	uint64_t device, inode, size;
	int64_t mtime_ns, ctime_ns;
	bool fresh;
};

/* Opens a regular file of at most `most` bytes for reading; the caller closes it. -1 with a
 * sentence that does not name the file, since the caller knows where it was named. It may grow
 * while it is read. */
int file_open(const char *path, uint64_t most, struct fault *why);
/* The same; `size` gets its bytes as it was opened. */
int file_open_sized(const char *path, uint64_t most, uint64_t *size, struct fault *why);

/* Reads all of such a file; the sentence names it. On false `f` is empty. */
bool file_read(struct file *f, const char *path, size_t most, struct fault *why);
void file_free(struct file *f);
/* The same, for scope_hold(): what was read is not of the scope by itself. */
void file_let_go(void *f);

/* False when there is no such file; `stamp` is zero then. */
bool file_stamp(const char *path, struct file_stamp *stamp);
/* The same, but waits until the tick is over: 12 ms at most, and not on the loop. Fresh only
 * when it was written again meanwhile. */
bool file_stamp_settled(const char *path, struct file_stamp *stamp);
bool file_stamp_same(const struct file_stamp *a, const struct file_stamp *b);

/* `path` as seen from the folder that holds `from`: absolute paths stay, others are joined.
 * Lives in `mem`. */
char *file_beside(struct arena *mem, const char *from, const char *path);

#endif
