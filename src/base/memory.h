/* memory.h - memory that is there, or the end.
 *
 * For the control thread while it builds: without memory nothing it makes would be of use
 * (die()).
 */
#ifndef BASE_MEMORY_H
#define BASE_MEMORY_H

#include <stddef.h>

/* `n` things of `size` bytes, zero; the caller frees. `n` 0 is allowed. */
void *memory_zeroed(size_t n, size_t size);

/* As realloc(). */
void *memory_grow(void *p, size_t len);

/* `p`, which some function of libc has allocated, unless it is NULL. */
void *memory_need(void *p);

#endif
