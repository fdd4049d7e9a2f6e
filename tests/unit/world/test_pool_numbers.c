#include "world/pool_numbers.h"

#include "base/scope.h"
#include "unit/daemon/site.h"
#include "unit/failing.h"
#include "unit/unit.h"

#include <string.h>

static void open_site(struct site *s)
{
	site_open(s);
	site_put(s, "t.yaml",
		SITE_SERVER SITE_EDGES
		"pools: { one: { edges: [ ams ] }, two: { edges: [ nyc ] },"
		" three: { edges: [ ams, nyc ] } }\n");
	site_put(s, "zones/a.example.zone", SITE_ZONE(1, "x EDGE three\ny EDGE one\n"));
	site_put(s, "zones/b.example.zone", SITE_ZONE(1, ""));
	site_put(s, "zones/c.example.zone", SITE_ZONE(1, "x EDGE two\ny EDGE two\n"));
}

static void each_zones_pools_have_the_numbers_of_their_names(void)
{
	struct fault why;
	struct site s;
	unsigned n = 0;

	open_site(&s);
	struct parts p = site_read(&s, NULL);
	struct pool_numbers *to = pool_numbers_new(p.zones->set, p.steer, &why);
	CU_ASSERT_PTR_NOT_NULL_FATAL(to);
	CU_ASSERT_EQUAL(to->part.refs, 1);
	CU_ASSERT_EQUAL(to->n, 3);
	for (size_t i = 0; i < zone_set_count(p.zones->set); i++) {
		const struct zone *z = zone_set_get(p.zones->set, i);
		CU_ASSERT_EQUAL(to->first_pool[i], n);
		for (unsigned k = 0; k < z->pools_n; k++, n++)
			CU_ASSERT_STRING_EQUAL(
				p.steer->pools[to->pools[to->first_pool[i] + k]].name,
				z->pools[k]);
	}
	CU_ASSERT_EQUAL(n, 3);
	CU_ASSERT_EQUAL(steer_pool(p.steer, "three"), 2);
	pool_numbers_drop(to);
	parts_drop(&p);
	site_close(&s);
}

static void a_pool_that_a_zone_names_must_be_there(void)
{
	struct fault why = { "" };
	struct site s;

	open_site(&s);
	struct parts with = site_read(&s, NULL);
	site_put(&s, "t.yaml",
		SITE_SERVER SITE_EDGES
		"pools: { one: { edges: [ ams ] }, three: { edges: [ ams, nyc ] } }\n");
	site_put(&s, "zones/c.example.zone", SITE_ZONE(2, ""));
	struct parts without = site_read(&s, NULL);
	CU_ASSERT_PTR_NULL(pool_numbers_new(with.zones->set, without.steer, &why));
	CU_ASSERT_PTR_NOT_NULL(strstr(why.text, "no pool two"));
	CU_ASSERT_PTR_NOT_NULL(strstr(why.text, "zone c.example."));
	parts_drop(&with);
	parts_drop(&without);
	site_close(&s);
}

struct making {
	const struct parts *p;
	struct pool_numbers *made;
};

static void make_in_scope(void *ctx)
{
	struct making *x = ctx;
	struct fault why;

	x->made = pool_numbers_new(x->p->zones->set, x->p->steer, &why);
}

static void make_each(void *parts)
{
	struct making x = { .p = parts };

	const bool ok = scope_run(make_in_scope, &x);
	CU_ASSERT_EQUAL(ok, failing_count() == 0);
	if (ok)
		pool_numbers_drop(x.made);
}

static void without_memory_there_are_none(void)
{
	struct site s;

	open_site(&s);
	struct parts p = site_read(&s, NULL);
	CU_ASSERT_TRUE(failing_each(make_each, &p) >= 3);
	CU_ASSERT_PTR_NULL(pool_numbers_hold(NULL));
	pool_numbers_drop(NULL);
	parts_drop(&p);
	site_close(&s);
}

void suite_pool_numbers(void);
void suite_pool_numbers(void)
{
	static const struct unit_case cases[] = {
		{ "each zone's pools have the numbers of their names",
			each_zones_pools_have_the_numbers_of_their_names },
		{ "a pool that a zone names must be there",
			a_pool_that_a_zone_names_must_be_there },
		{ "without memory there are none", without_memory_there_are_none },
	};

	unit_suite("world/pool_numbers", cases, UNIT_COUNT(cases));
}
