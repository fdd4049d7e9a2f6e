#include "zone/view.h"

#include "unit/unit.h"
#include "unit/zone/zone_of.h"
#include "zone/change.h"
#include "zone/registry.h"
#include "zone/zone_with.h"

#include <stdio.h>
#include <string.h>

static const uint8_t apex[] = "\7example\3org", view[] = "\7\0office\7example\3org";

static void an_id_says_whose_zone_it_is(void)
{
	uint8_t id[NAME_MOST];
	char text[NAME_TEXT], class[VIEW_CLASS_MOST + 1];

	CU_ASSERT(view_id(id, apex, "Office"));
	CU_ASSERT_EQUAL(memcmp(id, view, sizeof view), 0);
	CU_ASSERT(view_is(id));
	CU_ASSERT_EQUAL(memcmp(view_apex(id), apex, sizeof apex), 0);
	CU_ASSERT_STRING_EQUAL(view_text(text, id), "example.org. for office");
	CU_ASSERT_STRING_EQUAL(view_class(class, id), "office");
	CU_ASSERT(view_id(id, apex, NULL));
	CU_ASSERT(!view_is(id));
	CU_ASSERT_PTR_EQUAL(view_apex(id), id);
	CU_ASSERT_STRING_EQUAL(view_text(text, id), "example.org.");
	CU_ASSERT_STRING_EQUAL(view_class(class, id), "");
	CU_ASSERT(!view_is((const uint8_t *)""));
}

static void what_is_too_long_is_no_id(void)
{
	uint8_t name[NAME_MOST] = { 0 }, id[NAME_MOST];
	char class[VIEW_CLASS_MOST + 2];

	memset(class, 'c', sizeof class);
	class[VIEW_CLASS_MOST + 1] = 0;
	CU_ASSERT(!view_id(id, apex, class));
	class[VIEW_CLASS_MOST] = 0;
	CU_ASSERT(view_id(id, apex, class));
	for (size_t at = 0; at < 252; at += 2)
		memcpy(name + at, "\1a", 2);
	CU_ASSERT_EQUAL(name_len(name), 253);
	CU_ASSERT(!view_id(id, name, "c"));
	CU_ASSERT(view_id(id, name + 2, "c") == true && name_len(id) == 254);
	CU_ASSERT(!view_id(id, name + 2, "ccc"));
}

static void a_zone_is_named_with_its_class(void)
{
	static const struct {
		const char *text, *is;
	} row[] = {
		{ "example.org", "example.org." },
		{ "Example.ORG. for Office", "example.org. for office" },
		{ "example.org for office", "example.org. for office" },
		{ "a..b", "a..b: as the name of a zone this has an empty label (two dots together, or a dot in front)" },
		{ "\\000x.example.org", "\\000x.example.org: there can be no such zone" },
		{ ". for office", ". for office" },
	};

	for (size_t i = 0; i < UNIT_COUNT(row); i++) {
		uint8_t id[NAME_MOST];
		char text[NAME_TEXT];
		struct fault why;
		const char *is = view_parse(id, row[i].text, &why) ? view_text(text, id) : why.text;
		CU_ASSERT_STRING_EQUAL(is, row[i].is);
		if (strcmp(is, row[i].is) != 0)
			printf("\n    %s\n", is);
	}
}

/* --- zones that are views ----------------------------------------------------------------- */

#define RECORDS "$TTL 300\n@ SOA ns h 1 2 3 4 5\n@ NS ns\nns A 192.0.2.9\n"

static struct zone *zone_with_id(const uint8_t *id)
{
	struct faults f;

	faults_init(&f);
	struct zone *z = zone_of_id(id, RECORDS, &f);
	faults_fini(&f);
	CU_ASSERT_PTR_NOT_NULL_FATAL(z);
	return z;
}

static bool has_id(const struct zone *z, const uint8_t *id)
{
	return name_equal(zone_id(z), id) && name_equal(z->apex, view_apex(id));
}

