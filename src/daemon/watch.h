/* watch.h - GeoIP files that change are read anew, by themselves.
 *
 * A file is looked at every half second; once it has changed and then stayed the same for two,
 * so that whoever writes it is done, it is read. One that is wrong is told of once and not read
 * again until it changes. Control thread.
 */
#ifndef DAEMON_WATCH_H
#define DAEMON_WATCH_H

#include "daemon/daemon.h"

struct ev_loop;
struct watch;

struct watch *watch_start(struct ev_loop *loop, struct daemon *d);
void watch_stop(struct watch *w);

#endif
