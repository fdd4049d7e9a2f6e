#include "daemon/line_file.h"

#include "base/file.h"
#include "unit/unit.h"

#include <fcntl.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/resource.h>
#include <sys/stat.h>
#include <signal.h>
#include <unistd.h>

struct desk {
	char folder[32], path[64], older[64];
	struct line_file *f;
	int err, log[2]; /* what is logged goes through a pipe */
	char logged[4096];
};

static void open_desk(struct desk *d)
{
	*d = (struct desk){ .folder = "/tmp/test_line_file.XXXXXX" };
	if (!mkdtemp(d->folder))
		abort();
	snprintf(d->path, sizeof d->path, "%s/lines", d->folder);
	snprintf(d->older, sizeof d->older, "%s/lines.1", d->folder);
	d->f = line_file_new("decisions");
	fflush(stderr);
	d->err = dup(2);
	if (pipe2(d->log, O_CLOEXEC | O_NONBLOCK) != 0)
		abort();
	dup2(d->log[1], 2);
}

/* How often the log says it. */
static unsigned said(struct desk *d, const char *what)
{
	const size_t len = strlen(d->logged);
	unsigned n = 0;

	const ssize_t got = read(d->log[0], d->logged + len, sizeof d->logged - 1 - len);
	d->logged[len + (got > 0 ? (size_t)got : 0)] = 0;
	for (const char *at = d->logged; (at = strstr(at, what)); at++)
		n++;
	return n;
}

static void close_desk(struct desk *d)
{
	line_file_free(d->f);
	dup2(d->err, 2);
	close(d->err);
	close(d->log[0]);
	close(d->log[1]);
	unlink(d->path);
	unlink(d->older);
	rmdir(d->folder);
}

static uint64_t add(struct desk *d, size_t most, const char *s)
{
	return line_file_add(d->f, d->path, most, s, strlen(s));
}

static void has(const char *path, const char *want)
{
	struct fault why;
	struct file f;

	CU_ASSERT_TRUE_FATAL(file_read(&f, path, 1 << 20, &why));
	CU_ASSERT_STRING_EQUAL(f.text, want);
	file_free(&f);
}

static void lines_are_added_behind_those_that_there_are(void)
{
	struct stat st;
	struct desk d;

	open_desk(&d);
	CU_ASSERT_EQUAL(add(&d, 1000, "one\n"), 0);
	CU_ASSERT_EQUAL(add(&d, 1000, "two\nthree\n"), 0);
	has(d.path, "one\ntwo\nthree\n");
	CU_ASSERT_EQUAL(stat(d.path, &st), 0);
	CU_ASSERT_EQUAL(st.st_mode & 07777, 0640);
	line_file_close(d.f);
	line_file_close(d.f);
	CU_ASSERT_EQUAL(add(&d, 1000, "four\n"), 0);
	has(d.path, "one\ntwo\nthree\nfour\n");
	CU_ASSERT_EQUAL(said(&d, "\n"), 0);
	close_desk(&d);
}

static void a_full_file_gets_another_name(void)
{
	struct desk d;

	open_desk(&d);
	add(&d, 8, "1234567\n");
	CU_ASSERT_NOT_EQUAL(access(d.older, F_OK), 0);
	add(&d, 8, "next\n"); /* it has 8, which is as large as it may be */
	has(d.older, "1234567\n");
	has(d.path, "next\n");
	add(&d, 8, "more\n"); /* 5 are less */
	has(d.path, "next\nmore\n");
	add(&d, 8, "last\n");
	has(d.older, "next\nmore\n");
	has(d.path, "last\n");
	close_desk(&d);
}

static void a_name_that_stands_for_another_file_is_opened_anew(void)
{
	char other[80];
	struct desk d;

	open_desk(&d);
	add(&d, 1000, "one\n");
	snprintf(other, sizeof other, "%s/moved", d.folder);
	rename(d.path, other);
	add(&d, 1000, "two\n");
	has(other, "one\n");
	has(d.path, "two\n");
	unlink(d.path);
	add(&d, 1000, "three\n");
	has(d.path, "three\n");
	/* Another name. */
	CU_ASSERT_EQUAL(line_file_add(d.f, other, 1000, "four\n", 5), 0);
	has(other, "one\nfour\n");
	has(d.path, "three\n");
	unlink(other);
	close_desk(&d);
}

