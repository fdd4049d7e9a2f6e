/* unix_listen.h - a Unix socket in the file system, for programs of this machine.
 */
#ifndef NET_UNIX_LISTEN_H
#define NET_UNIX_LISTEN_H

#include "base/fault.h"

/* Binds and listens; nobody else may connect from the first moment on, but members of `group` (NULL: none). A socket
 * that nobody answers at is replaced. -1, and a sentence that begins with `what` and the path. */
int unix_listen(const char *path, const char *group, const char *what, struct fault *why);

/* Who has connected, as the kernel says it. False: it does not. */
bool unix_peer(int fd, unsigned *uid);

#endif
