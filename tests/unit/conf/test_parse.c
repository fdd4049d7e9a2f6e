#include "conf/parse.h"

#include "unit/conf/told.h"
#include "unit/unit.h"

#include <string.h>

/* The tree of a text, which lives in `mem`; NULL when there were faults. */
static struct node *tree(struct arena *mem, const char *yaml)
{
	struct faults f;

	faults_init(&f);
	const struct parse_source src = { .path = "t.yaml",
		.text = yaml,
		.text_end = yaml + strlen(yaml),
		.faults = &f };
	struct node *top = parse_tree(&src, mem);
	const bool clean = f.errors == 0 && f.warnings == 0;
	faults_fini(&f);
	return clean ? top : NULL;
}

static void is_at(const struct node *n, unsigned line, unsigned column)
{
	CU_ASSERT_PTR_NOT_NULL_FATAL(n);
	CU_ASSERT_EQUAL(n->line, line);
	CU_ASSERT_EQUAL(n->column, column);
}

static void every_node_knows_its_place(void)
{
	struct arena mem = { 0 };
	const struct node *top = tree(&mem,
		"# first\n"
		"edges:\n"
		"  ams1: { at: \"52,4\",\n"
		"          a: [ 192.0.2.10, x ] }\n"
		"zones:\n"
		"  - { dir: z }\n");
	is_at(top, 2, 1);
	const struct node *edge = parse_get(parse_get(top, "edges"), "ams1");
	is_at(edge, 3, 9);
	is_at(edge->key, 3, 3);
	is_at(parse_get(edge, "at"), 3, 15);
	const struct node *a = parse_get(edge, "a");
	is_at(a, 4, 14);
	is_at(a->key, 4, 11);
	CU_ASSERT_EQUAL(a->n, 2);
	is_at(a->first->next, 4, 28);
	is_at(parse_get(top, "zones")->first, 6, 5);
	CU_ASSERT_PTR_NULL(parse_get(top, "zone"));
	arena_fini(&mem);
}

static void columns_count_characters(void)
{
	struct arena mem = { 0 };
	const struct node *top = tree(&mem, "{ k: \"d\xc3\xa9j\xc3\xa0\", next: v }\n");

	CU_ASSERT_PTR_NOT_NULL_FATAL(top);
	is_at(parse_get(top, "next")->key, 1, 14);
	arena_fini(&mem);
}

static void nothing_is_interpreted(void)
{
	static const struct {
		const char *yaml, *text;
		bool quoted;
	} row[] = {
		{ "k: NO", "NO", false },
		{ "k: 010", "010", false },
		{ "k: ~", "~", false },
		{ "k: 1e3", "1e3", false },
		{ "k:", "", false },
		{ "k: \"\"", "", true },
		{ "k: 'it''s'", "it's", true },
		{ "k: \"\\x41\\u00e9\\\"\"", "A\xc3\xa9\"", true },
		{ "k: a long\n  text", "a long text", false },
		{ "k: |\n  one\n  two\n", "one\ntwo\n", true },
		{ "k: >-\n  one\n  two\n", "one two", true },
		{ "k: \"a\tb\"", "a\tb", true },
	};

	for (size_t i = 0; i < UNIT_COUNT(row); i++) {
		struct arena mem = { 0 };
		const struct node *top = tree(&mem, row[i].yaml);
		CU_ASSERT_PTR_NOT_NULL_FATAL(top);
		const struct node *k = parse_get(top, "k");
		CU_ASSERT_EQUAL(k->kind, NODE_SCALAR);
		CU_ASSERT_STRING_EQUAL(k->text, row[i].text);
		CU_ASSERT_EQUAL(k->quoted, row[i].quoted);
		arena_fini(&mem);
	}
}

