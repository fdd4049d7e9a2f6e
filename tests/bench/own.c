#include "bench/own.h"

#include <dirent.h>
#include <fcntl.h>
#include <pthread.h>
#include <signal.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>
#include <ucontext.h>
#include <unistd.h>

enum {
	REGION = 256 << 20,
	PAGE = 4096,
	ALIGNMENT = 64,
	MAPS_ROOM = 1 << 20,
	LOCKS_MOST = 4096,
	KEPT = 3
};

#if defined(__x86_64__)
#define CODE_OF(context) ((uintptr_t)(context)->uc_mcontext.gregs[REG_RIP])
#elif defined(__aarch64__)
#define CODE_OF(context) ((uintptr_t)(context)->uc_mcontext.pc)
#else
#define CODE_OF(context) ((void)(context), (uintptr_t)&__executable_start)
#endif

extern const char __executable_start;

/* The worker's own pages, of which this is the first. */
struct region {
	size_t used;
	unsigned allocations;
	_Alignas(PAGE) uint8_t pages[];
};

struct range {
	uintptr_t from, to;
};

/* One worker is looked at in the life of a process. Wrapped allocators and a signal handler can
 * be given nothing, so it stands here. */
static struct {
	struct region *region;
	struct range exempt, keep[KEPT];
	bool watched;
	struct range locks[LOCKS_MOST];
	unsigned n_locks;
	char maps[MAPS_ROOM];
} own;

static _Thread_local bool owning;

static void give_up(const char *why)
{
	fprintf(stderr, "shared: %s\n", why);
	_exit(2);
}

/* --- memory of its own -------------------------------------------------------------------- */

void own_begin(void)
{
	if (!own.region) {
		own.region = mmap(NULL, REGION, PROT_READ | PROT_WRITE,
			MAP_PRIVATE | MAP_ANONYMOUS | MAP_NORESERVE, -1, 0);
		if (own.region == MAP_FAILED)
			give_up("no memory");
		own.region->used = sizeof *own.region;
	}
	owning = true;
}

void own_end(void)
{
	owning = false;
}

static bool is_own(const void *p)
{
	return own.region && (uintptr_t)p - (uintptr_t)own.region < REGION;
}

/* Zero, and not another's before: what is freed is not used again. Its length stands before it.
 */
static void *take(size_t len, size_t alignment)
{
	struct region *r = own.region;
	const size_t at = (r->used + sizeof len + alignment - 1) / alignment * alignment;

	if (len > REGION || at + len > REGION)
		give_up("the worker's region is full");
	uint8_t *p = (uint8_t *)r + at;
	memcpy(p - sizeof len, &len, sizeof len);
	r->used = at + len;
	r->allocations++;
	return p;
}

static void *take_again(const void *before, size_t len)
{
	size_t had;

	void *p = take(len, ALIGNMENT);
	if (before) {
		memcpy(&had, (const uint8_t *)before - sizeof had, sizeof had);
		memcpy(p, before, had < len ? had : len);
	}
	return p;
}

void *own_pages(size_t len)
{
	return take(len, PAGE);
}

void *own_resize(void *p, long len)
{
	return len ? take_again(p, (size_t)len) : NULL;
}

unsigned own_allocations(void)
{
	return own.region->allocations;
}

/* --- instead of libc's (ld --wrap) -------------------------------------------------------- */

void *__real_malloc(size_t len);
void *__real_calloc(size_t n, size_t size);
void *__real_realloc(void *p, size_t len);
void *__real_aligned_alloc(size_t alignment, size_t len);
void *__real_mmap(void *at, size_t len, int prot, int flags, int fd, off_t offset);
void __real_free(void *p);

void *__wrap_malloc(size_t len)
{
	return owning ? take(len, ALIGNMENT) : __real_malloc(len);
}

void *__wrap_calloc(size_t n, size_t size)
{
	return owning ? take(n * size, ALIGNMENT) : __real_calloc(n, size);
}

void *__wrap_realloc(void *p, size_t len)
{
	return owning ? take_again(p, len) : __real_realloc(p, len);
}

void *__wrap_aligned_alloc(size_t alignment, size_t len)
{
	return owning ? take(len, alignment) : __real_aligned_alloc(alignment, len);
}

void *__wrap_mmap(void *at, size_t len, int prot, int flags, int fd, off_t offset)
{
	return owning ? take(len, PAGE) : __real_mmap(at, len, prot, flags, fd, offset);
}

void __wrap_free(void *p)
{
	if (!is_own(p))
		__real_free(p);
}

/* --- the rest, read-only ------------------------------------------------------------------ */

void own_exempt(const void *at, size_t len, bool watched)
{
	own.exempt = (struct range){ (uintptr_t)at, (uintptr_t)at + len };
	own.watched = watched;
}

