/* flat_keeper.h - what names had that edges flatten goes into the store, and comes from it at the next
 * start. All functions are the loop's thread's; what writes is a job.
 */
#ifndef DAEMON_FLAT_KEEPER_H
#define DAEMON_FLAT_KEEPER_H

#include "store/store_flats.h"

struct flat_keeper;
struct jobs;

/* `store` NULL: nothing is kept. Both are borrowed as long as it lives. */
struct flat_keeper *flat_keeper_new(struct jobs *jobs, struct store *store);
/* After jobs_stop(). */
void flat_keeper_free(struct flat_keeper *k);

bool flat_keeper_is_on(const struct flat_keeper *k);

/* At start, before anybody is served: reads all. What it returns is the keeper's until the next call of any of
 * its functions. */
const struct store_flat *flat_keeper_load(struct flat_keeper *k, size_t *n);

/* In the place of all before; `list` (malloc) is taken. */
void flat_keeper_put(struct flat_keeper *k, struct store_flat *list, size_t n);

#endif
