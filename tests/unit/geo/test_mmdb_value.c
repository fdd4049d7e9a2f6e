#include "geo/mmdb_value.h"

#include "unit/unit.h"

#include <stdio.h>
#include <string.h>

/* As the format has them: a control byte (type in three bits, or 0 and the type less 7 in the
 * next byte; size in five bits), then the bytes. */
static void numbers_of_every_type_are_read(void)
{
	static const struct {
		const char *say, *bytes;
		size_t len;
		bool ok;
		double number;
	} row[] = {
#define ROW(say, bytes, ok, number) { say, bytes, sizeof(bytes) - 1, ok, number }
		ROW("a double", "\x68\x40\x4a\x2f\x5c\x28\xf5\xc2\x8f", true, 52.37),
		ROW("... below zero", "\x68\xc0\x12\0\0\0\0\0\0", true, -4.5),
		ROW("a float", "\x04\x08\x40\x9c\xcc\xcd", true, 4.900000095367432),
		ROW("... below zero", "\x04\x08\xc0\x90\0\0", true, -4.5),
		ROW("16 bits", "\xa2\x01\x02", true, 258),
		ROW("... of one byte", "\xa1\xff", true, 255),
		ROW("... of none", "\xa0", true, 0),
		ROW("32 bits", "\xc4\x80\0\0\x01", true, 2147483649.0),
		ROW("64 bits", "\x08\x02\x01\0\0\0\0\0\0\0", true, 72057594037927936.0),
		ROW("a signed one", "\x04\x01\xff\xff\xff\xfe", true, -2),
		ROW("... over zero", "\x04\x01\x7f\xff\xff\xff", true, 2147483647),
		ROW("... of one byte", "\x01\x01\x05", true, 5),
		ROW("a text",
			"\x45"
			"52.37",
			true, 52.37),
		ROW("... below zero",
			"\x43"
			"-.5",
			true, -0.5),
		ROW("a text that is none",
			"\x43"
			"abc",
			false, 0),
		ROW("a text that goes on",
			"\x43"
			"1 x",
			false, 0),
		ROW("no text", "\x40", false, 0),
		ROW("a yes", "\x01\x07", false, 0),
		ROW("a map", "\xe0", false, 0),
		ROW("a list", "\x00\x04", false, 0),
		ROW("bytes", "\x82\x01\x02", false, 0),
#undef ROW
	};

	for (size_t i = 0; i < UNIT_COUNT(row); i++) {
		struct mmdb_bytes b = { .p = (const uint8_t *)row[i].bytes,
			.len = (uint32_t)row[i].len,
			.steps = 100 };
		struct mmdb_value v;
		double number = 0;
		CU_ASSERT_TRUE_FATAL(mmdb_value_at(&b, 0, &v));
		const bool ok = mmdb_number(&b, &v, &number);
		if (ok != row[i].ok || (ok && number != row[i].number)) {
			printf("%s: %d %.17g\n", row[i].say, ok, number);
			CU_FAIL(row[i].say);
		}
	}
}

static void what_says_nothing_is_known(void)
{
	static const struct {
		const char *bytes;
		size_t len;
		bool nothing;
	} row[] = { { "\x40", 1, true }, { "\x41-", 2, true }, { "\x41x", 2, false },
		{ "\x42--", 3, false }, { "\xa0", 1, false } };

	for (size_t i = 0; i < UNIT_COUNT(row); i++) {
		struct mmdb_bytes b = { .p = (const uint8_t *)row[i].bytes,
			.len = (uint32_t)row[i].len,
			.steps = 10 };
		struct mmdb_value v;
		CU_ASSERT_TRUE_FATAL(mmdb_value_at(&b, 0, &v));
		CU_ASSERT_EQUAL(mmdb_says_nothing(&b, &v), row[i].nothing);
	}
}

