/* restart.h - which keys of a configuration change with a restart only.
 */
#ifndef DAEMON_RESTART_H
#define DAEMON_RESTART_H

#include <stdbool.h>

/* `key` NULL: any key of the section. */
bool restart_needs(const char *section, const char *key);

#endif
