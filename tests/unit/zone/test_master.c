#include "unit/unit.h"
#include "unit/zone/desk.h"

#include <stdio.h>
#include <string.h>
#include <sys/stat.h>

static void expect(const char *say, const char *zone, const char *want)
{
	struct desk d;

	desk_init(&d);
	desk_put(&d, "zone", zone);
	desk_read(&d);
	if (!d.ok || strcmp(text_get(&d.dump), want) != 0)
		fprintf(stderr, "%s:\n%s%s", say, text_get(&d.f.text), text_get(&d.dump));
	CU_ASSERT(d.ok);
	CU_ASSERT_STRING_EQUAL(text_get(&d.dump), want);
	desk_fini(&d);
}

/* --- what is right ------------------------------------------------------------------------ */

#define A1 "c0000201\n"
#define A2 "c0000202\n"

static void entries_are_read_as_rfc_1035_has_them(void)
{
	static const struct {
		const char *say, *zone, *want;
	} row[] = {
		{ "an empty file has no records and no errors", "", "" },
		{ "comments and blank lines alone neither", "; nothing\n\n \t \r\n;", "" },
		{ "the last line needs no newline", "a 1 A 192.0.2.1",
			"a.example.com. 1 A " A1 },
		{ "a blank owner is the last owner", "a 1 A 192.0.2.1\n\t1 A 192.0.2.2\n",
			"a.example.com. 1 A " A1 "a.example.com. 1 A " A2 },
		{ "an absolute name stays, a relative one gets the origin",
			"A.example.COM. 1 A 192.0.2.1\na 1 A 192.0.2.2\n",
			"a.example.com. 1 A " A1 "a.example.com. 1 A " A2 },
		{ "@ is the origin", "@ 1 A 192.0.2.1\n", "example.com. 1 A " A1 },
		{ "an escaped @ is a name", "\\@ 1 A 192.0.2.1\n", "\\@.example.com. 1 A " A1 },
		{ "TTL and class stand in either order",
			"a 1 IN A 192.0.2.1\na IN 1 A 192.0.2.1\na in 1 a 192.0.2.1\n",
			"a.example.com. 1 A " A1 "a.example.com. 1 A " A1
			"a.example.com. 1 A " A1 },
		{ "CLASS1 is IN (RFC 3597)", "a CLASS1 1 TYPE1 192.0.2.1\n",
			"a.example.com. 1 A " A1 },
		{ "CRLF ends lines", "a 1 A 192.0.2.1\r\n 1 A 192.0.2.2\r\n",
			"a.example.com. 1 A " A1 "a.example.com. 1 A " A2 },
		{ "a TTL over 2^31-1 is 0 (RFC 2181 section 8)",
			"a 2147483648 A 192.0.2.1\n$TTL 4294967295\nb A 192.0.2.1\n",
			"a.example.com. 0 A " A1 "b.example.com. 0 A " A1 },
		{ "without any TTL it is an hour", "a A 192.0.2.1\n",
			"a.example.com. 3600 A " A1 },
		{ "a type's number may have zeros in front (RFC 3597)",
			"a 1 TYPE0001 192.0.2.1\n", "a.example.com. 1 A " A1 },
		{ "an owner may stand in quotes", "\"a\" 1 A 192.0.2.1\n",
			"a.example.com. 1 A " A1 },
		{ "an owner may look like a type or a class",
			"A 1 A 192.0.2.1\nIN 1 IN A 192.0.2.1\n",
			"a.example.com. 1 A " A1 "in.example.com. 1 A " A1 },
		{ "a comment needs no blank before it", "a 1 A 192.0.2.1;x\n",
			"a.example.com. 1 A " A1 },
		{ "escapes make any label", "a\\.b\\046\\;\\( 1 A 192.0.2.1\n",
			"a\\.b\\.\\;\\(.example.com. 1 A " A1 },
		{ "names in data keep their case, owners do not", "WWW 1 CNAME Foo.ORG.\n",
			"www.example.com. 1 CNAME 03466f6f034f524700\n" },
	};

	for (unsigned i = 0; i < UNIT_COUNT(row); i++)
		expect(row[i].say, row[i].zone, row[i].want);
}