/* RFC 3629 section 4: its table of what follows what, at both ends of each row. */
static void what_is_cut_short_or_of_no_type_is_told(void)
{
	static const struct {
		const char *say, *bytes;
		size_t len;
		const char *wrong; /* NULL: nothing is */
	} row[] = {
#define ROW(say, bytes, wrong) { say, bytes, sizeof(bytes) - 1, wrong }
		ROW("nothing", "", "a value lies behind the end of the data"),
		ROW("a text", "\x41x", NULL),
		ROW("a text that is not there", "\x42x", ""),
		ROW("a size of one byte more", "\x5d", "a size is cut short"),
		ROW("a size of two", "\x5e\0", "a size is cut short"),
		ROW("a size of three", "\x5f\0\0", "a size is cut short"),
		ROW("a pointer of one byte", "\x20", "a pointer is cut short"),
		ROW("a pointer of two", "\x28\0", "a pointer is cut short"),
		ROW("a pointer of four", "\x38\0\0\0", "a pointer is cut short"),
		ROW("a type in its own byte", "\0", "a type is cut short"),
		ROW("a type that is none", "\0\x09", "a value has an unknown type or a wrong size"),
		ROW("a double of seven bytes", "\x67\1\2\3\4\5\6\7", "a value has an unknown type or a wrong size"),
		ROW("a float of five", "\x05\x08\1\2\3\4\5", "a value has an unknown type or a wrong size"),
		ROW("16 bits in three", "\xa3\1\2\3", "a value has an unknown type or a wrong size"),
		ROW("32 bits in five", "\xc5\1\2\3\4\5", "a value has an unknown type or a wrong size"),
		ROW("a signed one in five", "\x05\x01\1\2\3\4\5", "a value has an unknown type or a wrong size"),
		ROW("64 bits in nine", "\x09\x02\1\2\3\4\5\6\7\x08\x09", "a value has an unknown type or a wrong size"),
		ROW("64 bits in eight", "\x08\x02\1\2\3\4\5\6\7\x08", NULL),
		ROW("128 bits in 16", "\x10\x03" "0123456789abcdef", NULL),
		ROW("128 bits in 17", "\x11\x03" "0123456789abcdefg", "a value has an unknown type or a wrong size"),
		ROW("a truth of two", "\2\x07", "a value has an unknown type or a wrong size"),
		ROW("a truth", "\1\x07", NULL),
#undef ROW
	};

	for (size_t i = 0; i < UNIT_COUNT(row); i++) {
		struct mmdb_bytes b = { .p = (const uint8_t *)row[i].bytes, .len = (uint32_t)row[i].len, .steps = 100 };
		struct mmdb_value v;
		const bool ok = mmdb_value_at(&b, 0, &v);
		if (ok != !row[i].wrong || (!ok && !strstr(b.wrong, row[i].wrong))) {
			printf("%s: %s\n", row[i].say, ok ? "taken" : b.wrong);
			CU_FAIL("another value");
		}
	}
}

static void texts_are_utf_8_or_question_marks(void)
{
	static const struct {
		const char *bytes, *text;
		size_t room;
	} row[] = {
		{ "plain", "plain", 64 },
		{ "a\x1f"
		  "b\x7f",
			"a?b?", 64 },
		{ "\xc2\xa0|\xdf\xbf", "\xc2\xa0|\xdf\xbf", 64 },
		{ "\xc1\xbf|\xc2\x9f", "??|??", 64 },
		{ "\xe0\xa0\x80|\xef\xbf\xbf", "\xe0\xa0\x80|\xef\xbf\xbf", 64 },
		{ "\xe0\x9f\xbf", "???", 64 },
		{ "\xed\x9f\xbf|\xed\xa0\x80", "\xed\x9f\xbf|???", 64 },
		{ "\xf0\x90\x80\x80|\xf4\x8f\xbf\xbf", "\xf0\x90\x80\x80|\xf4\x8f\xbf\xbf",
			64 },
		{ "\xf0\x8f\xbf\xbf|\xf4\x90\x80\x80", "????|????", 64 },
		{ "\xf5\x80\x80\x80|\xff", "????|?", 64 },
		{ "\xe2\x82|\xe2\x82", "??|??", 64 },
		{ "\xf0\x9f\x8c\x8d", "", 4 },
		{ "\xf0\x9f\x8c\x8d", "\xf0\x9f\x8c\x8d", 5 },
		{ "abc", "ab", 3 },
	};

	for (size_t i = 0; i < UNIT_COUNT(row); i++) {
		char got[64];
		struct mmdb_bytes b = { .p = (const uint8_t *)row[i].bytes,
			.len = (uint32_t)strlen(row[i].bytes) };
		struct mmdb_value v = { .type = MMDB_TEXT, .size = b.len };
		CU_ASSERT_EQUAL(mmdb_text(&b, &v, got, row[i].room), strlen(row[i].text));
		CU_ASSERT_STRING_EQUAL(got, row[i].text);
	}
}

static const struct unit_case cases[] = {
	{ "texts are UTF-8, or question marks", texts_are_utf_8_or_question_marks },
	{ "what is cut short, or of no type, is told", what_is_cut_short_or_of_no_type_is_told },
	{ "numbers of every type are read", numbers_of_every_type_are_read },
	{ "what says nothing is known", what_says_nothing_is_known },
};

void suite_mmdb_value(void);
void suite_mmdb_value(void)
{
	unit_suite("geo/mmdb_value", cases, UNIT_COUNT(cases));
}
