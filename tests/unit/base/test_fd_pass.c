#include "base/fd_pass.h"
#include "unit/unit.h"

#include <errno.h>
#include <string.h>
#include <sys/resource.h>
#include <unistd.h>

static bool is_open(int fd)
{
	const int copy = dup(fd);

	if (copy >= 0)
		close(copy);
	return copy >= 0;
}

static void files_come_with_a_message(void)
{
	char got[8] = "";
	int ends[2], told[2], fds[FD_PASS_MOST];
	size_t n;

	CU_ASSERT_FATAL(fd_pass_pair(ends) && pipe(told) == 0);
	CU_ASSERT(fd_pass_send(ends[0], "hello", 5, told, 2));
	CU_ASSERT_EQUAL(fd_pass_receive(ends[1], got, sizeof got, fds, &n, -1), 5);
	CU_ASSERT_STRING_EQUAL(got, "hello");
	CU_ASSERT_EQUAL_FATAL(n, 2);
	CU_ASSERT_EQUAL(write(fds[1], "x", 1), 1);
	CU_ASSERT_EQUAL(read(told[0], got, 1), 1);
	for (size_t i = 0; i < n; i++)
		close(fds[i]);
	errno = 0;
	CU_ASSERT_EQUAL(fd_pass_receive(ends[1], got, sizeof got, fds, &n, 0), -1);
	CU_ASSERT_EQUAL(errno, EAGAIN);
	close(ends[0]);
	CU_ASSERT_EQUAL(fd_pass_receive(ends[1], got, sizeof got, fds, &n, -1), 0);
	close(ends[1]);
	close(told[0]);
	close(told[1]);
}

static void where_not_all_files_can_be_had_none_is(void)
{
	struct rlimit before, few;
	char got[8];
	int ends[2], told[2], fds[FD_PASS_MOST];
	size_t n = 9;

	CU_ASSERT_FATAL(fd_pass_pair(ends) && pipe(told) == 0);
	CU_ASSERT(fd_pass_send(ends[0], "hello", 5, told, 2));
	const int next = dup(told[0]); /* the lowest that is free */
	close(next);
	CU_ASSERT_EQUAL_FATAL(getrlimit(RLIMIT_NOFILE, &before), 0);
	few = before;
	few.rlim_cur = (rlim_t)next + 1;
	CU_ASSERT_EQUAL_FATAL(setrlimit(RLIMIT_NOFILE, &few), 0);
	const ssize_t len = fd_pass_receive(ends[1], got, sizeof got, fds, &n, 0);
	const int err = errno;
	setrlimit(RLIMIT_NOFILE, &before);
	CU_ASSERT_EQUAL(len, -1);
	CU_ASSERT_EQUAL(err, EMFILE);
	CU_ASSERT_EQUAL(n, 0);
	CU_ASSERT_FALSE(is_open(next));
	for (int i = 0; i < 2; i++) {
		close(ends[i]);
		close(told[i]);
	}
}

void suite_fd_pass(void)
{
	static const struct unit_case cases[] = {
		{ "files come with a message", files_come_with_a_message },
		{ "where not all files can be had, none is", where_not_all_files_can_be_had_none_is },
	};

	unit_suite("base/fd_pass", cases, UNIT_COUNT(cases));
}
