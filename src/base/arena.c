#include "base/arena.h"

#include "base/memory.h"

#include <stdint.h>
#include <string.h>

enum { CHUNK_MIN = 4096, CHUNK_MAX = 1 << 20, ALIGN = 16 };

struct arena_chunk {
	struct arena_chunk *next;
	size_t room;
	_Alignas(ALIGN) unsigned char bytes[];
};

void arena_init(struct arena *a)
{
	*a = (struct arena){ 0 };
}

void arena_fini(struct arena *a)
{
	for (struct arena_chunk *c = a->chunks, *next; c; c = next) {
		next = c->next;
		memory_free(c);
	}
	*a = (struct arena){ 0 };
}

/* Chunks double, so that small arenas stay small and large ones take few steps. */
static void grow(struct arena *a, size_t len)
{
	size_t room = a->chunks ? a->chunks->room * 2 : CHUNK_MIN;

	if (room > CHUNK_MAX)
		room = CHUNK_MAX;
	if (room < len)
		room = len;
	struct arena_chunk *c = memory_grow(NULL, sizeof *c + room);
	c->next = a->chunks;
	c->room = room;
	a->chunks = c;
	a->at = c->bytes;
	a->end = c->bytes + room;
	a->total += sizeof *c + room;
}

void *arena_alloc(struct arena *a, size_t len)
{
	if (len > SIZE_MAX / 2)
		memory_ends(len);
	len = (len + ALIGN - 1) & ~(size_t)(ALIGN - 1);
	if ((size_t)(a->end - a->at) < len || !a->chunks)
		grow(a, len);
	void *p = a->at;
	a->at += len;
	return p;
}

void *arena_zalloc(struct arena *a, size_t len)
{
	return memset(arena_alloc(a, len), 0, len);
}

void *arena_memdup(struct arena *a, const void *p, size_t len)
{
	void *q = arena_alloc(a, len);

	return len ? memcpy(q, p, len) : q;
}

char *arena_strdup(struct arena *a, const char *s)
{
	return arena_memdup(a, s, strlen(s) + 1);
}
