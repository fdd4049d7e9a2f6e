/* rank_build.h - the orders of ranks, from what is estimated of every client.
 *
 * Many ranks are built in one pass over the keys of the client map, so that what is estimated of a key is so once for all of
 * them, and each only picks and sorts its own edges. Each comes out as if it had been built alone. On the thread of who builds
 * the map, before client_map_settle().
 */
#ifndef MEASURE_RANK_BUILD_H
#define MEASURE_RANK_BUILD_H

#include "measure/rank.h"

/* Of a rank that has no classes yet, and whose it is from then on (rank.h). `before`: over the map's `before`, whose order
 * is kept where it is as good; borrowed until the end. NULL: nothing is kept. Never NULL. */
struct rank_build *rank_build_new(struct rank *r, const struct rank *before);

/* Fills the tables of all their ranks, which are over one map; no build twice. All are wide. */
void rank_builds_run(struct rank_build *const *builds, size_t n);

/* After it: the class of every key, for memory_free(); frees the build. */
uint32_t *rank_build_end(struct rank_build *b);

/* At any time, and of NULL. */
void rank_build_free(struct rank_build *b);

#endif