static void what_cannot_be_opened_is_told_once_and_what_is_lost_when_it_can(void)
{
	char folder[64], path[80];
	struct desk d;

	open_desk(&d);
	snprintf(folder, sizeof folder, "%s/not-yet", d.folder);
	snprintf(path, sizeof path, "%s/lines", folder);
	CU_ASSERT_EQUAL(line_file_add(d.f, path, 1000, "a\nb\n", 4), 2);
	CU_ASSERT_EQUAL(line_file_add(d.f, path, 1000, "c\n", 2), 1);
	CU_ASSERT_EQUAL(said(&d, "No such file"), 1);
	CU_ASSERT_EQUAL(said(&d, "written again"), 0);
	mkdir(folder, 0700);
	CU_ASSERT_EQUAL(line_file_add(d.f, path, 1000, "d\n", 2), 0);
	has(path, "d\n");
	CU_ASSERT_EQUAL(said(&d, "is written again; 3 decisions were lost"), 1);
	CU_ASSERT_EQUAL(line_file_add(d.f, path, 1000, "e\n", 2), 0);
	CU_ASSERT_EQUAL(said(&d, "\n"), 2);
	unlink(path);
	rmdir(folder);
	close_desk(&d);
}

static void a_disk_that_is_full_is_told_and_all_lines_counted(void)
{
	struct desk d;

	open_desk(&d);
	CU_ASSERT_EQUAL(line_file_add(d.f, "/dev/full", 1000, "a\nb\nc\n", 6), 3);
	CU_ASSERT_EQUAL(line_file_add(d.f, "/dev/full", 1000, "d\n", 2), 1);
	CU_ASSERT_EQUAL(said(&d, "No space left"), 1);
	CU_ASSERT_EQUAL(add(&d, 1000, "e\n"), 0);
	CU_ASSERT_EQUAL(said(&d, "4 decisions were lost"), 1);
	close_desk(&d);
}

/* A file that may have so many bytes: a write beyond takes what still fits, as on a disk. */
static void lines_fit_until(rlim_t most)
{
	struct rlimit r;

	getrlimit(RLIMIT_FSIZE, &r);
	r.rlim_cur = most;
	setrlimit(RLIMIT_FSIZE, &r);
	signal(SIGXFSZ, most == RLIM_INFINITY ? SIG_DFL : SIG_IGN);
}

static void only_whole_lines_stay_on_a_disk_that_gets_full(void)
{
	struct desk d;

	open_desk(&d);
	add(&d, 1000, "0123456789\n");
	lines_fit_until(20);
	const uint64_t lost = add(&d, 1000, "aaa\nbbb\nccc\nddd\n"); /* 9 of these fit */
	const uint64_t more = add(&d, 1000, "eeeeee\n");
	lines_fit_until(RLIM_INFINITY);
	CU_ASSERT_EQUAL(lost, 2);
	CU_ASSERT_EQUAL(more, 1);
	has(d.path, "0123456789\naaa\nbbb\n");
	CU_ASSERT_EQUAL(said(&d, "decisions are not logged"), 1);
	CU_ASSERT_EQUAL(add(&d, 1000, "fff\n"), 0);
	has(d.path, "0123456789\naaa\nbbb\nfff\n");
	CU_ASSERT_EQUAL(said(&d, "3 decisions were lost"), 1);
	close_desk(&d);
}

static void of_one_line_that_does_not_fit_nothing_stays(void)
{
	struct desk d;

	open_desk(&d);
	lines_fit_until(3);
	const uint64_t lost = add(&d, 1000, "aaaaaa\n");
	lines_fit_until(RLIM_INFINITY);
	CU_ASSERT_EQUAL(lost, 1);
	has(d.path, "");
	close_desk(&d);
}

