#include "base/file.h"

#include "base/landlock.h"
#include "base/memory.h"

#include <errno.h>
#include <fcntl.h>
#include <libgen.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <time.h>
#include <unistd.h>

static bool too_large(uint64_t most, struct fault *why)
{
	if (most >> 20)
		return fault(why, "is larger than such a file may be: %llu MiB",
			(unsigned long long)most >> 20);
	return fault(
		why, "is larger than such a file may be: %llu bytes", (unsigned long long)most);
}

/* Reads to the end whatever its size was, since the file may grow or shrink while we read. One that is as large as it
 * was, and has no more to give, ends there. */
static bool read_all(struct file *f, int fd, size_t size, size_t most, struct fault *why)
{
	size_t room = size + 1;

	f->text = memory_beside(NULL, room);
	while (f->text) {
		const ssize_t n = read(fd, f->text + f->len, room - f->len);
		if (n < 0 && errno == EINTR)
			continue;
		if (n < 0)
			return fault(why, "%s", strerror(errno));
		f->len += (size_t)n;
		if (n == 0 || f->len == size)
			break;
		if (f->len > most)
			return too_large(most, why);
		if (f->len < room)
			continue;
		room += room / 2 + 4096;
		char *more = memory_beside(f->text, room);
		if (!more)
			return fault(why, "out of memory");
		f->text = more;
	}
	if (!f->text)
		return fault(why, "out of memory");
	f->text[f->len] = 0; /* `len` < `room`: the loop grows before it reads again */
	return true;
}

/* What is wrong with a file that is open; NULL: nothing. */
static const char *not_fit(const struct stat *st)
{
	switch (st->st_mode & S_IFMT) {
	case S_IFREG: return NULL;
	case S_IFDIR: return "is a directory, and a file is wanted";
	case S_IFIFO: return "is a pipe, and a file is wanted";
	case S_IFSOCK: return "is a socket, and a file is wanted";
	default: return "is a device, and a file is wanted";
	}
}

int file_open_sized(const char *path, uint64_t most, uint64_t *size, struct fault *why)
{
	struct stat st = { .st_size = 0 };

	/* A pipe that nobody writes to would keep us waiting for ever, in open() already. */
	const int fd = open(path, O_RDONLY | O_CLOEXEC | O_NOCTTY | O_NONBLOCK);
	if (fd < 0) {
		const int err = errno;
		fault(why, "%s%s", err == ENXIO ? "is a socket, and a file is wanted" : strerror(err), landlock_hint(path, false, err));
		return -1;
	}
	const char *wrong = fstat(fd, &st) == 0 ? not_fit(&st) : strerror(errno);
	*size = (uint64_t)st.st_size;
	if (wrong)
		fault(why, "%s", wrong);
	else if ((uint64_t)st.st_size > most)
		too_large(most, why);
	else
		return fd;
	close(fd);
	return -1;
}

int file_open(const char *path, uint64_t most, struct fault *why)
{
	uint64_t size;

	return file_open_sized(path, most, &size, why);
}

bool file_read(struct file *f, const char *path, size_t most, struct fault *why)
{
	struct fault own;

	*f = (struct file){ 0 };
	uint64_t size;
	const int fd = file_open_sized(path, most, &size, &own);
	const bool ok = fd >= 0 && read_all(f, fd, (size_t)size, most, &own);
	if (!ok) {
		fault(why, "%s: %s", path, own.text);
		file_free(f);
	}
	if (fd >= 0)
		close(fd);
	return ok;
}

static bool write_all(int fd, const char *bytes, size_t len)
{
	while (len) {
		const ssize_t n = write(fd, bytes, len);
		if (n < 0 && errno == EINTR)
			continue;
		if (n < 0)
			return false;
		bytes += n;
		len -= (size_t)n;
	}
	return true;
}

/* The name is on the disk when its folder is. */
static bool sync_folder(const char *path)
{
	char *copy = strdup(path);
	const int fd = copy ? open(dirname(copy), O_RDONLY | O_DIRECTORY | O_CLOEXEC) : -1;
	const bool ok = fd >= 0 && fsync(fd) == 0;

	if (fd >= 0)
		close(fd);
	free(copy);
	return ok;
}

/* A new file at `beside`, whatever has been left there: a link is not followed. */
static bool write_new(const char *beside, const struct text *text, mode_t mode, bool sync)
{
	unlink(beside);
	const int fd = open(beside, O_WRONLY | O_CREAT | O_EXCL | O_CLOEXEC | O_NOFOLLOW, mode);
	bool ok = fd >= 0 && write_all(fd, text_get(text), text->len) &&
		(!sync || fsync(fd) == 0);
	const int err = errno;

	if (fd >= 0)
		ok = close(fd) == 0 && ok; /* some file systems tell only now */
	if (!ok && err)
		errno = err;
	return ok;
}

