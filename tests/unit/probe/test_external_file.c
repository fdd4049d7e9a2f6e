#include "probe/external_file.h"

#include "unit/unit.h"

#include <math.h>
#include <string.h>

static const struct external_file about = { .path = "v.txt", .probe = "fil", .told_us = 5000000,
	.when_s = 1700000000, .for_ms = 60000 };

static bool read_text(struct externals *to, const char *text, struct fault *why)
{
	return external_read(to, text, strlen(text), &about, why);
}

static void lines_are_verdicts(void)
{
	struct externals l;
	struct fault why;

	CU_ASSERT_TRUE_FATAL(read_text(&l,
		"# made by mon\n\n  ams1   up\r\nnyc1 DOWN for 90s load 0.5 disk failed  \n"
		"192.0.2.7 down\n2001:db8::7 up forever fine\n\tsin1\tdown\tloaded", &why));
	CU_ASSERT_EQUAL_FATAL(l.n, 5);
	const struct external_verdict *v = l.of; /* sorted: addresses have no edge */
	CU_ASSERT(v[0].one && !v[0].up && !*v[0].why && isnan(v[0].load));
	CU_ASSERT(v[1].one && !*v[1].edge && v[1].up);
	CU_ASSERT_STRING_EQUAL(v[1].why, "forever fine");
	CU_ASSERT_STRING_EQUAL(v[2].edge, "ams1");
	CU_ASSERT(v[2].up && v[2].until_us == 65000000 && v[2].when_s == 1700000000 && !*v[2].who);
	CU_ASSERT_STRING_EQUAL(v[3].edge, "nyc1");
	CU_ASSERT(!v[3].up && v[3].until_us == 95000000);
	CU_ASSERT_DOUBLE_EQUAL(v[3].load, 0.5, 1e-9);
	CU_ASSERT_STRING_EQUAL(v[3].why, "disk failed");
	CU_ASSERT_STRING_EQUAL(v[4].why, "loaded");
	externals_fini(&l);
	CU_ASSERT_TRUE(read_text(&l, "", &why));
	CU_ASSERT_EQUAL(l.n, 0);
	/* Written an hour before the machine was started: what is good for a minute is over, and not fresh once more. */
	struct external_file old = about;
	old.told_us = -3600000000;
	CU_ASSERT_TRUE_FATAL(external_read(&l, "ams1 up\nnyc1 up for 2h\n", 23, &old, &why));
	CU_ASSERT(l.of[0].until_us == 0 && l.of[1].until_us == 3600000000);
	externals_fini(&l);
}

static void what_is_wrong_is_told_with_its_place(void)
{
	static const struct {
		const char *text, *say;
	} row[] = {
		{ "ams1", "v.txt:1:5: how is it? Write up or down behind the edge" },
		{ "ams1 up\nnyc1 dwn", "v.txt:2:6: \"dwn\" is neither up nor down" },
		{ "ams1 up for ever", "v.txt:1:13: \"for\" needs a time behind it" },
		{ "ams1 up for", "v.txt:1:12: \"for\" needs a time" },
		{ "ams1 up load high", "v.txt:1:14: \"load\" needs a number" },
		{ "ams1 up\n\nams1 down", "is told twice" },
		{ "ams1 up \001", "v.txt:1:9: this is no text" },
		{ "\303 up", "v.txt:1:1: this is no text" },
	};
	struct externals l;
	struct fault why;

	for (size_t i = 0; i < UNIT_COUNT(row); i++) {
		CU_ASSERT_FALSE(read_text(&l, row[i].text, &why));
		if (!strstr(why.text, row[i].say)) {
			printf("%s\n", why.text);
			CU_FAIL("another sentence");
		}
		CU_ASSERT_EQUAL(l.n, 0);
	}
	CU_ASSERT_FALSE(external_read(&l, "a up\nb\0up", 9, &about, &why));
	CU_ASSERT_STRING_EQUAL(why.text, "v.txt:2:1: there is a NUL in the line");
}

void suite_external_file(void);
void suite_external_file(void)
{
	static const struct unit_case cases[] = {
		{ "lines are verdicts", lines_are_verdicts },
		{ "what is wrong is told with its place", what_is_wrong_is_told_with_its_place },
	};

	unit_suite("probe/external_file", cases, UNIT_COUNT(cases));
}
