#include "report/report_faults.h"

#include "unit/unit.h"

#include <jansson.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

static void faults_are_told_with_their_places(void)
{
	static const char line[] = "a 1 A x\n";
	const struct fault_at at = { .path = "z.zone", .text = line, .text_end = line + 7, .line = 3, .column = 7 };
	struct faults f;

	faults_init(&f);
	faults_error(&f, &at, "x is none");
	faults_warning(&f, &(struct fault_at){ .path = "y.zone" }, "it is old");
	faults_take(&f, &(struct fault){ "nothing is there" });
	json_t *to = json_object();
	report_faults(&f, to);
	char *text = json_dumps(to, JSON_COMPACT);
	CU_ASSERT_STRING_EQUAL(text,
		"{\"errors\":2,\"warnings\":1,\"faults\":["
		"{\"severity\":\"error\",\"file\":\"z.zone\",\"line\":3,\"column\":7,\"message\":\"x is none\"},"
		"{\"severity\":\"warning\",\"file\":\"y.zone\",\"message\":\"it is old\"},"
		"{\"severity\":\"error\",\"message\":\"nothing is there\"}]}");
	free(text);
	json_decref(to);
	faults_fini(&f);
}

/* Files may be in any encoding, JSON is in UTF-8. */
static void text_that_is_no_utf_8_is_taken_for_latin_1(void)
{
	static const struct {
		const char *said, *is;
	} row[] = {
		{ "caf\xe9 is none", "caf\xc3\xa9 is none" },
		{ "\xa0\xff", "\xc2\xa0\xc3\xbf" },
		{ "caf\xc3\xa9", "caf\xc3\xa9" },
		{ "caf\xc3\xa9 caf\xe9", "caf\xc3\x83\xc2\xa9 caf\xc3\xa9" },
		{ "\x7f", "\x7f" },
	};

	for (size_t i = 0; i < UNIT_COUNT(row); i++) {
		struct faults f;
		faults_init(&f);
		faults_warning(&f, &(struct fault_at){ .path = row[i].said }, "%s", row[i].said);
		json_t *to = json_object();
		report_faults(&f, to);
		const json_t *one = json_array_get(json_object_get(to, "faults"), 0);
		CU_ASSERT_STRING_EQUAL(json_string_value(json_object_get(one, "message")), row[i].is);
		CU_ASSERT_STRING_EQUAL(json_string_value(json_object_get(one, "file")), row[i].is);
		json_decref(to);
		faults_fini(&f);
	}
}

void suite_report_faults(void);
void suite_report_faults(void)
{
	static const struct unit_case cases[] = {
		{ "faults are told with their places", faults_are_told_with_their_places },
		{ "text that is no UTF-8 is taken for Latin-1", text_that_is_no_utf_8_is_taken_for_latin_1 },
	};

	unit_suite("report/report_faults", cases, UNIT_COUNT(cases));
}
