#include "zone/token.h"

#include "unit/unit.h"

#include <stdio.h>
#include <string.h>

static void escapes_are_a_character_or_three_digits(void)
{
	static const struct {
		const char *text;
		int byte;     /* -1: it is broken */
		size_t taken; /* of the text */
	} row[] = {
		{ "ab", 'a', 1 },
		{ "\\", -1, 0 },
		{ "\\.b", '.', 2 },
		{ "\\\\b", '\\', 2 },
		{ "\\a12", 'a', 2 },
		{ "\\/12", '/', 2 },
		{ "\\:12", ':', 2 },
		{ "\\0", -1, 0 },
		{ "\\00", -1, 0 },
		{ "\\000", 0, 4 },
		{ "\\0001", 0, 4 },
		{ "\\120", 120, 4 },
		{ "\\012", 12, 4 },
		{ "\\999", -1, 0 },
		{ "\\255", 255, 4 },
		{ "\\256", -1, 0 },
		{ "\\1a1", -1, 0 },
		{ "\\1/1", -1, 0 },
		{ "\\1:1", -1, 0 },
		{ "\\11a", -1, 0 },
		{ "\\11/", -1, 0 },
		{ "\\11:", -1, 0 },
		{ "\\909", -1, 0 },
		{ "\\190", 190, 4 },
		{ "\\109", 109, 4 },
	};

	for (size_t i = 0; i < UNIT_COUNT(row); i++) {
		const char *p = row[i].text, *end = p + strlen(p);
		unsigned char c = 0;
		const int byte = token_char(&p, end, &c) ? c : -1;
		if (byte != row[i].byte || (size_t)(p - row[i].text) != row[i].taken) {
			printf("%s: %d, of %td\n", row[i].text, byte, p - row[i].text);
			CU_FAIL("another byte");
		}
	}
}

static void what_looks_like_a_blank_has_a_name(void)
{
	static const struct {
		const char *text;
		const char *name; /* NULL: it looks like none */
		size_t len;
	} row[] = {
		{ "\x0b", "a vertical tab (U+000B, byte 0b)", 1 },
		{ "\x0c", "a form feed (U+000C, byte 0c)", 1 },
		{ "\xc2\x85", "a next-line character (U+0085, bytes c2 85)", 2 },
		{ "\xc2\xa0", "a no-break space (U+00A0, bytes c2 a0)", 2 },
		{ "\xa0", "a no-break space (byte a0)", 1 },
		{ "\xe1\x9a\x80", "an Ogham space (U+1680, bytes e1 9a 80)", 3 },
		{ "\xe1\xa0\x8e", "a Mongolian vowel separator (U+180E, bytes e1 a0 8e)", 3 },
		{ "\xe2\x80\x80", "a space of typography (U+2000, bytes e2 80 80)", 3 },
		{ "\xe2\x80\x8a", "a space of typography (U+200A, bytes e2 80 8a)", 3 },
		{ "\xe2\x80\x8b", "a zero-width space (U+200B, bytes e2 80 8b)", 3 },
		{ "\xe2\x80\xa8", "a line separator (U+2028, bytes e2 80 a8)", 3 },
		{ "\xe2\x80\xa9", "a paragraph separator (U+2029, bytes e2 80 a9)", 3 },
		{ "\xe2\x80\xaf", "a narrow no-break space (U+202F, bytes e2 80 af)", 3 },
		{ "\xe2\x81\x9f", "a mathematical space (U+205F, bytes e2 81 9f)", 3 },
		{ "\xe2\x81\xa0", "a word joiner (U+2060, bytes e2 81 a0)", 3 },
		{ "\xe3\x80\x80", "an ideographic space (U+3000, bytes e3 80 80)", 3 },
		{ "\xef\xbb\xbf", "a byte order mark or zero-width space (U+FEFF, bytes ef bb bf)", 3 },
		{ "a", NULL, 1 },
		{ " ", NULL, 1 },
		{ "\xc3\xa4", NULL, 2 },
		{ "\xe1\xbf\xbf", NULL, 3 }, /* U+1FFF */
		{ "\xe2\x80\x8c", NULL, 3 }, /* U+200C joins */
		{ "\xf0\x9f\x98\x80", NULL, 4 },
		{ "\xc0\xa0", NULL, 1 }, /* no UTF-8: too long, cut short, too large, a byte of the middle */
		{ "\xc2", NULL, 1 },
		{ "\xe2\x80", NULL, 1 },
		{ "\xe2\x80z", NULL, 1 },
		{ "\xf5\x80\x80\x80", NULL, 1 },
		{ "\x85", NULL, 1 },
	};

	for (size_t i = 0; i < UNIT_COUNT(row); i++) {
		char name[TOKEN_BLANK_NAME] = "";
		size_t len = 99;
		const bool is = token_blank(row[i].text, &len, name);
		CU_ASSERT_EQUAL(is, row[i].name != NULL);
		CU_ASSERT_EQUAL(len, row[i].len);
		if (is && row[i].name)
			CU_ASSERT_STRING_EQUAL(name, row[i].name);
	}
}

void suite_token(void);
void suite_token(void)
{
	static const struct unit_case cases[] = {
		{ "escapes are a character, or three digits", escapes_are_a_character_or_three_digits },
		{ "what looks like a blank has a name", what_looks_like_a_blank_has_a_name },
	};

	unit_suite("zone/token", cases, UNIT_COUNT(cases));
}
