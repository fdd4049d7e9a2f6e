#include "unit/probe/probing.h"
#include "unit/turns.h"
#include "unit/unit.h"

#include "base/clock.h"

#include <errno.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

static const char *const here[] = { "127.0.0.1" };

/* A shell that runs this; the array is good until the next call. */
static const char *const *shell(const char *text)
{
	static const char *words[4] = { "/bin/sh", "-c", NULL, NULL };

	words[2] = text;
	return words;
}

static void open_probing(struct probing *p, const char *const *command)
{
	probing_open(p, here, 1, 0);
	p->probe.kind = PROBE_EXEC;
	p->probe.command = command;
	probing_plan(p);
}

static void the_exit_status_decides_and_the_first_line_is_told(void)
{
	static const struct {
		const char *text, *say;
		bool passed;
	} row[] = {
		{ "exit 0", "exit status 0", true },
		{ "exit 3", "exit status 3", false },
		{ "echo fine", "exit status 0: fine", true },
		{ "echo broken >&2; exit 1", "exit status 1: broken", false },
		{ "echo one; echo two; exit 2", "exit status 2: one", false },
		{ "echo; echo; echo behind blank lines", "exit status 0: behind blank lines",
			true },
		{ "printf 'no end'", "exit status 0: no end", true },
		{ "printf 'a\\tb\\033c\\177d\\n'", "exit status 0: a?b?c?d", true },
		{ "printf 'dos\\r\\nmore'", "exit status 0: dos", true },
		{ "printf 'in '; printf 'two\\n'; printf three", "exit status 0: in two",
			true },
		{ "kill -9 $$", "killed by signal 9", false },
		{ "echo last words; kill -15 $$", "killed by signal 15: last words", false },
		{ "cat; echo input ends", "exit status 0: input ends", true },
		{ "echo $WAYMARK_EDGE $WAYMARK_ADDRESS", "exit status 0: e0 127.0.0.1", true },
		{ "echo $HOME", NULL, true },
		{ "head -c 300000 /dev/zero | tr '\\0' x; exit 4", NULL, false },
	};

	for (size_t i = 0; i < UNIT_COUNT(row); i++) {
		struct probing p;
		char home[300];
		open_probing(&p, shell(row[i].text));
		const char *got = probing_now(&p, 0), *want = row[i].say;
		snprintf(home, sizeof home, "exit status 0%s%s", getenv("HOME") ? ": " : "",
			getenv("HOME") ? getenv("HOME") : "");
		if (!want && row[i].passed)
			want = home;
		if (want ? strcmp(got, want) != 0
			 : strspn(got + 15, "x") != 159 || strlen(got) != 15 + 159) {
			printf("%s: %s (%zu)\n", row[i].text, got, strlen(got));
			CU_FAIL(row[i].text);
		}
		CU_ASSERT_EQUAL(p.view.passed, row[i].passed);
		CU_ASSERT_EQUAL(p.view.rtt_ms > 0, row[i].passed);
		CU_ASSERT_TRUE(p.view.wire_ms != p.view.wire_ms); /* not known */
		probing_close(&p);
	}
}

/* Its three files, and the folder that is read to count them; whatever this program was started with. */
static void nothing_of_ours_is_open_in_it(void)
{
	struct probing p;

	open_probing(&p, shell("ls /proc/self/fd | wc -l"));
	CU_ASSERT_STRING_EQUAL(probing_now(&p, 0), "exit status 0: 4");
	probing_close(&p);
}

static void what_is_no_command_fails_at_once(void)
{
	static const char *const none[] = { "/nonexistent/check", NULL },
				 *const folder[] = { "/tmp", NULL };
	struct probing p;

	open_probing(&p, none);
	CU_ASSERT_STRING_EQUAL(
		probing_now(&p, 0), "/nonexistent/check: No such file or directory");
	CU_ASSERT_FALSE(p.view.passed);
	probing_close(&p);
	open_probing(&p, folder);
	CU_ASSERT_STRING_EQUAL(probing_now(&p, 0), "/tmp: Permission denied");
	probing_close(&p);
}

static bool is_there(const char *path, pid_t *pid)
{
	char text[20] = "";
	FILE *f = fopen(path, "re");

	if (!f)
		return false;
	const bool ok = fgets(text, sizeof text, f) && strchr(text, '\n');
	fclose(f);
	*pid = atoi(text);
	return ok && *pid > 1;
}

