#include "base/file.h"

#include "base/memory.h"

#include <errno.h>
#include <fcntl.h>
#include <libgen.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

/* Reads to the end whatever stat() said, since the file may grow or shrink while we read. */
static bool read_all(struct file *f, int fd, size_t guess, size_t most)
{
	size_t room = guess + 1;

	f->text = memory_beside(NULL, room);
	while (f->text) {
		const ssize_t n = read(fd, f->text + f->len, room - f->len);
		if (n < 0 && errno == EINTR)
			continue;
		if (n < 0)
			return false;
		f->len += (size_t)n;
		if (n == 0)
			break;
		if (f->len > most) {
			errno = EFBIG;
			return false;
		}
		if (f->len < room)
			continue;
		room += room / 2 + 4096;
		char *more = memory_beside(f->text, room);
		if (!more)
			return false;
		f->text = more;
	}
	if (!f->text)
		return false;
	f->text[f->len] = 0; /* `len` < `room`: the loop grows before it reads again */
	return true;
}

bool file_read(struct file *f, const char *path, size_t most, struct fault *why)
{
	struct stat st;

	*f = (struct file){ 0 };
	/* A pipe that nobody writes to would keep us waiting for ever. */
	const int fd = open(path, O_RDONLY | O_CLOEXEC | O_NOCTTY | O_NONBLOCK);
	if (fd < 0)
		return fault(why, "%s: %s", path, strerror(errno));
	bool ok = fstat(fd, &st) == 0;
	if (ok && S_ISFIFO(st.st_mode)) {
		close(fd);
		return fault(why, "%s: is a pipe, and a file is wanted", path);
	}
	if (ok && S_ISDIR(st.st_mode)) {
		errno = EISDIR;
		ok = false;
	}
	if (ok) {
		const size_t size = st.st_size > 0 ? (size_t)st.st_size : 0;
		ok = read_all(f, fd, size < most ? size : most, most);
	}
	if (!ok) {
		fault(why, "%s: %s", path, strerror(errno));
		file_free(f);
	}
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

bool file_replace(const char *path, const char *bytes, size_t len, struct fault *why)
{
	char *beside = NULL;

	if (asprintf(&beside, "%s.new", path) < 0)
		return fault(why, "%s: out of memory", path);
	const int fd = open(
		beside, O_WRONLY | O_CREAT | O_TRUNC | O_CLOEXEC | O_NOFOLLOW, 0600);
	bool ok = fd >= 0 && write_all(fd, bytes, len) && fsync(fd) == 0;
	const int err = errno;
	if (fd >= 0)
		close(fd);
	errno = err;
	ok = ok && rename(beside, path) == 0 && sync_folder(path);
	if (!ok)
		fault(why, "%s: %s", beside, strerror(errno));
	free(beside);
	return ok;
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

bool file_stamp(const char *path, struct file_stamp *stamp)
{
	struct stat st;

	*stamp = (struct file_stamp){ 0 };
	if (stat(path, &st) != 0)
		return false;
	*stamp = (struct file_stamp){
		.device = st.st_dev,
		.inode = st.st_ino,
		.size = (uint64_t)st.st_size,
		.mtime_ns = st.st_mtim.tv_sec * 1000000000ll + st.st_mtim.tv_nsec,
		.ctime_ns = st.st_ctim.tv_sec * 1000000000ll + st.st_ctim.tv_nsec,
	};
	return true;
}

bool file_stamp_same(const struct file_stamp *a, const struct file_stamp *b)
{
	return a->device == b->device && a->inode == b->inode && a->size == b->size &&
		a->mtime_ns == b->mtime_ns && a->ctime_ns == b->ctime_ns;
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
