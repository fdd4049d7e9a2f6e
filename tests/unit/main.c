/* main.c - run all unit tests, or those of the suites named on the command line.
 *
 * Some processes take suites one after the other, so that tests that wait for something keep
 * none of the others waiting. One suite alone runs in this process. With UNIT_STOP in the
 * environment no suite is begun after one has failed.
 */
#include "unit/failing.h"
#include "unit/unit.h"

#include <CUnit/CUnit.h>
#include <CUnit/TestRun.h>

#include <dirent.h>
#include <stdbool.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>
#include <sys/wait.h>
#include <unistd.h>

#define SUITE(name) void suite_##name(void);
#include "suites.h"
#undef SUITE

/* --- what is not given back --------------------------------------------------------------- */

enum { CASES_MOST = 4096, RUNS = 4 };

static struct {
	CU_pTest test;
	void (*run)(void);
} known[CASES_MOST];
static size_t n_known;

static size_t descriptors(void)
{
	DIR *d = opendir("/proc/self/fd");
	size_t n = 0;

	while (d && readdir(d))
		n++;
	if (d)
		closedir(d);
	return n;
}

/* A test whose blocks, pages or descriptors are more after each of several runs than after the
 * one before leaves something behind; what is kept once, for good, is not seen then. */
static void run_known(void)
{
	size_t i = 0;
	const char *what = NULL;

	while (known[i].test != CU_get_current_test())
		i++;
	for (unsigned k = 0; k < RUNS; k++) {
		const size_t held = failing_held(), mapped = failing_mapped(),
			     open = descriptors();
		const unsigned failures = CU_get_number_of_failures();
		known[i].run();
		what = (ptrdiff_t)(failing_held() - held) > 0 ? "every run keeps some memory"
			: descriptors() > open ? "every run keeps descriptors open"
			: (ptrdiff_t)(failing_mapped() - mapped) > 0
			? "every run keeps some pages"
			: NULL;
		if (!what || CU_get_number_of_failures() != failures)
			return;
	}
	CU_assertImplementation(CU_FALSE, __LINE__, what, "unit/main.c", "", CU_FALSE);
}

void unit_suite_with(const char *name, const struct unit_case *cases, size_t n,
	int (*open)(void), int (*close)(void))
{
	CU_pSuite suite = CU_add_suite(name, open, close);

	for (size_t i = 0; i < n && n_known < CASES_MOST; i++) {
		known[n_known].run = cases[i].run;
		known[n_known++].test = CU_add_test(suite, cases[i].claim, run_known);
	}
}

void unit_suite(const char *name, const struct unit_case *cases, size_t n)
{
	unit_suite_with(name, cases, n, NULL, NULL);
}

static const struct {
	const char *name;
	void (*add)(void);
} suites[] = {
#define SUITE(name) { #name, suite_##name },
#include "suites.h"
#undef SUITE
};

/* --- running them ------------------------------------------------------------------------- */

enum { AT_ONCE = 6 };

/* What the processes share. */
struct board {
	size_t todo[UNIT_COUNT(suites)]; /* numbers of suites, those that take longest first */
	size_t n, next;                  /* `next` is atomic */
	unsigned passed, failed;         /* atomic */
	size_t at[AT_ONCE];              /* 1 + what each is at; 0: nothing */
};

static void tell_failures(void)
{
	for (const CU_FailureRecord *f = CU_get_failure_list(); f; f = f->pNext)
		printf("FAILED: %s: %s\n    %s:%u: %s\n", f->pSuite ? f->pSuite->pName : "",
			f->pTest ? f->pTest->pName : "its beginning", f->strFileName,
			f->uiLineNumber, f->strCondition);
}

static void run_suite(struct board *b, size_t suite)
{
	if (CU_initialize_registry() != CUE_SUCCESS)
		abort();
	n_known = 0;
	suites[suite].add();
	CU_run_all_tests();
	const unsigned run = CU_get_number_of_tests_run(),
		       bad = CU_get_number_of_tests_failed() + CU_get_number_of_suites_failed();
	tell_failures();
	fflush(stdout);
	__atomic_add_fetch(&b->passed, run - CU_get_number_of_tests_failed(), __ATOMIC_RELAXED);
	__atomic_add_fetch(&b->failed, bad, __ATOMIC_RELAXED);
	CU_cleanup_registry();
}

static void run_some(struct board *b, unsigned process)
{
	size_t i;
	const bool stops = getenv("UNIT_STOP");

	while ((i = __atomic_fetch_add(&b->next, 1, __ATOMIC_RELAXED)) < b->n) {
		if (stops && __atomic_load_n(&b->failed, __ATOMIC_RELAXED))
			return;
		b->at[process] = 1 + b->todo[i];
		run_suite(b, b->todo[i]);
		b->at[process] = 0;
	}
}

/* A process that has crashed, or has ended by itself in the middle of a suite. */
static void look_at(struct board *b, unsigned process, int status)
{
	if (!b->at[process] && WIFEXITED(status) && WEXITSTATUS(status) == 0)
		return;
	b->failed++;
	printf("FAILED: suite %s: ended with %s %d\n",
		b->at[process] ? suites[b->at[process] - 1].name : "?",
		WIFSIGNALED(status) ? "signal" : "status",
		WIFSIGNALED(status) ? WTERMSIG(status) : WEXITSTATUS(status));
}

static void run_all(struct board *b)
{
	pid_t pid[AT_ONCE];

	for (unsigned i = 0; i < AT_ONCE; i++) {
		pid[i] = fork();
		if (pid[i] == 0) {
			run_some(b, i);
			exit(0);
		}
	}
	for (unsigned i = 0; i < AT_ONCE; i++) {
		int status = -1;
		if (pid[i] < 0 || waitpid(pid[i], &status, 0) != pid[i])
			abort();
		look_at(b, i, status);
	}
}

static bool is_wanted(const char *name, int argc, char **argv)
{
	for (int i = 1; i < argc; i++)
		if (strcmp(argv[i], name) == 0)
			return true;
	return argc < 2;
}

static bool is_suite(const char *name)
{
	for (size_t i = 0; i < UNIT_COUNT(suites); i++)
		if (strcmp(suites[i].name, name) == 0)
			return true;
	return false;
}

/* Those that take seconds. */
static bool is_long(const char *name)
{
	static const char *const names[] = { "rankings", "secondaries", "control",
		"registry", "shed", "signing_key", "zone_changes", "load_fleet", "sign", "rank", "rank_build", "agents", "geo_watch", "master", "client_map",
		"check_http", "fleet_member", "balancer", "redis", "why_orders", "orders", "key_ring" };

	for (size_t i = 0; i < UNIT_COUNT(names); i++)
		if (strcmp(names[i], name) == 0)
			return true;
	return false;
}

int main(int argc, char **argv)
{
	struct board *b = mmap(
		NULL, sizeof *b, PROT_READ | PROT_WRITE, MAP_SHARED | MAP_ANONYMOUS, -1, 0);

	if (b == MAP_FAILED)
		return 2;
	for (int i = 1; i < argc; i++)
		if (!is_suite(argv[i])) {
			printf("unit: no suite %s\n", argv[i]);
			return 2;
		}
	for (unsigned quick = 0; quick < 2; quick++)
		for (size_t i = 0; i < UNIT_COUNT(suites); i++)
			if (is_wanted(suites[i].name, argc, argv) &&
				is_long(suites[i].name) != quick)
				b->todo[b->n++] = i;
	if (b->n == 1)
		run_some(b, 0);
	else
		run_all(b);
	printf("unit: %u passed, %u failed\n", b->passed, b->failed);
	return b->failed != 0;
}