bool file_may_be_replaced(const char *path, struct fault *why)
{
	static const char open_ones[] = "/proc/"; /* as /dev/stdout does */
	char to[sizeof open_ones];
	struct stat st;
	const char *wrong = stat(path, &st) == 0 ? not_fit(&st) : NULL;

	if (!wrong && readlink(path, to, sizeof to) >= (ssize_t)sizeof open_ones - 1 && memcmp(to, open_ones, sizeof open_ones - 1) == 0)
		wrong = "leads to what a process has open, and a file is wanted";
	return !wrong || fault(why, "%s: %s", path, wrong);
}

/* With errno. */
static bool not_written(const char *path, struct fault *why)
{
	const int err = errno;

	return fault(why, "%s: %s%s", path, strerror(err), landlock_hint(path, true, err));
}

bool file_replace(const char *path, const struct text *text, mode_t mode, struct fault *why)
{
	char *beside = NULL;

	if (!file_may_be_replaced(path, why))
		return false;
	if (text->lost || asprintf(&beside, "%s.new", path) < 0)
		return fault(why, "%s: out of memory", path);
	errno = 0;
	bool ok = write_new(beside, text, mode, true) && rename(beside, path) == 0;
	const int err = errno;
	if (!ok)
		unlink(beside); /* a full disk has use for its room */
	errno = err;
	ok = ok && sync_folder(path);
	if (!ok)
		not_written(path, why);
	free(beside);
	return ok;
}

static bool prepare(const char *path, const struct text *text, mode_t mode, bool sync, struct fault *why)
{
	char *beside = NULL;

	if (!file_may_be_replaced(path, why))
		return false;
	if (text->lost || asprintf(&beside, "%s.new", path) < 0)
		return fault(why, "%s: out of memory", path);
	errno = 0;
	const bool ok = write_new(beside, text, mode, sync) && (!sync || sync_folder(path));
	if (!ok) {
		not_written(path, why);
		unlink(beside);
	}
	free(beside);
	return ok;
}

bool file_prepare(const char *path, const struct text *text, mode_t mode, struct fault *why)
{
	return prepare(path, text, mode, false, why);
}

bool file_prepare_synced(const char *path, const struct text *text, mode_t mode, struct fault *why)
{
	return prepare(path, text, mode, true, why);
}

static bool sync_all(const char *path)
{
	char *copy = strdup(path);
	const int fd = copy ? open(dirname(copy), O_RDONLY | O_DIRECTORY | O_CLOEXEC) : -1;
	const bool ok = fd >= 0 && syncfs(fd) == 0;

	if (fd >= 0)
		close(fd);
	free(copy);
	return ok;
}

static bool rename_prepared(const char *path)
{
	char *beside = NULL;
	const bool ok = asprintf(&beside, "%s.new", path) >= 0 && rename(beside, path) == 0;

	free(beside);
	return ok;
}

bool file_is_prepared(const char *path)
{
	char *beside = NULL;
	const bool is = asprintf(&beside, "%s.new", path) >= 0 && access(beside, F_OK) == 0;

	free(beside);
	return is;
}

bool file_place(const char *path, struct fault *why)
{
	return (rename_prepared(path) && sync_folder(path)) || fault(why, "%s: %s", path, strerror(errno));
}

bool file_place_all(char *const *paths, size_t n, struct fault *why)
{
	if (!n)
		return true;
	if (!sync_all(paths[0]))
		return fault(why, "%s: %s", paths[0], strerror(errno));
	for (size_t i = 0; i < n; i++)
		if (!rename_prepared(paths[i]))
			return fault(why, "%s: %s", paths[i], strerror(errno));
	return sync_folder(paths[0]) || fault(why, "%s: %s", paths[0], strerror(errno));
}

void file_drop_prepared(const char *path)
{
	char *beside = NULL;

	if (asprintf(&beside, "%s.new", path) >= 0)
		unlink(beside);
	free(beside);
}

/* By what a person's edit changes; moving a file changes its ctime. */
static bool same_text(const struct file_stamp *a, const struct file_stamp *b)
{
	return a->device == b->device && a->inode == b->inode && a->size == b->size &&
		a->mtime_ns == b->mtime_ns;
}

