/* epoch.h - which world is served, and when an old one may go.
 *
 * Read-copy-update by quiescent states (liburcu, QSBR): workers read a pointer and never wait;
 * the control thread swaps it and does not wait either: a thread of its own waits until no
 * worker can hold the old one, and lets go of it. A worker is "away" while it blocks in the
 * kernel, so that a silent one holds nobody up.
 */
#ifndef WORLD_EPOCH_H
#define WORLD_EPOCH_H

#include "base/fault.h"
#include "world/world.h"

struct epoch_reclaimer;

struct epoch {
	struct world *world; /* only through the functions below */
	uint64_t generation;
	struct epoch_reclaimer *reclaimer; /* its own thread: lets go of old worlds */
};

/* Control thread, once before the first epoch_publish(). */
bool epoch_open(struct epoch *e, struct fault *why);

/* Control thread, when no worker runs any more: lets go of the last world, and of all before
 * it. */
void epoch_close(struct epoch *e);

/* Control thread. Takes `w`, which workers see from now on, and returns at once; the one before
 * is let go of, on another thread, once nobody reads it. */
void epoch_publish(struct epoch *e, struct world *w);

/* Control thread: the world that is served, good until its next epoch_publish(). */
const struct world *epoch_current(const struct epoch *e);

/* Workers: once at the start and the end of the thread. It starts away. */
void epoch_join(void);
void epoch_leave(void);

/* Workers: between the two, the world stays. No system call, no lock. */
const struct world *epoch_enter(const struct epoch *e);
void epoch_exit(void);

#endif
