/* main.c - run all unit tests, or those of the suites named on the command line.
 */
#include "unit/unit.h"

#include <CUnit/Basic.h>

#include <stdio.h>
#include <string.h>

#define SUITE(name) void suite_##name(void);
#include "suites.h"
#undef SUITE

void unit_suite(const char *name, const struct unit_case *cases, size_t n)
{
	CU_pSuite suite = CU_add_suite(name, NULL, NULL);

	for (size_t i = 0; i < n; i++)
		CU_add_test(suite, cases[i].claim, cases[i].run);
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