static void a_view_stays_one_through_every_change(void)
{
	struct zone *z = zone_with_id(view), *gone = zone_placeholder(zone_of_key, view);
	struct change *c = change_new(zone_id(z));
	const struct change_record soa = { .owner = apex,
		.rdata = (const uint8_t *)"\2ns\7example\3org\0\1h\7example\3org\0\0\0\0\1\0\0\0\2\0\0\0\3\0\0\0\4\0\0\0\5",
		.ttl_s = 300,
		.type = 6,
		.rdlen = 16 + 15 + 20 };
	struct fault why;
	struct faults f;

	CU_ASSERT(has_id(z, view));
	CU_ASSERT(has_id(gone, view));
	uint8_t newer[16 + 15 + 20];
	memcpy(newer, soa.rdata, sizeof newer);
	newer[16 + 15 + 3] = 2;
	struct change_record next = soa;
	next.rdata = newer;
	CU_ASSERT(change_remove(c, &soa, &why) && change_add(c, &next, &why) && change_seal(c, &why));
	size_t len;
	const uint8_t *bytes = change_bytes(c, &len);
	struct change *again = change_open(bytes, len, &why);
	CU_ASSERT_PTR_NOT_NULL_FATAL(again);
	CU_ASSERT(name_equal(change_id(again), view));
	faults_init(&f);
	const struct zone_with_opts how = { .compile = { .key = zone_of_key } };
	struct zone *now = zone_with(z, again, &how, &f);
	CU_ASSERT_PTR_NOT_NULL_FATAL(now);
	CU_ASSERT(has_id(now, view));
	CU_ASSERT_EQUAL(now->serial, 2);
	struct zone *whole = zone_merge(now, zone_of_key, &f);
	CU_ASSERT_PTR_NOT_NULL_FATAL(whole);
	CU_ASSERT(has_id(whole, view));

	/* Nor does it fit the zone that is none. */
	struct zone *plain = zone_with_id(apex);
	CU_ASSERT(has_id(plain, apex));
	CU_ASSERT_PTR_NULL(zone_with(plain, again, &how, &f));
	faults_fini(&f);
	change_free(c);
	change_free(again);
	zone_drop(plain);
	zone_drop(whole);
	zone_drop(now);
	zone_drop(z);
	zone_drop(gone);
}

static void views_are_asked_in_the_order_of_their_rules(void)
{
	uint8_t ids[4][NAME_MOST];
	const struct zone *zones[4];
	const uint32_t rules[4] = { 1, 7, 3, 5 };
	struct zone_name name;
	size_t at;

	view_id(ids[0], apex, NULL);
	view_id(ids[1], apex, "a");
	view_id(ids[2], apex, "b");
	view_id(ids[3], (const uint8_t *)"\3org", "c");
	for (unsigned i = 0; i < 4; i++)
		zones[i] = zone_placeholder(zone_of_key, ids[i]);
	struct zone_set *set = zone_set_new(zone_of_key, zones, rules, 4);
	CU_ASSERT(zone_set_has_views(set));
	zone_name_set(&name, zone_of_key, (const uint8_t *)"\3www\7example\3org");
	CU_ASSERT_PTR_EQUAL(zone_set_find(set, &name, name.labels, &at), zones[2]);
	CU_ASSERT_EQUAL(at, 2);
	CU_ASSERT_EQUAL(at = zone_set_next(set, at), 1);
	CU_ASSERT_EQUAL(at = zone_set_next(set, at), 0);
	CU_ASSERT_EQUAL(zone_set_next(set, at), 4);
	CU_ASSERT_PTR_EQUAL(zone_set_find(set, &name, 1, &at), zones[3]);
	CU_ASSERT_EQUAL(zone_set_next(set, at), 4);
	zone_set_drop(set);
	set = zone_set_new(zone_of_key, zones, rules, 1);
	CU_ASSERT(!zone_set_has_views(set));
	CU_ASSERT_EQUAL(zone_set_next(set, 0), 1);
	zone_set_drop(set);
	for (unsigned i = 0; i < 4; i++)
		zone_drop(zones[i]);
}

static void views_stand_together(void)
{
	static const uint8_t before[] = "\7exampld\3org", behind[] = "\7examplf\3org",
			     other[] = "\4\0lab\7example\3org";

	CU_ASSERT(registry_compare(before, view) < 0);
	CU_ASSERT(registry_compare(before, other) < 0);
	CU_ASSERT(registry_compare(view, behind) < 0);
	CU_ASSERT(registry_compare(other, view) < 0);
	CU_ASSERT(registry_compare(view, other) > 0);
	CU_ASSERT(registry_compare(view, apex) < 0);
	CU_ASSERT(registry_compare(apex, view) > 0);
	CU_ASSERT_EQUAL(registry_compare(view, view), 0);
	CU_ASSERT_EQUAL(registry_compare(apex, apex), 0);
}

void suite_view(void);
void suite_view(void)
{
	static const struct unit_case cases[] = {
		{ "an id says whose zone it is", an_id_says_whose_zone_it_is },
		{ "what is too long is no id", what_is_too_long_is_no_id },
		{ "a zone is named with its class", a_zone_is_named_with_its_class },
		{ "a view stays one through every change", a_view_stays_one_through_every_change },
		{ "views are asked in the order of their rules",
			views_are_asked_in_the_order_of_their_rules },
		{ "views stand together", views_stand_together },
	};

	unit_suite("zone/view", cases, UNIT_COUNT(cases));
}
