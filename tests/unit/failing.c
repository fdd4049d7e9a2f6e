#include "unit/failing.h"

#include <errno.h>
#include <pthread.h>
#include <stdint.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>
#include <unistd.h>

/* Atomic, all of them. `at` is the number of the allocation that comes next, while it counts.
 */
static struct {
	size_t first, last, at, failed;
} plan;

static bool fails(void)
{
	if (!__atomic_load_n(&plan.first, __ATOMIC_RELAXED))
		return false;
	const size_t at = __atomic_fetch_add(&plan.at, 1, __ATOMIC_RELAXED);
	if (at < plan.first || at > plan.last)
		return false;
	__atomic_fetch_add(&plan.failed, 1, __ATOMIC_RELAXED);
	errno = ENOMEM;
	return true;
}

void failing_start(size_t first, size_t n)
{
	plan.at = 1;
	plan.failed = 0;
	plan.last = n < SIZE_MAX - first ? first + n - 1 : SIZE_MAX;
	plan.first = first;
}

size_t failing_stop(void)
{
	__atomic_store_n(&plan.first, 0, __ATOMIC_RELAXED);
	return plan.failed;
}

size_t failing_count(void)
{
	return plan.failed;
}

size_t failing_each(void (*work)(void *ctx), void *ctx)
{
	size_t k = 0;

	do {
		failing_start(++k, 1);
		work(ctx);
		failing_stop();
		failing_start(k, SIZE_MAX);
		work(ctx);
	} while (failing_stop());
	return k - 1;
}

static bool no_threads; /* atomic */

void failing_threads(bool on)
{
	__atomic_store_n(&no_threads, on, __ATOMIC_RELAXED);
}

static size_t mapped; /* atomic */

size_t failing_mapped(void)
{
	return __atomic_load_n(&mapped, __ATOMIC_RELAXED);
}

/* To whole pages. */
static size_t whole(size_t len)
{
	const size_t page = (size_t)sysconf(_SC_PAGESIZE);

	return (len + page - 1) / page * page;
}

static size_t held; /* atomic */

size_t failing_held(void)
{
	return __atomic_load_n(&held, __ATOMIC_RELAXED);
}

static void *count(void *p)
{
	if (p)
		__atomic_add_fetch(&held, 1, __ATOMIC_RELAXED);
	return p;
}

/* --- what the linker sends here ----------------------------------------------------------- */

/* Where words are of 32 bits, and files are longer, the C library's mmap() is this one. */
#if __SIZEOF_LONG__ < 8
#define __real_mmap __real_mmap64
#define __wrap_mmap __wrap_mmap64
#endif

void *__real_malloc(size_t len);
void *__real_calloc(size_t n, size_t len);
void *__real_realloc(void *p, size_t len);
void *__real_aligned_alloc(size_t line, size_t len);
void __real_free(void *p);
char *__real_strdup(const char *s);
char *__real_strndup(const char *s, size_t n);
void *__real_mmap(void *at, size_t len, int prot, int flags, int fd, off_t from);
void *__real_mremap(void *p, size_t from, size_t to, int flags);
int __real_munmap(void *p, size_t len);

int __real_pthread_create(
	pthread_t *id, const pthread_attr_t *attr, void *(*run)(void *), void *ctx);

void *__wrap_malloc(size_t len);
void *__wrap_calloc(size_t n, size_t len);
void *__wrap_realloc(void *p, size_t len);
void *__wrap_aligned_alloc(size_t line, size_t len);
void __wrap_free(void *p);
char *__wrap_strdup(const char *s);
char *__wrap_strndup(const char *s, size_t n);
void *__wrap_mmap(void *at, size_t len, int prot, int flags, int fd, off_t from);
void *__wrap_mremap(void *p, size_t from, size_t to, int flags);
int __wrap_munmap(void *p, size_t len);
int __wrap_pthread_create(
	pthread_t *id, const pthread_attr_t *attr, void *(*run)(void *), void *ctx);

void *__wrap_malloc(size_t len)
{
	return fails() ? NULL : count(__real_malloc(len));
}

void *__wrap_calloc(size_t n, size_t len)
{
	return fails() ? NULL : count(__real_calloc(n, len));
}

void *__wrap_realloc(void *p, size_t len)
{
	if (fails())
		return NULL;
	return p ? __real_realloc(p, len) : count(__real_realloc(p, len));
}

void *__wrap_aligned_alloc(size_t line, size_t len)
{
	return count(__real_aligned_alloc(line, len));
}

void __wrap_free(void *p)
{
	if (p)
		__atomic_sub_fetch(&held, 1, __ATOMIC_RELAXED);
	__real_free(p);
}

char *__wrap_strdup(const char *s)
{
	return fails() ? NULL : count(__real_strdup(s));
}

char *__wrap_strndup(const char *s, size_t n)
{
	return fails() ? NULL : count(__real_strndup(s, n));
}

void *__wrap_mmap(void *at, size_t len, int prot, int flags, int fd, off_t from)
{
	void *p = fails() ? MAP_FAILED : __real_mmap(at, len, prot, flags, fd, from);

	if (p != MAP_FAILED)
		__atomic_add_fetch(&mapped, whole(len), __ATOMIC_RELAXED);
	return p;
}

void *__wrap_mremap(void *p, size_t from, size_t to, int flags)
{
	void *q = fails() ? MAP_FAILED : __real_mremap(p, from, to, flags);

	if (q != MAP_FAILED)
		__atomic_add_fetch(&mapped, whole(to) - whole(from), __ATOMIC_RELAXED);
	return q;
}

int __wrap_munmap(void *p, size_t len)
{
	__atomic_sub_fetch(&mapped, whole(len), __ATOMIC_RELAXED);
	return __real_munmap(p, len);
}

int __wrap_pthread_create(
	pthread_t *id, const pthread_attr_t *attr, void *(*run)(void *), void *ctx)
{
	if (__atomic_load_n(&no_threads, __ATOMIC_RELAXED))
		return EAGAIN;
	return __real_pthread_create(id, attr, run, ctx);
}
