#include "unit/unit.h"
#include "unit/zone/desk.h"

#include <stdio.h>
#include <string.h>

/* One error, and this one: "zone:line:column: error: ..." */
static void expect_error(const char *zone, const char *want)
{
	struct desk d;

	desk_init(&d);
	desk_put(&d, "zone", zone);
	desk_read(&d);
	const char *got = text_get(&d.f.text) + strlen(d.folder) + 1;
	if (d.ok || d.f.errors != 1 || strncmp(got, want, strlen(want)) != 0)
		fprintf(stderr, "wanted %s\ngot    %s", want, text_get(&d.f.text));
	CU_ASSERT_FALSE(d.ok);
	CU_ASSERT_EQUAL(d.f.errors, 1);
	CU_ASSERT_EQUAL(strncmp(got, want, strlen(want)), 0);
	desk_fini(&d);
}

#define A1 "c0000201\n"

static void broken_zones_are_told_at_the_exact_place(void)
{
	static const struct {
		const char *zone, *want;
	} row[] = {
		{ "a 1 A 192.0.2.256\n",
			"zone:1:7: error: 192.0.2.256 is not an IPv4 address "
			"(each part must be 0-255)\n" },
		{ "\n\na 1 A 192.0.2.1 x\n",
			"zone:3:17: error: x is too much: the A record is complete" },
		{ "a 1 A 2001:db8::1\n",
			"zone:1:7: error: 2001:db8::1 is not an IPv4 address but an IPv6" },
		{ "a 1 AAAA 1::2::3\n", "zone:1:10: error: 1::2::3 is not an IPv6 address" },
		{ "a 1 A\n", "zone:1:6: error: the address is missing" },
		{ "a 1 A ; 192.0.2.1\n", "zone:1:7: error: the address is missing" },
		{ "a 1\n", "zone:1:4: error: the record type is missing" },
		{ "a 1 CNMAE b\n",
			"zone:1:5: error: CNMAE is not a record type (is CNAME meant?)" },
		{ "a 1 WWWWW b\n",
			"zone:1:5: error: WWWWW is not a record type (a name such as A" },
		{ "a 1 A 192.0.2.1\n  b A 192.0.2.1\n",
			"zone:2:3: error: b is not a record "
			"type (an owner starts in column 1" },
		{ "a 1x A 192.0.2.1\n", "zone:1:3: error: 1x is neither a TTL" },
		{ "a 4294967296 A 192.0.2.1\n",
			"zone:1:3: error: the TTL 4294967296 is too long" },
		{ "$TTL 1 2\n", "zone:1:8: error: 2 is too much: $TTL" },
		{ "$TTL\n", "zone:1:5: error: a TTL is missing" },
		{ "a 1 CH A 192.0.2.1\n", "zone:1:5: error: class CH is not served" },
		{ "a 1 CLASS3 A 192.0.2.1\n", "zone:1:5: error: class CLASS3 is not served" },
		{ "a 1 ANY x\n", "zone:1:5: error: ANY stands in no zone" },
		{ "a 1 TYPE255 \\# 0\n", "zone:1:5: error: TYPE255 stands in no zone" },
		{ "a..b 1 A 192.0.2.1\n", "zone:1:1: error: a..b has an empty label" },
		{ "www.example.org. 1 A 192.0.2.1\n",
			"zone:1:1: error: www.example.org. is not in the zone example.com." },
		{ "$ORIGIN com.\nxample 1 A 192.0.2.1\n",
			"zone:2:1: error: xample.com. is not in the zone example.com." },
		{ "a 1 TXT \"b\nb 1 A 192.0.2.1\n",
			"zone:1:9: error: this quote is not closed on its line" },
		{ "a 1 TXT ( \"b\n)\nb 1 A 192.0.2.1\n",
			"zone:1:11: error: this quote is not closed" },
		{ "a 1 TXT b )\n", "zone:1:11: error: this parenthesis was never opened" },
		{ "a 1 SOA . . ( 1 2 3 4 5\nb 1 A 192.0.2.1\n",
			"zone:1:13: error: this parenthesis is never closed" },
		{ "a 1 TXT ( (b)\nb 1 A 1\n",
			"zone:1:9: error: this parenthesis is never closed" },
		{ "a 1 SOA . . ( 1 2 3 4 5\nb 1 A 192.0.2.1\nc 1 TXT c )\n",
			"zone:2:1: error: b is too much: the SOA record is complete before it "
			"(remove it, or start a new line) "
			"(a parenthesis opened on line 1 is still open here)" },
		{ "a 1 TXT b\\\n", "zone:1:10: error: there is nothing behind this backslash" },
		{ "a 1 TXT ab\\256\n", "zone:1:11: error: this escape is broken" },
		{ "a 1 TXT a\"b\n", "zone:1:9: error: a\"b has a quote inside" },
		{ "a 1 MX mail\n", "zone:1:8: error: mail cannot be the preference" },
		{ "a 1 MX 65536 mail\n",
			"zone:1:8: error: 65536 cannot be the preference (a "
			"number from 0 to 65535" },
		{ "a 1 MX 1 \"m\"\n", "zone:1:10: error: \"m\" is in quotes here" },
		{ "a 1 SOA . . 1 2 3 4\n", "zone:1:20: error: the minimum TTL is missing" },
		{ "a 1 SRV 1 2 3\n", "zone:1:14: error: the server's name is missing" },
		{ "a 1 CAA 0 is_sue x\n",
			"zone:1:13: error: the tag has only letters and digits" },
		{ "a 1 EDGE web answer=2\n",
			"zone:1:14: error: an EDGE record has no word \"answer=2\"; did you mean "
			"\"answers=\"?" },
		{ "a 1 EDGE web answers=2 more\n",
			"zone:1:24: error: an EDGE record has no word \"more\" behind its pool" },
		{ "a 1 EDGE web \"ttl=5x\"\n",
			"zone:1:14: error: ttl= is a TTL or a range of them" },
		{ "a 1 EDGE \"\"\n",
			"zone:1:10: error: an EDGE record needs the name of a pool" },
		{ "a 1 A \\# 3 c00002\n", "zone:1:7: error: these bytes are no A record" },
		{ "a 1 A \\# 4 c00002\n",
			"zone:1:10: error: \\# announces 4 bytes, and 3 follow" },
		{ "a 1 A \\# 4 c00002g1\n",
			"zone:1:18: error: this is not a hexadecimal digit" },
		{ "a 1 A \\# 4 c00002011\n",
			"zone:1:12: error: the data behind \\# has an odd number" },
		{ "a 1 NULL x\n",
			"zone:1:10: error: the text form of NULL is not known here "
			"(write it as TYPE10 \\#" },
		{ "a 1 DYNA web\n",
			"zone:1:5: error: DYNA is a type of gdnsd; write EDGE and the name of "
			"a pool" },
		{ "a 1 dync web\n", "zone:1:5: error: DYNC is a type of gdnsd; write EDGE" },
		{ "@ ALIAS www\n", "zone:1:3: error: ALIAS is a type of PowerDNS" },
		{ "@ 60 IN ANAME www\n", "zone:1:9: error: ANAME is no type" },
		{ "$FOO bar\n", "zone:1:1: error: $FOO is not a directive" },
		{ "a 1 SVCB 1 . alpn=h\\25\n", "zone:1:20: error: this escape is broken (write \\ and a sign, or \\DDD)" },
		{ "a 1 SVCB 1 . alpn=h\\\\\n", "zone:1:20: error: this escape is broken (a comma in a name is written \\\\,)" },
		{ "a 1 SVCB 1 . key667=\\25\n", "zone:1:21: error: this escape is broken (write \\ and a sign, or \\DDD)" },
		{ "a 1 SVCB 1 . mandatory=nosuch\n", "zone:1:24: error: this is no key (as in mandatory=alpn,port)" },
		{ "a 1 SVCB 1 . alpn=h2 mandatory=alpn,alpn\n", "zone:1:37: error: this key stands twice in mandatory" },
		{ "a 1 SVCB 1 . ipv4hint=::1\n", "zone:1:23: error: this is not an IPv4 address" },
		{ "a 1 SVCB 1 . ipv6hint=192.0.2.1\n", "zone:1:23: error: this is not an IPv6 address" },
		{ "a 1 AMTRELAY 1 2 0\n", "zone:1:16: error: the discovery flag is 0 or 1" },
		{ "a 1 NSAP 47\n", "zone:1:10: error: an NSAP address starts with 0x" },
		{ "a 1 NSAP 1x47\n", "zone:1:10: error: an NSAP address starts with 0x" },
		{ "a 1 NSAP 0x4\n", "zone:1:13: error: an NSAP address is whole bytes, two hexadecimal digits each" },
		{ "a 1 NSAP 0x\n", "zone:1:12: error: an NSAP address is whole bytes" },
		{ "a 1 NSAP 0x4g\n", "zone:1:13: error: this is no hexadecimal digit, as an NSAP address wants" },
		{ "a 1 NSAP 0x4.7\n", "zone:1:13: error: this is no hexadecimal digit, as an NSAP address wants" },
		{ "a 1 ATMA +4a\n", "zone:1:12: error: behind the + there are only digits (E.164)" },
		{ "a 1 ATMA +\n", "zone:1:10: error: the digits behind the + are missing" },
		{ "a 1 ATMA 4x\n", "zone:1:11: error: this is no hexadecimal digit, as an ATM address wants" },
		{ "a 1 A6 129 ::\n", "zone:1:8: error: the prefix length is 0 to 128" },
		{ "a 1 A6 64 x a.\n", "zone:1:11: error: the address suffix is an IPv6 address" },
		{ "$INCLUDE a\\25\n", "zone:1:11: error: this escape in the file's name is broken" },
		{ "$INCLUDE a\\000\n", "zone:1:15: error: this escape in the file's name is broken" },
		{ "$INCLUDE \"\"\n", "zone:1:11: error: the file behind $INCLUDE has no name" },
		{ "a 1 TXT \"abc\n", "zone:1:9: error: this quote is not closed on its line (a \" is missing, or write" },
		{ "$INCLUDE\n", "zone:1:9: error: the file behind $INCLUDE is missing" },
		{ "$INCLUDE nowhere\n", "zone:1:10: error: $INCLUDE cannot read" },
		{ "$INCLUDE /dev/zero\n",
			"zone:1:10: error: $INCLUDE cannot read /dev/zero: is a device" },
		{ "$INCLUDE zone\n", "zone:1:10: error: " },
		{ "$GENERATE 5-1 a$ 1 A 192.0.2.$\n",
			"zone:1:11: error: 5-1 counts backwards" },
		{ "$GENERATE 255-257 a$ 1 A 192.0.2.$\n",
			"zone:1:26: error: 192.0.2.256 is not an IPv4 address (each part must "
			"be 0-255) (where $GENERATE has come to 256)" },
		{ "$GENERATE 1-2 a${x} 1 A 192.0.2.1\n",
			"zone:1:16: error: this is no ${offset,width,base}" },
		{ "$GENERATE 0-4194304 a$ 1 A 192.0.2.1\n",
			"zone:1:11: error: 0-4194304 makes 4194305 records" },
		{ " $ORIGIN sub\n", "zone:1:2: error: a directive starts in column 1" },
		{ "a 1\xc2\xa0"
		  "A 192.0.2.1\n",
			"zone:1:4: error: there is a no-break space (U+00A0, bytes c2 a0) "
			"here, which looks like a blank" },
		{ "\xc2\xa0 1 A 192.0.2.1\n", "zone:1:1: error: there is a no-break space" },
		{ "a 1 A\xe3\x80\x80"
		  "192.0.2.1\n",
			"zone:1:6: error: there is an ideographic space (U+3000, bytes e3 80 "
			"80)" },
		{ "a 1 A\xe2\x80\x83"
		  "192.0.2.1\n",
			"zone:1:6: error: there is a space of typography (U+2003" },
		{ "a 1 A \xe2\x80\x8b"
		  "192.0.2.1\n",
			"zone:1:7: error: there is a zero-width space (U+200B" },
		{ "a 1 A\xa0"
		  "192.0.2.1\n",
			"zone:1:6: error: there is a no-break space (byte a0)" },
		{ "a 1 A\f192.0.2.1\n",
			"zone:1:6: error: there is a form feed (U+000C, byte 0c)" },
		{ "a 1 A\r192.0.2.1\n", "zone:1:6: error: there is a carriage return" },
		{ "\xef\xbb\xbf$TTL 1\n", "zone:1:1: error: there is a byte order mark" },
		{ "a 1 SVCB 1 . ALPN=h2\n", "zone:1:14: error: ALPN=h2 is not a parameter" },
		{ "a 1 SVCB 1 . key3=8\n", "zone:1:14: error: the value of port" },
		{ "a 1 A 192.0.2.1\n\xff\xfe\n",
			"zone:2:3: error: the record type is missing" },
	};

	for (unsigned i = 0; i < UNIT_COUNT(row); i++)
		expect_error(row[i].zone, row[i].want);
}

