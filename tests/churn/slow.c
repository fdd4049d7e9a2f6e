/* slow.c - disks that take their time, are full or broken, and threads that are held, for a
 * whole process: LD_PRELOAD.
 *
 * SLOW names a file of sizeof(struct plan) that the test has mapped, too: what stands in it
 * decides, from the moment it is written. A rule is for some calls on files below a path: they
 * take so much longer, as long as the rule stands, or fail. And a thread that gets the signal
 * of hold_signal() stays where it is for so long: helper threads, which block all signals,
 * leave that one open.
 */
#include <dlfcn.h>
#include <errno.h>
#include <fcntl.h>
#include <pthread.h>
#include <signal.h>
#include <stdarg.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>
#include <sys/stat.h>
#include <time.h>
#include <unistd.h>

enum { RULES = 15, PREFIX = 240, STEP_MS = 20 };
enum { ON_OPEN = 1, ON_STAT = 2, ON_READ = 4, ON_WRITE = 8, ON_SYNC = 16, ON_RENAME = 32 };

/* All numbers atomic; `calls` is written last and is 0 while the others change. */
struct rule {
	uint32_t calls; /* ON_*; 0: none */
	uint32_t delay_ms;
	uint32_t error; /* an errno; 0: none */
	uint32_t seen;  /* how many calls it has met */
	char prefix[PREFIX];
};

struct plan {
	uint32_t hold_us; /* how long a signal holds a thread */
	uint32_t held;    /* how many it has */
	char fill[248];
	struct rule rules[RULES];
};

static struct plan *plan;

static void pause_for(uint64_t ns)
{
	struct timespec t = { (time_t)(ns / 1000000000), (long)(ns % 1000000000) };

	nanosleep(&t, NULL);
}

static int hold_signal(void)
{
	return SIGRTMIN + 5;
}

static void on_hold(int number)
{
	const int err = errno;

	(void)number;
	__atomic_add_fetch(&plan->held, 1, __ATOMIC_RELAXED);
	pause_for((uint64_t)__atomic_load_n(&plan->hold_us, __ATOMIC_RELAXED) * 1000);
	errno = err;
}

/* What stands behind this library. */
static void *behind(void **known, const char *name)
{
	void *at = __atomic_load_n(known, __ATOMIC_RELAXED);

	if (!at) {
		at = dlsym(RTLD_NEXT, name);
		__atomic_store_n(known, at, __ATOMIC_RELAXED);
	}
	return at;
}

