#include "zone/registry.h"

#include "base/memory.h"
#include "unit/unit.h"
#include "unit/zone/zone_of.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#define RECORDS "$TTL 300\n@ SOA ns h 1 2 3 4 5\n@ NS ns\nns A 192.0.2.9\n"

static const uint8_t *wire_of(uint8_t to[static NAME_MOST], const char *name)
{
	static const uint8_t root[1];

	if (name_parse(to, NULL, name, strlen(name), root) != NAME_OK)
		abort();
	return to;
}

static struct registry_zone *zone_like(const char *name, enum registry_state state)
{
	uint8_t origin[NAME_MOST];
	struct registry_zone like = { .origin = wire_of(origin, name),
		.path = "/some/file",
		.state = state,
		.fault = state == REGISTRY_READY ? NULL : "it is wrong" };
	struct faults f;

	faults_init(&f);
	like.load.zone = state == REGISTRY_EMPTY ? zone_placeholder(zone_of_key, like.origin)
						 : zone_of(name, RECORDS, &f);
	faults_fini(&f);
	CU_ASSERT_PTR_NOT_NULL_FATAL(like.load.zone);
	return registry_zone_new(&like);
}

static struct registry *registry_of(struct registry_zone *const *zones, size_t n)
{
	struct registry_zone **own = memory_zeroed(n, sizeof *own);

	if (n)
		memcpy(own, zones, n * sizeof *own);
	return registry_new(zone_of_key, own, NULL, n);
}

static void what_is_served_goes_on_in_another_entry(void)
{
	uint8_t origin[NAME_MOST];
	struct registry_zone to = { .path = "", .source = REGISTRY_STORE, .fault = "why", .since_s = 1 },
		is = { .origin = wire_of(origin, "a.example."), .path = "/p", .keys_due = true, .plain_due = true,
			.loaded_s = 8, .checked_s = 9, .expire_s = 10, .since_s = 2 };
	struct faults f;

	faults_init(&f);
	is.load.zone = zone_of("a.example.", RECORDS, &f);
	is.plain = zone_of("a.example.", RECORDS, &f);
	faults_fini(&f);
	is.keys = keyset_new(&(struct keyset_policy){ .lifetime_s = 9 }, NULL, 0);
	to.origin = is.origin;
	registry_zone_goes_on(&to, &is);
	struct registry_zone *z = registry_zone_new(&to);
	CU_ASSERT_PTR_EQUAL(z->load.zone, is.load.zone);
	CU_ASSERT_PTR_EQUAL(z->plain, is.plain);
	CU_ASSERT_PTR_EQUAL(z->keys, is.keys);
	CU_ASSERT(z->keys_due && z->plain_due);
	CU_ASSERT_EQUAL(z->loaded_s, 8);
	CU_ASSERT_EQUAL(z->checked_s, 9);
	CU_ASSERT_EQUAL(z->expire_s, 10);
	CU_ASSERT_EQUAL(z->since_s, 1);
	CU_ASSERT_EQUAL(z->source, REGISTRY_STORE);
	CU_ASSERT_STRING_EQUAL(z->fault, "why");
	registry_zone_drop(z);
	zone_drop(is.load.zone); /* what the entry held was its own */
	zone_drop((struct zone *)(uintptr_t)is.plain);
	keyset_drop(is.keys);
}

static void an_entry_has_copies_of_its_texts(void)
{
	char path[] = "/a/path", why[] = "a fault";
	uint8_t origin[NAME_MOST], same[NAME_MOST];
	struct registry_zone like = { .path = path, .fault = why, .since_s = 7, .loaded_s = 8 };

	like.origin = wire_of(origin, "a.example.");
	wire_of(same, "a.example.");
	like.load.zone = zone_placeholder(zone_of_key, origin);
	like.keys = keyset_new(&(struct keyset_policy){ .lifetime_s = 9 }, NULL, 0);
	struct registry_zone *z = registry_zone_new(&like);
	keyset_drop(like.keys);
	CU_ASSERT_EQUAL(z->keys->policy.lifetime_s, 9);
	memset(path, 0, sizeof path);
	memset(why, 0, sizeof why);
	memset(origin, 9, sizeof origin);
	CU_ASSERT_STRING_EQUAL(z->path, "/a/path");
	CU_ASSERT_STRING_EQUAL(z->fault, "a fault");
	CU_ASSERT_EQUAL(memcmp(z->origin, same, name_len(same)), 0);
	CU_ASSERT_EQUAL(z->since_s, 7);
	CU_ASSERT_EQUAL(z->loaded_s, 8);
	CU_ASSERT_EQUAL(z->part.refs, 1);
	CU_ASSERT_PTR_EQUAL(z->load.zone, like.load.zone);
	registry_zone_drop(z); /* the load with it */
	registry_zone_drop(NULL);
}

