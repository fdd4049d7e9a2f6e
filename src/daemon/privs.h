/* privs.h - who we are, and what the service manager is told.
 */
#ifndef DAEMON_PRIVS_H
#define DAEMON_PRIVS_H

#include "base/fault.h"

#include <stdbool.h>

/* As many open files as the hard limit allows: a connection each. The soft limit is for
 * programs that use select(2). And threads that gave way may become as urgent again as we are
 * now, where that can be had (polite.h). */
void privs_raise_limits(void);

/* Becomes `user` with its groups for good, and may never gain privileges again. NULL: root
 * becomes the user "waymark" where there is one, and warns where there is none; others stay who
 * they are. Everything that wants root (ports below 1024) is open by then. */
bool privs_drop(const char *user, struct fault *why);

/* Whom privs_drop() would become; NULL: it would stay who we are. */
const char *privs_user(const char *user);

/* sd_notify(3): "READY=1" and the like, when NOTIFY_SOCKET is set. The protocol is documented
 * for reimplementation. */
void privs_notify(const char *state);
/* The same, and waits until it was heard, two seconds at most: for the last words of a process. */
void privs_notify_wait(const char *state);

/* As root, before privs_drop(): gives a file to that user, who is to have it afterwards. What is not there
 * is passed over. */
bool privs_give(const char *path, const char *user, struct fault *why);

/* The same for a folder and the files in it that root has made. */
bool privs_give_folder(const char *path, const char *user, struct fault *why);

#endif