/* Many, so that they are written in several pieces. */
static void many_lines_are_written_in_pieces_and_none_is_cut(void)
{
	enum { LINES = 2000, LEN = 10 };
	static char text[LINES * LEN + 1];
	struct fault why;
	struct file f;
	struct desk d;

	for (unsigned i = 0; i < LINES; i++)
		snprintf(text + i * LEN, LEN + 1, "line %04u\n", i);
	open_desk(&d);
	CU_ASSERT_EQUAL(add(&d, 1 << 20, text), 0);
	has(d.path, text);
	unlink(d.path);
	lines_fit_until(5003); /* in the second piece */
	const uint64_t lost = add(&d, 1 << 20, text);
	lines_fit_until(RLIM_INFINITY);
	CU_ASSERT_EQUAL(lost, LINES - 500);
	CU_ASSERT_TRUE_FATAL(file_read(&f, d.path, 1 << 20, &why));
	CU_ASSERT_EQUAL(f.len, 5000);
	CU_ASSERT_EQUAL(memcmp(f.text, text, f.len), 0);
	file_free(&f);
	close_desk(&d);
}

static void a_pipe_gets_whole_lines_or_none(void)
{
	enum { LINES = 20000, LEN = 10 };
	static char text[LINES * LEN + 1], got[1 << 20];
	struct desk d;

	for (unsigned i = 0; i < LINES; i++)
		snprintf(text + i * LEN, LEN + 1, "line %04u\n", i % 10000);
	open_desk(&d);
	if (mkfifo(d.path, 0600) != 0)
		abort();
	/* Nobody reads: nobody waits. */
	CU_ASSERT_EQUAL(add(&d, 1000, "a\n"), 1);
	const int end = open(d.path, O_RDONLY | O_NONBLOCK | O_CLOEXEC);
	const uint64_t lost = add(&d, 1 << 30, text); /* more than it holds */
	const ssize_t n = read(end, got, sizeof got);
	CU_ASSERT_TRUE(lost > 0 && n > 0);
	CU_ASSERT_EQUAL((uint64_t)n + lost * LEN, LINES * LEN);
	CU_ASSERT_EQUAL(memcmp(got, text, (size_t)n), 0);
	close(end);
	close_desk(&d);
}

static void a_line_longer_than_a_piece_is_one_piece(void)
{
	static char text[10001];
	struct desk d;

	memset(text, 'x', sizeof text - 1);
	text[99] = text[sizeof text - 2] = '\n';
	open_desk(&d);
	CU_ASSERT_EQUAL(add(&d, 1 << 20, text), 0);
	has(d.path, text);
	close_desk(&d);
}

void suite_line_file(void);
void suite_line_file(void)
{
	static const struct unit_case cases[] = {
		{ "lines are added behind those that there are",
			lines_are_added_behind_those_that_there_are },
		{ "a full file gets another name", a_full_file_gets_another_name },
		{ "a name that stands for another file is opened anew",
			a_name_that_stands_for_another_file_is_opened_anew },
		{ "what cannot be opened is told once, and what is lost when it can",
			what_cannot_be_opened_is_told_once_and_what_is_lost_when_it_can },
		{ "a disk that is full is told and all lines counted",
			a_disk_that_is_full_is_told_and_all_lines_counted },
		{ "only whole lines stay on a disk that gets full",
			only_whole_lines_stay_on_a_disk_that_gets_full },
		{ "of one line that does not fit nothing stays",
			of_one_line_that_does_not_fit_nothing_stays },
		{ "many lines are written in pieces and none is cut",
			many_lines_are_written_in_pieces_and_none_is_cut },
		{ "a pipe gets whole lines or none", a_pipe_gets_whole_lines_or_none },
		{ "a line longer than a piece is one piece",
			a_line_longer_than_a_piece_is_one_piece },
	};

	unit_suite("daemon/line_file", cases, UNIT_COUNT(cases));
}