static void nul_byte_ends_it_but_in_a_comment(void)
{
	static const char zone[] = "a 1 A 192.0.2.1 ; \0\nb 1 \0A 192.0.2.1\nc 1 \0\n";
	struct desk d;

	desk_init(&d);
	desk_put_bytes(&d, "zone", zone, sizeof zone - 1);
	desk_read(&d);
	CU_ASSERT_FALSE(d.ok);
	CU_ASSERT_PTR_NOT_NULL(
		strstr(text_get(&d.f.text), "/zone:2:5: error: there is a NUL byte here"));
	CU_ASSERT_EQUAL(d.f.errors, 1);
	CU_ASSERT_EQUAL(d.r.n, 1);
	desk_fini(&d);
}

static void every_broken_entry_is_told_once_and_the_rest_is_read(void)
{
	struct desk d;

	desk_init(&d);
	desk_put(&d, "zone",
		"a 1 A 1\nb 1 A 192.0.2.1\nc 1 TXT ( \"x\n y ( z ) )\nd 1 A 192.0.2.1\n"
		"e 1 SOA . . ( 1 2 x 4 5\n  6 7 )\nf 1 A 192.0.2.1\n$TTL x y z\ng 1 A "
		"192.0.2.1\n");
	desk_read(&d);
	CU_ASSERT_EQUAL(d.f.errors, 4);
	CU_ASSERT_STRING_EQUAL(text_get(&d.dump),
		"b.example.com. 1 A " A1 "d.example.com. 1 A " A1 "f.example.com. 1 A " A1
		"g.example.com. 1 A " A1);
	desk_fini(&d);
}