static void what_is_not_strict_yaml_is_told(void)
{
	static const struct told_case row[] = {
		{ "an empty file", "",
			"error: the file is empty; the least it needs is server: and "
			"zones:\n" },
		{ "nothing but a comment", "# x\n",
			"error: the file is empty; the least it needs is server: and "
			"zones:\n" },
		{ "an empty document", "---\n",
			"error: the file is empty; the least it needs is server: and "
			"zones:\n" },
		{ "a text at the top", "hello\n",
			"1:1: error: the configuration must be a mapping of keys and values, "
			"not one value\n" },
		{ "a list at the top", "- a\n",
			"1:1: error: the configuration must be a mapping of keys and values, "
			"not a list\n" },
		{ "a key twice", SERVER ZONES "edges: {}\npools: {}\nedges: { x: {} }\n",
			"5:1: error: this key is here twice (first on line 3); take one "
			"out\n" },
		{ "a key twice, once in quotes",
			SERVER ZONES "edges: { e: { a: 192.0.2.1, \"a\": 192.0.2.2 } }\n",
			"3:29: error: this key is here twice (first on line 3); take one "
			"out\n" },
		{ "a key three times", SERVER ZONES "geoip: {}\ngeoip: {}\ngeoip: {}\n",
			"4:1: error: this key is here twice (first on line 3); take one out\n"
			"5:1: error: this key is here twice (first on line 3); take one "
			"out\n" },
		{ "an anchor and its alias", "server: { listen: &l 192.0.2.1 }\nzones: *l\n",
			"1:19: error: anchors (&name) are not taken; take it out and write the "
			"value where it is wanted\n"
			"2:8: error: aliases (*name) are not taken; write the value itself, or "
			"put the text in quotes\n" },
		{ "tags", "server: !map { listen: !!str 192.0.2.1 }\nzones: [ { dir: z } ]\n",
			"1:9: error: tags (!name) are not taken; take it out, or put the text "
			"in quotes\n"
			"1:24: error: tags (!name) are not taken; take it out, or put the text "
			"in quotes\n" },
		{ "a merge key", SERVER ZONES "geoip: { <<: { city: x } }\n",
			"3:10: error: merge keys (<<) are not taken; write the keys "
			"themselves\n" },
		{ "a second document", "---\n" SERVER ZONES "---\n" SERVER ZONES,
			"4:1: error: a second document starts here; a configuration is one "
			"(take the \"---\" out)\n" },
		{ "a directive", "%YAML 1.1\n---\n" SERVER ZONES,
			"1:1: error: directives (%YAML, %TAG) are not taken; take the line "
			"out\n" },
		{ "a list as a key", SERVER ZONES "edges: { [ x ]: { y: z } }\n",
			"3:10: error: a key is plain text, not a list; text with brackets in "
			"it needs quotes\n" },
		{ "a mapping as a key", SERVER ZONES "edges: { { x: y }: z }\n",
			"3:10: error: a key is plain text, not a mapping; text with brackets "
			"in it needs quotes\n" },
		{ "17 levels", "[[[[[[[[[[[[[[[[[x]]]]]]]]]]]]]]]]]",
			"1:17: error: nested deeper than 16 levels; no option is\n" },
		{ "a NUL in quotes",
			"server: { listen: 192.0.2.1, user: \"a\\0b\" }\nzones: [ { dir: z } "
			"]\n",
			"1:36: error: a NUL character (\\0) in a text; take it out\n" },
	};

	told_check(row, UNIT_COUNT(row));
}

static void bytes_that_are_no_text_are_told(void)
{
	static const struct told_case row[] = {
		{ "Latin-1", "server:\n  user: h\xe9h\xe9\n",
			"2:10: error: this is not UTF-8; save the file in that encoding\n" },
		{ "UTF-8 for a surrogate", "a: \xed\xa0\x80",
			"1:4: error: this is not UTF-8; save the file in that encoding\n" },
		{ "a longer way to write '/'", "a: \xc0\xaf",
			"1:4: error: this is not UTF-8; save the file in that encoding\n" },
		{ "a character cut at the end", "a: \xe2\x82",
			"1:4: error: this is not UTF-8; save the file in that encoding\n" },
		{ "UTF-16", "\xff\xfes",
			"1:1: error: this is not UTF-8; save the file in that encoding\n" },
		{ "a byte order mark", "\xef\xbb\xbf" SERVER ZONES,
			"1:1: error: a byte order mark or another invisible character; save "
			"the file as plain UTF-8\n" },
		{ "an escape character", "a: \033[31m",
			"1:4: error: a control character; take it out\n" },
		{ "a line that only YAML ends there", "# \xe2\x80\xa8server: x\n",
			"1:3: error: an unusual line break (U+0085, U+2028 or U+2029); write "
			"an ordinary line end\n" },
		{ "line ends of old Macs", "server: x\rzones: []\r",
			"1:10: error: a carriage return alone is no line end (save the file "
			"with Unix line ends)\n" },
	};

	told_check(row, UNIT_COUNT(row));
}

static void line_ends_of_dos_are_line_ends(void)
{
	static const struct told_case row[] = {
		{ "all is well", "server: { listen: 192.0.2.1 }\r\nzones: [ { dir: z } ]\r\n",
			"" },
	};

	told_check(row, UNIT_COUNT(row));
}

static void tabs_are_told_but_in_quotes_and_comments(void)
{
	static const struct told_case row[] = {
		{ "as indentation", "server:\n\tlisten: 192.0.2.1\n",
			"2:1: error: a tab; write spaces\n" },
		{ "as indentation of a list", "zones:\n\t- dir: z\n",
			"2:1: error: a tab; write spaces\n" },
		{ "behind a key", "server:\t{ listen: 192.0.2.1 }\nzones: [ { dir: z } ]\n",
			"1:8: error: a tab; write spaces\n" },
		{ "at the end of a line",
			"server: { listen: 192.0.2.1 }\t\nzones: [ { dir: z } ]\n",
			"1:30: error: a tab; write spaces\n" },
		{ "between quotes",
			"server: { listen: \"192.0.2.1\",\t\"user\": \"x\" }\nzones: [ { dir: "
			"z } ]\n",
			"1:31: error: a tab; write spaces\n" },
		{ "in front of a comment", SERVER ZONES "\t# x\n",
			"3:1: error: a tab; write spaces\n" },
		{ "on many lines: told once",
			"server:\t{ listen: 192.0.2.1 }\t\nzones:\t[ { dir: z } ]\n",
			"1:8: error: a tab; write spaces (2 lines have tabs)\n" },
		{ "inside a comment", SERVER ZONES "#\tx\nedges: {}\t#\ty\n",
			"4:10: error: a tab; write spaces\n" },
		{ "inside a comment only", SERVER ZONES "edges: {} #\ty\n", "" },
		{ "inside quotes it is text",
			"server: { listen: 192.0.2.1, user: 'a\tb' }\nzones: [ { dir: z } ]\n",
			"1:36: error: a line break or control character in \"user\"; take it "
			"out\n" },
	};

	told_check(row, UNIT_COUNT(row));
}

