#include "fleet/fleet_seal.h"

#include "unit/unit.h"

#include <string.h>

static void only_who_knows_the_secret_opens_and_only_as_what_it_is(void)
{
	uint8_t one[FLEET_SECRET] = { 1 }, two[FLEET_SECRET] = { 2 }, sealed[64 + FLEET_SEAL], plain[64 + FLEET_SEAL];
	struct fleet_keys a, b, other, renamed;
	size_t len = 0;

	fleet_keys_make(&a, "prod", one, NULL);
	fleet_keys_make(&b, "prod", two, one); /* changes to the second */
	fleet_keys_make(&other, "prod", two, NULL);
	fleet_keys_make(&renamed, "test", one, NULL);
	const size_t n = fleet_seal(&a, "will", (const uint8_t *)"ams1 drain", 10, sealed);
	CU_ASSERT_EQUAL(n, 10 + FLEET_SEAL);
	CU_ASSERT(fleet_open(&a, "will", sealed, n, plain, &len));
	CU_ASSERT(len == 10 && memcmp(plain, "ams1 drain", 10) == 0);
	CU_ASSERT(fleet_open(&b, "will", sealed, n, plain, &len));
	CU_ASSERT_FALSE(fleet_open(&other, "will", sealed, n, plain, &len));
	CU_ASSERT_FALSE(fleet_open(&renamed, "will", sealed, n, plain, &len));
	CU_ASSERT_FALSE(fleet_open(&a, "record", sealed, n, plain, &len));
	for (size_t i = 0; i <= n; i++)
		CU_ASSERT(i == n || !fleet_open(&a, "will", sealed, i, plain, &len));
	for (size_t i = 0; i < n; i++) {
		sealed[i] ^= 1;
		CU_ASSERT_FALSE(fleet_open(&a, "will", sealed, n, plain, &len));
		sealed[i] ^= 1;
	}
	/* The same is never sealed as the same. */
	fleet_seal(&a, "will", (const uint8_t *)"ams1 drain", 10, plain);
	CU_ASSERT(memcmp(plain, sealed, n) != 0);
}

void suite_fleet_seal(void)
{
	static const struct unit_case cases[] = {
		{ "only who knows the secret opens, and only as what it is",
			only_who_knows_the_secret_opens_and_only_as_what_it_is },
	};

	unit_suite("fleet/fleet_seal", cases, UNIT_COUNT(cases));
}
