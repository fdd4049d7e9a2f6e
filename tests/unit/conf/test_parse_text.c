#include "conf/parse.h"

#include "unit/unit.h"

#include <stdio.h>
#include <string.h>

/* What is told of a text; "" when nothing is wrong with it. */
static const char *told(const char *text, size_t len)
{
	static char said[2000];
	struct arena mem = { 0 };
	struct faults f;

	faults_init(&f);
	parse_tree(
		&(struct parse_source){
			.path = "t.yaml", .text = text, .text_end = text + len, .faults = &f },
		&mem);
	snprintf(said, sizeof said, "%s", f.errors ? text_get(&f.text) : "");
	faults_fini(&f);
	arena_fini(&mem);
	return said;
}

/* RFC 3629 section 4. */
static void characters_are_those_of_utf8(void)
{
	static const struct {
		const char *say, *bytes;
		bool ok;
	} row[] = {
		{ "U+0080 is a control character, but UTF-8", "\xc2\xa0", true },
		{ "the last of two bytes", "\xdf\xbf", true },
		{ "the first of three", "\xe0\xa0\x80", true },
		{ "U+57FF", "\xe5\x9f\xbf", true },
		{ "U+5800", "\xe5\xa0\x80", true },
		{ "U+6C34", "\xe6\xb0\xb4", true },
		{ "U+C000", "\xec\x80\x80", true },
		{ "U+D7FF", "\xed\x9f\xbf", true },
		{ "U+D800 is half of a pair", "\xed\xa0\x80", false },
		{ "U+DFFF, too", "\xed\xbf\xbf", false },
		{ "U+E000", "\xee\x80\x80", true },
		{ "U+FFFD", "\xef\xbf\xbd", true },
		{ "the first of four", "\xf0\x90\x80\x80", true },
		{ "U+10FFFF", "\xf4\x8f\xbf\xbf", true },
		{ "more than there are", "\xf4\x90\x80\x80", false },
		{ "two bytes for one", "\xc1\xbf", false },
		{ "three for two", "\xe0\x9f\xbf", false },
		{ "four for three", "\xf0\x8f\xbf\xbf", false },
		{ "a lone following byte", "\x80", false },
		{ "a first byte alone", "\xc3", false },
		{ "... before a letter", "\xc3z", false },
		{ "three cut to two", "\xe5\xa0", false },
		{ "four cut to three", "\xf0\x90\x80", false },
		{ "no first byte", "\xff", false },
	};

	for (size_t i = 0; i < UNIT_COUNT(row); i++) {
		char text[40];
		const int len = snprintf(text, sizeof text, "a: 1\nb: \"x%s\"\n", row[i].bytes);
		const char *said = told(text, (size_t)len);
		const bool bad = strstr(said, "this is not UTF-8") != NULL;
		if (bad == row[i].ok ||
			(bad && strncmp(said, "t.yaml:2:6: error: ", 19) != 0)) {
			printf("%s: %s\n", row[i].say, said);
			CU_FAIL(row[i].say);
		}
		/* At the very end of the text. */
		if (!row[i].ok)
			CU_ASSERT_PTR_NOT_NULL(
				strstr(told(text, (size_t)len - 2), "not UTF-8"));
	}
}

static const struct unit_case cases[] = {
	{ "characters are those of UTF-8", characters_are_those_of_utf8 },
};

void suite_parse_text(void);
void suite_parse_text(void)
{
	unit_suite("conf/parse_text", cases, UNIT_COUNT(cases));
}
