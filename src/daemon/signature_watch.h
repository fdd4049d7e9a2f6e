/* signature_watch.h - tells of zones whose signatures end while they are served.
 *
 * When a zone is read its signatures are looked at (zone/rrsig_end); this is for those that
 * are not read again until it is too late. Each is told of when its end comes near and when it
 * has come, and all of them together once a day. Loop.
 */
#ifndef DAEMON_SIGNATURE_WATCH_H
#define DAEMON_SIGNATURE_WATCH_H

#include "daemon/publish.h"

struct ev_loop;
struct signature_watch;

struct signature_watch *signature_watch_new(
	struct ev_loop *loop, const struct publisher *publisher);
void signature_watch_free(struct signature_watch *w);

#endif