static bool is_version(const char *path, const struct file_stamp *was)
{
	struct file_stamp now;

	return file_stamp(path, &now) && same_text(&now, was);
}

/* Whatever stands at `path` at the moment of the exchange is looked at, and goes back if it is another. */
static enum file_result put_in_place(
	const char *beside, const char *path, const struct file_stamp *was)
{
	if (!was) {
		if (renameat2(AT_FDCWD, beside, AT_FDCWD, path, RENAME_NOREPLACE) == 0)
			return FILE_REPLACED;
		return errno == EEXIST ? FILE_IS_OTHER : FILE_FAILED;
	}
	if (!is_version(path, was))
		return FILE_IS_OTHER;
	if (renameat2(AT_FDCWD, beside, AT_FDCWD, path, RENAME_EXCHANGE) != 0) {
		if (errno != EINVAL && errno != ENOSYS)
			return FILE_FAILED;
		/* A file system that cannot do that. */
		return rename(beside, path) == 0 ? FILE_REPLACED : FILE_FAILED;
	}
	if (is_version(beside, was)) {
		unlink(beside);
		return FILE_REPLACED;
	}
	return renameat2(AT_FDCWD, beside, AT_FDCWD, path, RENAME_EXCHANGE) == 0 ? FILE_IS_OTHER
										  : FILE_FAILED;
}

enum file_result file_replace_version(const char *path, const struct text *text,
	const struct file_version *v, struct fault *why)
{
	enum file_result result = FILE_FAILED;
	struct file_stamp made = { .size = 0 };
	char *beside = NULL;

	if (text->lost || asprintf(&beside, "%s.new", path) < 0) {
		fault(why, "%s: out of memory", path);
		return FILE_FAILED;
	}
	errno = 0;
	if (write_new(beside, text, v->mode, true) && file_stamp(beside, &made))
		result = put_in_place(beside, path, v->was);
	const int err = errno;
	if (result != FILE_REPLACED)
		unlink(beside);
	errno = err;
	if (result == FILE_REPLACED && !sync_folder(path))
		result = FILE_FAILED;
	if (result == FILE_FAILED)
		not_written(path, why);
	/* Somebody may have written into it already: that is no version of ours. */
	if (result == FILE_REPLACED && (!file_stamp_settled(path, v->now) || !same_text(v->now, &made)))
		*v->now = made;
	free(beside);
	return result;
}

void file_free(struct file *f)
{
	free(f->text);
	*f = (struct file){ 0 };
}

void file_let_go(void *f)
{
	file_free(f);
}

/* A little longer than the longest tick of Linux, at 100 Hz. */
#define TICK_NS 12000000

static int64_t ns(struct timespec t)
{
	return t.tv_sec * INT64_C(1000000000) + t.tv_nsec;
}

bool file_stamp(const char *path, struct file_stamp *stamp)
{
	struct timespec now;
	struct stat st;

	*stamp = (struct file_stamp){ 0 };
	clock_gettime(CLOCK_REALTIME, &now);
	if (stat(path, &st) != 0)
		return false;
	const int64_t since_ns = ns(now) - ns(st.st_ctim);
	*stamp = (struct file_stamp){
		.device = st.st_dev,
		.inode = st.st_ino,
		.size = (uint64_t)st.st_size,
		.mtime_ns = ns(st.st_mtim),
		.ctime_ns = ns(st.st_ctim),
		.fresh = since_ns < TICK_NS && since_ns > -TICK_NS,
	};
	return true;
}

bool file_stamp_settled(const char *path, struct file_stamp *stamp)
{
	const struct timespec tick = { .tv_nsec = TICK_NS };

	if (file_stamp(path, stamp) && stamp->fresh) {
		nanosleep(&tick, NULL);
		return file_stamp(path, stamp);
	}
	return stamp->inode != 0;
}

bool file_stamp_same(const struct file_stamp *a, const struct file_stamp *b)
{
	return a->device == b->device && a->inode == b->inode && a->size == b->size &&
		a->mtime_ns == b->mtime_ns && a->ctime_ns == b->ctime_ns &&
		a->fresh == b->fresh;
}

char *file_beside(struct arena *mem, const char *from, const char *path)
{
	const char *slash = strrchr(from, '/');

	if (path[0] == '/' || !slash)
		return arena_strdup(mem, path);
	const size_t folder = (size_t)(slash - from) + 1, rest = strlen(path) + 1;
	char *joined = arena_alloc(mem, folder + rest);
	memcpy(joined, from, folder);
	memcpy(joined + folder, path, rest);
	return joined;
}
