/* zone_files.h - which files of a folder are zones, and of which names?
 *
 * A pattern is a shell's (fnmatch(3)), and what its "*" stands for is the zone's name: "db.*"
 * has db.example.com for example.com. Pure functions.
 */
#ifndef DAEMON_ZONE_FILES_H
#define DAEMON_ZONE_FILES_H

#include <stdbool.h>
#include <stddef.h>

/* Whether the file is one of the pattern's; NULL has all. Never one that is hidden. */
bool zone_files_match(const char *pattern, const char *file);

/* Whether it looks like what editors, package managers and servers leave beside a file: a.bak,
 * a~, #a#, a.dpkg-old, a.jnl, a.bak2, a.zone.1. */
bool zone_files_leftover(const char *file);

/* The part of the file's name that is the zone's: `*len` bytes from the start that is returned.
 * What the pattern has in front of its "*" goes if it ends with a sign, as "db." does; what it
 * has behind goes unless it is a top-level domain, as in "*.org"; and ".zone" goes always. */
const char *zone_files_origin(const char *pattern, const char *file, size_t *len);

#endif
