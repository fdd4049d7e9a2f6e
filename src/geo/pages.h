/* pages.h - large arrays, straight from the kernel.
 *
 * malloc() keeps what large tables give back, and copies what grows: with tables of tens of
 * megabytes, both show in the process's size. Memory from here starts at a page border (so
 * that 64-byte blocks lie in one cache line), is zero where nobody has written, takes no
 * room there either, grows without a copy, and goes back at once. Any thread.
 */
#ifndef GEO_PAGES_H
#define GEO_PAGES_H

#include <stddef.h>

/* An array of `old_len` bytes (NULL and 0: none yet) with `new_len` bytes; 0 frees it. Never
 * NULL otherwise: no memory is as for memory.h. The lengths are those that were asked for. */
void *pages_resize(void *p, size_t old_len, size_t new_len);

/* A new array that will be read at random: a large one lies in huge pages where the kernel
 * has some, since looking up a page's address costs as much as reading from it. Freed and
 * resized as any other. */
void *pages_table(size_t len);

/* An array that stays as it is from now on: moves `new_len` of its bytes to where
 * pages_table() would put them. */
void *pages_settle(void *p, size_t old_len, size_t new_len);

/* Doubles an array of `*room` elements of `size` bytes each when `n` are in use: room for
 * one more afterwards. */
void *pages_grow(void *p, size_t *room, size_t n, size_t size);

/* How many bytes `len` bytes really take. */
size_t pages_round(size_t len);

#endif
