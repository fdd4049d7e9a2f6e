#include "zone/generate.h"
#include "unit/unit.h"

#include <string.h>

static void pattern_is_filled_in_by_hand_worked_rules(void)
{
	static const struct {
		const char *pattern;
		uint32_t n;
		const char *want;
	} row[] = {
		{ "host-$", 7, "host-7" },
		{ "$.$", 12, "12.12" },
		{ "no sign", 1, "no sign" },
		{ "$$", 1, "$" },
		{ "\\$$", 5, "\\$5" },
		{ "a\\\\$", 5, "a\\\\5" },
		{ "${0}", 9, "9" },
		{ "${5}", 9, "14" },
		{ "${+5}", 9, "14" },
		{ "${-5}", 9, "4" },
		{ "${-5}", 4, "-1" },
		{ "${-5,4}", 4, "-001" },
		{ "${-5,0,x}", 4, "ffffffff" },
		{ "${0,3}", 9, "009" },
		{ "${0,3,d}", 1234, "1234" },
		{ "${0,4,x}", 0xbeef, "beef" },
		{ "${0,6,X}", 0xbeef, "00BEEF" },
		{ "${0,0,o}", 8, "10" },
		{ "${0,0,n}", 0, "0" },
		{ "${0,0,n}", 0x1a, "a.1" },
		{ "${0,5,n}", 1, "1.0.0" },
		{ "${0,6,n}", 1, "1.0.0." },
		{ "${0,7,N}", 0xabc, "C.B.A.0" },
		{ "${2147483647}", 2147483647, "4294967294" },
		{ "{$}", 3, "{3}" },
		{ "x$", 4294967295, "x4294967295" },
	};

	for (unsigned i = 0; i < UNIT_COUNT(row); i++) {
		struct text to = { 0 };
		CU_ASSERT(generate_expand(
			&to, row[i].pattern, strlen(row[i].pattern), row[i].n, NULL, NULL));
		CU_ASSERT_STRING_EQUAL(text_get(&to), row[i].want);
		text_fini(&to);
	}
}

static void broken_pattern_is_refused_at_its_sign(void)
{
	static const struct {
		const char *pattern;
		size_t at;
	} row[] = {
		{ "ab${", 2 },
		{ "ab${}", 2 },
		{ "${x}", 0 },
		{ "${0,}", 0 },
		{ "${0,256}", 0 },
		{ "${0,1,z}", 0 },
		{ "${0,1,}", 0 },
		{ "${0,1,dx}", 0 },
		{ "${0,1,d,}", 0 },
		{ "${--1}", 0 },
		{ "$ ${0 }", 2 },
		{ "${99999999999}", 0 },
	};

	for (unsigned i = 0; i < UNIT_COUNT(row); i++) {
		struct text to = { 0 };
		struct fault why;
		const char *bad = NULL;
		CU_ASSERT_FALSE(generate_expand(
			&to, row[i].pattern, strlen(row[i].pattern), 4, &bad, &why));
		CU_ASSERT_PTR_EQUAL(bad, row[i].pattern + row[i].at);
		text_fini(&to);
	}
}

static void range_counts_up_in_steps(void)
{
	struct generate_range r;

	CU_ASSERT(generate_range(&r, "1-254", 5, NULL));
	CU_ASSERT(r.start == 1 && r.stop == 254 && r.step == 1 && generate_count(&r) == 254);
	CU_ASSERT(generate_range(&r, "0-10/4", 6, NULL));
	CU_ASSERT_EQUAL(generate_count(&r), 3);
	CU_ASSERT(generate_range(&r, "5-5", 3, NULL));
	CU_ASSERT_EQUAL(generate_count(&r), 1);
	CU_ASSERT(generate_range(&r, "0-2147483647/2147483647", 23, NULL));
	CU_ASSERT_EQUAL(generate_count(&r), 2);
}

static void range_that_counts_nothing_or_too_much_is_refused(void)
{
	static const char *const row[] = {
		"",
		"5",
		"5-",
		"-5",
		"1-2-3",
		"2-1",
		"1-2/0",
		"1-2/",
		"1/2-3",
		"a-b",
		"1-2x",
		"0-4294967296",
		"0-2147483648",
		"0-4194304",
		"1 -2",
	};
	struct generate_range r;
	struct fault why;

	for (unsigned i = 0; i < UNIT_COUNT(row); i++) {
		CU_ASSERT_FALSE(generate_range(&r, row[i], strlen(row[i]), &why));
		CU_ASSERT_NOT_EQUAL(*why.text, 0);
	}
}

void suite_generate(void);
void suite_generate(void)
{
	static const struct unit_case cases[] = {
		{ "a pattern is filled in by hand-worked rules",
			pattern_is_filled_in_by_hand_worked_rules },
		{ "a broken pattern is refused at its sign",
			broken_pattern_is_refused_at_its_sign },
		{ "a range counts up in steps", range_counts_up_in_steps },
		{ "a range that counts nothing or too much is refused",
			range_that_counts_nothing_or_too_much_is_refused },
	};

	unit_suite("zone/generate", cases, UNIT_COUNT(cases));
}
