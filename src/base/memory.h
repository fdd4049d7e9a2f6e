/* memory.h - memory that is there, or the end of the work that wants it.
 *
 * In a scope (scope.h) a block is written down there until memory_free() gets it, and when
 * there is no memory the scope fails. Without one, on the loop and at boot and in the tools, a
 * reserve is given back to the heap when memory ends, so that what is little is found once
 * more; only when that is not enough is it die(). Any thread.
 */
#ifndef BASE_MEMORY_H
#define BASE_MEMORY_H

#include <stdbool.h>
#include <stddef.h>

/* `n` things of `size` bytes, zero. `n` 0 is allowed. */
void *memory_zeroed(size_t n, size_t size);

/* As realloc(). */
void *memory_grow(void *p, size_t len);

char *memory_strdup(const char *s);
char *memory_strndup(const char *s, size_t most);

/* `p`, which some function of libc has allocated, unless it is NULL. */
void *memory_need(void *p);

/* As malloc(), for libraries that know what to do when it is NULL: without a scope it is when
 * the reserve does not help either. */
void *memory_try(size_t len);

/* As realloc(), for what is looked at by who wants it: of no scope, and NULL is no end of it.
 * Without a scope it is when the reserve does not help either. For free() and memory_free(). */
void *memory_beside(void *p, size_t len);

/* What is large, is soon written all over and is then read here and there: asks for huge pages, before it is written. A wish. */
void memory_huge(void *p, size_t len);

/* Gives back what any of these gave, or NULL. What was taken in a scope, or may have been, must
 * not go by another way. */
void memory_free(void *p);

/* Nobody has any: fails the scope, or is the end. `wanted` bytes, for the message. */
void memory_ends(size_t wanted) __attribute__((noreturn));

/* --- the reserve -------------------------------------------------------------------------- */

/* At start: so many bytes are kept for when there are no others. */
void memory_reserve(size_t len);

/* Lets go of the reserve, and says so, once; worth another try. False: it is gone already, or
 * there was none. */
bool memory_release(void);

/* Is an allocation that has failed worth another try? Lets go of the reserve where it is not
 * left to others. */
bool memory_again(void);

/* It is gone. */
bool memory_is_low(void);

/* Takes it again if it is gone and there is room for it. Now and then, by one thread. */
void memory_refill(void);

#endif
