#include "zone/field.h"

#include "unit/unit.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

/* A field of its own room. The bytes are of its own allocation, so that a sanitizer sees one too many. */
struct desk {
	struct faults faults;
	struct tokens in;
	struct fields f;
	uint8_t *room;
};

enum kind { NAME, A, AAAA, NUMBER_1, NUMBER_2, NUMBER_4, PERIOD, STRING, LONG_STRING, TAG, HEX, HEX_REST, EUI48, NID, TYPE, BITMAP, BASE64, BASE64_REST, BASE32 };

static bool take(struct fields *f, enum kind kind)
{
	static const char it[] = "the thing";

	switch (kind) {
	case NAME: return field_name(f, it);
	case A: return field_a(f, it);
	case AAAA: return field_aaaa(f, it);
	case NUMBER_1: return field_number(f, 1, it);
	case NUMBER_2: return field_number(f, 2, it);
	case NUMBER_4: return field_number(f, 4, it);
	case PERIOD: return field_period(f, FIELD_TTL_MOST, it);
	case STRING: return field_string(f, it);
	case LONG_STRING: return field_long_string(f, it);
	case TAG: return field_tag(f, it);
	case HEX: return field_hex(f, false, it);
	case HEX_REST: return field_hex(f, true, it);
	case EUI48: return field_hex_groups(f, 6, 2, '-', it);
	case NID: return field_hex_groups(f, 4, 4, ':', it);
	case TYPE: return field_type(f, it);
	case BITMAP: return field_bitmap(f);
	case BASE64: return field_base64(f, false, it);
	case BASE64_REST: return field_base64(f, true, it);
	case BASE32: return field_base32(f, it);
	}
	return false;
}

static bool read_field(struct desk *d, enum kind kind, const char *text, size_t room)
{
	static const uint8_t origin[] = "\7example";
	bool indented;

	faults_init(&d->faults);
	token_init(&d->in, "t", text, strlen(text), &d->faults);
	CU_ASSERT_TRUE_FATAL(token_entry(&d->in, &indented));
	d->room = malloc(room + 1);
	d->f = (struct fields){ .in = &d->in, .origin = origin, .type = "TEST", .start = d->room, .at = d->room, .end = d->room + room };
	return take(&d->f, kind);
}

static void end(struct desk *d)
{
	free(d->room);
	faults_fini(&d->faults);
}

static void check(const char *text, size_t room, bool holds, const struct desk *d)
{
	if (holds)
		return;
	printf("%s in %zu bytes: %s\n", text, room, text_get((struct text *)(uintptr_t)&d->faults.text));
	CU_FAIL("another field");
}

static void a_field_takes_what_it_needs_and_no_byte_more(void)
{
	static const struct {
		enum kind kind;
		const char *text;
		const char *bytes;
		size_t len, more; /* room that is asked for beyond that */
	} row[] = {
		{ NAME, "www", "\3www\7example", 13, 0 },
		{ NAME, "www.", "\3www", 5, 0 },
		{ A, "192.0.2.1", "\300\0\2\1", 4, 0 },
		{ AAAA, "2001:db8::1", "\x20\1\xd\xb8\0\0\0\0\0\0\0\0\0\0\0\1", 16, 0 },
		{ NUMBER_1, "255", "\377", 1, 0 },
		{ NUMBER_2, "65535", "\377\377", 2, 0 },
		{ NUMBER_2, "258", "\1\2", 2, 0 },
		{ NUMBER_4, "4294967295", "\377\377\377\377", 4, 0 },
		{ PERIOD, "1h", "\0\0\16\20", 4, 0 },
		{ PERIOD, "2147483647", "\177\377\377\377", 4, 0 },
		{ STRING, "\"\"", "", 1, 0 },
		{ STRING, "\"a b\"", "\3a b", 4, 0 },
		{ STRING, "a\\\"\\000", "\3a\"", 4, 0 },
		{ LONG_STRING, "\"a b\"", "a b", 3, 0 },
		{ LONG_STRING, "\\065b", "Ab", 2, 0 },
		{ TAG, "issue", "\5issue", 6, 0 },
		{ TAG, "\"aZ09\"", "\4aZ09", 5, 0 },
		{ HEX, "c0FFee", "\300\377\356", 3, 0 },
		{ HEX_REST, "c0F Fee", "\300\377\356", 3, 0 },
		{ EUI48, "00-11-22-33-44-ff", "\0\x11\x22\x33\x44\377", 6, 0 },
		{ NID, "14:4fff:ff20:0", "\0\x14\x4f\377\377\x20\0\0", 8, 0 },
		{ TYPE, "AAAA", "\0\34", 2, 0 },
		{ TYPE, "TYPE65280", "\377\0", 2, 0 },
		{ BITMAP, "A", "\0\1\x40", 3, 0 },
		{ BITMAP, "TYPE256 A AAAA", "\0\4\x40\0\0\x08\1\1\x80", 9, 0 },
		{ BITMAP, "TYPE65280", "\377\1\x80", 3, 0 },
		{ BASE64, "Zm9v", "foo", 3, 0 },
		{ BASE64, "Zm8=", "fo", 2, 0 },
		{ BASE64, "Zg==", "f", 1, 0 },
		{ BASE64_REST, "Zm 9 vYg==", "foob", 4, 0 },
		{ BASE32, "co", "\1f", 2, 254 },
		{ BASE32, "cpnmuog", "\4foob", 5, 251 },
	};
	struct desk d;

	for (size_t i = 0; i < UNIT_COUNT(row); i++) {
		const size_t room = row[i].len + row[i].more;
		bool ok = read_field(&d, row[i].kind, row[i].text, room);
		check(row[i].text, room, ok && d.f.at == d.room + row[i].len && memcmp(d.room, row[i].bytes, row[i].len) == 0 &&
			d.in.tok.kind == TOKEN_END && d.faults.errors + d.faults.warnings == 0, &d);
		end(&d);
		ok = read_field(&d, row[i].kind, row[i].text, room - 1);
		check(row[i].text, room - 1, !ok && strstr(text_get(&d.faults.text), "is over 65535 bytes") && d.faults.errors == 1, &d);
		end(&d);
	}
}

