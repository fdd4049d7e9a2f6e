#include "base/fault.h"
#include "unit/unit.h"

#include <stdio.h>
#include <string.h>

static void a_fault_shows_its_line_and_a_caret(void)
{
	static const char text[] = "first\nwww A 192.0.2.256\nlast";
	struct faults f;

	faults_init(&f);
	const struct fault_at at = { "z", text, text + sizeof text - 1, 2, 7 };
	CU_ASSERT_FALSE(faults_error(&f, &at, "%s is bad", "it"));
	CU_ASSERT_STRING_EQUAL(text_get(&f.text),
		"z:2:7: error: it is bad\n    www A 192.0.2.256\n          ^\n");
	CU_ASSERT_EQUAL(f.errors, 1);
	faults_fini(&f);
}

static void secrets_of_its_line_are_hidden(void)
{
	static const struct {
		const char *line, *shown;
	} rows[] = {
		{ "a: { secret: \"bGx=\", b: 1 }", "a: { secret: \"****\", b: 1 }" },
		{ "secret: abc", "secret: ***" },
		{ "\"staging\": [ 'x', y ], secret: ''", "\"staging\": [ '*', y ], secret: ''" },
		{ "redis: [ \"redis://me:p@\xc3\xa4@h/1\", redis://h ]", "redis: [ \"redis://******@h/1\", redis://h ]" },
		{ "secret: { file: x }", "secret: { file: x }" },
		{ "secret:", "secret:" },
	};

	for (unsigned i = 0; i < sizeof rows / sizeof *rows; i++) {
		struct faults f;
		char want[200];
		const struct fault_at at = { "z", rows[i].line, NULL, 1, 1 };
		snprintf(want, sizeof want, "z:1:1: error: x\n    %s\n    ^\n", rows[i].shown);
		faults_init(&f);
		faults_error(&f, &at, "x");
		CU_ASSERT_STRING_EQUAL(text_get(&f.text), want);
		faults_fini(&f);
	}
}

static void a_tab_before_the_caret_stays_a_tab(void)
{
	static const char text[] = "\twww";
	struct faults f;

	faults_init(&f);
	const struct fault_at at = { "z", text, text + 4, 1, 2 };
	faults_warning(&f, &at, "x");
	CU_ASSERT_STRING_EQUAL(text_get(&f.text), "z:1:2: warning: x\n    \twww\n    \t^\n");
	faults_fini(&f);
}

static void columns_count_characters(void)
{
	static const char text[] = "\"\xc3\xa4\xe2\x82\xac\" x"; /* a-umlaut, euro sign */
	struct faults f;

	CU_ASSERT_EQUAL(fault_column(text, strchr(text, 'x')), 6);
	faults_init(&f);
	const struct fault_at at = { "z", text, text + sizeof text - 1, 1, 6 };
	faults_error(&f, &at, "x");
	CU_ASSERT_STRING_EQUAL(text_get(&f.text),
		"z:1:6: error: x\n    \"\xc3\xa4\xe2\x82\xac\" x\n         ^\n");
	faults_fini(&f);
}

static void a_place_outside_of_the_text_is_survived(void)
{
	static const char text[] = "a\n";
	static const struct {
		unsigned line, column;
	} row[] = { { 0, 0 }, { 1, 99 }, { 2, 1 }, { 3, 1 }, { 99, 99 } };

	for (size_t i = 0; i < UNIT_COUNT(row); i++) {
		struct faults f;
		faults_init(&f);
		const struct fault_at at = { "z", text, text + 2, row[i].line, row[i].column };
		faults_error(&f, &at, "x");
		CU_ASSERT_PTR_NOT_NULL(strstr(text_get(&f.text), "error: x\n"));
		faults_fini(&f);
	}
}

static void a_very_long_line_is_shown_around_the_place(void)
{
	char text[5000];
	struct faults f;

	memset(text, 'x', sizeof text);
	text[4000] = '!';
	faults_init(&f);
	const struct fault_at at = { "z", text, text + sizeof text, 1, 4001 };
	faults_error(&f, &at, "x");
	CU_ASSERT(f.text.len < 500);
	const char *caret = strchr(strchr(text_get(&f.text), '!'), '^');
	CU_ASSERT_PTR_NOT_NULL_FATAL(caret);
	const char *mark = strchr(text_get(&f.text), '!'), *end = strchr(mark, '\n');
	const char *start = mark;
	while (start[-1] != '\n')
		start--;
	CU_ASSERT_EQUAL(caret - (end + 1), mark - start);
	faults_fini(&f);
}

static unsigned count_lines(const struct faults *f)
{
	unsigned lines = 0;

	for (const char *p = text_get(&f->text); *p; p++)
		lines += *p == '\n';
	return lines;
}

