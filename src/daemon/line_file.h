/* line_file.h - a file that lines are added to.
 *
 * It is opened anew once its name stands for another file, and gets the name FILE.1 when it is
 * as large as it may be. Only whole lines stay in it, whatever the disk does; that it cannot be
 * written is logged once, and when it can be again. May wait for a disk: a job's, one at a
 * time.
 */
#ifndef DAEMON_LINE_FILE_H
#define DAEMON_LINE_FILE_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

struct line_file;

/* `what` is in its lines, as it is logged ("decisions"): a literal. */
struct line_file *line_file_new(const char *what);
void line_file_free(struct line_file *f);

/* Adds `len` bytes of lines to the file at `path`, which may have `most` bytes; NULL: to the one that is open, if any. Returns how many
 * lines could not be written. */
uint64_t line_file_add(
	struct line_file *f, const char *path, size_t most, const char *s, size_t len);

/* Nothing is added for now. */
void line_file_close(struct line_file *f);

#endif
