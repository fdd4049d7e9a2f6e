/* source.h - a text file, a part at a time.
 *
 * What is in memory is a part of the file that its reader has not done with; a file as large as
 * memory can be read with little of it. Control thread.
 */
#ifndef ZONE_SOURCE_H
#define ZONE_SOURCE_H

#include "base/fault.h"

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

struct source {
	const char *path; /* borrowed */
	int fd;           /* -1: all has been read */
	uint64_t most, read, size; /* `size`: as it was opened */
	char *text; /* a NUL is behind its last byte */
	size_t len, room;
	bool more; /* of the file is behind the text */
};

/* Opens a regular file of at most `most` bytes and reads its first part. On false there is
 * nothing to close, and the sentence names the file. */
bool source_open(struct source *s, const char *path, uint64_t most, struct fault *why);
void source_close(struct source *s);

/* Forgets the first `done` bytes of the text and reads on. The text is somewhere else then. On
 * false it is as it was; the sentence names the file. */
bool source_more(struct source *s, size_t done, struct fault *why);

#endif