static void faults_of_grammar_are_told_in_plain_words(void)
{
	static const struct told_case row[] = {
		{ "a quote that stays open", "server: { user: \"x }\n" SERVER ZONES,
			"1:17: error: this quote is never closed\n" },
		{ "a quote that stays open, before the document's end", "server: 'x\n---\n",
			"1:9: error: this quote is never closed\n" },
		{ "a brace that stays open", "server: { user: x\nzones: []\n",
			"2:6: error: a \",\" or \"}\" is missing before this; text with "
			"brackets, commas or \": \" in it needs quotes "
			"(the bracket is opened on line 1)\n" },
		{ "a comma that is missing", "server: { user: x listen: y }\n",
			"1:25: error: a \",\" or \"}\" is missing before this; text with "
			"brackets, commas or \": \" in it needs quotes\n" },
		{ "a bracket that stays open", "server:\n  listen: [ x\nzones: []\n",
			"3:6: error: a \",\" or \"]\" is missing before this; text with "
			"brackets, commas or \": \" in it needs quotes "
			"(the bracket is opened on line 2)\n" },
		{ "a bracket too many", "server: { user: x } }\n",
			"1:21: error: this bracket closes nothing; take it out\n" },
		{ "any address, without quotes", "server:\n  listen: [::]:53\n",
			"2:12: error: text that starts with \":\" needs quotes\n" },
		{ "all addresses of other servers", "server:\n  listen: *:53\n",
			"2:12: error: text that starts with \"*\" or \"&\" needs quotes\n" },
		{ "two values for one key", "server: listen: x\n",
			"1:15: error: a \":\" that cannot be here; the line is indented too "
			"far, or its text needs quotes\n" },
		{ "a key without its colon", "server:\n  user: x\n  listen\n  ecs: on\n",
			"3:3: error: a key without a \":\" behind it\n" },
		{ "a line too far to the left", "server:\n    user: x\n  ecs: on\n",
			"3:3: error: this does not belong to the mapping above; indent it like "
			"the keys there, or put the text before it "
			"in quotes\n" },
		{ "a list behind its key", "zones: - dir: x\n",
			"1:8: error: a list cannot start here; put its first \"- \" on a line "
			"of its own below the key\n" },
		{ "an unknown escape", "server: { user: \"\\q\" }\n",
			"1:18: error: an unknown escape; in double quotes write \\\\ for one "
			"backslash, or use single quotes\n" },
		{ "an at sign", "server: { user: @x }\n",
			"1:17: error: text cannot start with this character; put it in "
			"quotes\n" },
		{ "two commas", "server: { listen: [ x,, y ] }\n",
			"1:23: error: a value is missing before this\n" },
		{ "a strange text block", "server: |x\n",
			"1:10: error: the first line of a text block is \"|\" or \">\" and "
			"nothing more\n" },
	};

	told_check(row, UNIT_COUNT(row));
}

static void a_hundred_thousand_keys_take_no_time(void)
{
	struct arena mem = { 0 };
	struct text yaml = { 0 };

	for (unsigned i = 0; i < 100000; i++)
		text_addf(&yaml, "key%u: x\n", i);
	const struct node *top = tree(&mem, text_get(&yaml));
	CU_ASSERT_PTR_NOT_NULL_FATAL(top);
	CU_ASSERT_EQUAL(top->n, 100000);
	arena_fini(&mem);
	text_fini(&yaml);
}

void suite_parse(void);
void suite_parse(void)
{
	static const struct unit_case cases[] = {
		{ "every node knows its place", every_node_knows_its_place },
		{ "columns count characters", columns_count_characters },
		{ "nothing is interpreted", nothing_is_interpreted },
		{ "what is not strict YAML is told", what_is_not_strict_yaml_is_told },
		{ "bytes that are no text are told", bytes_that_are_no_text_are_told },
		{ "line ends of DOS are line ends", line_ends_of_dos_are_line_ends },
		{ "tabs are told, but in quotes and comments",
			tabs_are_told_but_in_quotes_and_comments },
		{ "faults of grammar are told in plain words",
			faults_of_grammar_are_told_in_plain_words },
		{ "a hundred thousand keys take no time",
			a_hundred_thousand_keys_take_no_time },
	};

	unit_suite("conf/parse", cases, UNIT_COUNT(cases));
}
