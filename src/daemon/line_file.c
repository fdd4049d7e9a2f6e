#include "daemon/line_file.h"

#include "base/landlock.h"
#include "base/log.h"
#include "base/memory.h"

#include <errno.h>
#include <fcntl.h>
#include <limits.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

struct line_file {
	const char *what;
	char *path; /* that is open; NULL: none */
	int fd;
	bool told;     /* that it cannot be written */
	uint64_t lost; /* lines, since it was told */
};

static void close_file(struct line_file *f)
{
	if (f->fd >= 0)
		close(f->fd);
	free(f->path);
	f->fd = -1;
	f->path = NULL;
}

static void complain(struct line_file *f, const char *path, int err)
{
	if (!f->told)
		log_line(LOG_ERROR, "%s: %s%s; %s are not logged until it can be written", path,
			strerror(err), landlock_hint(path, true, err), f->what);
	f->told = true;
}

/* Does the name still stand for what is open? And makes room when the file is full. */
static bool is_current(struct line_file *f, const char *path, size_t most)
{
	struct stat named, open_one;
	char *before = NULL;

	if (!f->path || strcmp(f->path, path) != 0 || stat(path, &named) != 0 ||
		fstat(f->fd, &open_one) != 0 || named.st_ino != open_one.st_ino ||
		named.st_dev != open_one.st_dev)
		return false;
	if ((size_t)open_one.st_size < most)
		return true;
	if (asprintf(&before, "%s.1", path) >= 0) {
		rename(path, before);
		free(before);
	}
	return false;
}

static bool open_file(struct line_file *f, const char *path, size_t most)
{
	if (!path)
		return f->path != NULL;
	if (is_current(f, path, most))
		return true;
	close_file(f);
	f->fd = open(path, O_WRONLY | O_APPEND | O_CREAT | O_CLOEXEC | O_NONBLOCK, 0640);
	if (f->fd < 0) {
		complain(f, path, errno);
		return false;
	}
	f->path = strdup(path);
	if (!f->path) {
		complain(f, path, ENOMEM);
		close_file(f);
	}
	return f->path != NULL;
}

/* As many whole lines as a pipe takes at once or not at all; one at least. */
static size_t piece(const char *s, size_t len)
{
	const char *end = len > PIPE_BUF ? memrchr(s, '\n', PIPE_BUF) : s + len - 1;

	if (!end)
		end = memchr(s, '\n', len);
	return (size_t)(end - s) + 1;
}

/* Takes back the part of a line that still fitted on the disk. */
static void cut_back(struct line_file *f, const char *s, size_t written)
{
	const char *end = memrchr(s, '\n', written);
	const size_t whole = end ? (size_t)(end - s) + 1 : 0;
	struct stat st;

	if (fstat(f->fd, &st) == 0 && S_ISREG(st.st_mode) &&
		ftruncate(f->fd, st.st_size - (off_t)(written - whole)) != 0)
		complain(f, f->path, errno);
}

/* How many of the bytes have got into the file, all of them whole lines. */
static size_t write_lines(struct line_file *f, const char *s, size_t len)
{
	size_t at = 0;

	while (at < len) {
		const size_t want = piece(s + at, len - at);
		const ssize_t n = write(f->fd, s + at, want);
		if (n == (ssize_t)want) {
			at += want;
			continue;
		}
		complain(f, f->path, n < 0 ? errno : ENOSPC);
		if (n > 0) {
			cut_back(f, s + at, (size_t)n);
			const char *end = memrchr(s + at, '\n', (size_t)n);
			at += end ? (size_t)(end - s) + 1 - at : 0;
		}
		break;
	}
	return at;
}

uint64_t line_file_add(
	struct line_file *f, const char *path, size_t most, const char *s, size_t len)
{
	size_t written = 0;
	uint64_t lost = 0;

	if (open_file(f, path, most))
		written = write_lines(f, s, len);
	for (size_t i = written; i < len; i++)
		lost += s[i] == '\n';
	f->lost += lost;
	if (written == len && f->told) {
		log_line(LOG_NOTICE, "%s is written again; %llu %s were lost", f->path,
			(unsigned long long)f->lost, f->what);
		f->told = false;
		f->lost = 0;
	}
	return lost;
}

void line_file_close(struct line_file *f)
{
	close_file(f);
}

struct line_file *line_file_new(const char *what)
{
	struct line_file *f = memory_zeroed(1, sizeof *f);

	f->what = what;
	f->fd = -1;
	return f;
}

void line_file_free(struct line_file *f)
{
	close_file(f);
	memory_free(f);
}
