/* deaf.h - tells in the log when the kernel gives errors in place of queries.
 *
 * Workers only count them (net/udp.h); every second the control thread looks whether there are
 * more, and says so once a minute at most.
 */
#ifndef DAEMON_DEAF_H
#define DAEMON_DEAF_H

struct ev_loop;
struct daemon;
struct deaf;

/* `d` is borrowed until deaf_stop(). */
struct deaf *deaf_start(struct daemon *d, struct ev_loop *loop);
/* Fine for NULL. */
void deaf_stop(struct deaf *d);

#endif
