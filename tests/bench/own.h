/* own.h - memory that is one worker's own; and all the rest of the process, made read-only.
 *
 * What a thread allocates between own_begin() and own_end() comes from one region of pages (the
 * linker wraps malloc() and its kin for our code). own_lock() then takes the right to write
 * away from everything else: heap, data of the program and of all libraries, other threads'
 * memory. Who writes there all the same is told with the place, and the process ends with
 * OWN_WRITTEN.
 */
#ifndef BENCH_OWN_H
#define BENCH_OWN_H

#include <stdbool.h>
#include <stddef.h>

enum { OWN_WRITTEN = 3, OWN_WRITTEN_AS_TOLD = 4 };

/* What this thread allocates from now on is the worker's. */
void own_begin(void);
void own_end(void);

/* Some of it: at a page's border, for a stack; or as realloc() does (0 frees), for a library.
 */
void *own_pages(size_t len);
void *own_resize(void *p, long len);

/* How many times the worker has allocated since own_lock(). */
unsigned own_allocations(void);

/* `len` bytes that are shared by design. They stay writable; or, `watched`, they do not, and
 * who writes there ends the process with OWN_WRITTEN_AS_TOLD. One such place; before
 * own_lock(). */
void own_exempt(const void *at, size_t len, bool watched);

/* From here to own_unlock() the caller may use its stack and bare system calls, and nothing
 * else: even errno is locked. */
void own_lock(void);
void own_unlock(void);

#endif
