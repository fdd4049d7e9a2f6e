#include "measure/targets.h"

#include "base/memory.h"
#include "unit/unit.h"

#include <math.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

static const struct hash_key key = { 3, 5 };

static struct addr addr(const char *text)
{
	struct addr a;

	CU_ASSERT_TRUE_FATAL(addr_parse(&a, text));
	return a;
}

static void see(struct targets *t, const char *client, bool is_host)
{
	const struct addr a = addr(client);

	targets_saw(t, &a, is_host, 4);
}

static const struct target *only(struct targets *t)
{
	size_t n;
	const struct target *all = targets_all(t, &n);

	CU_ASSERT_EQUAL_FATAL(n, 1);
	return all;
}

static void clients_of_a_net_are_one_target(void)
{
	struct targets *t = targets_new(key);
	char text[ADDR_TEXT];

	see(t, "83.62.101.0", false);
	CU_ASSERT_STRING_EQUAL(addr_text(text, &only(t)->host), "83.62.101.1");
	see(t, "83.62.101.77", true);
	see(t, "83.62.101.0", false);
	CU_ASSERT_STRING_EQUAL(addr_text(text, &only(t)->host), "83.62.101.77");
	CU_ASSERT_STRING_EQUAL(prefix_text(text, &only(t)->net), "83.62.101.0/24");
	CU_ASSERT_EQUAL(only(t)->count, 3);
	CU_ASSERT_EQUAL(only(t)->pool, 4);
	targets_free(t);
	t = targets_new(key);
	see(t, "2a00:1450:1:2::5", true);
	see(t, "2a00:1450:1:9::6", true);
	CU_ASSERT_STRING_EQUAL(prefix_text(text, &only(t)->net), "2a00:1450:1::/48");
	targets_free(t);
}

static void nobody_is_sent_into_local_nets(void)
{
	static const char *const local[] = { "10.1.2.3", "127.0.0.1", "192.168.1.1",
		"169.254.1.1", "100.64.0.1", "224.0.0.1", "::1", "fe80::1", "fd00::1",
		"ff02::1" };
	struct targets *t = targets_new(key);
	size_t n;

	for (size_t i = 0; i < UNIT_COUNT(local); i++)
		see(t, local[i], true);
	targets_all(t, &n);
	CU_ASSERT_EQUAL(n, 0);
	targets_free(t);
}

/* Space saving's promise: whoever has more than a share of 1 / TARGETS_MOST of all queries is
 * there; and brute force over the heap's own order. */
static void who_is_busy_stays_in_any_crowd(void)
{
	struct targets *t = targets_new(key);
	uint64_t seed = 42;
	bool found = false;
	size_t n;
	char text[ADDR_TEXT];

	for (unsigned i = 0; i < 20 * TARGETS_MOST; i++) {
		struct addr a = addr("11.0.0.1");
		seed = seed * 6364136223846793005u + 1442695040888963407u;
		be32_put(a.b + 12, 0x0b000000u | (uint32_t)(seed >> 40 & 0xffff) << 8 | 1);
		targets_saw(t, &a, true, 0);
		if (i % 1000 == 0)
			see(t, "83.62.101.77", true);
	}
	const struct target *all = targets_all(t, &n);
	CU_ASSERT_EQUAL(n, TARGETS_MOST);
	for (size_t i = 0; i < n; i++) {
		found = found || strcmp(prefix_text(text, &all[i].net), "83.62.101.0/24") == 0;
		for (size_t k = 0; i < 100 && k < i; k++)
			if (memcmp(&all[i].net, &all[k].net, sizeof all[i].net) == 0)
				CU_FAIL("a net is there twice");
	}
	CU_ASSERT_TRUE(found);
	targets_free(t);
}

static void yesterdays_crowd_makes_room(void)
{
	struct targets *t = targets_new(key);

	for (unsigned i = 0; i < 64; i++)
		see(t, "83.62.101.77", true);
	targets_age(t, 1000);
	targets_age(t, 1000 + TARGETS_HALVE_S - 1);
	CU_ASSERT_DOUBLE_EQUAL(only(t)->count, 64, 0);
	targets_age(t, 1000 + 3 * TARGETS_HALVE_S);
	CU_ASSERT_DOUBLE_EQUAL(only(t)->count, 8, 0);
	targets_free(t);
}

