#include "fleet/fields.h"

#include "unit/unit.h"

#include <stdio.h>

static void each_field_has_its_number(void)
{
	struct fields f = { 0 };
	char field[33];

	CU_ASSERT(fields_get(&f, "0123456789abcdef") == FIELDS_NONE);
	for (unsigned round = 0; round < 2; round++) {
		for (unsigned i = 0; i < 5000; i++) {
			snprintf(field, sizeof field, "%016x%016x", i * 2654435761u, i);
			fields_put(&f, field, i + round);
		}
		for (unsigned i = 0; i < 5000; i++) {
			snprintf(field, sizeof field, "%016x%016x", i * 2654435761u, i);
			CU_ASSERT(fields_get(&f, field) == i + round);
		}
	}
	CU_ASSERT(f.n == 5000);
	fields_clear(&f);
	CU_ASSERT(fields_get(&f, field) == FIELDS_NONE);
	fields_put(&f, "00000000000000000000", 7);
	CU_ASSERT(fields_get(&f, "00000000000000000000") == 7);
	fields_fini(&f);
}

static void what_is_no_digit_finds_nothing_and_harms_nothing(void)
{
	struct fields f = { 0 };

	fields_put(&f, "0123456789abcdef", 1);
	CU_ASSERT(fields_get(&f, "") == FIELDS_NONE);
	CU_ASSERT(fields_get(&f, "\xff\xfe") == FIELDS_NONE);
	fields_fini(&f);
}

void suite_fields(void)
{
	static const struct unit_case cases[] = {
		{ "each field has its number", each_field_has_its_number },
		{ "what is no digit finds nothing and harms nothing", what_is_no_digit_finds_nothing_and_harms_nothing },
	};

	unit_suite("fleet/fields", cases, UNIT_COUNT(cases));
}
