#include "world/pool_signatures.h"

#include "unit/unit.h"

#include <pthread.h>
#include <string.h>

static const struct hash_key key = { 3, 4 };

static uint64_t key_of(unsigned i)
{
	return pool_signatures_key(17, 1, 60, i);
}

/* RRset `i`, whose signature is so many bytes of its number. */
static bool put(struct pool_signatures *s, unsigned i, uint32_t end_s, bool wanted)
{
	uint8_t bytes[40];
	const uint8_t *rdata[] = { bytes };
	const size_t len[] = { 20 + i % 20 };

	memset(bytes, (int)(i & 0xff), sizeof bytes);
	return pool_signatures_put(s, key_of(i),
		&(struct pool_signed){ .covers = 1,
			.ttl_s = 60,
			.rdata = rdata,
			.len = len,
			.n = 1,
			.generation = 9,
			.renew_s = end_s - 10,
			.end_s = end_s,
			.wanted = wanted });
}

static bool has(const struct pool_signatures *s, unsigned i, uint32_t now_s)
{
	const struct zone_rrset *set = pool_signatures_find(s, key_of(i), now_s);

	return set && set->count == 1 && set->len == 12 + 20 + i % 20 &&
		set->wire[12] == (i & 0xff) && set->wire[set->len - 1] == (i & 0xff);
}

static void what_is_put_is_found_until_it_ends(void)
{
	struct pool_signatures *s = pool_signatures_new(key, NULL, NULL);

	for (unsigned i = 0; i < 5000; i++)
		CU_ASSERT_TRUE_FATAL(put(s, i, 1000, i % 5 == 0));
	for (unsigned i = 0; i < 5000; i++)
		CU_ASSERT_TRUE_FATAL(has(s, i, 999));
	CU_ASSERT_FALSE(has(s, 5000, 999));
	CU_ASSERT_FALSE(has(s, 7, 1000));
	CU_ASSERT_TRUE(pool_signatures_has(s, key_of(7), 9, 989));
	CU_ASSERT_FALSE(pool_signatures_has(s, key_of(7), 9, 990));
	CU_ASSERT_FALSE(pool_signatures_has(s, key_of(7), 8, 989));
	CU_ASSERT_TRUE(put(s, 7, 2000, false));
	CU_ASSERT_TRUE(has(s, 7, 1999));
	const struct pool_signatures_counts c = pool_signatures_counts(s);
	CU_ASSERT_EQUAL(c.ahead, 4000);
	CU_ASSERT_EQUAL(c.wanted, 1000);
	CU_ASSERT_EQUAL(c.replaced, 1);
	pool_signatures_drop(s);
}

static void seconds_go_round(void)
{
	struct pool_signatures *s = pool_signatures_new(key, NULL, NULL);

	CU_ASSERT_TRUE(put(s, 1, 5, false)); /* in 2106 */
	CU_ASSERT_TRUE(has(s, 1, UINT32_MAX - 100));
	CU_ASSERT_FALSE(has(s, 1, 6));
	pool_signatures_drop(s);
}

static void tidying_leaves_out_what_is_of_no_use(void)
{
	struct pool_signatures *s = pool_signatures_new(key, NULL, NULL);
	struct zone *z = zone_placeholder(key, (const uint8_t *)"\4late\4test");

	for (unsigned i = 0; i < 100; i++)
		put(s, i, i < 50 ? 1000 : 2000, i % 2);
	put(s, 99, 2000, true);
	CU_ASSERT_TRUE(pool_signatures_mark(s, z, true));
	struct pool_signatures *t = pool_signatures_tidy(s, 10, 1500);
	pool_signatures_drop(s);
	const struct pool_signatures_counts c = pool_signatures_counts(t);
	CU_ASSERT_EQUAL(c.ahead, 25);
	CU_ASSERT_EQUAL(c.wanted, 10);
	CU_ASSERT_EQUAL(c.replaced, 0);
	CU_ASSERT_FALSE(has(t, 48, 900));
	CU_ASSERT_TRUE(has(t, 60, 1600));
	CU_ASSERT_TRUE(has(t, 99, 1600)); /* the newest of what was wanted */
	CU_ASSERT_FALSE(has(t, 51, 1600));
	CU_ASSERT_TRUE(pool_signatures_signs(t, z));
	CU_ASSERT_TRUE(pool_signatures_mark(t, z, false));
	CU_ASSERT_FALSE(pool_signatures_signs(t, z));
	pool_signatures_drop(t);
	zone_drop(z);
}

/* --- while it grows ----------------------------------------------------------------------- */

enum { MANY = 20000 };

static unsigned n_put; /* atomic: RRsets below it are there */

static void *read_on(void *ctx)
{
	const struct pool_signatures *s = ctx;
	uintptr_t missed = 0;

	for (unsigned n = 0; n < MANY;) {
		n = __atomic_load_n(&n_put, __ATOMIC_ACQUIRE);
		for (unsigned i = n > 50 ? n - 50 : 0; i < n; i++)
			missed += !has(s, i, 10);
	}
	return (void *)missed;
}

static void readers_find_what_is_there_while_it_grows(void)
{
	struct pool_signatures *s = pool_signatures_new(key, NULL, NULL);
	pthread_t reader;
	void *missed = s;

	n_put = 0;
	CU_ASSERT_EQUAL_FATAL(pthread_create(&reader, NULL, read_on, s), 0);
	for (unsigned i = 0; i < MANY; i++) {
		put(s, i, 1000, false);
		__atomic_store_n(&n_put, i + 1, __ATOMIC_RELEASE);
	}
	pthread_join(reader, &missed);
	CU_ASSERT_PTR_NULL(missed);
	pool_signatures_drop(s);
}

static const struct unit_case cases[] = {
	{ "what is put is found until it ends", what_is_put_is_found_until_it_ends },
	{ "seconds go round", seconds_go_round },
	{ "tidying leaves out what is of no use", tidying_leaves_out_what_is_of_no_use },
	{ "readers find what is there while it grows",
		readers_find_what_is_there_while_it_grows },
};

void suite_pool_signatures(void);
void suite_pool_signatures(void)
{
	unit_suite("world/pool_signatures", cases, UNIT_COUNT(cases));
}
