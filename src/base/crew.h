/* crew.h - many hands: pieces of work that do not depend on each other, done on as many
 * processors as we may use.
 *
 * For the control thread while it loads. The pieces are taken in order, so when piece i is
 * begun, all before it have been; they end in any order.
 */
#ifndef BASE_CREW_H
#define BASE_CREW_H

#include <stdbool.h>
#include <stddef.h>

enum { CREW_MOST = 16 }; /* threads, the caller counted */

/* Does piece `i`. False: no more need be begun. Runs on any thread of the crew. */
typedef bool crew_work(void *ctx, size_t i);

/* Does pieces 0 to n - 1; returns when all that were begun are done. With `politely`, threads
 * that are not the caller's give way to all others of the machine (nice 10): for work beside
 * which queries are answered.
 *
 * In a scope (scope.h), each thread has one of its own, and what all have taken is the caller's
 * at the end. When memory ends on one of them, no more is begun, and the caller's scope fails.
 * A piece leaves alone what its caller took before. */
void crew_run(size_t n, bool politely, crew_work *work, void *ctx);

#endif