static void who_does_not_answer_is_asked_less_and_less(void)
{
	struct targets *t = targets_new(key);
	unsigned times = 0;

	see(t, "83.62.101.77", true);
	for (uint32_t now = 100; now < 100 + 1023 * 10; now++)
		if (targets_may_ask(t, 0, 7, now)) {
			targets_ask(t, 0, 7, now, 10);
			times++;
		}
	/* 10 + 20 + ... + 640, and then every 640 s. */
	CU_ASSERT_EQUAL(times, 7 + (10230 - 1270 + 639) / 640);
	CU_ASSERT_TRUE(targets_may_ask(t, 0, 8, 100)); /* another edge's turn is its own */
	targets_measured(t, &only(t)->net, 7, 19000, 900);
	targets_ask(t, 0, 7, 20000, 10);
	CU_ASSERT_FALSE(targets_may_ask(t, 0, 7, 20009));
	CU_ASSERT_TRUE(targets_may_ask(t, 0, 7, 20010));
	targets_free(t);
}

static void many_edges_share_the_places(void)
{
	struct targets *t = targets_new(key);

	see(t, "83.62.101.77", true);
	for (unsigned edge = 0; edge < 3 * TARGETS_ASKED; edge++) {
		targets_ask(t, 0, edge, 100 + edge, 10);
		CU_ASSERT_FALSE(targets_may_ask(t, 0, edge, 100 + edge));
	}
	CU_ASSERT_TRUE(targets_may_ask(t, 0, 0, 100)); /* forgotten: the oldest goes */
	targets_free(t);
}

/* Fresh for 900 s, else; right after it the 180th, and then half as long as it has been so. */
static void a_way_that_is_another_one_is_measured_again_soon(void)
{
	enum { FRESH = 900, AT = 5000 };
	static const struct {
		uint32_t after_s, fresh_s;
	} row[] = { { 0, 5 }, { 9, 5 }, { 10, 5 }, { 12, 6 }, { 100, 50 }, { 1799, 899 }, { 1800, FRESH }, { 100000, FRESH } };
	struct targets *t = targets_new(key);
	const struct prefix unseen = { .bits = ADDR_V4_BITS + 24 };

	see(t, "83.62.101.77", true);
	targets_jumped(t, &unseen, 7, AT, FRESH); /* nobody's */
	CU_ASSERT_EQUAL(targets_fresh_s(t, 0, 7, AT, FRESH), FRESH);
	targets_jumped(t, &only(t)->net, 7, AT, FRESH);
	CU_ASSERT_EQUAL(targets_fresh_s(t, 0, 8, AT, FRESH), FRESH);
	CU_ASSERT_EQUAL(targets_fresh_s(t, 0, 7, AT - 100, FRESH), 5); /* one that was measured before it */
	for (unsigned i = 0; i < sizeof row / sizeof *row; i++)
		CU_ASSERT_EQUAL(targets_fresh_s(t, 0, 7, AT + row[i].after_s, FRESH), row[i].fresh_s);
	CU_ASSERT_EQUAL(targets_fresh_s(t, 0, 7, AT, 180 * 30), 30);
	CU_ASSERT_EQUAL(targets_fresh_s(t, 0, 7, AT, 3), 3);
	targets_forget_edges(t);
	CU_ASSERT_EQUAL(targets_fresh_s(t, 0, 7, AT, FRESH), FRESH);
	targets_free(t);
}

static void a_way_that_jumps_all_the_time_keeps_nobody_busy(void)
{
	enum { FRESH = 5400 };
	struct targets *t = targets_new(key);
	uint32_t now = 5000;

	see(t, "83.62.101.77", true);
	for (unsigned i = 0; i < 9; i++, now += FRESH - 1) {
		targets_jumped(t, &only(t)->net, 7, now, FRESH);
		CU_ASSERT_EQUAL(targets_fresh_s(t, 0, 7, now, FRESH), 30u << (i < 6 ? i : 6));
	}
	/* Reports that come at once say so once. */
	targets_jumped(t, &only(t)->net, 8, now, FRESH);
	for (unsigned i = 0; i < 30; i++)
		targets_jumped(t, &only(t)->net, 8, now + i, FRESH);
	CU_ASSERT_EQUAL(targets_fresh_s(t, 0, 8, now, FRESH), 30);
	targets_jumped(t, &only(t)->net, 8, now + 30, FRESH);
	CU_ASSERT_EQUAL(targets_fresh_s(t, 0, 8, now, FRESH), 60);
	now += FRESH; /* it has kept still */
	targets_jumped(t, &only(t)->net, 7, now, FRESH);
	CU_ASSERT_EQUAL(targets_fresh_s(t, 0, 7, now, FRESH), 30);
	targets_free(t);
}

