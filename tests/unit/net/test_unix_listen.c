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
	CU_ASSERT_EQUAL(chmod(path, 0666), 0);
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
	/* Who may not connect does not know. */
	CU_ASSERT_EQUAL(chmod(path, 0), 0);
	if (root) {
		CU_ASSERT_EQUAL(seteuid(NOBODY), 0);
		CU_ASSERT_EQUAL(unix_listen(path, NULL, "control socket", &why), -1);
		CU_ASSERT_EQUAL(seteuid(0), 0);
		snprintf(want, sizeof want,
			"control socket %s: is there, and we may not ask who answers at it (Permission denied); stop the server that does, "
			"or choose another path",
			path);
		CU_ASSERT_STRING_EQUAL(why.text, want);
	}
	chmod(folder, 0755);
	unlink(path);
	rmdir(folder);
}

static void what_cannot_be_listened_on_is_told(void)
{
	static const struct {
		const char *name; /* in the folder */
		const char *group;
		const char *say;
	} row[] = {
		{ "c.sock", "no-such-group", ": there is no group \"no-such-group\" on this machine" },
		{ "none/c.sock", NULL, ": No such file or directory (its folder must exist)" },
		{ "a-file", NULL, ": Address already in use" },
	};
	struct fault why = { 0 };
	char want[300];

	strcpy(folder, "/tmp/waymark-unit.XXXXXX");
	CU_ASSERT_PTR_NOT_NULL_FATAL(mkdtemp(folder));
	snprintf(path, sizeof path, "%s/a-file", folder);
	fclose(fopen(path, "w"));
	for (size_t i = 0; i < UNIT_COUNT(row); i++) {
		snprintf(path, sizeof path, "%s/%s", folder, row[i].name);
		CU_ASSERT_EQUAL(unix_listen(path, row[i].group, "control socket", &why), -1);
		snprintf(want, sizeof want, "control socket %s%s", path, row[i].say);
		CU_ASSERT_STRING_EQUAL(why.text, want);
		/* What could not be given to its group is there no more; a file is nobody's to remove. */
		CU_ASSERT_EQUAL(access(path, F_OK) == 0, strcmp(row[i].name, "a-file") == 0);
	}
	unlink(path);
	rmdir(folder);
	/* As long as a socket's may be. */
	char name[120];
	memset(name, 'x', sizeof name);
	name[108] = 0;
	CU_ASSERT_EQUAL(unix_listen(name, NULL, "control socket", &why), -1);
	CU_ASSERT_PTR_NOT_NULL(strstr(why.text, ": the path is over 107 bytes; choose a shorter one"));
}

static void whoever_answers_there_goes_on(void)
{
	struct fault why = { 0 };

	strcpy(folder, "/tmp/waymark-unit.XXXXXX");
	CU_ASSERT_PTR_NOT_NULL_FATAL(mkdtemp(folder));
	snprintf(path, sizeof path, "%s/c.sock", folder);
	const int fd = unix_listen(path, NULL, "control socket", &why);
	struct stat st;
	CU_ASSERT_TRUE_FATAL(fd >= 0 && stat(path, &st) == 0);
	CU_ASSERT_EQUAL(st.st_mode & 0777, 0600);
	CU_ASSERT_EQUAL(unix_listen(path, NULL, "control socket", &why), -1);
	CU_ASSERT_PTR_NOT_NULL(strstr(why.text, ": another server answers there; stop it or choose another path"));
	CU_ASSERT_EQUAL(access(path, F_OK), 0);
	close(fd);
	unlink(path);
	rmdir(folder);
}

void suite_unix_listen(void);
void suite_unix_listen(void)
{
	static const struct unit_case cases[] = {
		{ "a socket that is left is replaced, or it is told", a_socket_that_is_left_is_replaced_or_it_is_told },
		{ "what cannot be listened on is told", what_cannot_be_listened_on_is_told },
		{ "whoever answers there goes on", whoever_answers_there_goes_on },
	};

	unit_suite("net/unix_listen", cases, UNIT_COUNT(cases));
}
