#include "dns/name.h"
#include "unit/unit.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

static const uint8_t example[] = "\7example\3com";

static const uint8_t *parsed(const char *text)
{
	static uint8_t name[4][NAME_MOST];
	static unsigned turn;
	uint8_t *to = name[turn++ % 4];

	CU_ASSERT_EQUAL(name_parse(to, NULL, text, strlen(text), example), NAME_OK);
	return to;
}

static void name_text_becomes_wire(void)
{
	static const struct {
		const char *text, *wire;
		size_t len;
	} row[] = {
		{ "www", "\3www\7example\3com", 17 },
		{ "www.", "\3www", 5 },
		{ "@", "\7example\3com", 13 },
		{ ".", "", 1 },
		{ "WwW.Example.", "\3WwW\7Example", 13 },
		{ "a\\.b.c.", "\3a.b\1c", 7 },
		{ "a\\046b.", "\3a.b", 5 },
		{ "\\@", "\1@\7example\3com", 15 },
		{ "a\\ b.", "\3a b", 5 },
		{ "*.a.", "\1*\1a", 5 },
		{ "a\\.", "\2a.\7example\3com", 16 },
		{ "\\255\\000.", "\2\377\0", 4 },
	};

	for (unsigned i = 0; i < UNIT_COUNT(row); i++) {
		uint8_t name[NAME_MOST];
		size_t len = 0;
		CU_ASSERT_EQUAL(
			name_parse(name, &len, row[i].text, strlen(row[i].text), example),
			NAME_OK);
		CU_ASSERT_EQUAL(len, row[i].len);
		CU_ASSERT_EQUAL(memcmp(name, row[i].wire, row[i].len), 0);
	}
}

static void name_that_breaks_a_rule_says_which(void)
{
	static const struct {
		const char *text;
		enum name_result r;
	} row[] = {
		{ "", NAME_EMPTY_LABEL },
		{ "..", NAME_EMPTY_LABEL },
		{ ".a", NAME_EMPTY_LABEL },
		{ "a..b", NAME_EMPTY_LABEL },
		{ "a\\", NAME_BAD_ESCAPE },
		{ "a\\256.", NAME_BAD_ESCAPE },
		{ "a\\25", NAME_BAD_ESCAPE },
		{ "a\\1x2.", NAME_BAD_ESCAPE },
	};
	uint8_t name[NAME_MOST];

	for (unsigned i = 0; i < UNIT_COUNT(row); i++)
		CU_ASSERT_EQUAL(
			name_parse(name, NULL, row[i].text, strlen(row[i].text), example),
			row[i].r);
	CU_ASSERT_EQUAL(name_parse(name, NULL, "a", 1, NULL), NAME_RELATIVE);
	CU_ASSERT_EQUAL(name_parse(name, NULL, "@", 1, NULL), NAME_RELATIVE);
}

static void label_has_at_most_63_bytes_and_a_name_255(void)
{
	char text[600];
	uint8_t name[NAME_MOST];
	size_t len;

	memset(text, 'x', sizeof text);
	CU_ASSERT_EQUAL(name_parse(name, &len, text, 63, example), NAME_OK);
	CU_ASSERT_EQUAL(name_parse(name, &len, text, 64, example), NAME_LABEL_LONG);
	/* 63 + 63 + 63 + 61 bytes, four lengths and the root: 255. */
	text[63] = text[127] = text[191] = text[253] = '.';
	CU_ASSERT_EQUAL(name_parse(name, &len, text, 254, example), NAME_OK);
	CU_ASSERT_EQUAL(len, 255);
	CU_ASSERT_EQUAL(name_check(name, name + 255), 255);
	text[253] = 'x';
	text[254] = '.';
	CU_ASSERT_EQUAL(name_parse(name, &len, text, 255, example), NAME_LONG);
	text[241] = '.'; /* 242 bytes in front of 13 of origin fit, 243 do not */
	CU_ASSERT_EQUAL(name_parse(name, &len, text, 241, example), NAME_OK);
	CU_ASSERT_EQUAL(len, 255);
	text[241] = 'x';
	CU_ASSERT_EQUAL(name_parse(name, &len, text, 242, example), NAME_LONG);
}

static void text_too_long_writes_nothing_behind_the_name(void)
{
	struct {
		uint8_t name[NAME_MOST], behind[64];
	} to;
	char text[400];
	size_t len;

	/* 252 to 255 bytes are full when the last label comes. */
	for (unsigned full = 252; full <= 255; full++) {
		memset(text, 'x', sizeof text);
		text[63] = text[127] = text[191] = text[full - 1] = '.';
		memset(&to, 0xee, sizeof to);
		CU_ASSERT_EQUAL(name_parse(to.name, &len, text, full + 60, example), NAME_LONG);
		for (size_t i = 0; i < sizeof to.behind; i++)
			CU_ASSERT_EQUAL(to.behind[i], 0xee);
	}
}