static void reading_stops_after_fifty_errors(void)
{
	struct desk d;
	struct text zone = { 0 };

	for (unsigned i = 0; i < 1000; i++)
		text_add(&zone, "a 1 A x\n");
	desk_init(&d);
	desk_put(&d, "zone", text_get(&zone));
	desk_read(&d);
	CU_ASSERT_EQUAL(d.f.errors, FAULTS_MOST);
	desk_fini(&d);
	text_fini(&zone);
}

static void doubtful_names_are_warned_of_and_loaded(void)
{
	struct desk d;

	desk_init(&d);
	desk_put(&d, "zone",
		"a 1 CNAME b.example.com\nc.example.com 1 A 192.0.2.1\nd 1 NS 192.0.2.1\n"
		"e 1 CNAME b.example.com.\nf.example.com. 1 A 192.0.2.1\ng 1 CNAME "
		"example.com.example.org.\n");
	desk_read(&d);
	CU_ASSERT(d.ok);
	CU_ASSERT_EQUAL(d.f.warnings, 3);
	CU_ASSERT_EQUAL(d.r.n, 6);
	CU_ASSERT_PTR_NOT_NULL(strstr(text_get(&d.f.text),
		"zone:1:11: warning: b.example.com has no dot at its end"));
	CU_ASSERT_PTR_NOT_NULL(strstr(
		text_get(&d.f.text), "zone:2:1: warning: c.example.com has no dot at its end"));
	CU_ASSERT_PTR_NOT_NULL(strstr(
		text_get(&d.f.text), "zone:3:8: warning: 192.0.2.1 is taken for a name"));
	desk_fini(&d);
}