static void every_zone_is_found_by_its_apex_and_no_other(void)
{
	static const char *const names[] = { ".", "b.", "d.", "x.d.", "example.",
		"a.example." };
	static const char *const others[] = { "a.", "c.", "e.", "x.b.", "y.d.", "w.d.",
		"b.example.", "zxample.", "a.a.example." };
	struct registry_zone *zones[UNIT_COUNT(names)];
	uint8_t a[NAME_MOST];

	/* In the order that entries have; every size, for the ends of the search. */
	for (size_t n = 0; n <= UNIT_COUNT(names); n++) {
		for (size_t i = 0; i < n; i++) {
			zones[i] = zone_like(names[i], REGISTRY_READY);
			for (size_t k = i; k > 0 &&
				registry_compare(zones[k]->origin, zones[k - 1]->origin) < 0;
				k--) {
				struct registry_zone *z = zones[k];
				zones[k] = zones[k - 1];
				zones[k - 1] = z;
			}
		}
		struct registry *r = registry_of(zones, n);
		CU_ASSERT_EQUAL(r->n, n);
		CU_ASSERT_EQUAL(zone_set_count(r->set), n);
		for (size_t i = 0; i < n; i++) {
			CU_ASSERT_PTR_EQUAL(registry_find(r, zones[i]->origin), zones[i]);
			CU_ASSERT_PTR_EQUAL(zone_set_get(r->set, i), zones[i]->load.zone);
		}
		for (size_t i = n; i < UNIT_COUNT(names); i++)
			CU_ASSERT_PTR_NULL(registry_find(r, wire_of(a, names[i])));
		for (size_t i = 0; i < UNIT_COUNT(others); i++)
			CU_ASSERT_PTR_NULL(registry_find(r, wire_of(a, others[i])));
		registry_drop(r);
	}
}

static void entries_ascend_by_their_bytes(void)
{
	static const struct {
		const char *a, *b;
		int want;
	} row[] = { { "a.", "a.", 0 }, { ".", "a.", -1 }, { "a.", ".", 1 }, { "a.", "b.", -1 },
		{ "b.", "a.", 1 }, { "b.", "aa.", -1 }, { "aa.", "b.", 1 },
		{ "a.example.", "b.example.", -1 }, { "a.example.", "example.", -1 } };
	uint8_t a[NAME_MOST], b[NAME_MOST];

	for (size_t i = 0; i < UNIT_COUNT(row); i++) {
		const int d = registry_compare(wire_of(a, row[i].a), wire_of(b, row[i].b));
		CU_ASSERT_EQUAL((d > 0) - (d < 0), row[i].want);
	}
}

static void zones_that_are_wrong_are_counted(void)
{
	struct registry_zone *zones[] = { zone_like("a.", REGISTRY_FAULTY),
		zone_like("b.", REGISTRY_READY), zone_like("c.", REGISTRY_EMPTY),
		zone_like("d.", REGISTRY_FAULTY) };
	struct registry *r = registry_of(zones, UNIT_COUNT(zones));

	CU_ASSERT_EQUAL(r->n, 4);
	CU_ASSERT_EQUAL(r->n_faulty, 3);
	CU_ASSERT_EQUAL(r->n_empty, 1);
	CU_ASSERT_STRING_EQUAL(registry_state_text(REGISTRY_READY), "ready");
	CU_ASSERT_STRING_EQUAL(registry_state_text(REGISTRY_FAULTY), "faulty");
	CU_ASSERT_STRING_EQUAL(registry_state_text(REGISTRY_EMPTY), "not loaded");
	registry_drop(r);
}

