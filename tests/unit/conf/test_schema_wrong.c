/* Every key of the schema, with what it never means. */
#include "conf/schema.h"

#include "unit/conf/told.h"
#include "unit/unit.h"

#include <stdio.h>
#include <string.h>

enum { DEEP_MOST = 8 };

/* The keys from a section down to one, and how many there are. */
struct way {
	const struct key *of[DEEP_MOST];
	size_t n;
};

/* What stands for a name of the operator's own. */
static const char *name_for(const char *each)
{
	static const char *const names[][2] = { { "COUNTRY", "\"NO\"" }, { "CONTINENT", "EU" }, { "REGION", "US-CA" }, { "CITY", "Oslo" }, { "ASN", "64500" },
		{ "NUMBER", "64500" }, { "PREFIX", "192.0.2.0/24" }, { "NET", "192.0.2.0/24" } };

	for (size_t i = 0; i < UNIT_COUNT(names); i++)
		if (strcmp(each, names[i][0]) == 0)
			return names[i][1];
	return "x";
}

/* A list of mappings; members of a pool may be names alone, too. */
static bool is_list(const struct way *way, size_t i)
{
	const struct key *k = way->of[i];

	return k->each ? strcmp(k->each, "-") == 0 : i > 0 && strcmp(k->name, "edges") == 0;
}

/* The last key and its value stand on line 2, alone. */
static void write_yaml(const struct way *way, const char *value, struct text *to)
{
	struct text close = { 0 };

	text_add(to, "{ ");
	for (size_t i = 0; i < way->n; i++) {
		const struct key *k = way->of[i];
		const bool last = i + 1 == way->n, list = is_list(way, i);
		text_addf(to, "%s%s: ", last ? "\n" : "", k->name);
		if (last)
			break;
		struct text more = { 0 };
		text_add(to, list ? "[ { " : "{ ");
		if (k->each && !list)
			text_addf(to, "%s: { ", name_for(k->each));
		text_addf(&more, "%s%s%s", list ? " } ]" : " }", k->each && !list ? " }" : "", text_get(&close));
		text_fini(&close);
		close = more;
	}
	text_addf(to, "%s\n%s", value, text_get(&close));
	if (strcmp(way->of[0]->name, "edges") != 0)
		text_add(to, ", edges: { x: { a: 192.0.2.1 } }");
	text_add(to, " }\n");
	text_fini(&close);
}

/* Whatever comes of it: it is read to its end. */
static void read_value(const struct way *way, const char *value)
{
	struct text yaml = { 0 }, lines;
	struct conf c;

	write_yaml(way, value, &yaml);
	if (told_read(&c, text_get(&yaml), &lines))
		conf_fini(&c);
	text_fini(&lines);
	text_fini(&yaml);
}

static void try_value(const struct way *way, const char *value)
{
	struct text yaml = { 0 }, lines;
	struct conf c;
	bool told = false;

	write_yaml(way, value, &yaml);
	if (told_read(&c, text_get(&yaml), &lines))
		conf_fini(&c);
	for (const char *at = text_get(&lines); *at; at = strchr(at, '\n') + 1)
		told = told || (strncmp(at, "2:", 2) == 0 && strstr(at, " error: "));
	if (!told) {
		printf("\nnothing is told of line 2:\n%s%s", text_get(&yaml), text_get(&lines));
		CU_FAIL("a wrong value is taken");
	}
	text_fini(&lines);
	text_fini(&yaml);
}

static void try_keys(const struct key *keys, struct way *way)
{
	static const char *const odd[] = { "~", "[ ]", "{ }", "\"\"", "-1", "1e400", "99999999999999999999", "[ x, [ y ], { z: [ x ] } ]", "\"a b, c: d\"", "[ ~ ]",
		"{ x: ~ }", "{ x: { } }", "{ \"\": x }", "{ \"a\\tb\": { } }" };

	for (const struct key *k = keys; k->name; k++) {
		way->of[way->n++] = k;
		CU_ASSERT_FATAL(way->n < DEEP_MOST);
		try_value(way, "{ nosuch: [ { a: [ ] } ] }");
		try_value(way, "[ [ [ x ] ] ]");
		for (size_t i = 0; i < UNIT_COUNT(odd); i++)
			read_value(way, odd[i]);
		if (k->keys)
			try_keys(k->keys, way);
		way->n--;
	}
}

static void no_key_takes_what_it_never_means(void)
{
	struct way way = { .n = 0 };

	try_keys(schema_keys, &way);
}

void suite_schema_wrong(void);
void suite_schema_wrong(void)
{
	static const struct unit_case cases[] = {
		{ "no key takes what it never means, and all is read to its end", no_key_takes_what_it_never_means },
	};

	unit_suite("conf/schema_wrong", cases, UNIT_COUNT(cases));
}
