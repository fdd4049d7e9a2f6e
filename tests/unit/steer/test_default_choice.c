#include "steer/default_choice.h"

#include "unit/steer/small_world.h"
#include "unit/unit.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

/* "nyc ams": who is chosen, in order. */
static const char *chosen(struct small *s, uint16_t pool, bool v6, const char *name)
{
	static char text[128];
	struct standing *st = small_standing(s->steer, s->states);
	const struct default_ask ask = { s->steer, st, pool, v6, 0, (const uint8_t *)name,
		(unsigned)strlen(name) + 1, { .answers = 0 } };
	const struct choice c = default_choice(&ask);
	int n = 0;

	CU_ASSERT_FALSE(default_choice_waits(&ask));
	text[0] = 0;
	for (unsigned i = 0; i < c.n; i++)
		n += snprintf(text + n, sizeof text - (size_t)n, "%s%s", i ? " " : "",
			s->steer->edges[c.edges[i]].name);
	standing_free(st);
	return text;
}

static void it_is_the_default_order_less_what_is_down(void)
{
	static const uint16_t order[] = { NYC, ROM };
	struct pool_opts pool = small_pool();
	struct small s;

	pool.fallback = order;
	pool.n_fallback = 2;
	pool.answers = 2;
	small_open(&s, &pool, 1);
	CU_ASSERT_STRING_EQUAL(chosen(&s, 0, false, "\3www"), "nyc rom");
	s.states[NYC] = EDGE_DOWN;
	CU_ASSERT_STRING_EQUAL(chosen(&s, 0, false, "\3www"), "rom ams");
	s.states[ROM] = EDGE_DRAIN;
	s.states[AMS] = EDGE_DOWN;
	CU_ASSERT_STRING_EQUAL(chosen(&s, 0, false, "\3www"), "sfo");
	CU_ASSERT_STRING_EQUAL(chosen(&s, 0, true, "\3www"), "");
	small_close(&s);
}

static void of_turns_there_are_all_and_always_the_same(void)
{
	static const enum pool_policy policy[] = { POOL_ROUND_ROBIN, POOL_WEIGHTED };

	for (size_t i = 0; i < UNIT_COUNT(policy); i++) {
		struct pool_opts pool = small_pool();
		struct small s;
		pool.policy = policy[i];
		small_open(&s, &pool, 1);
		for (unsigned k = 0; k < 3; k++)
			CU_ASSERT_STRING_EQUAL(chosen(&s, 0, false, "\3www"), "ams rom nyc sfo");
		CU_ASSERT_STRING_EQUAL(chosen(&s, 0, true, "\3www"), "ams rom nyc");
		s.states[AMS] = EDGE_DOWN;
		CU_ASSERT_STRING_EQUAL(chosen(&s, 0, false, "\3www"), "rom nyc sfo");
		for (unsigned k = 0; k < 4; k++)
			s.states[k] = EDGE_DOWN;
		pool.all_down = POOL_ALL;
		CU_ASSERT_EQUAL(strlen(chosen(&s, 0, false, "\3www")), 3); /* one is as good as all */
		small_close(&s);
	}
}

static void another_pool_stands_in(void)
{
	static const uint16_t one[] = { AMS }, two[] = { SFO };
	struct pool_opts pools[2] = { small_pool(), small_pool() };
	struct small s;

	pools[0].edges = one;
	pools[0].n = 1;
	pools[0].all_down = POOL_OTHER;
	pools[0].other = 1;
	pools[1].name = "other";
	pools[1].edges = two;
	pools[1].n = 1;
	small_open(&s, pools, 2);
	CU_ASSERT_STRING_EQUAL(chosen(&s, 0, false, "\3www"), "ams");
	s.states[AMS] = EDGE_DOWN;
	CU_ASSERT_STRING_EQUAL(chosen(&s, 0, false, "\3www"), "sfo");
	small_close(&s);
}

static void names_keep_to_their_edge_where_the_pool_has_affinity(void)
{
	struct pool_opts pool = small_pool();
	struct small s;
	bool differ = false;

	pool.policy = POOL_ROUND_ROBIN;
	pool.affinity = AFFINITY_NAME;
	small_open(&s, &pool, 1);
	for (char c = 'a'; c <= 'z'; c++) {
		const char name[] = { 1, c, 0 };
		char first[16];
		snprintf(first, sizeof first, "%s", chosen(&s, 0, false, name));
		CU_ASSERT_EQUAL(strlen(first), 3);
		CU_ASSERT_STRING_EQUAL(chosen(&s, 0, false, name), first);
		differ = differ || strcmp(first, chosen(&s, 0, false, "\1a")) != 0;
	}
	CU_ASSERT_TRUE(differ);
	small_close(&s);
}

void suite_default_choice(void)
{
	static const struct unit_case cases[] = {
		{ "it is the default order less what is down",
			it_is_the_default_order_less_what_is_down },
		{ "of turns there are all and always the same",
			of_turns_there_are_all_and_always_the_same },
		{ "another pool stands in", another_pool_stands_in },
		{ "names keep to their edge where the pool has affinity",
			names_keep_to_their_edge_where_the_pool_has_affinity },
	};

	unit_suite("steer/default_choice", cases, UNIT_COUNT(cases));
}