/* What is told once, and the names that are in the zone. */
static void one_cause_of_many_wrong_names_is_told_once(void)
{
	static const struct {
		const char *say, *zone, *want, *also;
	} row[] = {
		{ "a wrong $ORIGIN",
			"$TTL 1\n$ORIGIN example.org.\na A 192.0.2.1\nb A 192.0.2.1\n\tTXT x\n"
			"c.d A 192.0.2.1\n",
			"zone:3:1: error: a.example.org. is not in the zone example.com.: line "
			"2 "
			"made example.org. the origin",
			NULL },
		{ "another zone's file",
			"$TTL 1\na.example.org. A 192.0.2.1\nexample.org. A 192.0.2.1\n"
			"b.c.EXAMPLE.org. A 192.0.2.1\n",
			"zone:2:1: error: a.example.org. is not in the zone example.com. (",
			NULL },
		{ "two causes",
			"$TTL 1\na.example.org. A 192.0.2.1\nb.example.net. A 192.0.2.1\n"
			"c.example.org. A 192.0.2.1\n",
			"zone:2:1: error: a.example.org. is not",
			"zone:3:1: error: b.example.net." },
		{ "an origin above the zone is no cause",
			"$TTL 1\n$ORIGIN com.\nxample A 192.0.2.1\nexample A 192.0.2.1\n"
			"eample A 192.0.2.1\n",
			"zone:3:1: error: xample.com. is not",
			"zone:5:1: error: eample.com. is not" },
		{ "an included file's origin",
			"$TTL 1\n$INCLUDE one example.org.\na.example.org. A 192.0.2.1\n",
			"zone made example.org. the origin (correct that", NULL },
		{ "an origin of whom an included file is included by",
			"$TTL 1\n$ORIGIN example.org.\n$INCLUDE one\n",
			"zone made example.org. the origin (correct that", NULL },
		{ "an origin of its own after that is told by its line alone",
			"$TTL 1\n$INCLUDE one sub.example.com.\n$ORIGIN example.org.\na A 192.0.2.1\n",
			"zone:4:1: error: a.example.org. is not in the zone example.com.: line 3 made",
			NULL },
	};

	for (unsigned i = 0; i < UNIT_COUNT(row); i++) {
		struct desk d;
		desk_init(&d);
		desk_put(&d, "zone", row[i].zone);
		desk_put(&d, "one", "x A 192.0.2.1\ny A 192.0.2.1\n");
		desk_read(&d);
		CU_ASSERT_FALSE(d.ok);
		CU_ASSERT_EQUAL(d.f.errors, row[i].also ? 2 : 1);
		CU_ASSERT_PTR_NOT_NULL(strstr(text_get(&d.f.text), row[i].want));
		if (row[i].also)
			CU_ASSERT_PTR_NOT_NULL(strstr(text_get(&d.f.text), row[i].also));
		if (d.f.errors != (row[i].also ? 2u : 1u))
			printf("%s: %s", row[i].say, text_get(&d.f.text));
		desk_fini(&d);
	}
}

