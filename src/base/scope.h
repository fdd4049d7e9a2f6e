/* scope.h - what a piece of long work has taken so far, so that all of it can be let go of at
 * once when memory ends.
 *
 * A server that answers queries cannot end because a reload finds no memory, and code that
 * looks at the result of each of a thousand allocations is never tested. So work of the kind
 * that may fail as a whole runs in a scope, as queries of PostgreSQL do with their resource
 * owners: what it takes is written down, and when memory ends all of it is given back and the
 * work is over, wherever it stood.
 *
 * Blocks of memory are written down by memory.h, arenas and tables of networks with it; counts
 * of shared things by their _hold() and _drop(); whatever else must be undone (an open file, a
 * parser of a library) by who takes it. Nothing of this costs anything but a look at a variable
 * of the thread where no scope is on.
 *
 * What work in a scope may not do: change, grow or let go of what it has not taken itself and
 * others still use, since that is not undone. Each thread has scopes of its own.
 */
#ifndef BASE_SCOPE_H
#define BASE_SCOPE_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

typedef void scope_work(void *ctx);
typedef void scope_drop(void *p);

/* Runs `work` on this thread. True: it came to its end, and what it took is the caller's; if
 * the caller is in a scope, of that scope. False: memory has ended in it, and everything that
 * it took has been given back. Objects on its stack are there while that is done. */
bool scope_run(scope_work *work, void *ctx);

/* The same for work that may be asked to end early: once `*stop` is true (atomic), the next
 * scope_check() in it fails the scope. */
bool scope_run_until(scope_work *work, void *ctx, const bool *stop);

/* In loops that take long without an allocation. Cheap; nothing without such a scope. */
void scope_check(void);

/* Is one on, on this thread? */
bool scope_is_on(void);

/* Memory has ended: gives back what the scope has, and its scope_run() is false. In a scope
 * only. */
void scope_fail(void) __attribute__((noreturn));

/* What must be let go of by drop(p); the same may be held many times. When there is no memory
 * to write it down it is dropped at once, and the scope fails. Without a scope both do nothing.
 * What was not held is forgotten, too: scope_forget() is for any place that lets go. */
void scope_hold(void *p, scope_drop *drop);
void scope_forget(void *p, scope_drop *drop);

/* A block of memory: of the heap, or with a `len` of pages, for munmap(). Blocks are given back
 * behind all that is dropped. scope_moved() says that a block is elsewhere now, and never
 * fails; false when it is not written down. */
void scope_hold_block(void *p, size_t len);
void scope_forget_block(void *p);
bool scope_moved(uintptr_t from, void *to, size_t len);

/* --- of several threads ------------------------------------------------------------------- */

/* What a work has taken, on its way to another thread. */
struct scope_kept {
	struct scope_entry *slot;
	size_t slots, n, drops;
	struct scope_kept *next; /* that is undone with it */
};

/* As scope_run(), but apart from the scopes of this thread: what `work` took is put into
 * `kept`. */
bool scope_run_apart(scope_work *work, void *ctx, struct scope_kept *kept);

/* All of `n` goes over to the scope of this thread, which fails when it has no room for it. */
void scope_take(struct scope_kept *kept, size_t n);

#endif