static void an_entry_is_shared_by_registries(void)
{
	struct registry_zone *kept = zone_like("a.", REGISTRY_READY);
	struct registry_zone *first[] = { kept, zone_like("b.", REGISTRY_READY) },
			     *second[] = { kept, zone_like("c.", REGISTRY_READY) };

	struct registry *r = registry_of(first, 2);
	part_hold(&kept->part);
	struct registry *next = registry_of(second, 2);
	CU_ASSERT_EQUAL(kept->part.refs, 2);
	CU_ASSERT_PTR_EQUAL(registry_hold(r), r);
	registry_drop(r);
	CU_ASSERT_EQUAL(kept->part.refs, 2); /* it was held twice */
	registry_drop(r);
	CU_ASSERT_EQUAL(kept->part.refs, 1);
	CU_ASSERT_EQUAL(zone_set_get(next->set, 0)->serial, 1);
	registry_drop(next);
	registry_drop(NULL);
}

static void zones_come_go_and_are_replaced_in_one_go(void)
{
	uint8_t a[NAME_MOST], b[NAME_MOST], c[NAME_MOST], nowhere[NAME_MOST];
	struct registry_zone *first[] = { zone_like("b.", REGISTRY_READY),
		zone_like("d.", REGISTRY_READY) };
	const uint32_t rules[] = { 4, 5 };
	struct registry_zone **own = memory_zeroed(2, sizeof(*own));

	memcpy(own, first, sizeof first);
	struct registry *r = registry_new(zone_of_key, own, rules, 2);
	struct registry_zone *newer = zone_like("b.", REGISTRY_FAULTY);
	struct registry_change changes[] = { { wire_of(c, "c."), zone_like("c.", REGISTRY_READY), 7 },
		{ wire_of(nowhere, "e."), NULL, 0 }, { wire_of(a, "a."), zone_like("a.", REGISTRY_EMPTY), 6 },
		{ wire_of(b, "b."), newer, 8 } };
	struct registry *next = registry_changed(r, changes, UNIT_COUNT(changes));
	CU_ASSERT_EQUAL_FATAL(next->n, 4);
	static const uint8_t order[] = "abcd";
	static const uint32_t want[] = { 6, 8, 7, 5 };
	for (size_t i = 0; i < 4; i++) {
		CU_ASSERT_EQUAL(next->zones[i]->origin[1], order[i]);
		CU_ASSERT_EQUAL(zone_set_rule(next->set, i), want[i]);
	}
	CU_ASSERT_PTR_EQUAL(registry_find(next, b), newer);
	CU_ASSERT_PTR_EQUAL(next->zones[3], first[1]); /* what is not named is shared */
	CU_ASSERT_EQUAL(next->n_empty, 1);
	struct registry_change gone[] = { { b, NULL, 0 }, { a, NULL, 0 } };
	struct registry *last = registry_changed(next, gone, UNIT_COUNT(gone));
	CU_ASSERT_EQUAL_FATAL(last->n, 2);
	CU_ASSERT_PTR_NULL(registry_find(last, a));
	CU_ASSERT_EQUAL(zone_set_rule(last->set, 0), 7);
	CU_ASSERT_EQUAL(r->n, 2);
	registry_drop(last);
	registry_drop(next);
	registry_drop(r);
}

