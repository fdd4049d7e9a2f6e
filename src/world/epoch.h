/* epoch.h - which world is served, and when an old one may go.
 *
 * Read-copy-update by quiescent states (liburcu, QSBR): workers read a pointer and never wait;
 * the control thread swaps it and waits until no worker can hold the old one. A worker is
 * "away" while it blocks in the kernel, so that a silent one holds nobody up.
 */
#ifndef WORLD_EPOCH_H
#define WORLD_EPOCH_H

#include "world/world.h"

struct epoch {
	struct world *world; /* only through the functions below */
	uint64_t generation;
};

/* Control thread. Takes `w`, which workers see from now on; frees the one before once nobody
 * reads it. */
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
