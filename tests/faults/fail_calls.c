/* fail_calls.c - system calls that fail when a test says so, for a whole process: LD_PRELOAD.
 *
 * FAIL_CALLS names a file that the test has mapped, too: what stands in it decides, from the moment it is written. Calls of any
 * thread count, of the program and of its libraries, but not those that libc makes for itself.
 */
#include <dlfcn.h>
#include <errno.h>
#include <fcntl.h>
#include <pthread.h>
#include <stdarg.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <sys/epoll.h>
#include <sys/mman.h>
#include <sys/socket.h>
#include <sys/stat.h>
#include <sys/syscall.h>
#include <unistd.h>

/* The test has them by number, in this order. */
enum call { OPEN, READ, WRITE, SYNC, RENAME, TRUNCATE, SOCKET, BIND, ACCEPT, EPOLL, MAP, THREAD, SEND, STAT, PIPE, UNLINK, CALLS };

/* All atomic. */
struct plan {
	uint64_t call;  /* enum call */
	uint64_t first; /* the number of the first that fails, from 1; 0: none does */
	uint64_t n;     /* so many fail */
	uint64_t error; /* errno */
	uint64_t seen[CALLS], failed;
};

static struct plan *plan;

__attribute__((constructor)) static void map_plan(void)
{
	const char *path = getenv("FAIL_CALLS");
	const int fd = path ? (int)syscall(SYS_openat, AT_FDCWD, path, O_RDWR | O_CLOEXEC) : -1;

	if (fd < 0)
		return;
	void *p = (void *)syscall(SYS_mmap, NULL, sizeof *plan, PROT_READ | PROT_WRITE, MAP_SHARED, fd, 0);
	syscall(SYS_close, fd);
	if (p != MAP_FAILED)
		plan = p;
}

static int fails(enum call call)
{
	if (!plan)
		return 0;
	const uint64_t at = __atomic_add_fetch(&plan->seen[call], 1, __ATOMIC_RELAXED),
		       first = __atomic_load_n(&plan->first, __ATOMIC_ACQUIRE);
	if (!first || __atomic_load_n(&plan->call, __ATOMIC_RELAXED) != call || at < first ||
		at - first >= __atomic_load_n(&plan->n, __ATOMIC_RELAXED))
		return 0;
	__atomic_add_fetch(&plan->failed, 1, __ATOMIC_RELAXED);
	errno = (int)__atomic_load_n(&plan->error, __ATOMIC_RELAXED);
	return 1;
}

/* Of what is no file on a disk, nothing of the kind happens; and libev's loops wake each other up by such. */
static int is_file(int fd)
{
	struct stat st;

	return syscall(SYS_fstat, fd, &st) == 0 && S_ISREG(st.st_mode);
}

#define FIND(name) static __typeof__(&name) real; if (!real) real = (__typeof__(&name))dlsym(RTLD_NEXT, #name)
#define WRAP(kind, type, bad, name, params, ...)                  \
	type name params                                          \
	{                                                         \
		FIND(name);                                       \
		return fails(kind) ? bad : real(__VA_ARGS__);     \
	}

#define WRAP_FILE(kind, name, params, fd, ...)                                    \
	ssize_t name params                                                       \
	{                                                                         \
		FIND(name);                                                       \
		return is_file(fd) && fails(kind) ? -1 : real(fd, __VA_ARGS__);   \
	}

#define OPENING(name, params, ...)                                                  \
	int name params                                                             \
	{                                                                           \
		FIND(name);                                                         \
		va_list ap;                                                         \
		va_start(ap, flags);                                                \
		const unsigned mode = flags & (O_CREAT | O_TMPFILE) ? va_arg(ap, unsigned) : 0; \
		va_end(ap);                                                         \
		return fails(OPEN) ? -1 : real(__VA_ARGS__, mode);                  \
	}

OPENING(open, (const char *path, int flags, ...), path, flags)
OPENING(open64, (const char *path, int flags, ...), path, flags)
OPENING(openat, (int at, const char *path, int flags, ...), at, path, flags)
OPENING(openat64, (int at, const char *path, int flags, ...), at, path, flags)
WRAP(OPEN, FILE *, NULL, fopen, (const char *path, const char *mode), path, mode)
WRAP_FILE(READ, read, (int fd, void *to, size_t n), fd, to, n)
WRAP_FILE(READ, pread, (int fd, void *to, size_t n, off_t at), fd, to, n, at)
WRAP_FILE(READ, pread64, (int fd, void *to, size_t n, off64_t at), fd, to, n, at)
WRAP_FILE(WRITE, write, (int fd, const void *from, size_t n), fd, from, n)
WRAP_FILE(WRITE, pwrite, (int fd, const void *from, size_t n, off_t at), fd, from, n, at)
WRAP_FILE(WRITE, pwrite64, (int fd, const void *from, size_t n, off64_t at), fd, from, n, at)
WRAP(SYNC, int, -1, fsync, (int fd), fd)
WRAP(SYNC, int, -1, fdatasync, (int fd), fd)
WRAP(RENAME, int, -1, rename, (const char *from, const char *to), from, to)
WRAP(RENAME, int, -1, renameat, (int a, const char *from, int b, const char *to), a, from, b, to)
WRAP(TRUNCATE, int, -1, ftruncate, (int fd, off_t n), fd, n)
WRAP(TRUNCATE, int, -1, ftruncate64, (int fd, off64_t n), fd, n)
WRAP(SOCKET, int, -1, socket, (int family, int type, int protocol), family, type, protocol)
WRAP(SOCKET, int, -1, socketpair, (int family, int type, int protocol, int ends[2]), family, type, protocol, ends)
WRAP(BIND, int, -1, bind, (int fd, const struct sockaddr *sa, socklen_t len), fd, sa, len)
WRAP(BIND, int, -1, listen, (int fd, int n), fd, n)
WRAP(ACCEPT, int, -1, accept4, (int fd, struct sockaddr *sa, socklen_t *len, int flags), fd, sa, len, flags)
/* Only what is added takes memory of the kernel; and libev takes it for the end when anything else fails. */
int epoll_ctl(int fd, int what, int on, struct epoll_event *e)
{
	FIND(epoll_ctl);
	return what == EPOLL_CTL_ADD && fails(EPOLL) ? -1 : real(fd, what, on, e);
}

WRAP(MAP, void *, MAP_FAILED, mmap, (void *at, size_t len, int prot, int flags, int fd, off_t from), at, len, prot, flags, fd, from)
WRAP(THREAD, int, errno, pthread_create, (pthread_t *to, const pthread_attr_t *attr, void *(*run)(void *), void *arg), to, attr, run, arg)
WRAP(SEND, ssize_t, -1, sendmsg, (int fd, const struct msghdr *m, int flags), fd, m, flags)
WRAP(SEND, ssize_t, -1, send, (int fd, const void *from, size_t n, int flags), fd, from, n, flags)
WRAP(STAT, int, -1, fstat, (int fd, struct stat *to), fd, to)
WRAP(STAT, int, -1, stat, (const char *path, struct stat *to), path, to)
WRAP(STAT, int, -1, lstat, (const char *path, struct stat *to), path, to)
WRAP(PIPE, int, -1, pipe2, (int ends[2], int flags), ends, flags)
WRAP(PIPE, int, -1, eventfd, (unsigned n, int flags), n, flags)
WRAP(UNLINK, int, -1, unlink, (const char *path), path)