static void parentheses_join_lines(void)
{
	expect("anywhere in an entry",
		"a ( 1 ; one (\n\n IN\n A\r\n 192.0.2.1 ) ; )\nb 1 A 192.0.2.2\n",
		"a.example.com. 1 A " A1 "b.example.com. 1 A " A2);
	expect("before the owner too", "(\na 1\nA 192.0.2.1\n)\n", "a.example.com. 1 A " A1);
	expect("one in the other", "a 1 TXT ( a ( b\n ) c\n ) d\n",
		"a.example.com. 1 TXT 0161016201630164\n");
	expect("without blanks around them", "a 1 TXT(a)(b\n)c\n",
		"a.example.com. 1 TXT 016101620163\n");
	expect("a line inside that starts with a blank is no new entry",
		"a 1 A (\n 192.0.2.1)\n 1 A 192.0.2.2\n",
		"a.example.com. 1 A " A1 "a.example.com. 1 A " A2);
	expect("not inside quotes", "a 1 TXT \"(\" \"; )\"\n",
		"a.example.com. 1 TXT 0128033b2029\n");
	expect("not when escaped", "a 1 TXT \\( \\)x\\;\n",
		"a.example.com. 1 TXT 01280329783b\n");
}

static void strings_are_taken_byte_by_byte(void)
{
	expect("quotes, blanks, escapes",
		"a 1 TXT \"two words\" one \"\" \"\\\"\\065\\\\\" \\\"\n",
		"a.example.com. 1 TXT 0974776f20776f726473036f6e65000322415c0122\n");
	expect("strings need no blank in between", "a 1 TXT \"a\"\"b\"\n",
		"a.example.com. 1 TXT 01610162\n");
	expect("bytes over 127 stay", "a 1 TXT \xc3\xa9\n", "a.example.com. 1 TXT 02c3a9\n");
	expect("a semicolon in quotes is no comment", "a 1 CAA 0 issue \";\"\n",
		"a.example.com. 1 CAA 000569737375653b\n");
}

static void missing_ttl_comes_from_where_the_rfcs_say(void)
{
	static const char soa[] = "@ SOA . . 1 2 3 4 77\n";

	expect("$TTL (RFC 2308), wherever the last explicit one was",
		"$TTL 1h\na A 192.0.2.1\na 5 A 192.0.2.1\na A 192.0.2.1\n$TTL 2\na A "
		"192.0.2.1\n",
		"a.example.com. 3600 A " A1 "a.example.com. 5 A " A1 "a.example.com. 3600 A " A1
		"a.example.com. 2 A " A1);
	expect("else the last explicit one (RFC 1035)", "a 5 A 192.0.2.1\na A 192.0.2.1\n",
		"a.example.com. 5 A " A1 "a.example.com. 5 A " A1);
	char zone[200];
	snprintf(zone, sizeof zone, "%sa A 192.0.2.1\n", soa);
	expect("else the SOA's minimum (BIND)", zone,
		"example.com. 77 SOA "
		"0000000000010000000200000003000000040000004d\na.example.com. 77 A " A1);
	expect("units add up", "$TTL 1w2d3h4m5s\na A 192.0.2.1\na 1H30M A 192.0.2.1\n",
		"a.example.com. 788645 A " A1 "a.example.com. 5400 A " A1);
	expect("the longest there is (RFC 2181)", "a 2147483647 A 192.0.2.1\n",
		"a.example.com. 2147483647 A " A1);
}

static void origin_moves_what_follows(void)
{
	expect("owners and names in data, absolute and relative",
		"$ORIGIN sub.example.com.\na 1 A 192.0.2.1\n$ORIGIN x\na 1 CNAME b\n$ORIGIN "
		"example.com.\na 1 A 192.0.2.2\n",
		"a.sub.example.com. 1 A " A1 "a.x.sub.example.com. 1 CNAME 016201780373756207"
		"6578616d706c6503636f6d00\n"
		"a.example.com. 1 A " A2);
	expect("the same text is another owner then",
		"a 1 A 192.0.2.1\n$ORIGIN s\na 1 A 192.0.2.1\n",
		"a.example.com. 1 A " A1 "a.s.example.com. 1 A " A1);
	expect("an origin outside is allowed as long as owners are inside",
		"$ORIGIN com.\nexample 1 A 192.0.2.1\n", "example.com. 1 A " A1);
}

static void any_type_may_be_written_as_bytes(void)
{
	expect("an unknown one", "a 1 TYPE4711 \\# 3 ab CDe f\n",
		"a.example.com. 1 TYPE4711 abcdef\n");
	expect("without any", "a 1 TYPE4711 \\# 0\n", "a.example.com. 1 TYPE4711 \n");
	expect("a known one by name", "a 1 A \\# 4 c0000201\n", "a.example.com. 1 A " A1);
	expect("a known one by number", "a 1 TYPE15 \\# 3 000a00\n",
		"a.example.com. 1 MX 000a00\n");
	expect("EDGE by number",
		"a 1 TYPE65301 \\# 4 03 776562\na 1 TYPE65301 web\na 1 EDGE \"web\"\n",
		"a.example.com. 1 EDGE 03776562\na.example.com. 1 EDGE "
		"03776562\na.example.com. 1 EDGE 03776562\n");
	expect("in quotes it is a string", "a 1 TXT \"\\#\" 1 ff\n",
		"a.example.com. 1 TXT 01230131026666\n");
}

