/* confine.h - the folders that the server may open files in, from its start on: those that its configuration names (base/landlock).
 *
 * Where paths of the configuration, of zones and of what they include lead (through links, too), it may read; where it keeps what it writes
 * (control, store, learned tables, logs, files of zones with "write-back: sync") and in "server: folders" it may write. Besides those
 * the system's own folders are read. A reload that names others is refused; an upgrade's process begins anew.
 * What is known of it is the process's, is made once before there are threads, and does not change from then on.
 */
#ifndef DAEMON_CONFINE_H
#define DAEMON_CONFINE_H

#include "base/fault.h"
#include "conf/conf.h"
#include "world/parts.h"

#include <stdbool.h>

/* One of "server: folders" has to be one at the start. */
#define CONFINE_NO_FOLDER "there is no such folder: nothing in it can be opened until it is there and the server is started anew, or upgraded"
bool confine_is_folder(const char *path);

/* Once, while there is one thread: for good. Nothing where "server: folders" is "any", or the kernel cannot. */
void confine(const struct parts *p);

/* Can what `c` names be opened? Else false, and an error at each path that cannot, up to eight. Any thread. */
bool confine_check(const struct conf *c, struct faults *f);

/* The same of the folder of one file that a command names. Not on the loop: a folder may be on a disk that hangs. */
bool confine_file(const char *path, bool writes, struct fault *why);

#endif