static void on_write(int signal_number, siginfo_t *info, void *context)
{
	const uintptr_t at = (uintptr_t)info->si_addr;
	const ucontext_t *c = context;
	char said[256];

	(void)signal_number;
	if (own.watched && at >= own.exempt.from && at < own.exempt.to)
		_exit(OWN_WRITTEN_AS_TOLD);
	const char *line = own.maps, *end;
	for (; (end = strchr(line, '\n')); line = end + 1) {
		char *to;
		if (at >= strtoul(line, &to, 16) && at < strtoul(to + 1, NULL, 16))
			break;
	}
	const int n = snprintf(said, sizeof said,
		"shared: a write to %p from code at +0x%lx, into\n%.*s\n", info->si_addr,
		(unsigned long)(CODE_OF(c) - (uintptr_t)&__executable_start),
		end ? (int)(end - line) : 0, line);
	if (write(STDERR_FILENO, said, n < (int)sizeof said ? (size_t)n : sizeof said - 1) < 0)
		_exit(2);
	_exit(OWN_WRITTEN);
}

/* What may be written by nobody: a mapping but for what is kept, from the k-th on. */
static void lock_range(uintptr_t from, uintptr_t to, unsigned k)
{
	if (from >= to)
		return;
	if (k == KEPT) {
		if (own.n_locks == LOCKS_MOST)
			give_up("there are too many mappings");
		own.locks[own.n_locks++] = (struct range){ from, to };
		return;
	}
	const struct range *keep = &own.keep[k];
	if (keep->to <= from || keep->from >= to) {
		lock_range(from, to, k + 1);
	} else {
		lock_range(from, keep->from, k + 1);
		lock_range(keep->to, to, k + 1);
	}
}

/* The worker's region; what is exempt; and the caller's thread control block, where the kernel
 * notes the processor that it runs on (rseq(2)). */
static void keep_what_is_kept(void)
{
	const uintptr_t region = (uintptr_t)own.region,
			self = (uintptr_t)pthread_self() / PAGE * PAGE;

	own.keep[0] = (struct range){ region, region + REGION };
	own.keep[1] = (struct range){ self, self + 2 * PAGE };
	if (!own.watched)
		own.keep[2] = own.exempt;
}

static void read_maps(void)
{
	const int fd = open("/proc/self/maps", O_RDONLY | O_CLOEXEC);
	size_t len = 0;
	ssize_t n;

	while ((n = read(fd, own.maps + len, MAPS_ROOM - 1 - len)) > 0)
		len += (size_t)n;
	close(fd);
	if (n < 0 || len == 0 || len == MAPS_ROOM - 1)
		give_up("cannot read /proc/self/maps");
}

/* Whether that thread of ours waits in the kernel. */
static bool sleeps(const char *tid)
{
	char path[300], said[256]; /* with any name of a file */

	snprintf(path, sizeof path, "/proc/self/task/%s/stat", tid);
	const int fd = open(path, O_RDONLY | O_CLOEXEC);
	const ssize_t n = fd < 0 ? -1 : read(fd, said, sizeof said - 1);
	if (fd >= 0)
		close(fd);
	if (n <= 0)
		return true; /* it has ended */
	said[n] = '\0';
	const char *state = strrchr(said, ')'); /* behind the program's name (proc(5)) */
	return state && strncmp(state, ") S", 3) == 0;
}

/* Every thread has a stack, and one that was made and has not come to run yet would find it
 * locked: until all but the caller have nothing to do. */
static void wait_for_others(void)
{
	char self[32];
	bool all = false;

	snprintf(self, sizeof self, "%ld", (long)gettid());
	for (unsigned tries = 0; !all && tries < 10000; tries++) {
		DIR *tasks = opendir("/proc/self/task");
		if (!tasks)
			give_up("cannot read /proc/self/task");
		all = true;
		for (const struct dirent *e; (e = readdir(tasks));)
			all = all && (*e->d_name == '.' || !strcmp(e->d_name, self) ||
					     sleeps(e->d_name));
		closedir(tasks);
		if (!all)
			usleep(1000);
	}
	if (!all)
		give_up("a thread is never at rest");
}

void own_lock(void)
{
	wait_for_others();
	const struct sigaction act = { .sa_sigaction = on_write, .sa_flags = SA_SIGINFO };

	sigaction(SIGSEGV, &act, NULL);
	read_maps();
	keep_what_is_kept();
	for (char *line = own.maps, *end; (end = strchr(line, '\n')); line = end + 1) {
		char *rest;
		const uintptr_t from = strtoul(line, &rest, 16),
				to = strtoul(rest + 1, &rest, 16);
		const bool ours = memmem(line, (size_t)(end - line), "[stack]", 7) != NULL;
		if (rest[2] == 'w' && !ours)
			lock_range(from, to, 0);
	}
	own.region->allocations = 0;
	for (unsigned i = 0; i < own.n_locks; i++)
		if (mprotect((void *)own.locks[i].from, own.locks[i].to - own.locks[i].from,
			    PROT_READ))
			_exit(2);
}

void own_unlock(void)
{
	for (unsigned i = 0; i < own.n_locks; i++)
		if (mprotect((void *)own.locks[i].from, own.locks[i].to - own.locks[i].from,
			    PROT_READ | PROT_WRITE))
			_exit(2);
}