static void generate_counts_as_bind_does(void)
{
	expect("on both sides", "$GENERATE 1-2 h$ 1 A 192.0.2.$\n",
		"h1.example.com. 1 A " A1 "h2.example.com. 1 A " A2);
	expect("with TTL and class in any order", "$GENERATE 1-1 h$ IN 7 A 192.0.2.$\n",
		"h1.example.com. 7 A " A1);
	expect("with a quoted right side", "$GENERATE 1-1 h$ 1 MX \"10 $.\"\n",
		"h1.example.com. 1 MX 000a013100\n");
	expect("whose quotes are escaped inside", "$GENERATE 1-1 h$ 1 TXT \"\\\"a $\\\" b\"\n",
		"h1.example.com. 1 TXT 036120310162\n");
	expect("with several words, beyond BIND",
		"$GENERATE 1-1 h$ 1 TXT \"a $\" (b ; comment\n) ; comment\n",
		"h1.example.com. 1 TXT 036120310162\n");
	expect("the default TTL is taken", "$TTL 9\n$GENERATE 1-1 @ A 192.0.2.$\n",
		"example.com. 9 A " A1);
	expect("the owner goes on",
		"$GENERATE 1-2/5 h$ 1 A 192.0.2.$\n 1 A 192.0.2.2\nh1 1 A 192.0.2.1\n",
		"h1.example.com. 1 A " A1 "h1.example.com. 1 A " A2 "h1.example.com. 1 A " A1);
	expect("the reverse of an IPv6 net", "$GENERATE 17-17 ${0,7,n} 1 PTR h${-1,3,d}.\n",
		"1.1.0.0.example.com. 1 PTR 046830313600\n");
}

static size_t edges_of(void *ctx, const char *pool, const char **to, size_t most)
{
	static const char *const names[] = { "ams1", "Fra_1.a" };

	(void)ctx;
	CU_ASSERT_FATAL(most >= 2);
	if (strcmp(pool, "web") != 0)
		return 0;
	memcpy(to, names, sizeof names);
	return 2;
}

static void generate_goes_through_the_edges_of_a_pool(void)
{
	static const struct master_pools pools = { edges_of, NULL };
	static const struct {
		const char *text, *want; /* the records, or a part of what is told */
		bool known;
	} row[] = {
		{ "$GENERATE pool:web w--$ 60 IN EDGE web edge=$\n",
			"w--ams1.example.com. 60 EDGE 0377656209656467653d616d7331\n"
			"w--fra-1-a.example.com. 60 EDGE 037765620c656467653d4672615f312e61\n", true },
		{ "$GENERATE pool:wbe w--$ 60 EDGE web edge=$\n", "zone:1:16: error: there is no pool \"wbe\"", true },
		{ "$GENERATE pool:web w--$ 60 EDGE web edge=$\n", "zone:1:11: error: nobody knows here which edges pools have", false },
		{ "$GENERATE pool:web w${1} 60 EDGE web edge=$\n", "zone:1:21: error: the edges of a pool are no numbers: write $ alone", true },
		{ "$GENERATE pool:web 01234567890123456789012345678901234567890123456789012345678--$ 60 EDGE web edge=$\n",
			"(where $GENERATE has come to ams1)", true },
	};

	for (size_t i = 0; i < UNIT_COUNT(row); i++) {
		struct desk d;
		desk_init(&d);
		d.pools = row[i].known ? &pools : NULL;
		desk_put(&d, "zone", row[i].text);
		desk_read(&d);
		const char *got = d.ok ? text_get(&d.dump) : text_get(&d.f.text);
		CU_ASSERT_PTR_NOT_NULL(strstr(got, row[i].want));
		CU_ASSERT_EQUAL(d.ok, i == 0);
		if (!strstr(got, row[i].want))
			printf("    %s\n", got);
		desk_fini(&d);
	}
}

/* --- files -------------------------------------------------------------------------------- */

