/* readable.h - what was read as root and cannot be read again as who the server has become.
 *
 * Such a file works at the start and fails at the first reload, when nobody remembers why.
 */
#ifndef DAEMON_READABLE_H
#define DAEMON_READABLE_H

#include "world/parts.h"

/* Logs it, a line for each of the first. After the privileges have been dropped. */
void readable_tell(const struct parts *p);

#endif
