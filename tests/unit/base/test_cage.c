#include "base/cage.h"
#include "unit/unit.h"

#include <errno.h>
#include <fcntl.h>
#include <pthread.h>
#include <stdbool.h>
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

static long try_become(void)
{
	return syscall(SYS_setresuid, getuid(), geteuid(), geteuid()); /* who it is already */
}

/* As the C library of i386 does it, and not: both ways lead to the kernel. */
static long try_socket_by_number(void)
{
	return syscall(SYS_socket, AF_INET, SOCK_DGRAM, 0);
}

static long try_socketcall(void)
{
#ifdef SYS_socketcall
	const unsigned long args[] = { AF_INET, SOCK_DGRAM, 0 };

	return syscall(SYS_socketcall, 1, args);
#else
	return try_socket();
#endif
}

/* Nothing is there: it fails by itself, but not for want of a right. */
static long try_rename(void)
{
#ifdef SYS_renameat
	return syscall(SYS_renameat, AT_FDCWD, "/tmp/waymark-none/a", AT_FDCWD, "/tmp/waymark-none/b");
#else
	return syscall(SYS_renameat2, AT_FDCWD, "/tmp/waymark-none/a", AT_FDCWD, "/tmp/waymark-none/b", 0);
#endif
}

static long try_set_clock(void)
{
#ifdef SYS_clock_settime64
	return syscall(SYS_clock_settime64, 99, NULL); /* no such clock */
#else
	return syscall(SYS_clock_settime, 99, NULL);
#endif
}

/* Its own numbers have 32 bits everywhere. */
static long try_become_by_number(void)
{
#ifdef SYS_setresuid32
	return syscall(SYS_setresuid32, getuid(), geteuid(), geteuid());
#else
	return try_become();
#endif
}

/* What answers need of sockets that are open. */
static long try_accept(void)
{
	const int fd = accept4(0, NULL, NULL, SOCK_CLOEXEC);

	return fd < 0 && errno == EPERM ? -1 : 0;
}

static long try_ptrace(void)
{
	return ptrace(PTRACE_TRACEME, 0, NULL, NULL);
}

static long try_kill(void)
{
	return kill(getppid(), 0);
}

/* The other ways to a process: by one of its threads, with a value, and by what is open of it. */
static long try_kill_thread(void)
{
	return syscall(SYS_tgkill, getppid(), getppid(), 0);
}

static long try_kill_thread_alone(void)
{
	return syscall(SYS_tkill, getppid(), 0);
}

static long try_queue(void)
{
	siginfo_t value = { .si_code = SI_QUEUE };

	return syscall(SYS_rt_sigqueueinfo, getppid(), 0, &value);
}

static long try_wake_own(void)
{
	return syscall(SYS_tgkill, getpid(), getpid(), 0);
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
		bool command, server, packets; /* denied in */
	} rows[] = {
		{ "a program is started", try_exec, false, true, true },
		{ "/etc/shadow is opened", try_open, false, false, true },
		{ "a file is made", try_write, false, false, true },
		{ "a socket is made", try_socket, false, false, true },
		{ "a socket is made by its own number", try_socket_by_number, false, false, true },
		{ "a socket is made by the number of all", try_socketcall, false, false, true },
		{ "a file is renamed", try_rename, false, false, true },
		{ "a socket that is there is asked for who has come", try_accept, false, false, false },
		{ "the clock is set", try_set_clock, true, true, true },
		{ "it becomes somebody else by its own number", try_become_by_number, false, true, true },
		{ "another process is signalled", try_kill, false, false, true },
		{ "another process is signalled by a thread of it", try_kill_thread, false, false, true },
		{ "a thread is signalled, whosever it is", try_kill_thread_alone, false, false, true },
		{ "another process is sent a value", try_queue, false, false, true },
		{ "a thread of its own is signalled", try_wake_own, false, false, false },
		{ "it becomes somebody else", try_become, false, true, true },
		{ "it is traced", try_ptrace, true, true, true },
		{ "it leaves its namespace", try_unshare, true, true, true },
		{ "something is mounted", try_mount, true, true, true },
		{ "a key is put into the kernel", try_keys, true, true, true },
		{ "bytes go through what is open", try_send, false, false, false },
	};

	if (denied(CAGE_SERVER, try_send) == -1)
		return; /* a sanitizer, or another machine */
	for (size_t i = 0; i < sizeof rows / sizeof *rows; i++) {
		/* Who is not root may be denied more, by others. */
		if (rows[i].command || geteuid() == 0)
			check(rows[i].say, denied(CAGE_COMMAND, rows[i].what), rows[i].command);
		if (rows[i].server || geteuid() == 0)
			check(rows[i].say, denied(CAGE_SERVER, rows[i].what), rows[i].server);
		check(rows[i].say, denied(CAGE_PACKETS, rows[i].what), rows[i].packets);
	}
	unlink("/tmp/waymark-cage");
}

static int told[2];

static void *wait_and_try(void *answer)
{
	char byte;

	*(bool *)answer = read(told[0], &byte, 1) == 1 && try_exec() < 0 && errno == EPERM;
	return NULL;
}

static void threads_that_are_there_already_are_in_the_servers_cage_too(void)
{
	int status;
	const pid_t child = fork();

	if (child == 0) {
		pthread_t other;
		bool was_denied = false;
		prctl(PR_SET_NO_NEW_PRIVS, 1, 0, 0, 0);
		if (pipe(told) != 0 || pthread_create(&other, NULL, wait_and_try, &was_denied) != 0)
			_exit(3);
		if (!cage_close(CAGE_SERVER))
			_exit(0); /* there is none here */
		_exit(write(told[1], "x", 1) != 1 || pthread_join(other, NULL) != 0 || !was_denied);
	}
	CU_ASSERT_EQUAL(waitpid(child, &status, 0), child);
	CU_ASSERT_EQUAL(status, 0);
}

static const struct unit_case cases[] = {
	{ "threads that are there already are in the server's cage, too", threads_that_are_there_already_are_in_the_servers_cage_too },
	{ "a cage denies what its work does not need", a_cage_denies_what_its_work_does_not_need },
};

void suite_cage(void);

void suite_cage(void)
{
	unit_suite("base/cage", cases, UNIT_COUNT(cases));
}
