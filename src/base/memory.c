#include "base/memory.h"

#include "base/log.h"

#include <stdlib.h>

void *memory_zeroed(size_t n, size_t size)
{
	void *p = calloc(n ? n : 1, size);

	if (!p)
		die("out of memory (%zu times %zu bytes wanted)", n, size);
	return p;
}

void *memory_grow(void *p, size_t len)
{
	p = realloc(p, len ? len : 1);
	if (!p)
		die("out of memory (%zu bytes wanted)", len);
	return p;
}

void *memory_need(void *p)
{
	if (!p)
		die("out of memory");
	return p;
}
