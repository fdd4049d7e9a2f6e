/* groups.h - how much each group of clients asks, smoothed over intervals.
 *
 * A table of a bounded size: of who asks too little, and of who comes when it is full, nothing
 * is remembered. One thread at a time.
 */
#ifndef DAEMON_GROUPS_H
#define DAEMON_GROUPS_H

#include "steer/shed.h"
#include "steer/tally.h"

struct groups;

struct groups *groups_new(void);
void groups_free(struct groups *g);

/* What a worker has counted in an interval, under a tick that it uses no more; and when all
 * workers' is in. */
void groups_count(struct groups *g, const struct tally *t, uint32_t tick, double seconds);
void groups_settle(struct groups *g);

/* Pools have other numbers now: numbers[old]; -1: it has gone. */
void groups_renumber(struct groups *g, const int *numbers, unsigned n);

/* So much more of one, at once: of a table that only sums up. What finds no room is remembered as a sum. */
void groups_add(struct groups *g, uint64_t key, double rate);
void groups_clear(struct groups *g);

/* How many there are. */
size_t groups_size(const struct groups *g);

/* The caller frees it. Of a table that sums up, all bear what found no room. */
struct shed_demand *groups_list(const struct groups *g, size_t *n);

#endif
