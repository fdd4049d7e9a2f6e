/* shared_file.h - is the file of one zone that of another?
 *
 * A zone's file is written by putting another in its place: two have one file when they have one name in one folder, however that is
 * written. A link at the end of a path is a file of its own, since it is replaced.
 */
#ifndef DAEMON_SHARED_FILE_H
#define DAEMON_SHARED_FILE_H

#include "conf/conf.h"
#include "zone/registry.h"

#include <stdbool.h>
#include <stdint.h>

struct shared_file {
	uint64_t device, inode; /* of its folder; 0: there is none */
	const char *name;       /* in that; borrowed from the path */
};

struct shared_file shared_file_of(const char *path);
/* As strcmp(). */
int shared_file_compare(const struct shared_file *a, const struct shared_file *b);

/* The zone that has this file, when it or who wants it, too, writes it back; NULL. `synced`: who wants it does. Looks at all folders. */
const struct registry_zone *shared_file_owner(
	const struct registry *zones, const struct conf *c, const uint8_t *apex, const char *path, bool synced);

#endif
