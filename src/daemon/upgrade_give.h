/* upgrade_give.h - what a process that takes our place gets of us. Loop.
 */
#ifndef DAEMON_UPGRADE_GIVE_H
#define DAEMON_UPGRADE_GIVE_H

#include <stdbool.h>

struct upgrade_opts;

/* All our sockets, secrets that are not in the configuration, and what probes have found, through the socket `end`. They stay ours, too.
 * False, and `errno`. */
bool upgrade_give(const struct upgrade_opts *o, int end);

#endif