static void included_file_is_seen_from_its_includer(void)
{
	struct desk d;
	char folder[128];

	desk_init(&d);
	snprintf(folder, sizeof folder, "%s/in", d.folder);
	CU_ASSERT_EQUAL(mkdir(folder, 0700), 0);
	desk_put(&d, "zone",
		"a 1 A 192.0.2.1\n$INCLUDE in/one sub ; comment\n 1 A 192.0.2.2\nz 1 A "
		"192.0.2.2\n A 192.0.2.1\n");
	desk_put(&d, "in/one",
		"b 1 A 192.0.2.1\n$INCLUDE \"two \\\"x\"\n$TTL 7\n$ORIGIN x\nc A 192.0.2.1");
	desk_put(&d, "in/two \"x", " 1 A 192.0.2.2\nd 1\tCNAME @\n");
	desk_read(&d);
	CU_ASSERT(d.ok);
	CU_ASSERT_STRING_EQUAL(text_get(&d.dump),
		"a.example.com. 1 A " A1 "b.sub.example.com. 1 A " A1
		"b.sub.example.com. 1 A " A2
		"d.sub.example.com. 1 CNAME 03737562076578616d706c6503636f6d00\n"
		"c.x.sub.example.com. 7 A " A1 "a.example.com. 1 A " A2 "z.example.com. 1 A " A2
		"z.example.com. 7 A " A1);
	CU_ASSERT_EQUAL(d.r.n_files, 3);
	struct records_walk walk = records_all(&d.r);
	for (unsigned i = 0; i < 4; i++)
		CU_ASSERT_TRUE_FATAL(records_walk_next(&walk));
	records_error(&d.r, &walk.rr, &d.f, "here");
	CU_ASSERT_PTR_NOT_NULL(strstr(text_get(&d.f.text),
		"/in/two \"x:2:1: error: here\n    d 1\tCNAME @\n    ^\n"));
	desk_fini(&d);
}

static void includes_go_twenty_deep_and_no_deeper(void)
{
	for (unsigned deep = 20; deep <= 21; deep++) {
		struct desk d;
		desk_init(&d);
		desk_put(&d, "zone", "$INCLUDE f1\n");
		for (unsigned i = 1; i <= deep; i++) {
			char name[16], text[32];
			snprintf(name, sizeof name, "f%u", i);
			snprintf(text, sizeof text,
				i < deep ? "$INCLUDE f%u\n" : "a%u 1 A 192.0.2.1\n", i + 1);
			desk_put(&d, name, text);
		}
		desk_read(&d);
		CU_ASSERT_EQUAL(d.ok, deep == 20);
		CU_ASSERT_EQUAL(d.r.n, deep == 20);
		desk_fini(&d);
	}
}

static void records_know_their_place_and_share_their_owner(void)
{
	struct desk d;

	desk_init(&d);
	desk_put(&d, "zone",
		"a 1 A 192.0.2.1\n\n\t 1 A 192.0.2.2\na 1 TXT x\n( ; c\n  b 1\nTXT x "
		")\n$GENERATE 1-2 g$ 1 A 192.0.2.$\n");
	desk_read(&d);
	CU_ASSERT(d.ok);
	CU_ASSERT_EQUAL_FATAL(d.r.n, 6);
	static const unsigned place[6][2] = { { 1, 1 }, { 3, 3 }, { 4, 1 }, { 6, 3 }, { 8, 1 },
		{ 8, 1 } };
	struct records_walk walk = records_all(&d.r);
	const uint8_t *first = NULL;
	for (unsigned i = 0; records_walk_next(&walk); i++) {
		CU_ASSERT_EQUAL(walk.rr.line, place[i][0]);
		CU_ASSERT_EQUAL(walk.rr.column, place[i][1]);
		if (i < 3)
			CU_ASSERT_TRUE(!first || walk.rr.owner == first);
		first = walk.rr.owner;
	}
	desk_fini(&d);
}

/* A file is read a part at a time, of 128 KiB; wherever one ends, nothing is to be seen of it.
 */
enum { PART = 1 << 17 };

static void wherever_a_part_of_the_file_ends_it_reads_the_same(void)
{
	static const char entries[] =
		"a 1 A 192.0.2.1\r\n  1 A 192.0.2.2 ; \"( c\n\n \t\n; c\n$TTL 1h\n"
		"b TXT ( \"a;b\\\"(\" \\098\\\\ ; )\n\tc ) ; c\n$INCLUDE more sub\n"
		"c MX 10 ( ; c\n\n@ )\n  CNAME\td\n$GENERATE 1-2 g$ TXT \"$ $\"\n"
		"$ORIGIN x\nd A 192.0.2.1";
	const size_t len = sizeof entries - 1;
	struct desk whole;

	desk_init(&whole);
	desk_put(&whole, "zone", entries);
	desk_put(&whole, "more", "m 1 A 192.0.2.1\n");
	desk_read(&whole);
	CU_ASSERT(whole.ok);
	CU_ASSERT_EQUAL(whole.r.n, 9);
	for (size_t cut = 0; cut <= len + 8; cut++) {
		/* A comment in front ends the part `cut` bytes into the entries. */
		struct text file = { 0 };
		while (file.len + 1 < PART + 2 - cut)
			text_add_char(&file, ';');
		text_add_char(&file, '\n');
		text_add_bytes(&file, entries, len);
		struct desk d;
		desk_init(&d);
		desk_put_bytes(&d, "zone", text_get(&file), file.len);
		desk_put(&d, "more", "m 1 A 192.0.2.1\n");
		desk_read(&d);
		CU_ASSERT(d.ok);
		CU_ASSERT_EQUAL(d.f.warnings, 0);
		CU_ASSERT_STRING_EQUAL(text_get(&d.dump), text_get(&whole.dump));
		desk_fini(&d);
		text_fini(&file);
	}
	desk_fini(&whole);
}