static void first_record_without_an_owner_is_the_zones_own(void)
{
	struct desk d;

	desk_init(&d);
	desk_put(&d, "zone", "$ORIGIN sub.example.com.\n 1 A 192.0.2.1\n 1 A 192.0.2.1\n");
	desk_read(&d);
	CU_ASSERT(d.ok);
	CU_ASSERT_EQUAL(d.f.warnings, 1);
	CU_ASSERT_PTR_NOT_NULL(
		strstr(text_get(&d.f.text), "zone:2:2: warning: this line has no owner"));
	CU_ASSERT_STRING_EQUAL(
		text_get(&d.dump), "example.com. 1 A " A1 "example.com. 1 A " A1);
	desk_fini(&d);
}

static void origin_that_lacks_its_dot_is_warned_of(void)
{
	struct desk d;

	desk_init(&d);
	desk_put(&d, "zone", "$ORIGIN example.com\na 1 A 192.0.2.1\n");
	desk_read(&d);
	CU_ASSERT(d.ok);
	CU_ASSERT_EQUAL(d.f.warnings, 1);
	CU_ASSERT_PTR_NOT_NULL(strstr(
		text_get(&d.f.text), "zone:1:9: warning: example.com has no dot at its end"));
	desk_fini(&d);
}

static void characters_that_are_no_blanks_stay_in_words_and_strings(void)
{
	struct desk d;

	desk_init(&d);
	desk_put(&d, "zone", "a 1 TXT \xc3\xa0 \"\xc2\xa0\" \xf0\x9f\x91\xa0 ;\xc2\xa0\n");
	desk_read(&d);
	CU_ASSERT(d.ok);
	CU_ASSERT_STRING_EQUAL(
		text_get(&d.dump), "a.example.com. 1 TXT 02c3a002c2a004f09f91a0\n");
	desk_fini(&d);
}

