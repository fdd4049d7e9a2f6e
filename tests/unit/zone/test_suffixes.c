#include "zone/suffixes.h"

#include "unit/unit.h"
#include "zone/zone.h"

#include <stdio.h>
#include <string.h>

static const uint8_t root[1];

static const uint8_t *wire(const char *text, uint8_t to[static NAME_MOST])
{
	CU_ASSERT_EQUAL_FATAL(name_parse(to, NULL, text, strlen(text), root), NAME_OK);
	return to;
}

/* Each name is written 100 bytes behind the one before. */
static void names_share_the_most_that_they_can(void)
{
	static const struct {
		const char *owner, *name[4], *form[4];
	} row[] = {
		{ "example.com", { "ns1.example.com", "ns2.example.com", "com" },
			{ "4 owner 2", "4 owner 2", "0 owner 1" } },
		{ "example.com", { "a.b.c.net", "d.b.c.net", "e.c.net", "b.c.net" },
			{ "11", "2 at 102", "2 at 104", "0 at 102" } },
		{ "sub.example.com",
			{ "ns1.sub.example.com", "ns2.x.ns1.sub.example.com",
				"NS1.Sub.Example.COM", "sub.example.com" },
			{ "4 owner 3", "6 at 100", "0 at 100", "0 owner 3" } },
		{ "*.w.example", { "a.*.w.example", "b.*.w.example", "w.example" },
			{ "4 owner 2", "2 at 102", "0 owner 2" } },
		{ "a", { ".", ".", "b.a" }, { "1", "1", "2 owner 1" } },
		{ ".", { "com", "x.com" }, { "5", "2 at 100" } },
	};
	static struct suffixes s;
	uint8_t owner[NAME_MOST], name[4][NAME_MOST];

	for (size_t i = 0; i < UNIT_COUNT(row); i++) {
		suffixes_start(&s, wire(row[i].owner, owner));
		for (size_t k = 0; k < 4 && row[i].name[k]; k++) {
			char said[32];
			const struct suffixes_form f = suffixes_add(
				&s, wire(row[i].name[k], name[k]), 100 * (k + 1));
			if (f.to_owner)
				snprintf(said, sizeof said, "%u owner %u", f.len, f.labels);
			else if (f.to_name)
				snprintf(said, sizeof said, "%u at %u", f.len, f.at);
			else
				snprintf(said, sizeof said, "%u", f.len);
			CU_ASSERT_STRING_EQUAL(said, row[i].form[k]);
			if (strcmp(said, row[i].form[k]) != 0)
				printf("\n    %s: %s\n", row[i].name[k], said);
		}
	}
}

static void what_a_pointer_does_not_reach_is_not_pointed_to(void)
{
	static struct suffixes s;
	uint8_t owner[NAME_MOST], name[3][NAME_MOST];

	suffixes_start(&s, wire("example", owner));
	suffixes_add(&s, wire("a.b.net", name[0]), 0x3ffe);
	const struct suffixes_form f = suffixes_add(&s, wire("x.b.net", name[1]), 0x4100);
	CU_ASSERT_FALSE(f.to_name);
	CU_ASSERT_EQUAL(f.len, 9);
	CU_ASSERT_TRUE(suffixes_add(&s, wire("a.b.net", name[2]), 0x4200).to_name);
}

static void labels_right_below_the_owner_have_their_bit(void)
{
	static const struct {
		const char *owner, *name, *label; /* NULL: none */
	} row[] = {
		{ "example.com", "a.ns1.Example.com", "ns1" },
		{ "example.com", "NS1.example.com", "ns1" },
		{ "example.com", "example.com", NULL },
		{ "example.com", "x.example.net", NULL },
		{ "*.example.com", "a.b.example.com", "b" },
		{ "*.example.com", "com", NULL },
	};
	static struct suffixes s;
	uint8_t owner[NAME_MOST], name[NAME_MOST], label[NAME_MOST];

	for (size_t i = 0; i < UNIT_COUNT(row); i++) {
		suffixes_start(&s, wire(row[i].owner, owner));
		suffixes_add(&s, wire(row[i].name, name), 12);
		CU_ASSERT_EQUAL(
			s.below, row[i].label ? zone_label_bit(wire(row[i].label, label)) : 0);
	}
}

void suite_suffixes(void);
void suite_suffixes(void)
{
	static const struct unit_case cases[] = {
		{ "names share the most that they can", names_share_the_most_that_they_can },
		{ "what a pointer does not reach is not pointed to",
			what_a_pointer_does_not_reach_is_not_pointed_to },
		{ "labels right below the owner have their bit",
			labels_right_below_the_owner_have_their_bit },
	};

	unit_suite("zone/suffixes", cases, UNIT_COUNT(cases));
}