static void fifty_errors_are_shown_and_the_rest_counted(void)
{
	struct faults f;

	faults_init(&f);
	for (unsigned i = 0; i < 70; i++)
		faults_error(&f, &(struct fault_at){ "z", NULL, NULL, i + 1, 1 }, "x");
	CU_ASSERT_EQUAL(count_lines(&f), FAULTS_MOST);
	CU_ASSERT_EQUAL(f.errors, 70);
	CU_ASSERT_TRUE(faults_full(&f));
	faults_fini(&f);
}

static void lists_are_put_together_up_to_the_fiftieth_error(void)
{
	struct faults all, some[2];

	for (unsigned of_first = 0; of_first <= 70; of_first += 10) {
		faults_init(&all);
		for (unsigned k = 0; k < 2; k++) {
			faults_init(&some[k]);
			faults_warning(&some[k], &(struct fault_at){ 0 }, "before all errors");
			for (unsigned i = 0; i < (k ? 60 : of_first); i++)
				faults_error(&some[k], &(struct fault_at){ 0 }, "%u %u", k, i);
			faults_add(&all, &some[k]);
		}
		CU_ASSERT_EQUAL(all.errors, of_first + 60);
		CU_ASSERT_EQUAL(all.warnings, 2);
		CU_ASSERT_EQUAL(count_lines(&all), FAULTS_MOST + (of_first < 50 ? 2 : 1));
		if (of_first < 50) {
			char last[32];
			snprintf(last, sizeof last, "error: 1 %u\n", 49 - of_first);
			const size_t len = strlen(last);
			CU_ASSERT_STRING_EQUAL(text_get(&all.text) + all.text.len - len, last);
			CU_ASSERT_EQUAL(all.error_at[49], all.text.len - len);
		}
		faults_fini(&all);
		faults_fini(&some[0]);
		faults_fini(&some[1]);
	}
}

static void each_fault_is_found_again_with_its_place(void)
{
	static const char text[] = "first error: here\n    warning: there";
	const struct fault_at at = { "/a: b/z", text, text + sizeof text - 1, 1, 7 },
			      indented = { "z", text, text + sizeof text - 1, 2, 5 },
			      file = { .path = "/c:8/w:9" }, none = { 0 };
	static const struct {
		bool warning;
		const char *path;
		unsigned line, column;
		const char *say;
	} want[] = { { false, "/a: b/z", 1, 7, "error: of warning: 7" },
		{ true, "z", 2, 5, "with error: inside" }, { false, "/c:8/w:9", 0, 0, "whole" },
		{ true, "", 0, 0, "nowhere" }, { false, "", 0, 0, "an error: x" } };
	struct faults f;
	struct fault_view v;
	const char *next = NULL;

	faults_init(&f);
	CU_ASSERT_PTR_NULL(faults_view(&f, NULL, &v));
	faults_error(&f, &at, "error: of warning: %d", 7);
	faults_warning(&f, &indented, "with error: inside");
	faults_error(&f, &file, "whole");
	faults_warning(&f, &none, "nowhere");
	faults_error(&f, &none, "an error: x");
	for (size_t i = 0; i < UNIT_COUNT(want); i++) {
		next = faults_view(&f, next, &v);
		CU_ASSERT_PTR_NOT_NULL_FATAL(next);
		CU_ASSERT_EQUAL(v.warning, want[i].warning);
		CU_ASSERT_EQUAL(v.path_len, strlen(want[i].path));
		CU_ASSERT_EQUAL(memcmp(v.path, want[i].path, v.path_len), 0);
		CU_ASSERT_EQUAL(v.line, want[i].line);
		CU_ASSERT_EQUAL(v.column, want[i].column);
		CU_ASSERT_EQUAL(v.say_len, strlen(want[i].say));
		CU_ASSERT_EQUAL(memcmp(v.say, want[i].say, v.say_len), 0);
	}
	CU_ASSERT_PTR_NULL(faults_view(&f, next, &v));
	faults_fini(&f);
}

void suite_fault(void)
{
	static const struct unit_case cases[] = {
		{ "a fault shows its line and a caret", a_fault_shows_its_line_and_a_caret },
		{ "secrets of its line are hidden", secrets_of_its_line_are_hidden },
		{ "a tab before the caret stays a tab", a_tab_before_the_caret_stays_a_tab },
		{ "columns count characters, not bytes", columns_count_characters },
		{ "a place outside of the text is survived",
			a_place_outside_of_the_text_is_survived },
		{ "a very long line is shown around the place",
			a_very_long_line_is_shown_around_the_place },
		{ "fifty errors are shown and the rest counted",
			fifty_errors_are_shown_and_the_rest_counted },
		{ "lists are put together up to the fiftieth error",
			lists_are_put_together_up_to_the_fiftieth_error },
		{ "each fault is found again with its place",
			each_fault_is_found_again_with_its_place },
	};

	unit_suite("base/fault", cases, UNIT_COUNT(cases));
}
