#include "base/scoped.h"

#include "base/spawn.h"
#include "unit/unit.h"

#include <errno.h>
#include <signal.h>
#include <stdio.h>
#include <sys/prctl.h>
#include <sys/wait.h>
#include <unistd.h>

/* 0: it is as it should be; 2: there are no such domains here. */
static int try_signals(void)
{
	prctl(PR_SET_NO_NEW_PRIVS, 1, 0, 0, 0);
	if (kill(getppid(), 0) != 0)
		return 3;
	if (!scoped_signals())
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

static const struct unit_case cases[] = {
	{ "who is scoped signals none but its own", who_is_scoped_signals_none_but_its_own },
	{ "a command cannot signal who has asked for it", a_command_cannot_signal_who_has_asked_for_it },
};

void suite_scoped(void);
void suite_scoped(void)
{
	unit_suite("base/scoped", cases, UNIT_COUNT(cases));
}
