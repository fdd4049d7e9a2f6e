#include "base/memory.h"

#include "base/log.h"
#include "base/scope.h"

#include <stdint.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>

/* Pages of its own, so that what is let go of serves any size. */
static struct {
	void *pages; /* atomic; NULL: gone, or there never were any */
	size_t len;  /* set before there are threads */
} reserve;

/* --- the reserve -------------------------------------------------------------------------- */

static void *take_pages(size_t len)
{
	void *p = mmap(NULL, len, PROT_READ | PROT_WRITE, MAP_PRIVATE | MAP_ANONYMOUS, -1, 0);

	return p == MAP_FAILED ? NULL : p;
}

void memory_reserve(size_t len)
{
	reserve.len = len;
	reserve.pages = take_pages(len);
	if (!reserve.pages)
		die("out of memory (%zu bytes wanted as a reserve)", len);
}

bool memory_release(void)
{
	void *p = __atomic_exchange_n(&reserve.pages, NULL, __ATOMIC_ACQ_REL);

	if (!p)
		return false;
	munmap(p, reserve.len);
	log_line(LOG_ERROR, "out of memory; going on with the %zu KiB that were kept for that",
		reserve.len >> 10);
	return true;
}

bool memory_is_low(void)
{
	return reserve.len && !__atomic_load_n(&reserve.pages, __ATOMIC_ACQUIRE);
}

void memory_refill(void)
{
	void *p = memory_is_low() ? take_pages(reserve.len) : NULL;

	if (!p)
		return;
	__atomic_store_n(&reserve.pages, p, __ATOMIC_RELEASE);
	log_line(LOG_NOTICE, "there is memory again");
}

void memory_ends(size_t wanted)
{
	if (scope_is_on())
		scope_fail();
	if (wanted)
		die("out of memory (%zu bytes wanted)", wanted);
	die("out of memory");
}

/* --- blocks ------------------------------------------------------------------------------- */

/* In a scope it is not: what is left is for the loop, and the scope's work gives back more. The
 * reserve may have gone at another thread's want. */
bool memory_again(void)
{
	return !scope_is_on() && (memory_release() || reserve.len);
}

static void *taken(void *p)
{
	scope_hold_block(p, 0);
	return p;
}

void *memory_zeroed(size_t n, size_t size)
{
	void *p = calloc(n ? n : 1, size ? size : 1);

	if (!p && memory_again())
		p = calloc(n ? n : 1, size ? size : 1);
	if (!p)
		memory_ends(n * size);
	return taken(p);
}

void *memory_grow(void *p, size_t len)
{
	const size_t room = len ? len : 1;
	const volatile uintptr_t from = (uintptr_t)
		p; /* a number: `p` is nobody's behind realloc() */
	void *q = realloc(p, room);

	if (!q && memory_again())
		q = realloc(p, room);
	if (!q)
		memory_ends(len);
	if (!from)
		return taken(q);
	if (scope_is_on())
		scope_moved(from, q, 0);
	return q;
}

char *memory_strndup(const char *s, size_t most)
{
	const size_t len = strnlen(s, most);
	char *copy = memory_grow(NULL, len + 1);

	memcpy(copy, s, len);
	copy[len] = 0;
	return copy;
}

char *memory_strdup(const char *s)
{
	return memory_strndup(s, strlen(s));
}

void *memory_need(void *p)
{
	if (!p)
		memory_ends(0);
	return taken(p);
}

void *memory_try(size_t len)
{
	void *p = malloc(len ? len : 1);

	if (!p && memory_again())
		p = malloc(len ? len : 1);
	if (!p && scope_is_on())
		scope_fail();
	return p ? taken(p) : NULL;
}

void *memory_beside(void *p, size_t len)
{
	void *q = realloc(p, len ? len : 1);

	return q || !memory_again() ? q : realloc(p, len ? len : 1);
}

void memory_huge(void *p, size_t len)
{
	enum { HUGE_PAGE = 2 << 20 };
	const uintptr_t from = ((uintptr_t)p + HUGE_PAGE - 1) / HUGE_PAGE * HUGE_PAGE, end = ((uintptr_t)p + len) / HUGE_PAGE * HUGE_PAGE;

	if (p && from < end)
		madvise((void *)from, end - from, MADV_HUGEPAGE);
}

void memory_free(void *p)
{
	if (p && scope_is_on())
		scope_forget_block(p);
	free(p);
}