static void fault_in_an_included_file_names_that_file(void)
{
	struct desk d;

	desk_init(&d);
	desk_put(&d, "zone", "$INCLUDE one\na 1 A x\n");
	desk_put(&d, "one", "\n\n A x\n");
	desk_read(&d);
	CU_ASSERT_EQUAL(d.f.errors, 2);
	CU_ASSERT_PTR_NOT_NULL(
		strstr(text_get(&d.f.text), "/one:3:2: warning: this line has no owner"));
	CU_ASSERT_PTR_NOT_NULL(
		strstr(text_get(&d.f.text), "/one:3:4: error: x is not an IPv4 address"));
	CU_ASSERT_PTR_NOT_NULL(
		strstr(text_get(&d.f.text), "/zone:2:7: error: x is not an IPv4 address"));
	desk_fini(&d);
}

static void files_that_include_each_other_are_stopped(void)
{
	struct desk d;

	desk_init(&d);
	desk_put(&d, "zone", "$INCLUDE one\n");
	desk_put(&d, "one", "$INCLUDE ./zone\n");
	desk_read(&d);
	CU_ASSERT_EQUAL(d.f.errors, 1);
	CU_ASSERT_PTR_NOT_NULL(strstr(text_get(&d.f.text), "/one:1:10: error: "));
	desk_fini(&d);
}

static void file_that_is_not_there_is_an_error(void)
{
	struct desk d;

	desk_init(&d);
	desk_read(&d);
	CU_ASSERT_FALSE(d.ok);
	CU_ASSERT_PTR_NOT_NULL(strstr(text_get(&d.f.text), "/zone: No such file or directory"));
	desk_fini(&d);
}

void suite_master_faults(void);
void suite_master_faults(void)
{
	static const struct unit_case cases[] = {
		{ "broken zones are told at the exact place",
			broken_zones_are_told_at_the_exact_place },
		{ "a NUL byte ends it, but in a comment", nul_byte_ends_it_but_in_a_comment },
		{ "every broken entry is told once and the rest is read",
			every_broken_entry_is_told_once_and_the_rest_is_read },
		{ "reading stops after fifty errors", reading_stops_after_fifty_errors },
		{ "doubtful names are warned of and loaded",
			doubtful_names_are_warned_of_and_loaded },
		{ "one cause of many wrong names is told once",
			one_cause_of_many_wrong_names_is_told_once },
		{ "a first record without an owner is the zone's own",
			first_record_without_an_owner_is_the_zones_own },
		{ "an origin that lacks its dot is warned of",
			origin_that_lacks_its_dot_is_warned_of },
		{ "characters that are no blanks stay in words and strings",
			characters_that_are_no_blanks_stay_in_words_and_strings },
		{ "a fault in an included file names that file",
			fault_in_an_included_file_names_that_file },
		{ "files that include each other are stopped",
			files_that_include_each_other_are_stopped },
		{ "a file that is not there is an error", file_that_is_not_there_is_an_error },
	};

	unit_suite("zone/master, what is wrong", cases, UNIT_COUNT(cases));
}