/* Until the process is no more, or a zombie of somebody's. */
static bool ends(pid_t pid)
{
	for (unsigned i = 0; i < 20000; i++) {
		char path[64], state = 0;
		snprintf(path, sizeof path, "/proc/%d/stat", (int)pid);
		FILE *f = fopen(path, "re");
		const bool read = f && fscanf(f, "%*d %*s %c", &state) == 1;
		if (f)
			fclose(f);
		if (!read || state == 'Z' || state == 'X')
			return true;
		usleep(1000);
	}
	return false;
}

/* The command and what it has started, whatever becomes of its leader. */
static void all_that_a_command_has_started_ends_with_it(void)
{
	static const struct {
		const char *text, *say;
	} row[] = {
		{ "sleep 1000 & echo $! > $WAYMARK_TEST; wait",
			"no answer within 300 ms (waited for the command's end)" },
		{ "sleep 1000 > /dev/null 2>&1 & echo $! > $WAYMARK_TEST; echo gone",
			"exit status 0: gone" },
	};

	for (size_t i = 0; i < UNIT_COUNT(row); i++) {
		struct probing p;
		char path[] = "/tmp/unit_exec.XXXXXX";
		pid_t pid = 0;
		close(mkstemp(path));
		setenv("WAYMARK_TEST", path, 1);
		probing_open(&p, here, 1, 0);
		p.probe.kind = PROBE_EXEC;
		p.probe.command = shell(row[i].text);
		p.probe.timeout_ms = i ? 20000 : 300;
		p.probe.initial = PROBE_DOWN;
		probing_plan(&p);
		CU_ASSERT_STRING_EQUAL(probing_now(&p, 0), row[i].say);
		if (is_there(path, &pid)) /* a slow machine's shell may not have come so far */
			CU_ASSERT_TRUE(ends(pid));
		probing_close(&p);
		unlink(path);
		unsetenv("WAYMARK_TEST");
	}
}

static bool is_running(void *ctx)
{
	return round_view(((struct probing *)ctx)->round, 0).running;
}

/* Whoever is not asked any more is killed, and the end waits for him. */
static void a_command_ends_with_its_round(void)
{
	struct probing p;
	char path[] = "/tmp/unit_exec.XXXXXX";
	pid_t pid = 0;

	close(mkstemp(path));
	setenv("WAYMARK_TEST", path, 1);
	open_probing(&p, shell("echo $$ > $WAYMARK_TEST; exec sleep 1000"));
	CU_ASSERT_TRUE(turns_until(p.loop, is_running, &p));
	for (unsigned i = 0; i < 20000 && !is_there(path, &pid); i++)
		usleep(1000);
	CU_ASSERT_TRUE_FATAL(pid > 1);
	probing_close(&p);
	errno = 0;
	CU_ASSERT_EQUAL(kill(pid, 0), -1); /* not even a zombie */
	CU_ASSERT_EQUAL(errno, ESRCH);
	unlink(path);
	unsetenv("WAYMARK_TEST");
}

/* Which edge it looks at is told to each. */
static void commands_are_each_their_edges_own(void)
{
	static const char *const same[] = { "127.0.0.1", "127.0.0.1", "127.0.0.1" };
	struct probing p;

	probing_open(&p, same, 3, 0);
	p.probe.kind = PROBE_EXEC;
	p.probe.command = shell("echo $WAYMARK_EDGE");
	probing_plan(&p);
	CU_ASSERT_EQUAL(round_targets(p.round), 3);
	CU_ASSERT_STRING_EQUAL(probing_now(&p, 2), "exit status 0: e2");
	CU_ASSERT_STRING_EQUAL(probing_now(&p, 0), "exit status 0: e0");
	CU_ASSERT_PTR_NOT_NULL(strstr(p.steps, "/bin/sh runs as process "));
	probing_close(&p);
}

static const struct unit_case cases[] = {
	{ "the exit status decides, and the first line is told",
		the_exit_status_decides_and_the_first_line_is_told },
	{ "nothing of ours is open in it", nothing_of_ours_is_open_in_it },
	{ "what is no command fails at once", what_is_no_command_fails_at_once },
	{ "all that a command has started ends with it",
		all_that_a_command_has_started_ends_with_it },
	{ "a command ends with its round", a_command_ends_with_its_round },
	{ "commands are each their edge's own", commands_are_each_their_edges_own },
};

void suite_check_exec(void);
void suite_check_exec(void)
{
	unit_suite("probe/check_exec", cases, UNIT_COUNT(cases));
}
