#include "zone/catalog.h"

#include "base/memory.h"
#include "unit/unit.h"
#include "unit/zone/change_of.h"
#include "unit/zone/zone_of.h"

#include <stdio.h>
#include <string.h>

#define HEAD "$TTL 0\n@ SOA invalid. invalid. 1 2 3 4 5\n@ NS invalid.\n"
#define TWO  HEAD "version TXT 2\n"

static struct zone *zone_of_text(const char *text)
{
	struct faults f;

	faults_init(&f);
	struct zone *z = zone_of("c.", text, &f);
	CU_ASSERT_PTR_NOT_NULL_FATAL(z);
	faults_fini(&f);
	return z;
}

static void broken_ones_are_told(void)
{
	static const struct {
		const char *say, *text, *told;
	} row[] = {
		{ "no version", HEAD "a.zones PTR a.\n", "it has no version" },
		{ "an older version", HEAD "version TXT 1\n", "its version is \"1\"" },
		{ "a newer version", HEAD "version TXT 3\n", "its version is \"3\"" },
		{ "two versions", HEAD "version TXT 2\nversion TXT 3\n", "its version is not one TXT" },
		{ "two strings", HEAD "version TXT 2 x\n", "its version is not one TXT" },
		{ "two zones at a label", TWO "a.zones PTR a.\na.zones PTR b.\n",
			"there are 2 PTR records at a.zones.c." },
		{ "a zone at two labels", TWO "a.zones PTR x.\nb.zones PTR X.\n",
			"zone x. is listed twice" },
		{ "too many", TWO "a.zones PTR a.\nb.zones PTR b.\nd.zones PTR d.\n",
			"more than 2 members" },
	};

	for (size_t i = 0; i < UNIT_COUNT(row); i++) {
		struct zone *z = zone_of_text(row[i].text);
		struct arena mem = { 0 };
		struct catalog c;
		struct fault why = { "" };
		CU_ASSERT_FALSE(catalog_read(z, 2, &mem, &c, &why));
		CU_ASSERT_PTR_NOT_NULL(strstr(why.text, row[i].told));
		arena_fini(&mem);
		zone_drop(z);
	}
}

static void members_have_labels_groups_and_owners(void)
{
	struct zone *z = zone_of_text(TWO
		"b.zones PTR One.example.\ngroup.b.zones TXT x\ngroup.b.zones TXT y\n"
		"coo.b.zones PTR Other.\na.zones PTR two.example.\n"
		/* what is not known, or stands where nothing is meant by it */
		"ext.b.zones TXT z\ngroup.q.zones TXT z\ngroup.zones TXT z\na.b.zones.c TXT z\n"
		"zones TXT z\nq.zones TXT z\ncoo.a.zones PTR p.\ncoo.a.zones PTR q.\ngroup.a.zones TXT a b\n");
	static const uint8_t one[] = "\3one\7example", two[] = "\3two\7example", no[] = "\2no";
	struct arena mem = { 0 };
	struct catalog c;
	struct fault why;

	CU_ASSERT_TRUE_FATAL(catalog_read(z, 9, &mem, &c, &why));
	CU_ASSERT_EQUAL(c.n, 2);
	const struct catalog_member *m = catalog_find(&c, one), *n = catalog_find(&c, two);
	CU_ASSERT_TRUE_FATAL(m && n && !catalog_find(&c, no));
	CU_ASSERT_EQUAL(memcmp(m->label, "\1b", 2), 0);
	CU_ASSERT_EQUAL_FATAL(m->n_groups, 2);
	CU_ASSERT_STRING_EQUAL(m->groups[0], "x");
	CU_ASSERT_STRING_EQUAL(m->groups[1], "y");
	CU_ASSERT_TRUE(name_equal(m->coo, (const uint8_t *)"\5other"));
	CU_ASSERT_EQUAL(n->n_groups, 0);
	CU_ASSERT_PTR_NULL(n->coo);
	arena_fini(&mem);
	zone_drop(z);
}

static void what_is_made_is_read(void)
{
	static const uint8_t apex[] = "\1c", a[] = "\1a", b[] = "\1b\7example";
	const struct catalog_row rows[] = { { a, NULL }, { b, "gold" } };
	const struct compile_opts opts = change_of_opts(true).compile;
	struct arena mem = { 0 };
	struct catalog c;
	struct faults f;
	struct fault why;
	uint8_t label[1 + CATALOG_LABEL];

	faults_init(&f);
	struct zone *z = catalog_make(apex, 7, rows, 2, &opts, &f);
	CU_ASSERT_PTR_NOT_NULL_FATAL(z);
	CU_ASSERT_EQUAL(z->serial, 7);
	CU_ASSERT_EQUAL(f.warnings, 0);
	CU_ASSERT_TRUE_FATAL(catalog_read(z, 2, &mem, &c, &why));
	CU_ASSERT_EQUAL(c.n, 2);
	for (size_t i = 0; i < 2; i++) {
		const struct catalog_member *m = catalog_find(&c, rows[i].apex);
		CU_ASSERT_PTR_NOT_NULL_FATAL(m);
		catalog_label(rows[i].apex, label);
		CU_ASSERT_EQUAL(memcmp(m->label, label, sizeof label), 0);
		CU_ASSERT_EQUAL(m->n_groups, i);
	}
	/* For good: others would fetch all zones anew. */
	catalog_label(b, label);
	CU_ASSERT_EQUAL(memcmp(label, "\40""57a8603eb9855d910a5660fc225c68da", sizeof label), 0);
	arena_fini(&mem);
	faults_fini(&f);
	zone_drop(z);
}

static void many_members_are_all_read(void)
{
	enum { MANY = 1000 };
	static uint8_t apex[MANY][16];
	static struct catalog_row rows[MANY];
	const struct compile_opts opts = change_of_opts(true).compile;
	struct arena mem = { 0 };
	struct catalog c;
	struct faults f;
	struct fault why;
	size_t found = 0;

	for (unsigned i = 0; i < MANY; i++) {
		snprintf((char *)apex[i], sizeof apex[i], "%czone-%03u", 8, i);
		rows[i].apex = apex[i];
	}
	faults_init(&f);
	struct zone *z = catalog_make((const uint8_t *)"\1c", 7, rows, MANY, &opts, &f);
	CU_ASSERT_PTR_NOT_NULL_FATAL(z);
	CU_ASSERT_FALSE(catalog_read(z, MANY - 1, &mem, &c, &why));
	CU_ASSERT_PTR_NOT_NULL(strstr(why.text, "more than 999 members"));
	CU_ASSERT_TRUE_FATAL(catalog_read(z, MANY, &mem, &c, &why));
	CU_ASSERT_EQUAL(c.n, MANY);
	for (unsigned i = 0; i < MANY; i++)
		found += catalog_find(&c, apex[i]) != NULL;
	CU_ASSERT_EQUAL(found, MANY);
	arena_fini(&mem);
	faults_fini(&f);
	zone_drop(z);
}

void suite_catalog(void)
{
	static const struct unit_case cases[] = {
		{ "broken ones are told", broken_ones_are_told },
		{ "members have labels, groups and owners", members_have_labels_groups_and_owners },
		{ "what is made is read", what_is_made_is_read },
		{ "many members are all read", many_members_are_all_read },
	};

	unit_suite("zone/catalog", cases, UNIT_COUNT(cases));
}