static void entries_longer_than_a_part_are_read(void)
{
	struct text file = { 0 };
	struct desk d;

	text_add(&file, "a 1 TXT ( x\n");
	while (file.len < 3 * PART)
		text_add(&file, "  ; a comment (\n");
	text_add(&file, "y )\nb 1 A 192.0.2.1\nc 1 A oops\n");
	desk_init(&d);
	desk_put_bytes(&d, "zone", text_get(&file), file.len);
	desk_read(&d);
	CU_ASSERT_FALSE(d.ok);
	CU_ASSERT_STRING_EQUAL(
		text_get(&d.dump), "a.example.com. 1 TXT 01780179\nb.example.com. 1 A " A1);
	CU_ASSERT_PTR_NOT_NULL(strstr(text_get(&d.f.text), "\n    c 1 A oops\n          ^\n"));
	CU_ASSERT_PTR_NOT_NULL(strstr(text_get(&d.f.text), "/zone:24580:7: error: "));
	CU_ASSERT_EQUAL(d.f.errors, 1);
	desk_fini(&d);
	text_fini(&file);
}

/* Line by line, far behind the first part; warnings and errors each once. */
static void faults_of_a_long_file_are_told_once_at_their_lines(void)
{
	struct text file = { 0 };
	struct desk d;
	char said[96];

	for (unsigned line = 1; line <= 20000; line++)
		text_add(&file,
			line % 2000 == 0           ? "w.example.com 1 A 192.0.2.1\n"
				: line % 2000 == 1 ? "e 1 A ( 192.0.2 )\n"
						   : "some.name 1 A 192.0.2.1 ; x\n");
	desk_init(&d);
	desk_put_bytes(&d, "zone", text_get(&file), file.len);
	desk_read(&d);
	CU_ASSERT_EQUAL(d.f.errors, 10);
	CU_ASSERT_EQUAL(d.f.warnings, 10);
	for (unsigned line = 2000; line <= 20000; line += 2000) {
		snprintf(said, sizeof said,
			"/zone:%u:1: warning: w.example.com has no dot at its end", line);
		CU_ASSERT_PTR_NOT_NULL(strstr(text_get(&d.f.text), said));
	}
	desk_fini(&d);
	text_fini(&file);
}

void suite_master(void);
void suite_master(void)
{
	static const struct unit_case cases[] = {
		{ "entries are read as RFC 1035 has them",
			entries_are_read_as_rfc_1035_has_them },
		{ "parentheses join lines", parentheses_join_lines },
		{ "strings are taken byte by byte", strings_are_taken_byte_by_byte },
		{ "a missing TTL comes from where the RFCs say",
			missing_ttl_comes_from_where_the_rfcs_say },
		{ "the origin moves what follows", origin_moves_what_follows },
		{ "any type may be written as bytes (RFC 3597)",
			any_type_may_be_written_as_bytes },
		{ "$GENERATE counts as BIND does", generate_counts_as_bind_does },
		{ "$GENERATE goes through the edges of a pool", generate_goes_through_the_edges_of_a_pool },
		{ "an included file is seen from its includer",
			included_file_is_seen_from_its_includer },
		{ "$INCLUDEs go twenty deep and no deeper",
			includes_go_twenty_deep_and_no_deeper },
		{ "records know their place and share their owner",
			records_know_their_place_and_share_their_owner },
		{ "wherever a part of the file ends it reads the same",
			wherever_a_part_of_the_file_ends_it_reads_the_same },
		{ "entries longer than a part are read", entries_longer_than_a_part_are_read },
		{ "faults of a long file are told once at their lines",
			faults_of_a_long_file_are_told_once_at_their_lines },
	};

	unit_suite("zone/master", cases, UNIT_COUNT(cases));
}
