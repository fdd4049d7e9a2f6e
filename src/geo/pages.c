#include "geo/pages.h"

#include "base/memory.h"
#include "base/scope.h"

#include <stdint.h>
#include <string.h>
#include <sys/mman.h>
#include <unistd.h>

enum { GROW_FIRST = 1024, HUGE_PAGE = 2 << 20 };

size_t pages_round(size_t len)
{
	const size_t page = (size_t)sysconf(_SC_PAGESIZE);

	return (len + page - 1) / page * page;
}

/* In a scope, pages are written down there as blocks are. */
static void *map(size_t len)
{
	const int prot = PROT_READ | PROT_WRITE, flags = MAP_PRIVATE | MAP_ANONYMOUS;
	void *p = mmap(NULL, len, prot, flags, -1, 0);

	if (p == MAP_FAILED && memory_again())
		p = mmap(NULL, len, prot, flags, -1, 0);
	if (p == MAP_FAILED)
		memory_ends(len);
	scope_hold_block(p, len);
	return p;
}

static void *remap(void *p, size_t from, size_t to)
{
	void *q = mremap(p, from, to, MREMAP_MAYMOVE);

	if (q == MAP_FAILED && memory_again())
		q = mremap(p, from, to, MREMAP_MAYMOVE);
	if (q == MAP_FAILED)
		memory_ends(to);
	scope_moved((uintptr_t)p, q, to);
	return q;
}

void *pages_resize(void *p, size_t old_len, size_t new_len)
{
	const size_t from = pages_round(old_len), to = pages_round(new_len);

	if (from == to)
		return p;
	if (from == 0)
		return map(to);
	if (to)
		return remap(p, from, to);
	scope_forget_block(p);
	munmap(p, from);
	return NULL;
}

void *pages_table(size_t len)
{
	const size_t whole = pages_round(len);

	if (len < HUGE_PAGE)
		return pages_resize(NULL, 0, len);
	/* As much more as brings the start to a huge page's border, and back what is before
	 * and behind. */
	uint8_t *all = pages_resize(NULL, 0, whole + HUGE_PAGE);
	const size_t before = -(uintptr_t)all % HUGE_PAGE;
	if (before)
		munmap(all, before);
	munmap(all + before + whole, HUGE_PAGE - before);
	scope_moved((uintptr_t)all, all + before, whole);
	madvise(all + before, whole, MADV_HUGEPAGE); /* a wish; nothing is lost without */
	return all + before;
}

void *pages_settle(void *p, size_t old_len, size_t new_len)
{
	if (new_len < HUGE_PAGE)
		return pages_resize(p, old_len, new_len);
	void *q = pages_table(new_len);
	memcpy(q, p, new_len);
	pages_resize(p, old_len, 0);
	return q;
}

void *pages_grow(void *p, size_t *room, size_t n, size_t size)
{
	if (n < *room)
		return p;
	const size_t more = *room ? *room * 2 : GROW_FIRST;
	p = pages_resize(p, *room * size, more * size);
	*room = more;
	return p;
}
