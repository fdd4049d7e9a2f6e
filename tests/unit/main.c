/* main.c - run all unit tests, or those of the suites named on the command line.
 */
#include "unit/failing.h"
#include "unit/unit.h"

#include <CUnit/Basic.h>

#include <dirent.h>
#include <stdio.h>
#include <string.h>

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

static int wanted(const char *name, int argc, char **argv)
{
	for (int i = 1; i < argc; i++)
		if (strcmp(argv[i], name) == 0)
			return 1;
	return argc < 2;
}

int main(int argc, char **argv)
{
	if (CU_initialize_registry() != CUE_SUCCESS)
		return 2;
	for (size_t i = 0; i < UNIT_COUNT(suites); i++)
		if (wanted(suites[i].name, argc, argv))
			suites[i].add();
	CU_basic_set_mode(CU_BRM_NORMAL);
	CU_basic_run_tests();
	const unsigned run = CU_get_number_of_tests_run(),
		       bad = CU_get_number_of_tests_failed();
	printf("unit: %u passed, %u failed\n", run - bad, bad);
	CU_cleanup_registry();
	return bad != 0;
}
