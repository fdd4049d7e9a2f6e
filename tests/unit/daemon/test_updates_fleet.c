#include "daemon/updates_inner.h"

#include "base/memory.h"
#include "daemon/fleet_snapshot.h"
#include "net/request.h"
#include "unit/daemon/site.h"
#include "unit/unit.h"
#include "unit/zone/zone_of.h"

#include <string.h>

static struct zone *version(const char *apex)
{
	struct faults f;

	faults_init(&f);
	struct zone *z = zone_of(apex, "$TTL 300\n@ SOA ns1 h 1 2 3 4 5\n@ NS ns1\nns1 A 192.0.2.1\n", &f);
	faults_fini(&f);
	CU_ASSERT_PTR_NOT_NULL_FATAL(z);
	return z;
}

/* What is made upon a zone that came whole has no version in the store to be a change of. */
static void a_zone_that_came_whole_is_found_wherever_it_is(void)
{
	const uint8_t *const first = (const uint8_t *)"\5first", *const last = (const uint8_t *)"\4last";
	struct zone *a = version("first."), *b = version("last.");
	struct change *change = (struct change *)a; /* there is one: it is not looked into */
	struct pulled both[] = { { .is = a }, { .is = b } }, changed[] = { { .change = change, .was = a, .is = b } },
		      was[] = { { .was = a, .is = b } };
	struct updates u = { .made.pulled = both, .made.n_pulled = 2 };

	CU_ASSERT_TRUE(updates_fleet_is_whole(&u, first));
	CU_ASSERT_TRUE(updates_fleet_is_whole(&u, last));
	CU_ASSERT_FALSE(updates_fleet_is_whole(&u, (const uint8_t *)"\5other"));
	u.made.n_pulled = 1;
	CU_ASSERT_TRUE(updates_fleet_is_whole(&u, first));
	CU_ASSERT_FALSE(updates_fleet_is_whole(&u, last));
	u.made.pulled = changed;
	CU_ASSERT_FALSE(updates_fleet_is_whole(&u, last));
	u.made.pulled = was;
	CU_ASSERT_FALSE(updates_fleet_is_whole(&u, last));
	zone_drop(a);
	zone_drop(b);
}

static struct zone *with_text(const char *text)
{
	struct faults f;

	faults_init(&f);
	struct zone *z = zone_of("first.", text, &f);
	faults_fini(&f);
	CU_ASSERT_PTR_NOT_NULL_FATAL(z);
	return z;
}

/* All that is served: that zone, or another in its place. Takes the zone. */
static struct registry *serves(struct zone *z, enum registry_source source)
{
	struct registry_zone **list = memory_zeroed(1, sizeof(*list));

	list[0] = registry_zone_new(
		&(struct registry_zone){ .origin = zone_id(z), .source = source, .path = "", .load = { .zone = z } });
	return registry_new(zone_of_key, list, NULL, 1);
}

/* A step was committed upon one image of the zone; by then another is served. */
static void what_was_committed_is_made_again_upon_the_same_in_another_image(void)
{
	static const char first[] = "$TTL 300\n@ SOA ns1 h 1 2 3 4 5\n@ NS ns1\nns1 A 192.0.2.1\n",
			  second[] = "$TTL 300\n@ SOA ns1 h 2 2 3 4 5\n@ NS ns1\nns1 A 192.0.2.1\nnew A 192.0.2.2\n",
			  other[] = "$TTL 300\n@ SOA ns1 h 1 2 3 4 5\n@ NS ns1\nns1 A 192.0.2.9\n";
	static const struct {
		const char *say, *text; /* NULL text: the image that it was */
		enum registry_source source;
		bool fleet, moved, lost;
	} row[] = {
		{ "what it was made of is served still", NULL, REGISTRY_STORE, true, false, false },
		{ "the same, read anew", first, REGISTRY_STORE, true, true, false },
		{ "other data of that serial", other, REGISTRY_STORE, true, false, true },
		{ "another serial", second, REGISTRY_STORE, true, false, true },
		{ "it has another source by now", first, REGISTRY_FILE, true, false, true },
		{ "it is no zone of the fleet by now", NULL, REGISTRY_STORE, false, false, true },
		{ "nor is the same, read anew", first, REGISTRY_STORE, false, false, true },
	};
	struct site site;

	site_open(&site);
	struct parts read = site_read(&site, NULL);
	for (size_t i = 0; i < UNIT_COUNT(row); i++) {
		struct zone *was = with_text(first), *is = with_text(second), *now = row[i].text ? with_text(row[i].text) : was;
		struct fault why = { 0 };
		struct request request = { .source = { { 0 } } };
		struct asked asked = { .request = &request, .was = was, .is = is };
		struct updates u = { .opts.key = zone_of_key };
		if (now == was)
			zone_hold(was);
		memcpy(request.zone, zone_id(was), name_len(zone_id(was)));
		struct pulled pulled = { .change = change_between(was, is, &why), .was = was, .is = is };
		zone_hold(was);
		u.made.asked.zones = serves(was, REGISTRY_STORE);
		u.made.v.live = (struct parts){ .conf = read.conf, .zones = serves(now, row[i].source) };
		parts_conf(&read)->rules[0].fleet = row[i].fleet;
		u.made.list = &asked;
		u.made.pulled = &pulled;
		u.made.n = u.made.n_pulled = 1;
		updates_know(&u, was, fleet_version_of(was));
		updates_know(&u, is, fleet_version_of(is));
		updates_meet(&u);
		CU_ASSERT_EQUAL_FATAL(u.made.n_moved, row[i].moved);
		CU_ASSERT_EQUAL(updates_is_lost(&u, zone_id(was)), row[i].lost);
		CU_ASSERT_EQUAL(asked.rcode, row[i].lost ? RCODE_SERVFAIL : RCODE_NOERROR);
		CU_ASSERT_EQUAL(*asked.why.text != 0, row[i].lost);
		/* Whoever gets its place in memory is not taken for it. */
		CU_ASSERT_EQUAL(updates_find_known(&u, is) == NULL, row[i].lost);
		if (row[i].moved) {
			struct pulled *m = &u.made.moved[0];
			CU_ASSERT_PTR_EQUAL(m->was, now);
			CU_ASSERT_TRUE(fleet_version_same(fleet_version_of(m->is), fleet_version_of(is)));
			change_free(m->change);
			zone_drop(m->was);
			zone_drop(m->is);
		}
		memory_free(u.made.moved);
		memory_free(u.made.known);
		registry_drop(u.made.asked.zones);
		registry_drop(u.made.v.live.zones);
		change_free(pulled.change);
		zone_drop(was);
		zone_drop(is);
	}
	parts_drop(&read);
	site_close(&site);
}

void suite_updates_fleet(void);
void suite_updates_fleet(void)
{
	static const struct unit_case cases[] = {
		{ "a zone that came whole is found, wherever it is", a_zone_that_came_whole_is_found_wherever_it_is },
		{ "what was committed is made again upon the same in another image, and upon nothing else",
			what_was_committed_is_made_again_upon_the_same_in_another_image },
	};

	unit_suite("daemon/updates_fleet", cases, UNIT_COUNT(cases));
}
