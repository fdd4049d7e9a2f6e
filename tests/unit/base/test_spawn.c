#include "base/spawn.h"

#include "unit/unit.h"

#include "base/clock.h"

#include <errno.h>
#include <stdlib.h>
#include <string.h>

static bool run(const char *script, const char *input, size_t len, unsigned most_ms, struct fault *why)
{
	const char *const command[] = { "/bin/sh", "-c", script, NULL };
	char word[] = "WAYMARK_TEST=it's here";
	char *words[] = { word };

	return spawn_run(&(struct spawn_run){ .command = command,
				 .words = words,
				 .n_words = 1,
				 .input = input,
				 .len = len,
				 .most_ms = most_ms },
		why);
}

static void what_it_reads_says_and_ends_with_is_known(void)
{
	static const struct {
		const char *script, *input;
		unsigned most_ms;
		const char *say; /* NULL: it is right */
	} row[] = {
		{ "test \"$(cat)\" = 'a zone'", "a zone", 20000, NULL },
		{ "test \"$WAYMARK_TEST\" = \"it's here\"", "", 20000, NULL },
		{ "cat >/dev/null; echo; echo one; echo two; exit 7", "x", 20000,
			"/bin/sh: exit status 7: one" },
		{ "printf 'a\\033b' >&2; exit 1", "", 20000, "/bin/sh: exit status 1: a?b" },
		{ "grep -q 'NoNewPrivs:.1' /proc/self/status && test $(ulimit -c) = 0", "", 20000, NULL },
		{ "kill -9 $$", "", 20000, "/bin/sh: killed by signal 9" },
		{ "echo first; sleep 100 & sleep 100", "", 50, "/bin/sh: its time is over" },
	};

	for (size_t i = 0; i < UNIT_COUNT(row); i++) {
		struct fault why = { "" };
		const bool ok = run(row[i].script, row[i].input, strlen(row[i].input), row[i].most_ms, &why);
		CU_ASSERT_EQUAL(ok, row[i].say == NULL);
		CU_ASSERT_TRUE(!row[i].say || strncmp(why.text, row[i].say, strlen(row[i].say)) == 0);
	}
}

/* However busy the machine is. */
static void nobody_has_less_time_than_was_said(void)
{
	struct fault why = { "" };
	const double begun = clock_seconds();

	CU_ASSERT_FALSE(run("sleep 100", "", 0, 400, &why));
	CU_ASSERT_TRUE(clock_seconds() - begun >= 0.4);
	CU_ASSERT_STRING_EQUAL(why.text, "/bin/sh: its time is over");
}

static void one_that_reads_no_more_is_no_harm(void)
{
	enum { MUCH = 4 << 20 };
	char *much = malloc(MUCH);
	struct fault why;

	memset(much, 'x', MUCH);
	CU_ASSERT_TRUE(run("exec <&-; exit 0", much, MUCH, 20000, &why));
	CU_ASSERT_TRUE(run("test $(wc -c) = 4194304", much, MUCH, 20000, &why));
	free(much);
}

static bool never(void *ctx)
{
	++*(int *)ctx;
	return false;
}

static void one_that_is_not_wanted_any_more_ends_and_one_that_is_not_there_is_told(void)
{
	const char *const hangs[] = { "/bin/sleep", "100", NULL }, *const none[] = { "/nonexistent", NULL };
	struct fault why;
	int asked = 0;

	CU_ASSERT_FALSE(spawn_run(
		&(struct spawn_run){ .command = hangs, .most_ms = 60000, .wanted = never, .ctx = &asked },
		&why));
	CU_ASSERT_STRING_EQUAL(why.text, "/bin/sleep: it is given up");
	CU_ASSERT_EQUAL(asked, 1);
	CU_ASSERT_FALSE(spawn_run(&(struct spawn_run){ .command = none, .most_ms = 60000 }, &why));
	CU_ASSERT_STRING_EQUAL(why.text, "/nonexistent: No such file or directory");
}

void suite_spawn(void);
void suite_spawn(void)
{
	static const struct unit_case cases[] = {
		{ "what it reads, says and ends with is known", what_it_reads_says_and_ends_with_is_known },
		{ "nobody has less time than was said", nobody_has_less_time_than_was_said },
		{ "one that reads no more is no harm", one_that_reads_no_more_is_no_harm },
		{ "one that is not wanted any more ends, and one that is not there is told",
			one_that_is_not_wanted_any_more_ends_and_one_that_is_not_there_is_told },
	};

	unit_suite("base/spawn", cases, UNIT_COUNT(cases));
}
