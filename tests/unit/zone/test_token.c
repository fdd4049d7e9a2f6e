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

void suite_token(void);
void suite_token(void)
{
	static const struct unit_case cases[] = {
		{ "escapes are a character, or three digits", escapes_are_a_character_or_three_digits },
	};

	unit_suite("zone/token", cases, UNIT_COUNT(cases));
}