static void many_short_labels_stay_in_their_255_bytes(void)
{
	static const uint8_t root[1];
	uint8_t room[NAME_MOST + 400];
	char text[700];
	size_t len;

	for (size_t i = 0; i < sizeof text; i++)
		text[i] = i % 2 ? '.' : 'a';
	CU_ASSERT_EQUAL(name_parse(room, &len, text, 254, root), NAME_OK);
	CU_ASSERT_EQUAL(len, 255);
	memset(room, 0xee, sizeof room);
	for (size_t n = 255; n <= sizeof text; n++)
		CU_ASSERT_EQUAL(name_parse(room, &len, text, n, root), NAME_LONG);
	memset(text + 254, 'a', sizeof text - 254);
	CU_ASSERT_EQUAL(name_parse(room, &len, text, sizeof text, root), NAME_LONG);
	for (size_t i = NAME_MOST; i < sizeof room; i++)
		CU_ASSERT_EQUAL(room[i], 0xee);
}

static void name_survives_the_way_to_text_and_back(void)
{
	srandom(1);
	for (unsigned round = 0; round < 2000; round++) {
		uint8_t name[NAME_MOST], back[NAME_MOST];
		char text[NAME_TEXT];
		size_t len = 0, got;
		for (size_t label; len < 250 && (label = (size_t)random() % 20);
			len += label + 1) {
			if (len + label + 2 > NAME_MOST)
				break;
			name[len] = (uint8_t)label;
			for (size_t i = 1; i <= label; i++)
				name[len + i] = (uint8_t)random();
		}
		name[len++] = 0;
		name_text(text, name);
		CU_ASSERT_EQUAL(name_parse(back, &got, text, strlen(text), NULL), NAME_OK);
		CU_ASSERT_EQUAL(got, len);
		CU_ASSERT_EQUAL(memcmp(name, back, len), 0);
		CU_ASSERT_EQUAL(name_len(name), len);
		CU_ASSERT_EQUAL(name_check(name, name + len), len);
		CU_ASSERT_EQUAL(name_check(name, name + len - 1), 0);
	}
}

static void longest_text_of_a_name_fits_its_buffer(void)
{
	uint8_t name[NAME_MOST];
	char text[NAME_TEXT];

	memset(name, 1, sizeof name);
	name[0] = name[64] = name[128] = 63;
	name[192] = 61;
	name[254] = 0;
	CU_ASSERT_EQUAL(name_check(name, name + 255), 255);
	CU_ASSERT_EQUAL(strlen(name_text(text, name)), 250 * 4 + 4);
}

static void case_makes_no_difference_in_ascii_only(void)
{
	CU_ASSERT(name_equal(parsed("WWW.example.COM."), parsed("www")));
	CU_ASSERT_FALSE(name_equal(parsed("\\196.a."), parsed("\\228.a.")));
	CU_ASSERT_FALSE(name_equal(parsed("[.a."), parsed("{.a.")));
	CU_ASSERT_FALSE(name_equal(parsed("a.b."), parsed("a\\.b.")));
	uint8_t lower[NAME_MOST];
	name_lower(lower, parsed("MiXeD.[X]."), 11);
	CU_ASSERT_EQUAL(memcmp(lower, "\5mixed\3[x]", 11), 0);
}

static void name_is_under_itself_and_what_ends_it(void)
{
	CU_ASSERT(name_is_under(parsed("a.b.c."), parsed("B.C.")));
	CU_ASSERT(name_is_under(parsed("b.c."), parsed("b.c.")));
	CU_ASSERT(name_is_under(parsed("b.c."), parsed(".")));
	CU_ASSERT_FALSE(name_is_under(parsed("c."), parsed("b.c.")));
	CU_ASSERT_FALSE(name_is_under(parsed("xb.c."), parsed("b.c.")));
	CU_ASSERT_FALSE(name_is_under(parsed("a.x.c."), parsed("b.c.")));
}

/* RFC 4034 section 6.1, its own example. */
static void names_sort_canonically(void)
{
	static const char *const order[] = {
		"example.",
		"a.example.",
		"yljkjljk.a.example.",
		"Z.a.example.",
		"zABC.a.EXAMPLE.",
		"z.example.",
		"\\001.z.example.",
		"*.z.example.",
		"\\200.z.example.",
	};

	for (unsigned i = 0; i < UNIT_COUNT(order); i++)
		for (unsigned j = 0; j < UNIT_COUNT(order); j++) {
			const int d = name_compare(parsed(order[i]), parsed(order[j]));
			CU_ASSERT_EQUAL((d > 0) - (d < 0), (i > j) - (i < j));
		}
}

