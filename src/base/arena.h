/* arena.h - memory of things that die together.
 *
 * Grows by chunks; nothing is freed but all at once. One thread at a time.
 */
#ifndef BASE_ARENA_H
#define BASE_ARENA_H

#include <stddef.h>

struct arena_chunk;

struct arena {
	struct arena_chunk *chunks; /* the newest first */
	unsigned char *at, *end;    /* free part of the newest */
	size_t total;               /* bytes taken from the heap */
};

/* `struct arena a = { 0 }` is ready too. */
void arena_init(struct arena *a);
void arena_fini(struct arena *a);

/* Aligned for any type; `len` 0 is allowed. Never NULL: memory comes as by memory.h. */
void *arena_alloc(struct arena *a, size_t len);
void *arena_zalloc(struct arena *a, size_t len);

char *arena_strdup(struct arena *a, const char *s);
void *arena_memdup(struct arena *a, const void *p, size_t len);

#endif