/* Nobody had to ask them: what passes by is measured as well. */
static void ways_that_jumped_unasked_are_remembered(void)
{
	enum { FRESH = 900, AT = 5000 };
	struct targets *t = targets_new(key);

	see(t, "83.62.101.77", true);
	targets_jumped(t, &only(t)->net, 7, AT, FRESH);
	targets_jumped(t, &only(t)->net, 9, AT, FRESH);
	for (unsigned edge = 20; edge < 20 + TARGETS_ASKED - 2; edge++)
		targets_ask(t, 0, edge, AT - 100, 300);
	CU_ASSERT_EQUAL(targets_fresh_s(t, 0, 7, AT, FRESH), 5);
	CU_ASSERT_EQUAL(targets_fresh_s(t, 0, 9, AT, FRESH), 5);
	for (unsigned edge = 20; edge < 20 + TARGETS_ASKED - 2; edge++)
		CU_ASSERT_FALSE(targets_may_ask(t, 0, edge, AT));
	targets_free(t);
}

static void who_answers_is_asked_whenever_it_is_not_fresh(void)
{
	struct targets *t = targets_new(key);

	see(t, "83.62.101.77", true);
	targets_ask(t, 0, 7, 100, 300);
	CU_ASSERT_FALSE(targets_may_ask(t, 0, 7, 101));
	targets_measured(t, &only(t)->net, 7, 101, 900);
	CU_ASSERT_FALSE(targets_may_ask(t, 0, 7, 105)); /* it may not be in the table yet */
	CU_ASSERT_TRUE(targets_may_ask(t, 0, 7, 106));
	targets_measured(t, &only(t)->net, 7, 200, 5400);
	CU_ASSERT_FALSE(targets_may_ask(t, 0, 7, 229));
	CU_ASSERT_TRUE(targets_may_ask(t, 0, 7, 230));
	targets_free(t);
}

static void the_nearest_are_three_and_of_equals_the_first(void)
{
	static const double km[] = { 900, (double)NAN, 300, 5000, 300, 900, 20 };
	static const bool near[] = { false, false, true, false, true, false, true };
	static const double few[] = { 5000, 900 }, same[] = { 7, 7, 7, 7 };

	for (unsigned i = 0; i < UNIT_COUNT(km); i++)
		CU_ASSERT_EQUAL(targets_is_near(km, UNIT_COUNT(km), i), near[i]);
	CU_ASSERT_TRUE(targets_is_near(few, 2, 0));
	CU_ASSERT_TRUE(targets_is_near(same, 4, 2));
	CU_ASSERT_FALSE(targets_is_near(same, 4, 3));
}

static const struct unit_case cases[] = {
	{ "the nearest are three, and of equals the first", the_nearest_are_three_and_of_equals_the_first },
	{ "clients of a net are one target", clients_of_a_net_are_one_target },
	{ "nobody is sent into local nets", nobody_is_sent_into_local_nets },
	{ "who is busy stays in any crowd", who_is_busy_stays_in_any_crowd },
	{ "yesterday's crowd makes room", yesterdays_crowd_makes_room },
	{ "who does not answer is asked less and less",
		who_does_not_answer_is_asked_less_and_less },
	{ "many edges share the places", many_edges_share_the_places },
	{ "a way that is another one is measured again soon", a_way_that_is_another_one_is_measured_again_soon },
	{ "a way that jumps all the time keeps nobody busy", a_way_that_jumps_all_the_time_keeps_nobody_busy },
	{ "ways that jumped unasked are remembered", ways_that_jumped_unasked_are_remembered },
	{ "who answers is asked whenever it is not fresh", who_answers_is_asked_whenever_it_is_not_fresh },
};

void suite_targets(void)
{
	unit_suite("measure/targets", cases, UNIT_COUNT(cases));
}
