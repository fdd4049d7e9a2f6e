/* watchdog.h - how long does the loop hold up what waits for it?
 *
 * A turn of the loop is from when the kernel woke it until it goes back to wait. What the turn
 * waited for a processor is not its fault and is taken off (/proc/thread-self/schedstat). A
 * turn over what is promised is counted, and the longest is kept and logged. Where systemd has a watchdog for us (WATCHDOG_USEC), the loop tells it
 * that it turns. Loop.
 */
#ifndef DAEMON_WATCHDOG_H
#define DAEMON_WATCHDOG_H

#include <stdint.h>

struct ev_loop;
struct watchdog;

enum { WATCHDOG_PROMISE_US = 10000 };

struct watchdog *watchdog_new(struct ev_loop *loop);
void watchdog_free(struct watchdog *w);

uint64_t watchdog_longest_us(const struct watchdog *w);
uint64_t watchdog_late(const struct watchdog *w); /* turns over the promise */

#endif
