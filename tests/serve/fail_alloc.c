/* fail_alloc.c - memory that ends when a test says so, for a whole process: LD_PRELOAD.
 *
 * FAIL_ALLOC names a file of 64 bytes that the test has mapped, too: what stands in it decides,
 * from the moment it is written. Blocks of the heap and anonymous pages count, of any thread;
 * what libc takes for itself (stacks, say) does not come by here.
 */
#include <errno.h>
#include <fcntl.h>
#include <stdint.h>
#include <stdlib.h>
#include <sys/mman.h>
#include <sys/syscall.h>
#include <unistd.h>

/* All atomic. */
struct plan {
	uint64_t first; /* the number of the first that fails, from 1; 0: none does */
	uint64_t n;     /* so many fail */
	uint64_t least; /* only those of so many bytes are counted */
	uint64_t seen;  /* how many have been, and how many failed: the test sets them to 0 */
	uint64_t failed;
};

static struct plan *plan;

void *__libc_malloc(size_t len);
void *__libc_calloc(size_t n, size_t len);
void *__libc_realloc(void *p, size_t len);
void *__libc_memalign(size_t to, size_t len);

__attribute__((constructor)) static void map_plan(void)
{
	const char *path = getenv("FAIL_ALLOC");
	const int fd = path ? open(path, O_RDWR | O_CLOEXEC) : -1;

	if (fd < 0)
		return;
	void *p = (void *)syscall(
		SYS_mmap, NULL, sizeof *plan, PROT_READ | PROT_WRITE, MAP_SHARED, fd, 0);
	close(fd);
	if (p != MAP_FAILED)
		plan = p;
}

static int fails(size_t len)
{
	if (!plan || len < __atomic_load_n(&plan->least, __ATOMIC_RELAXED))
		return 0;
	const uint64_t first = __atomic_load_n(&plan->first, __ATOMIC_ACQUIRE);
	const uint64_t at = __atomic_add_fetch(&plan->seen, 1, __ATOMIC_RELAXED);
	if (!first || at < first || at - first >= __atomic_load_n(&plan->n, __ATOMIC_RELAXED))
		return 0;
	__atomic_add_fetch(&plan->failed, 1, __ATOMIC_RELAXED);
	errno = ENOMEM;
	return 1;
}

void *malloc(size_t len)
{
	return fails(len) ? NULL : __libc_malloc(len);
}

void *calloc(size_t n, size_t len)
{
	return fails(n * len) ? NULL : __libc_calloc(n, len);
}

void *realloc(void *p, size_t len)
{
	return len && fails(len) ? NULL : __libc_realloc(p, len);
}

void *aligned_alloc(size_t to, size_t len)
{
	return fails(len) ? NULL : __libc_memalign(to, len);
}

int posix_memalign(void **p, size_t to, size_t len)
{
	if (fails(len))
		return ENOMEM;
	*p = __libc_memalign(to, len);
	return *p ? 0 : ENOMEM;
}

void *mmap(void *at, size_t len, int prot, int flags, int fd, off_t from)
{
	if (flags & MAP_ANONYMOUS && fails(len))
		return MAP_FAILED;
	return (void *)syscall(SYS_mmap, at, len, prot, flags, fd, from);
}
