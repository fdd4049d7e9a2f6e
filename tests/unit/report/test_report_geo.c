#include "report/report_geo.h"

#include "unit/unit.h"

#include <string.h>

enum { DAY = 86400 };

static const int64_t built = 1790812800; /* 2026-10-01T00:00:00Z */

static void each_file_is_told_with_its_age(void)
{
	static char city[] = "/x/city.mmdb", asn[] = "/x/asn.mmdb";
	static const struct {
		int64_t after_s;
		const char *say;
	} row[] = { { 0, "built 2026-10-01, 0 days ago\n" },
		{ DAY - 1, "built 2026-10-01, 0 days ago\n" },
		{ DAY, "built 2026-10-01, 1 day ago\n" },
		{ 57 * DAY, "built 2026-10-01, 57 days ago\n" },
		{ 180 * DAY, "built 2026-10-01, 180 days ago\n" },
		{ 181 * DAY, "built 2026-10-01, 181 days ago (old)\n" },
		{ -5 * DAY, "built 2026-10-01, 0 days ago\n" } };
	struct mmdb_told cities = { .path = city,
		.type = "Some-City",
		.built_s = (uint64_t)built,
		.nets = 7 },
			 asns = { .path = asn, .type = "Some-ASN" };
	const struct atlas a = { .cities = { .told = &cities, .n_told = 1 },
		.asns = { .told = &asns, .n_told = 1 } };

	for (size_t i = 0; i < UNIT_COUNT(row); i++) {
		struct text out = { 0 }, want = { 0 };
		text_addf(&want,
			"> city /x/city.mmdb: Some-City, %s> asn /x/asn.mmdb: Some-ASN, does "
			"not "
			"tell when it was built\n",
			row[i].say);
		report_geo_text(&a, built + row[i].after_s, "> ", &out);
		CU_ASSERT_STRING_EQUAL(text_get(&out), text_get(&want));
		text_fini(&out);
		text_fini(&want);
	}
	json_t *list = report_geo(&a, built + 3 * DAY);
	CU_ASSERT_EQUAL_FATAL(json_array_size(list), 2);
	const json_t *first = json_array_get(list, 0), *second = json_array_get(list, 1);
	CU_ASSERT_STRING_EQUAL(json_string_value(json_object_get(first, "kind")), "city");
	CU_ASSERT_STRING_EQUAL(
		json_string_value(json_object_get(first, "built")), "2026-10-01T00:00:00Z");
	CU_ASSERT_EQUAL(json_integer_value(json_object_get(first, "age_days")), 3);
	CU_ASSERT_EQUAL(json_integer_value(json_object_get(first, "networks")), 7);
	CU_ASSERT_STRING_EQUAL(json_string_value(json_object_get(second, "kind")), "asn");
	CU_ASSERT_PTR_NULL(json_object_get(second, "built"));
	json_decref(list);
}

static void without_files_there_is_nothing_to_tell(void)
{
	const struct atlas a = { 0 };
	struct text out = { 0 };

	report_geo_text(&a, built, "> ", &out);
	CU_ASSERT_EQUAL(out.len, 0);
	text_fini(&out);
}

void suite_report_geo(void);
void suite_report_geo(void)
{
	static const struct unit_case cases[] = {
		{ "each file is told with its age", each_file_is_told_with_its_age },
		{ "without files there is nothing to tell",
			without_files_there_is_nothing_to_tell },
	};

	unit_suite("report/report_geo", cases, UNIT_COUNT(cases));
}
