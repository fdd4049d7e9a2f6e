#include "conf/known.h"

#include "unit/unit.h"

#include <stdio.h>
#include <string.h>

static const char *const names[] = { "listen", "workers", "user", "tcp-clients", "tcp-idle",
	"ams1", "ams2", "x" };

static void a_name_has_the_number_of_its_place(void)
{
	struct arena mem = { 0 };
	const struct known k = known_new(&mem, names, UNIT_COUNT(names));
	const struct known none = known_new(&mem, names, 0);
	unsigned number = 99;

	for (unsigned i = 0; i < UNIT_COUNT(names); i++) {
		CU_ASSERT_TRUE(known_find(&k, names[i], &number));
		CU_ASSERT_EQUAL(number, i);
	}
	CU_ASSERT_FALSE(known_find(&k, "listens", &number));
	CU_ASSERT_FALSE(known_find(&k, "Listen", &number));
	CU_ASSERT_FALSE(known_find(&none, "listen", &number));
	arena_fini(&mem);
}

static void the_nearest_name_is_what_a_person_meant(void)
{
	static const struct {
		const char *say, *word, *want;
	} row[] = {
		{ "a letter left out", "lisen", "listen" },
		{ "a letter too many", "listenn", "listen" },
		{ "a letter changed", "workets", "workers" },
		{ "two letters swapped are one mistake", "uesr", "user" },
		{ "the case does not count", "TCP-Idle", "tcp-idle" },
		{ "an underscore for a dash", "tcp_clients", "tcp-clients" },
		{ "three mistakes in a long word", "tpc_client", "tcp-clients" },
		{ "of two that are as near, the first in order", "ams3", "ams1" },
		{ "two mistakes in a short word are another word", "sure", NULL },
		{ "a name of one letter is near nothing", "y", NULL },
		{ "nothing like it", "latency", NULL },
		{ "no word", "", NULL },
		{ "a word past all names",
			"llllllllllllllllllllllllllllllllllllllllllllllllllllllllllllllllllllll"
			"llllllllllllllll",
			NULL },
	};
	struct arena mem = { 0 };
	const struct known k = known_new(&mem, names, UNIT_COUNT(names));

	for (size_t i = 0; i < UNIT_COUNT(row); i++) {
		const char *got = known_nearest(&k, row[i].word);
		const bool same = got && row[i].want ? strcmp(got, row[i].want) == 0
						     : got == row[i].want;
		if (!same)
			printf("\n%s: %s\n", row[i].say, got ? got : "none");
		CU_ASSERT_TRUE(same);
	}
	arena_fini(&mem);
}

void suite_known(void);
void suite_known(void)
{
	static const struct unit_case cases[] = {
		{ "a name has the number of its place", a_name_has_the_number_of_its_place },
		{ "the nearest name is what a person meant",
			the_nearest_name_is_what_a_person_meant },
	};

	unit_suite("conf/known", cases, UNIT_COUNT(cases));
}
