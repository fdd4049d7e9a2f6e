#include "zone/compile.h"

#include "unit/unit.h"
#include "unit/zone/zone_of.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#define APEX "$TTL 300\n@ SOA ns h 1 2 3 4 5\n@ NS ns\nns A 192.0.2.1\n"

/* More is wrong than one run shows: it stops, tells 50, and there is no zone. */
static void a_zone_with_more_faults_than_are_shown_is_none(void)
{
	static const struct {
		const char *say, *more;
		unsigned errors;
	} row[] = {
		{ "49", "$GENERATE 1-49 e$ EDGE nope$\n", 49 },
		{ "50", "$GENERATE 1-50 e$ EDGE nope$\n", 50 },
		{ "60", "$GENERATE 1-60 e$ EDGE nope$\n", 50 },
		{ "60, and more names behind them",
			"$GENERATE 1-60 e$ EDGE nope$\n$GENERATE 1-100 z$ A 192.0.2.$\n", 50 },
		{ "at the last name of all", "$GENERATE 1-49 a$ EDGE nope$\nzz EDGE nope\n",
			50 },
	};

	for (size_t i = 0; i < UNIT_COUNT(row); i++) {
		struct faults f;
		char text[400];
		snprintf(text, sizeof text, APEX "%s", row[i].more);
		faults_init(&f);
		struct zone *z = zone_of("example.", text, &f);
		CU_ASSERT_PTR_NULL(z);
		if (f.errors != row[i].errors) {
			printf("%s: %u\n", row[i].say, f.errors);
			CU_FAIL(row[i].say);
		}
		CU_ASSERT_PTR_NOT_NULL(strstr(text_get(&f.text), "pool"));
		faults_fini(&f);
	}
}

static const struct unit_case cases[] = {
	{ "a zone with more faults than are shown is none",
		a_zone_with_more_faults_than_are_shown_is_none },
};

void suite_compile_many(void);
void suite_compile_many(void)
{
	unit_suite("zone/compile (many faults)", cases, UNIT_COUNT(cases));
}
