/* restart.h - which keys of a configuration change with a restart only.
 */
#ifndef DAEMON_RESTART_H
#define DAEMON_RESTART_H

#include "base/fault.h"
#include "conf/conf.h"

#include <stdbool.h>

/* `key` NULL: any key of the section. */
bool restart_needs(const char *section, const char *key);

/* False, and an error at each of them, when `next` would change some. */
bool restart_check(const struct conf *next, const struct conf *now, struct faults *f);

#endif
