#include "base/cage.h"
#include "unit/unit.h"

#include <errno.h>
#include <fcntl.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/prctl.h>
#include <sys/ptrace.h>
#include <sys/socket.h>
#include <sys/syscall.h>
#include <sys/wait.h>
#include <unistd.h>

static long try_exec(void)
{
	char *argv[] = { "true", NULL };

	return execv("/bin/true", argv);
}

static long try_open(void)
{
	return open("/etc/shadow", O_RDONLY);
}

static long try_write(void)
{
	return open("/tmp/waymark-cage", O_WRONLY | O_CREAT, 0600);
}

static long try_socket(void)
{
	return socket(AF_INET, SOCK_DGRAM, 0);
}

static long try_ptrace(void)
{
	return ptrace(PTRACE_TRACEME, 0, NULL, NULL);
}

static long try_kill(void)
{
	return kill(getppid(), 0);
}

static long try_unshare(void)
{
	return syscall(SYS_unshare, 0x20000000); /* a network of its own */
}

static long try_mount(void)
{
	return syscall(SYS_mount, "none", "/mnt", "tmpfs", 0, NULL);
}

static long try_keys(void)
{
	return syscall(SYS_add_key, "user", "x", "y", 1, -2);
}

static long try_send(void)
{
	char byte = 1;
	int two[2];

	/* What was open before stays of use. */
	return pipe(two) == 0 && write(two[1], &byte, 1) == 1 && read(two[0], &byte, 1) == 1 ? 0 : -1;
}

/* Whether a child in that cage is denied it; -1: there is no cage here. */
static int denied(enum cage which, long (*what)(void))
{
	int status;
	const pid_t child = fork();

	if (child == 0) {
		prctl(PR_SET_NO_NEW_PRIVS, 1, 0, 0, 0);
		if (!cage_close(which))
			_exit(2);
		_exit(what() < 0 && errno == EPERM);
	}
	if (child < 0 || waitpid(child, &status, 0) != child || !WIFEXITED(status))
		return -2;
	return WEXITSTATUS(status) == 2 ? -1 : WEXITSTATUS(status);
}

static void check(const char *say, int got, bool wanted)
{
	if (got != wanted)
		fprintf(stderr, "%s: denied %d, wanted %d\n", say, got, wanted);
	CU_ASSERT_EQUAL(got, wanted);
}

static void a_cage_denies_what_its_work_does_not_need(void)
{
	static const struct {
		const char *say;
		long (*what)(void);
		bool server, packets; /* denied in */
	} rows[] = {
		{ "a program is started", try_exec, false, true },
		{ "/etc/shadow is opened", try_open, false, true },
		{ "a file is made", try_write, false, true },
		{ "a socket is made", try_socket, false, true },
		{ "another process is signalled", try_kill, false, true },
		{ "it is traced", try_ptrace, true, true },
		{ "it leaves its namespace", try_unshare, true, true },
		{ "something is mounted", try_mount, true, true },
		{ "a key is put into the kernel", try_keys, true, true },
		{ "bytes go through what is open", try_send, false, false },
	};

	if (denied(CAGE_SERVER, try_send) == -1)
		return; /* a sanitizer, or another machine */
	for (size_t i = 0; i < sizeof rows / sizeof *rows; i++) {
		/* Who is not root may be denied more, by others. */
		if (rows[i].server || geteuid() == 0)
			check(rows[i].say, denied(CAGE_SERVER, rows[i].what), rows[i].server);
		check(rows[i].say, denied(CAGE_PACKETS, rows[i].what), rows[i].packets);
	}
	unlink("/tmp/waymark-cage");
}

static const struct unit_case cases[] = {
	{ "a cage denies what its work does not need", a_cage_denies_what_its_work_does_not_need },
};

void suite_cage(void);

void suite_cage(void)
{
	unit_suite("base/cage", cases, UNIT_COUNT(cases));
}
