#include "probe/regex.h"

#include "unit/unit.h"

#include <string.h>
#include <time.h>

static void a_text_matches_or_not(void)
{
	static const struct {
		const char *pattern, *text;
		enum regex_got got;
	} row[] = {
		{ "^(ok|fine)$", "fine", REGEX_FOUND }, { "^(ok|fine)$", "fine!", REGEX_NONE },
		{ "\"state\": *\"up\"", "{ \"state\":  \"up\" }", REGEX_FOUND }, { "", "", REGEX_FOUND },
		{ "(?i)READY", "is ready", REGEX_FOUND }, { "\\d{3}", "12", REGEX_NONE },
		{ "(a+)+$", "aaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaab", REGEX_LONG },
		{ "(?:(?:(?:x*)*)*)*y", "xxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxz", REGEX_NONE },
	};

	for (size_t i = 0; i < UNIT_COUNT(row); i++) {
		const enum regex_got got = regex_find(row[i].pattern, row[i].text, strlen(row[i].text));
		/* A smarter library may know at once. */
		CU_ASSERT(got == row[i].got || (got == REGEX_NONE && row[i].got == REGEX_LONG));
	}
	CU_ASSERT_EQUAL(regex_find("a", NULL, 0), REGEX_NONE);
	CU_ASSERT_EQUAL(regex_find("b$", "a\0b", 3), REGEX_FOUND);
}

/* Of each place where it may begin, few steps; of all together, seconds. */
static void no_text_takes_long(void)
{
	static const char *const patterns[] = { "[ab]*[bc]d", "[a-z]*[a-z]*1", "\\w+@\\w+", "(?=[ab]*d)c" };
	static char text[65536];
	struct timespec from, to;

	memset(text, 'a', sizeof text);
	memcpy(text + sizeof text - 8, "-z-d1@c.", 8);
	for (size_t i = 0; i < UNIT_COUNT(patterns); i++) {
		clock_gettime(CLOCK_THREAD_CPUTIME_ID, &from);
		CU_ASSERT(regex_find(patterns[i], text, sizeof text) != REGEX_FOUND);
		clock_gettime(CLOCK_THREAD_CPUTIME_ID, &to);
		/* Some of it is for slow machines, and for sanitizers. */
		CU_ASSERT(to.tv_sec - from.tv_sec < 2);
	}
	CU_ASSERT_EQUAL(regex_find("-z-d1@c", text, sizeof text), REGEX_FOUND);
	CU_ASSERT_EQUAL(regex_find("(?s)a.*?-z", text, sizeof text), REGEX_FOUND);
	CU_ASSERT_EQUAL(regex_find("[^a]z[^a]d1", text, sizeof text), REGEX_FOUND);
}

static void what_is_no_expression_is_told_with_its_place(void)
{
	struct fault why;
	char longer[REGEX_MOST + 2];

	CU_ASSERT_TRUE(regex_is("^a[bc]+$", &why));
	CU_ASSERT_FALSE(regex_is("a(b", &why));
	CU_ASSERT_PTR_NOT_NULL(strstr(why.text, "behind its 3. character: missing closing parenthesis"));
	memset(longer, 'a', sizeof longer - 1);
	longer[sizeof longer - 1] = 0;
	CU_ASSERT_FALSE(regex_is(longer, &why));
}

void suite_regex(void);
void suite_regex(void)
{
	static const struct unit_case cases[] = {
		{ "a text matches or not", a_text_matches_or_not },
		{ "no text takes long", no_text_takes_long },
		{ "what is no expression is told with its place",
			what_is_no_expression_is_told_with_its_place },
	};

	unit_suite("probe/regex", cases, UNIT_COUNT(cases));
}
