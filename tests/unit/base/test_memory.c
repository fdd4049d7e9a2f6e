#include "base/memory.h"

#include "base/log.h"
#include "base/scope.h"
#include "unit/failing.h"
#include "unit/unit.h"

#include <string.h>
#include <sys/wait.h>
#include <unistd.h>

/* In a process of its own, since the reserve is there once and its end is the end. What it has
 * said comes back in `said`. */
static int alone(void (*work)(void), char *said, size_t room)
{
	int ends[2], status = -1;
	size_t len = 0;
	ssize_t n;

	CU_ASSERT_EQUAL_FATAL(pipe(ends), 0);
	const pid_t child = fork();
	CU_ASSERT_TRUE_FATAL(child >= 0);
	if (child == 0) {
		dup2(ends[1], STDERR_FILENO);
		close(ends[0]);
		close(ends[1]);
		log_open("test", LOG_NOTICE);
		memory_reserve(1 << 20);
		work();
		_exit(42);
	}
	close(ends[1]);
	while ((n = read(ends[0], said + len, room - 1 - len)) > 0)
		len += (size_t)n;
	said[len] = 0;
	close(ends[0]);
	waitpid(child, &status, 0);
	return WIFEXITED(status) ? WEXITSTATUS(status) : -1;
}

static unsigned times(const char *text, const char *what)
{
	unsigned n = 0;

	for (const char *p = text; (p = strstr(p, what)); p++)
		n++;
	return n;
}

static void need_some(void)
{
	for (unsigned i = 0; i < 3; i++) {
		failing_start(1, 1);
		char *s = memory_strdup("found with the reserve");
		failing_stop();
		if (strcmp(s, "found with the reserve") != 0 || !memory_is_low())
			_exit(1);
		memory_free(s);
	}
	memory_refill();
	if (memory_is_low())
		_exit(2);
}

static void the_reserve_helps_and_is_told_once(void)
{
	char said[4096];

	CU_ASSERT_EQUAL(alone(need_some, said, sizeof said), 42);
	CU_ASSERT_EQUAL(times(said, "out of memory"), 1);
	CU_ASSERT_EQUAL(times(said, "memory again"), 1);
}

static void refill_without_memory(void)
{
	memory_release();
	failing_start(1, 1);
	memory_refill();
	failing_stop();
	if (!memory_is_low())
		_exit(1);
}

static void the_reserve_is_taken_again_only_when_there_is_memory(void)
{
	char said[4096];

	CU_ASSERT_EQUAL(alone(refill_without_memory, said, sizeof said), 42);
	CU_ASSERT_EQUAL(times(said, "memory again"), 0);
}

static void need_more_than_there_is(void)
{
	failing_start(1, 2);
	memory_zeroed(10, 10);
}

static void without_any_it_is_the_end(void)
{
	char said[4096];

	CU_ASSERT_EQUAL(alone(need_more_than_there_is, said, sizeof said), 1);
	CU_ASSERT_EQUAL(times(said, "(100 bytes wanted)"), 1);
}

static void try_more_than_there_is(void)
{
	failing_start(1, 2);
	if (memory_try(100))
		_exit(1);
	failing_stop();
}

static void a_library_gets_null(void)
{
	char said[4096];

	CU_ASSERT_EQUAL(alone(try_more_than_there_is, said, sizeof said), 42);
}

static void take_one(void *ctx)
{
	failing_start(1, 1);
	*(void **)ctx = memory_try(1000);
}

static void run_a_scope(void)
{
	void *p;

	if (scope_run(take_one, &p) || memory_is_low())
		_exit(1);
}

static void a_scope_leaves_the_reserve_to_the_loop(void)
{
	char said[4096];

	CU_ASSERT_EQUAL(alone(run_a_scope, said, sizeof said), 42);
	CU_ASSERT_STRING_EQUAL(said, "");
}

static void nothing_is_something_to_free(void)
{
	memory_free(memory_zeroed(0, 8));
	memory_free(memory_grow(NULL, 0));
	memory_free(memory_strndup("abc", 0));
	memory_free(NULL);
}

void suite_memory(void);
void suite_memory(void)
{
	static const struct unit_case cases[] = {
		{ "the reserve helps and is told once", the_reserve_helps_and_is_told_once },
		{ "the reserve is taken again only when there is memory",
			the_reserve_is_taken_again_only_when_there_is_memory },
		{ "without any it is the end", without_any_it_is_the_end },
		{ "a library gets NULL", a_library_gets_null },
		{ "a scope leaves the reserve to the loop",
			a_scope_leaves_the_reserve_to_the_loop },
		{ "nothing is something to free", nothing_is_something_to_free },
	};

	unit_suite("base/memory", cases, UNIT_COUNT(cases));
}
