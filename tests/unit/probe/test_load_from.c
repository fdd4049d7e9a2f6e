#include "probe/load_from.h"

#include "unit/unit.h"

#include <string.h>

static void numbers_are_read_with_care(void)
{
	static const struct {
		const char *text;
		float want; /* negative: none */
	} row[] = { { "0.75", 0.75f }, { " 12 ", 12 }, { "75%\r\n", 75 }, { "75 %", 75 },
		{ "0", 0 }, { "", -1 }, { "-1", -1 }, { "0x10", -1 }, { "5e-05", 5e-5f },
		{ "1.2e9", 1.2e9f }, { "1E+2", 100 }, { "2.5e3%", 2500 }, { "-0.0", 0 },
		{ "1e15", 1e15f }, { "1e16", -1 }, { "1e400", -1 }, { "1e-400", 0 },
		{ "1e", -1 }, { "1e+", -1 }, { "1.e3", -1 }, { "e3", -1 }, { "1e3.5", -1 },
		{ "1e3x", -1 }, { "-", -1 }, { "0.30000000000000004", 0.3f },
		{ "1.", -1 }, { ".5", -1 }, { "1.2.3", -1 }, { "12a", -1 }, { "nan", -1 },
		{ "inf", -1 }, { "99999999", 99999999.f }, { "1000000000", 1e9f },
		{ "1000000000000001", -1 }, { "1111111111111111111111111111", -1 }, { "0.3 0.4", -1 } };

	for (size_t i = 0; i < UNIT_COUNT(row); i++) {
		float got = -1;
		const bool ok = load_from_number(row[i].text, strlen(row[i].text), &got);
		CU_ASSERT_EQUAL(ok, row[i].want >= 0);
		if (ok)
			CU_ASSERT_DOUBLE_EQUAL(got, row[i].want, 1e-6 * row[i].want);
	}
}

static void a_field_is_found_in_a_header_or_a_body(void)
{
	static const struct {
		const char *body, *field;
		float want;
	} row[] = { { "{\"load\": 0.5}", "load", 0.5f }, { "load=0.5\n", "load", 0.5f },
		{ "load: 7", "load", 7 }, { "{'load':'7'}", "load", 7 },
		{ "overload=9 load=1", "load", 1 }, { "load-average=9\nload = 2", "load", 2 },
		{ "load load load=3", "load", 3 }, { "load", "load", -1 },
		{ "load=", "load", -1 }, { "{\"load\":1.2e+3}", "load", 1200 },
		{ "{\"load\":5e-05,\"n\":1}", "load", 5e-5f }, { "{\"load\":-3}", "load", -1 },
		{ "{ \"load\"\n:\t4 }", "load", 4 }, { "{\"load\" :\r\n\t\r\n 4\n}", "load", 4 }, { "load\n: 4", "load", -1 },
		{ "load:\n4", "load", -1 }, { "\"load:\n4", "load", -1 }, { "{\"load\":\n\n", "load", -1 }, { "{\"load\"\n", "load", -1 },
		{ "{\"x\\\"load\":9,\"load\":1}", "load", 1 }, { "{\"x\\\"load\":9}", "load", -1 },
		{ "load=x", "load", -1 }, { "", "load", -1 }, { "{\"load\":1_000}", "load", -1 },
		{ "Load=1", "load", -1 }, { "payload=4", "load", -1 } };
	float got;

	for (size_t i = 0; i < UNIT_COUNT(row); i++) {
		got = -1;
		load_from_body(row[i].body, strlen(row[i].body), row[i].field, &got);
		CU_ASSERT_DOUBLE_EQUAL(got, row[i].want, 1e-6);
	}
	CU_ASSERT_TRUE(load_from_header("X-Load: 0.25\r\n", 14, "x-load", &got));
	CU_ASSERT_DOUBLE_EQUAL(got, 0.25, 1e-6);
	CU_ASSERT_FALSE(load_from_header("X-Loader: 1\r\n", 13, "x-load", &got));
	CU_ASSERT_FALSE(load_from_header("X-Load 1\r\n", 10, "x-load", &got));
}

void suite_load_from(void)
{
	static const struct unit_case cases[] = {
		{ "numbers are read with care", numbers_are_read_with_care },
		{ "a field is found in a header or a body",
			a_field_is_found_in_a_header_or_a_body },
	};

	unit_suite("probe/load_from", cases, UNIT_COUNT(cases));
}