#define REAL(result, name, ...)    \
	static void *known_##name; \
	result (*real)(__VA_ARGS__) = (result(*)(__VA_ARGS__))behind(&known_##name, #name)

__attribute__((constructor)) static void map_plan(void)
{
	const char *path = getenv("SLOW");
	REAL(int, open, const char *, int, ...);
	const int fd = path ? real(path, O_RDWR | O_CLOEXEC) : -1;

	if (fd < 0)
		return;
	void *p = mmap(NULL, sizeof *plan, PROT_READ | PROT_WRITE, MAP_SHARED, fd, 0);
	close(fd);
	if (p == MAP_FAILED)
		return;
	plan = p;
	struct sigaction hold = { .sa_handler = on_hold, .sa_flags = SA_RESTART };
	sigaction(hold_signal(), &hold, NULL);
}

/* SHIFT_S in the environment: so many seconds is the time of day ahead. */
static int64_t shift_s(void)
{
	static int64_t known = INT64_MIN;

	if (known == INT64_MIN) {
		const char *text = getenv("SHIFT_S");
		known = text ? strtoll(text, NULL, 10) : 0;
	}
	return known;
}

int clock_gettime(clockid_t id, struct timespec *t)
{
	REAL(int, clock_gettime, clockid_t, struct timespec *);
	const int result = real(id, t);

	if (id == CLOCK_REALTIME || id == CLOCK_REALTIME_COARSE)
		t->tv_sec += shift_s();
	return result;
}

time_t time(time_t *to)
{
	struct timespec t;

	clock_gettime(CLOCK_REALTIME, &t);
	if (to)
		*to = t.tv_sec;
	return t.tv_sec;
}

/* Waits as the rule says. False: the call fails. */
static int obey(struct rule *r, uint32_t call)
{
	const uint32_t delay_ms = __atomic_load_n(&r->delay_ms, __ATOMIC_RELAXED);
	const int err = (int)__atomic_load_n(&r->error, __ATOMIC_RELAXED);

	__atomic_add_fetch(&r->seen, 1, __ATOMIC_RELAXED);
	for (uint32_t ms = 0; ms < delay_ms; ms += STEP_MS) {
		pause_for(STEP_MS * 1000000u);
		if (!(__atomic_load_n(&r->calls, __ATOMIC_ACQUIRE) & call))
			return 1;
	}
	if (err)
		errno = err;
	return err == 0;
}

/* `path` may be NULL: that of `fd` is meant, which is looked up only for a rule. */
static int goes(uint32_t call, const char *path, int fd)
{
	char name[4096], link[40];

	for (unsigned i = 0; plan && i < RULES; i++) {
		struct rule *r = &plan->rules[i];
		if (!(__atomic_load_n(&r->calls, __ATOMIC_ACQUIRE) & call))
			continue;
		if (!path) {
			snprintf(link, sizeof link, "/proc/self/fd/%d", fd);
			const ssize_t n = readlink(link, name, sizeof name - 1);
			if (n <= 0)
				return 1;
			name[n] = 0;
			path = name;
		}
		if (strncmp(path, r->prefix, strnlen(r->prefix, PREFIX)) == 0)
			return obey(r, call);
	}
	return 1;
}

static mode_t mode_of(int flags, va_list more)
{
	return flags & (O_CREAT | O_TMPFILE) ? va_arg(more, mode_t) : 0;
}

#define OPEN(name)                                                             \
	int name(const char *path, int flags, ...)                             \
	{                                                                      \
		REAL(int, name, const char *, int, ...);                       \
		va_list more;                                                  \
		va_start(more, flags);                                         \
		const mode_t mode = mode_of(flags, more);                      \
		va_end(more);                                                  \
		return goes(ON_OPEN, path, -1) ? real(path, flags, mode) : -1; \
	}
OPEN(open)
OPEN(open64)

#define STAT(name)                                                    \
	int name(const char *restrict path, struct stat *restrict to) \
	{                                                             \
		REAL(int, name, const char *, struct stat *);         \
		return goes(ON_STAT, path, -1) ? real(path, to) : -1; \
	}
STAT(stat)
STAT(lstat)

int fstat(int fd, struct stat *to)
{
	REAL(int, fstat, int, struct stat *);
	return goes(ON_STAT, NULL, fd) ? real(fd, to) : -1;
}

int access(const char *path, int how)
{
	REAL(int, access, const char *, int);
	return goes(ON_STAT, path, -1) ? real(path, how) : -1;
}

ssize_t read(int fd, void *to, size_t len)
{
	REAL(ssize_t, read, int, void *, size_t);
	return goes(ON_READ, NULL, fd) ? real(fd, to, len) : -1;
}

ssize_t pread(int fd, void *to, size_t len, off_t at)
{
	REAL(ssize_t, pread, int, void *, size_t, off_t);
	return goes(ON_READ, NULL, fd) ? real(fd, to, len, at) : -1;
}

ssize_t write(int fd, const void *from, size_t len)
{
	REAL(ssize_t, write, int, const void *, size_t);
	return goes(ON_WRITE, NULL, fd) ? real(fd, from, len) : -1;
}

int ftruncate(int fd, off_t len)
{
	REAL(int, ftruncate, int, off_t);
	return goes(ON_WRITE, NULL, fd) ? real(fd, len) : -1;
}

int fsync(int fd)
{
	REAL(int, fsync, int);
	return goes(ON_SYNC, NULL, fd) ? real(fd) : -1;
}

int fdatasync(int fd)
{
	REAL(int, fdatasync, int);
	return goes(ON_SYNC, NULL, fd) ? real(fd) : -1;
}

int rename(const char *from, const char *to)
{
	REAL(int, rename, const char *, const char *);
	return goes(ON_RENAME, from, -1) ? real(from, to) : -1;
}

int pthread_sigmask(int how, const sigset_t *restrict set, sigset_t *restrict before)
{
	REAL(int, pthread_sigmask, int, const sigset_t *, sigset_t *);
	sigset_t own;

	if (!plan || !set || how == SIG_UNBLOCK)
		return real(how, set, before);
	own = *set;
	sigdelset(&own, hold_signal());
	return real(how, &own, before);
}