static void what_is_no_such_field_is_told_at_its_place(void)
{
	static const struct {
		enum kind kind;
		const char *text;
		unsigned column;
		const char *say;
	} row[] = {
		{ NAME, "\"www\"", 1, "\"www\" is in quotes here; write the thing without them" },
		{ NAME, "www=\"a b\"", 1, "www=\"a b\" has a quote inside, where the thing is expected" },
		{ NAME, "a..b", 1, "a..b has an empty label" },
		{ A, "\"192.0.2.1\"", 1, "is in quotes here" },
		{ A, "192.0.2.256", 1, "192.0.2.256 is not an IPv4 address (each part must be 0-255)" },
		{ A, "::1", 1, "::1 is not an IPv4 address but an IPv6 address" },
		{ AAAA, "192.0.2.1", 1, "192.0.2.1 is not an IPv6 address but an IPv4 address" },
		{ AAAA, "::x", 1, "::x is not an IPv6 address (eight groups" },
		{ NUMBER_1, "256", 1, "256 cannot be the thing (a number from 0 to 255 is wanted)" },
		{ NUMBER_2, "65536", 1, "(a number from 0 to 65535 is wanted)" },
		{ NUMBER_4, "4294967296", 1, "(a number from 0 to 4294967295 is wanted)" },
		{ PERIOD, "1y", 1, "1y cannot be the thing (write seconds" },
		{ PERIOD, "2147483648", 1, "2147483648 is too long for the thing (at most 2147483647 seconds)" },
		{ STRING, "a=\"b c\"", 1, "a=\"b c\" has a quote inside (put all of it into quotes" },
		{ STRING, "ab\\25x", 3, "this escape is broken" },
		{ TAG, "\"\"", 1, "the thing is empty" },
		{ TAG, "ab-c", 3, "the thing has only letters and digits" },
		{ TAG, "a`", 2, "the thing has only letters and digits" },
		{ TAG, "a{", 2, "the thing has only letters and digits" },
		{ HEX, "abc", 1, "the thing has an odd number of hexadecimal digits" },
		{ HEX_REST, "ab abc", 4, "the thing has an odd number of hexadecimal digits" },
		{ HEX, "ag", 2, "this is not a hexadecimal digit" },
		{ HEX_REST, "ab \"cd\"", 4, "is in quotes here" },
		{ EUI48, "00-11-22-33-44", 15, "the thing is 6 groups of 2 hexadecimal digits with a - in between" },
		{ EUI48, "0-11-22-33-44-55", 2, "the thing is 6 groups of 2 " },
		{ EUI48, "00-11-22-33-44-555", 18, "the thing is 6 groups of 2 " },
		{ EUI48, "00:11:22:33:44:55", 3, "the thing is 6 groups of 2 " },
		{ NID, "1::3:4", 3, "the thing is 4 groups of up to 4 hexadecimal digits with a : in between" },
		{ TYPE, "NOTYPE", 1, "NOTYPE is not a record type" },
		{ BITMAP, "A ANY", 3, "ANY is not a type that a bitmap may name" },
		{ BASE64, "Zm9", 1, "the thing is cut short or padded wrongly" },
		{ BASE64, "Z", 1, "the thing is cut short or padded wrongly" },
		{ BASE64, "Zm9=", 1, "the thing is cut short or padded wrongly" },
		{ BASE64, "Zh==", 1, "the thing is cut short or padded wrongly" },
		{ BASE64, "Zg=", 1, "the thing is cut short or padded wrongly" },
		{ BASE64, "Zm9v=", 1, "the thing is cut short or padded wrongly" },
		{ BASE64, "Zg===", 5, "this is no base64" },
		{ BASE64, "Zg==Zg", 5, "this is no base64" },
		{ BASE64, "Zm-v", 3, "this is no base64" },
		{ BASE64_REST, "Zg== \"\"", 6, "is in quotes here" },
		{ BASE32, "c", 1, "the thing cannot have 1 base32 digits" },
		{ BASE32, "cop", 1, "the thing cannot have 3 base32 digits" },
		{ BASE32, "cpnmuo", 1, "the thing cannot have 6 base32 digits" },
		{ BASE32, "cw", 2, "this is no base32 digit" },
	};
	struct desk d;

	for (size_t i = 0; i < UNIT_COUNT(row); i++) {
		const bool ok = read_field(&d, row[i].kind, row[i].text, 300);
		char at[32];
		snprintf(at, sizeof at, "t:1:%u: error: ", row[i].column);
		check(row[i].text, 300, !ok && d.faults.errors == 1 && strncmp(text_get(&d.faults.text), at, strlen(at)) == 0 &&
			strstr(text_get(&d.faults.text), row[i].say), &d);
		end(&d);
	}
}

