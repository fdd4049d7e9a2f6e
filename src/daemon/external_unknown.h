/* external_unknown.h - does a file of verdicts name an edge that is not there? A slip of the pen is
 * nobody's verdict. Any thread that holds what it asks.
 */
#ifndef DAEMON_EXTERNAL_UNKNOWN_H
#define DAEMON_EXTERNAL_UNKNOWN_H

#include "conf/conf.h"
#include "steer/external.h"

/* `l` is as external_read() made it of the file at `path`. False, with the place: no edge of the configurations
 * `of` [2], the second of which may be NULL, has the first such name or address; where edges have addresses that the
 * configuration does not tell, addresses are not looked at. */
bool external_unknown_none(const struct externals *l, const struct conf *const of[static 2], const char *path,
	struct fault *why);

#endif
