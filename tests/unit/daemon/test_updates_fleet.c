#include "daemon/updates_inner.h"

#include "unit/unit.h"
#include "unit/zone/zone_of.h"

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
	struct pulled both[] = { { NULL, NULL, a }, { NULL, NULL, b } }, changed[] = { { change, a, b } },
		      was[] = { { NULL, a, b } };
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

void suite_updates_fleet(void);
void suite_updates_fleet(void)
{
	static const struct unit_case cases[] = {
		{ "a zone that came whole is found, wherever it is", a_zone_that_came_whole_is_found_wherever_it_is },
	};

	unit_suite("daemon/updates_fleet", cases, UNIT_COUNT(cases));
}