static void wire_that_is_no_name_is_refused(void)
{
	static const uint8_t pointer[] = { 3, 'w', 'w', 'w', 0xc0, 12, 0 },
			     label64[66] = { 64 };
	uint8_t long_name[300];

	CU_ASSERT_EQUAL(name_check(pointer, pointer + sizeof pointer), 0);
	CU_ASSERT_EQUAL(name_check(label64, label64 + sizeof label64), 0);
	CU_ASSERT_EQUAL(name_check(pointer, pointer), 0);
	for (unsigned i = 0; i < sizeof long_name; i++)
		long_name[i] = i % 2 ? 'x' : 1;
	long_name[256] = 0;
	CU_ASSERT_EQUAL(name_check(long_name, long_name + sizeof long_name), 0);
	long_name[254] = 0;
	CU_ASSERT_EQUAL(name_check(long_name, long_name + sizeof long_name), 255);
}

/* Mostly names: labels of lengths that fit, and now and then something else. */
static size_t random_wire(uint8_t *to, size_t room)
{
	size_t len = (size_t)rand() % (room + 1), at = 0;

	for (size_t i = 0; i < len; i++)
		to[i] = (uint8_t)rand();
	while (at < len) {
		const unsigned label = rand() % 40 == 0
			? (unsigned)rand() % 256
			: (unsigned)rand() % (rand() % 4 ? 9 : 64);
		to[at] = (uint8_t)label;
		if (label == 0)
			break;
		at += label + 1;
	}
	return len;
}

static void a_name_is_read_in_one_go_as_in_three(void)
{
	unsigned names = 0;

	srand(5);
	for (unsigned round = 0; round < 200000; round++) {
		uint8_t wire[300], want[NAME_MOST], got[NAME_READ + 1];
		struct name_marks marks, want_marks;
		const size_t len = random_wire(wire, round % 2 ? 300 : 40);
		/* On the heap, so that the sanitizer sees who reads behind it. */
		uint8_t *exact = malloc(len + 1);
		memcpy(exact, wire, len);
		exact = realloc(exact, len ? len : 1);
		got[NAME_READ] = 0xaa;
		const size_t name_len = name_read(got, &marks, exact, exact + len);
		CU_ASSERT_EQUAL(name_len, name_check(wire, wire + len));
		CU_ASSERT_EQUAL(got[NAME_READ], 0xaa);
		free(exact);
		if (!name_len)
			continue;
		names++;
		name_lower(want, wire, name_len);
		name_mark(&want_marks, want);
		CU_ASSERT_EQUAL(memcmp(got, want, name_len), 0);
		CU_ASSERT_EQUAL(marks.n, want_marks.n);
		CU_ASSERT_EQUAL(memcmp(marks.at, want_marks.at, marks.n + 1u), 0);
		CU_ASSERT_EQUAL(marks.n, name_labels(want));
	}
	CU_ASSERT(names > 20000);
}

static void labels_are_counted_and_skipped(void)
{
	const uint8_t *name = parsed("a.bb.ccc.");

	CU_ASSERT_EQUAL(name_labels(name), 3);
	CU_ASSERT_EQUAL(name_labels((const uint8_t *)""), 0);
	CU_ASSERT(name_is_wildcard(parsed("*.a.")));
	CU_ASSERT_FALSE(name_is_wildcard(parsed("**.a.")));
	CU_ASSERT_FALSE(name_is_wildcard(parsed("a.*.")));
}

void suite_name(void);
void suite_name(void)
{
	static const struct unit_case cases[] = {
		{ "a name's text becomes its wire", name_text_becomes_wire },
		{ "a name that breaks a rule says which", name_that_breaks_a_rule_says_which },
		{ "a label has at most 63 bytes and a name 255",
			label_has_at_most_63_bytes_and_a_name_255 },
		{ "text too long for a name writes nothing behind it",
			text_too_long_writes_nothing_behind_the_name },
		{ "many short labels stay in their 255 bytes",
			many_short_labels_stay_in_their_255_bytes },
		{ "a name survives the way to text and back",
			name_survives_the_way_to_text_and_back },
		{ "the longest text of a name fits its buffer",
			longest_text_of_a_name_fits_its_buffer },
		{ "case makes no difference, in ASCII only",
			case_makes_no_difference_in_ascii_only },
		{ "a name is under itself and under what ends it",
			name_is_under_itself_and_what_ends_it },
		{ "names sort canonically (RFC 4034)", names_sort_canonically },
		{ "wire that is no name is refused", wire_that_is_no_name_is_refused },
		{ "a name is read in one go as in three",
			a_name_is_read_in_one_go_as_in_three },
		{ "labels are counted and skipped", labels_are_counted_and_skipped },
	};

	unit_suite("dns/name", cases, UNIT_COUNT(cases));
}