/* Of more zones than registries share in one piece. */
static void others_of_many_zones_take_their_places_and_all_else_is_shared(void)
{
	enum { N = 700 };
	static const unsigned at[] = { 0, 255, 256, 699, 256 }; /* one twice: the first counts */
	struct registry_zone **own = memory_zeroed(N, sizeof(*own)), *newer[UNIT_COUNT(at) + 1];
	uint32_t rules[N];
	char name[16];
	uint8_t origin[NAME_MOST];

	for (unsigned i = 0; i < N; i++) {
		snprintf(name, sizeof name, "z%03u.", i);
		own[i] = zone_like(name, i == 255 ? REGISTRY_EMPTY : REGISTRY_READY);
		rules[i] = i;
	}
	struct registry *r = registry_new(zone_of_key, own, rules, N);
	CU_ASSERT_EQUAL(r->n_empty, 1);
	for (size_t i = 0; i < UNIT_COUNT(at); i++) {
		snprintf(name, sizeof name, "z%03u.", at[i]);
		newer[i] = zone_like(name, i == 3 ? REGISTRY_FAULTY : REGISTRY_READY);
		part_hold(&newer[i]->part);
	}
	newer[UNIT_COUNT(at)] = zone_like("nowhere.", REGISTRY_READY);
	struct registry *next = registry_with(r, newer, UNIT_COUNT(newer));
	CU_ASSERT_EQUAL(next->n_empty, 0);
	CU_ASSERT_EQUAL(next->n_faulty, 1);
	CU_ASSERT_EQUAL(next->names, r->names);
	for (unsigned i = 0, same = 0; i < N; i++) {
		snprintf(name, sizeof name, "z%03u.", i);
		const size_t k = i == 0 ? 0 : i == 255 ? 1 : i == 256 ? 2 : i == 699 ? 3 : 99;
		const struct registry_zone *want = k == 99 ? r->zones[i] : newer[k];
		same += next->zones[i] == want && zone_set_get(next->set, i) == want->load.zone &&
			registry_find(next, wire_of(origin, name)) == want &&
			zone_set_rule(next->set, i) == i;
		if (i == N - 1)
			CU_ASSERT_EQUAL(same, N);
	}
	/* Pages without others are shared; each entry of the rest is held once more. */
	CU_ASSERT_EQUAL(r->zones[300]->part.refs, 2);
	CU_ASSERT_EQUAL(r->zones[1]->part.refs, 2);
	CU_ASSERT_EQUAL(newer[4]->part.refs, 1);
	registry_drop(r);
	CU_ASSERT_EQUAL(next->zones[300]->part.refs, 1);
	struct zone_name find;
	zone_name_set(&find, zone_of_key, wire_of(origin, "z256."));
	CU_ASSERT_PTR_EQUAL(zone_set_find(next->set, &find, find.labels, NULL), newer[2]->load.zone);
	registry_drop(next);
	for (size_t i = 0; i < UNIT_COUNT(at); i++) {
		CU_ASSERT_EQUAL(newer[i]->part.refs, 1);
		registry_zone_drop(newer[i]);
	}
}

static void who_has_added_a_zone_is_copied_and_compared(void)
{
	char template[] = "hosted", file[] = "/f";
	uint8_t catalog[] = "\1c", label[] = "\3abc";
	const struct registry_added like = { .template = template,
		.file = file,
		.catalog = catalog,
		.label = label,
		.uid = 5,
		.at_s = 7 };
	struct registry_added *a = registry_added_new(&like), *b = registry_added_new(&like);

	CU_ASSERT_TRUE(registry_added_same(a, b));
	CU_ASSERT_TRUE(registry_added_same(NULL, NULL));
	CU_ASSERT_FALSE(registry_added_same(a, NULL));
	memset(template, 0, sizeof template);
	memset(label, 9, sizeof label);
	CU_ASSERT_STRING_EQUAL(a->template, "hosted");
	CU_ASSERT_STRING_EQUAL(a->file, "/f");
	CU_ASSERT_EQUAL(memcmp(a->label, "\3abc", 4), 0);
	struct registry_added other[] = { *a, *a, *a, *a, *a, *a };
	other[0].template = "x";
	other[1].file = "";
	other[2].catalog = NULL;
	other[3].label = (const uint8_t *)"\3abd";
	other[4].uid = 6;
	other[5].at_s = 8;
	for (unsigned i = 0; i < UNIT_COUNT(other); i++)
		CU_ASSERT_FALSE(registry_added_same(a, &other[i]));
	registry_added_drop(a);
	registry_added_drop(b);
	registry_added_drop(NULL);
}

void suite_registry(void);
void suite_registry(void)
{
	static const struct unit_case cases[] = {
		{ "what is served goes on in another entry", what_is_served_goes_on_in_another_entry },
		{ "an entry has copies of its texts", an_entry_has_copies_of_its_texts },
		{ "every zone is found by its apex, and no other",
			every_zone_is_found_by_its_apex_and_no_other },
		{ "entries ascend by their bytes", entries_ascend_by_their_bytes },
		{ "zones that are wrong are counted", zones_that_are_wrong_are_counted },
		{ "an entry is shared by registries", an_entry_is_shared_by_registries },
		{ "zones come, go and are replaced in one go",
			zones_come_go_and_are_replaced_in_one_go },
		{ "others of many zones take their places, and all else is shared",
			others_of_many_zones_take_their_places_and_all_else_is_shared },
		{ "who has added a zone is copied and compared",
			who_has_added_a_zone_is_copied_and_compared },
	};

	unit_suite("zone/registry", cases, UNIT_COUNT(cases));
}
