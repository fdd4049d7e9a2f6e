/* failing.h - memory and threads that end when a test says so.
 *
 * The unit tests are linked so that what they and our rooms take of the heap and of the
 * kernel's pages comes by here; what libraries take for themselves does not.
 */
#ifndef UNIT_FAILING_H
#define UNIT_FAILING_H

#include <stdbool.h>
#include <stddef.h>

/* From the `first`-th allocation on (1 is the next), of any thread, `n` fail. */
void failing_start(size_t first, size_t n);
/* None fails any more. How many have. */
size_t failing_stop(void);

/* Runs work(ctx) again and again: each time another of its allocations fails, the first, the
 * second and so on; alone, and then with all that come after it. Ends when there was nothing
 * left to fail. `work` tells its own opinion by CU_ASSERT, with failing_count() to know whether
 * something has failed. How many allocations there are. */
size_t failing_each(void (*work)(void *ctx), void *ctx);
size_t failing_count(void);

/* While true, no thread is to be had. */
void failing_threads(bool on);

/* How many bytes of pages our rooms have from the kernel now. */
size_t failing_mapped(void);

/* How many blocks they hold of the heap. What a library gives back for them, or they for a
 * library, counts once: only what grows with each of several like runs tells something. */
size_t failing_held(void);

#endif
