#include "net/unix_listen.h"

#include "unit/unit.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

enum { NOBODY = 65534 };

static char folder[32], path[64];

/* A socket that a server has left behind is replaced, where that may be done. */
static void a_socket_that_is_left_is_replaced_or_it_is_told(void)
{
	struct fault why = { 0 };
	char want[300];

	strcpy(folder, "/tmp/waymark-unit.XXXXXX");
	CU_ASSERT_PTR_NOT_NULL_FATAL(mkdtemp(folder));
	snprintf(path, sizeof path, "%s/c.sock", folder);
	for (unsigned i = 0; i < 2; i++) {
		const int fd = unix_listen(path, NULL, "control socket", &why);
		CU_ASSERT_TRUE_FATAL(fd >= 0);
		close(fd);
	}
	CU_ASSERT_EQUAL(chmod(folder, 0555), 0);
	const bool root = geteuid() == 0;
	if (root)
		CU_ASSERT_EQUAL(seteuid(NOBODY), 0);
	const int fd = unix_listen(path, NULL, "control socket", &why);
	if (root)
		CU_ASSERT_EQUAL(seteuid(0), 0);
	CU_ASSERT_EQUAL(fd, -1);
	snprintf(want, sizeof want,
		"control socket %s: is left from a server that has ended, and cannot be removed: Permission denied (its folder must be "
		"writable to us)",
		path);
	CU_ASSERT_STRING_EQUAL(why.text, want);
	chmod(folder, 0755);
	unlink(path);
	rmdir(folder);
}

void suite_unix_listen(void);
void suite_unix_listen(void)
{
	static const struct unit_case cases[] = {
		{ "a socket that is left is replaced, or it is told", a_socket_that_is_left_is_replaced_or_it_is_told },
	};

	unit_suite("net/unix_listen", cases, UNIT_COUNT(cases));
}
