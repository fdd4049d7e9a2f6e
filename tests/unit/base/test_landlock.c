#include "base/landlock.h"

#include "base/spawn.h"
#include "unit/unit.h"

#include <errno.h>
#include <fcntl.h>
#include <pthread.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <sys/prctl.h>
#include <sys/wait.h>
#include <unistd.h>

/* 0: it is as it should be; 2: there are no such domains here. */
static int try_signals(void)
{
	prctl(PR_SET_NO_NEW_PRIVS, 1, 0, 0, 0);
	if (kill(getppid(), 0) != 0)
		return 3;
	if (!landlock_signals())
		return 2;
	if (kill(getppid(), 0) == 0 || errno != EPERM)
		return 4;
	const pid_t own = fork();
	if (own == 0)
		_exit(kill(getppid(), 0) == 0); /* it is in the domain, as its parent is */
	int status;
	return waitpid(own, &status, 0) == own && WIFEXITED(status) && WEXITSTATUS(status) == 1 ? 0 : 5;
}

static bool there_are_domains(void)
{
	int status = 0;
	const pid_t child = fork();

	if (child == 0)
		_exit(try_signals());
	CU_ASSERT_EQUAL(waitpid(child, &status, 0), child);
	CU_ASSERT_TRUE(WIFEXITED(status) && (WEXITSTATUS(status) == 0 || WEXITSTATUS(status) == 2));
	return WEXITSTATUS(status) == 0;
}

static void who_is_scoped_signals_none_but_its_own(void)
{
	there_are_domains();
}

static void a_command_cannot_signal_who_has_asked_for_it(void)
{
	char script[64];
	const char *const command[] = { "/bin/sh", "-c", script, NULL };
	struct fault why;

	if (!there_are_domains())
		return;
	snprintf(script, sizeof script, "sleep 100 & kill $! && ! kill -0 %d", (int)getpid());
	CU_ASSERT_TRUE(spawn_run(&(struct spawn_run){ .command = command, .most_ms = 20000 }, &why));
}

/* --- places ------------------------------------------------------------------------------- */

static int try_to(const char *folder, const char *name, int how)
{
	char path[256];

	snprintf(path, sizeof path, "%s/%s", folder, name);
	const int fd = open(path, how | O_CLOEXEC, 0600);
	const int why = errno;
	if (fd >= 0)
		close(fd);
	return fd >= 0 ? 0 : why;
}

static void *open_elsewhere(void *seen)
{
	*(int *)seen = try_to("/", "etc/passwd", O_RDONLY);
	return NULL;
}

/* The number of what is not as it should be; 100: there are no such domains here. */
static int try_places(const char *reads, const char *writes)
{
	const struct landlock_place places[] = { { reads, false }, { writes, true }, { "/dev/null", true }, { "/there/is/none", true } };
	const int open_before = open("/etc/passwd", O_RDONLY | O_CLOEXEC);
	pthread_t id;
	int of_thread = 0;
	char byte;

	if (open_before < 0 || *landlock_hint("/etc/passwd", false, EACCES) || try_to(reads, "new", O_WRONLY | O_CREAT) || try_to(writes, "old", O_WRONLY | O_CREAT))
		return 1;
	prctl(PR_SET_NO_NEW_PRIVS, 1, 0, 0, 0);
	if (!landlock_places(places, sizeof places / sizeof *places))
		return 100;
	const bool right[] = { try_to(reads, "new", O_RDONLY) == 0, try_to(reads, "new", O_WRONLY) == EACCES,
		try_to(reads, "newer", O_WRONLY | O_CREAT) == EACCES, try_to(reads, ".", O_RDONLY | O_DIRECTORY) == 0,
		try_to(writes, "old", O_RDWR | O_TRUNC) == 0, try_to(writes, "newer", O_WRONLY | O_CREAT) == 0,
		try_to("/", "etc/passwd", O_RDONLY) == EACCES, try_to("/dev", "null", O_WRONLY) == 0,
		*landlock_hint("/etc/passwd", false, EACCES) != 0, *landlock_hint("/etc/passwd", false, ENOENT) == 0,
		*landlock_hint("/there/is/none", false, EACCES) == 0, *landlock_hint("/tmp/new", true, EACCES) != 0,
		*landlock_hint("/there/is/none", true, EACCES) == 0, read(open_before, &byte, 1) == 1, pthread_create(&id, NULL, open_elsewhere, &of_thread) == 0 };
	for (size_t i = 0; i < sizeof right / sizeof *right; i++)
		if (!right[i])
			return 2 + (int)i;
	pthread_join(id, NULL);
	return of_thread == EACCES ? 0 : 50;
}

static void files_are_opened_in_the_places_that_were_named(void)
{
	char folders[2][32] = { "/tmp/unit_landlock.XXXXXX", "/tmp/unit_landlock.XXXXXX" };
	int status = 0;

	CU_ASSERT_FATAL(mkdtemp(folders[0]) && mkdtemp(folders[1]));
	const pid_t child = fork();
	if (child == 0)
		_exit(try_places(folders[0], folders[1]));
	CU_ASSERT_EQUAL(waitpid(child, &status, 0), child);
	CU_ASSERT_TRUE(WIFEXITED(status));
	if (WEXITSTATUS(status) != 100)
		CU_ASSERT_EQUAL(WEXITSTATUS(status), 0);
	for (size_t i = 0; i < 4; i++) {
		char path[64];
		snprintf(path, sizeof path, "%s/%s", folders[i / 2], i == 1 ? "none" : i == 2 ? "old" : i == 3 ? "newer" : "new");
		unlink(path);
	}
	CU_ASSERT_EQUAL(rmdir(folders[0]), 0);
	CU_ASSERT_EQUAL(rmdir(folders[1]), 0);
}

static const struct unit_case cases[] = {
	{ "files are opened in the places that were named", files_are_opened_in_the_places_that_were_named },
	{ "who is scoped signals none but its own", who_is_scoped_signals_none_but_its_own },
	{ "a command cannot signal who has asked for it", a_command_cannot_signal_who_has_asked_for_it },
};

void suite_landlock(void);
void suite_landlock(void)
{
	unit_suite("base/landlock", cases, UNIT_COUNT(cases));
}