static void a_string_has_at_most_255_bytes(void)
{
	char text[600] = "";
	struct desk d;

	memset(text, 'x', 255);
	CU_ASSERT_TRUE(read_field(&d, STRING, text, 256));
	CU_ASSERT_EQUAL(d.room[0], 255);
	end(&d);
	text[255] = 'x';
	CU_ASSERT_FALSE(read_field(&d, STRING, text, 600));
	CU_ASSERT_PTR_NOT_NULL(strstr(text_get(&d.faults.text), "t:1:256: error: the thing is over 255 bytes at this place"));
	end(&d);
	CU_ASSERT_TRUE(read_field(&d, LONG_STRING, text, 256));
	CU_ASSERT_EQUAL(d.f.at - d.room, 256);
	end(&d);
	/* Longer as it is written than as it is meant. */
	for (unsigned i = 0; i < 255; i++)
		memcpy(text + 2 * i, "\\y", 3);
	CU_ASSERT_TRUE(read_field(&d, STRING, text, 256));
	CU_ASSERT_EQUAL(d.room[0], 255);
	CU_ASSERT_EQUAL(d.room[255], 'y');
	end(&d);
}

/* Digits of a hash have at most 255 bytes. */
static void base32_has_at_most_408_digits(void)
{
	char text[420] = "";
	struct desk d;

	memset(text, '0', 408);
	CU_ASSERT_TRUE(read_field(&d, BASE32, text, 300));
	CU_ASSERT_EQUAL(d.room[0], 255);
	CU_ASSERT_EQUAL(d.f.at - d.room, 256);
	end(&d);
	memset(text, '0', 410);
	CU_ASSERT_FALSE(read_field(&d, BASE32, text, 300));
	CU_ASSERT_PTR_NOT_NULL(strstr(text_get(&d.faults.text), "the thing cannot have 410 base32 digits"));
	end(&d);
}

static void names_that_are_hardly_meant_are_warned_of(void)
{
	static const struct {
		const char *text;
		const char *say; /* NULL: it is meant */
	} row[] = {
		{ "192.0.2.1", "192.0.2.1 is taken for a name here, not for an address (TEST wants a name" },
		{ "192.0.2.1.", "192.0.2.1. is taken for a name here" },
		{ "192.0.2.1.x", NULL },
		{ "www.example", "www.example has no dot at its end, so that the origin is added to it once more (write www.example. " },
		{ "example", "example has no dot at its end" },
		{ "www.example.", NULL },
		{ "xample", NULL },
		{ "@", NULL },
		{ "a", NULL },
	};
	struct desk d;

	for (size_t i = 0; i < UNIT_COUNT(row); i++) {
		const bool ok = read_field(&d, NAME, row[i].text, 300);
		check(row[i].text, 300, ok && d.faults.errors == 0 && d.faults.warnings == (row[i].say != NULL) &&
			(!row[i].say || strstr(text_get(&d.faults.text), row[i].say)), &d);
		end(&d);
	}
}

static const struct unit_case cases[] = {
	{ "a field takes what it needs, and no byte more", a_field_takes_what_it_needs_and_no_byte_more },
	{ "what is no such field is told at its place", what_is_no_such_field_is_told_at_its_place },
	{ "a string has at most 255 bytes", a_string_has_at_most_255_bytes },
	{ "base32 has at most 408 digits", base32_has_at_most_408_digits },
	{ "names that are hardly meant are warned of", names_that_are_hardly_meant_are_warned_of },
};

void suite_field(void);
void suite_field(void)
{
	unit_suite("zone/field", cases, UNIT_COUNT(cases));
}
