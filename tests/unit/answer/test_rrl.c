#include "answer/rrl.h"

#include "unit/unit.h"

#include <pthread.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#define SECOND 1000000u /* microseconds */
#define START  (1000 * (uint64_t)SECOND)

static struct policy_limits limits_of(uint32_t rate)
{
	return (struct policy_limits){
		.on = true, .rate = { rate, rate, rate, rate, rate }, .slip = 2, .window_s = 5
	};
}

static struct addr v4(unsigned a, unsigned b, unsigned c, unsigned d)
{
	return addr_from_v4(
		(const uint8_t[4]){ (uint8_t)a, (uint8_t)b, (uint8_t)c, (uint8_t)d });
}

struct flood {
	unsigned sent, slipped, dropped;
};

/* `qps` queries a second from one address, evenly, from `at_us` on. */
static struct flood flood(struct rrl *r, const struct policy_limits *limits, struct addr from,
	unsigned qps, uint64_t at_us, unsigned seconds)
{
	struct flood f = { 0 };

	for (uint64_t i = 0; i < (uint64_t)qps * seconds; i++) {
		switch (rrl_account(r, limits, &from, CLASS_ANSWER, at_us + i * SECOND / qps)) {
		case RRL_SEND: f.sent++; break;
		case RRL_SLIP: f.slipped++; break;
		case RRL_DROP: f.dropped++; break;
		}
	}
	return f;
}

static void what_is_below_its_rate_is_never_limited(void)
{
	static const unsigned rates[] = { 1, 3, 10, 200, 999, 100000 };

	for (size_t i = 0; i < UNIT_COUNT(rates); i++) {
		struct rrl *r = rrl_new();
		const struct policy_limits limits = limits_of(rates[i]);
		const struct flood f = flood(r, &limits, v4(192, 0, 2, 1), rates[i], START,
			rates[i] < 1000 ? 60 : 3);
		CU_ASSERT_EQUAL(f.slipped + f.dropped, 0);
		rrl_free(r);
	}
}

static void a_second_s_worth_may_come_at_once(void)
{
	struct rrl *r = rrl_new();
	const struct policy_limits limits = limits_of(50);
	const struct addr from = v4(192, 0, 2, 1);
	unsigned sent = 0;

	for (unsigned i = 0; i < 80; i++)
		sent += rrl_account(r, &limits, &from, CLASS_ANSWER, START) == RRL_SEND;
	CU_ASSERT_EQUAL(sent, 50);
	rrl_free(r);
}

static void a_flood_gets_its_burst_and_then_slips_only(void)
{
	struct rrl *r = rrl_new();
	const struct policy_limits limits = limits_of(100);
	const struct flood f = flood(r, &limits, v4(192, 0, 2, 1), 2000, START, 10);

	/* The burst, and what comes in while it lasts. */
	CU_ASSERT(f.sent >= 100 && f.sent <= 110);
	CU_ASSERT(f.slipped >= f.dropped && f.slipped - f.dropped <= 1);
	/* 60 bytes a query, 1232 an answer: towards the spoofed net goes less than came. */
	CU_ASSERT(f.sent * 1232u + f.slipped * 60u <= 20000 * 60u);
	rrl_free(r);
}

static void a_flood_over_the_rate_by_little_runs_dry_too(void)
{
	struct rrl *r = rrl_new();
	const struct policy_limits limits = limits_of(100);

	flood(r, &limits, v4(192, 0, 2, 1), 120, START, 30);
	const struct flood f = flood(
		r, &limits, v4(192, 0, 2, 1), 120, START + 30 * SECOND, 10);
	CU_ASSERT_EQUAL(f.sent, 0);
	rrl_free(r);
}

static void after_the_flood_and_its_window_all_is_well(void)
{
	struct rrl *r = rrl_new();
	const struct policy_limits limits = limits_of(100);
	const struct addr from = v4(192, 0, 2, 1);

	flood(r, &limits, from, 5000, START, 10);
	CU_ASSERT_NOT_EQUAL(
		rrl_account(r, &limits, &from, CLASS_ANSWER, START + 14 * SECOND), RRL_SEND);
	CU_ASSERT_EQUAL(
		rrl_account(r, &limits, &from, CLASS_ANSWER, START + 16 * SECOND), RRL_SEND);
	rrl_free(r);
}

/* `n` addresses, each at its own rate: how many responses a second get through? */
static unsigned spread(unsigned n, unsigned step, unsigned rate)
{
	struct rrl *r = rrl_new();
	const struct policy_limits limits = limits_of(rate);
	unsigned sent = 0;

	for (unsigned s = 0; s < 3 * rate; s++)
		for (unsigned i = 0; i < n; i++) {
			const unsigned a = i * step;
			const struct addr from = v4(10, 1, a >> 8 & 255, a & 255);
			const bool ok = rrl_account(r, &limits, &from, CLASS_ANSWER,
						START + (uint64_t)s * SECOND / rate) ==
				RRL_SEND;
			sent += s >= 2 * rate && ok;
		}
	rrl_free(r);
	return sent;
}

static void wider_nets_have_four_and_sixteen_times_the_rate(void)
{
	CU_ASSERT_EQUAL(spread(4, 1, 20), 80);
	CU_ASSERT_EQUAL(spread(16, 256, 20), 320);
	/* 64 addresses of a /24, 64 nets of a /16: beyond, a flood. */
	CU_ASSERT_EQUAL(spread(64, 1, 20), 0);
	CU_ASSERT_EQUAL(spread(64, 256, 20), 0);
}

static void one_address_takes_nothing_from_its_neighbours(void)
{
	struct rrl *r = rrl_new();
	const struct policy_limits limits = limits_of(100);
	const struct addr near = v4(192, 0, 2, 2);

	flood(r, &limits, v4(192, 0, 2, 1), 20000, START, 5);
	CU_ASSERT_EQUAL(
		rrl_account(r, &limits, &near, CLASS_ANSWER, START + 5 * SECOND), RRL_SEND);
	rrl_free(r);
}

static void an_ipv6_site_counts_as_a_whole(void)
{
	struct rrl *r = rrl_new();
	const struct policy_limits limits = limits_of(10);
	struct addr from = { { 0x20, 1, 0xd, 0xb8 } };
	unsigned sent = 0;

	for (unsigned i = 0; i < 100; i++) {
		from.b[15] = (uint8_t)i; /* of one /64 */
		sent += rrl_account(r, &limits, &from, CLASS_ANSWER, START) == RRL_SEND;
	}
	CU_ASSERT_EQUAL(sent, 10);
	for (unsigned i = 1; i < 100; i++) {
		from.b[7] = (uint8_t)i; /* a /64 each, of one /56 */
		sent += rrl_account(r, &limits, &from, CLASS_ANSWER, START) == RRL_SEND;
	}
	CU_ASSERT_EQUAL(sent, 40);
	rrl_free(r);
}

static void classes_have_buckets_of_their_own(void)
{
	struct rrl *r = rrl_new();
	struct policy_limits limits = limits_of(10);
	const struct addr from = v4(192, 0, 2, 1);
	unsigned sent[POLICY_CLASSES] = { 0 };

	limits.rate[CLASS_NXDOMAIN] = 3;
	limits.rate[CLASS_ERROR] = 0;
	for (unsigned i = 0; i < 50; i++)
		for (unsigned c = 0; c < POLICY_CLASSES; c++)
			sent[c] += rrl_account(r, &limits, &from, (enum policy_class)c,
					   START) == RRL_SEND;
	CU_ASSERT_EQUAL(sent[CLASS_ANSWER], 10);
	CU_ASSERT_EQUAL(sent[CLASS_NODATA], 10);
	CU_ASSERT_EQUAL(sent[CLASS_NXDOMAIN], 3);
	CU_ASSERT_EQUAL(sent[CLASS_REFERRAL], 10);
	CU_ASSERT_EQUAL(sent[CLASS_ERROR], 50);
	rrl_free(r);
}

static void every_nth_is_slipped(void)
{
	static const unsigned slips[] = { 0, 1, 2, 3, 10, 255 };

	for (size_t i = 0; i < UNIT_COUNT(slips); i++) {
		struct rrl *r = rrl_new();
		struct policy_limits limits = limits_of(1);
		limits.slip = slips[i];
		const struct flood f = flood(r, &limits, v4(192, 0, 2, 1), 1020, START, 1);
		const unsigned limited = f.slipped + f.dropped;
		CU_ASSERT(limited >= 1019);
		CU_ASSERT_EQUAL(f.slipped, slips[i] ? (limited + slips[i] - 1) / slips[i] : 0);
		rrl_free(r);
	}
}

static void exempt_nets_are_never_limited(void)
{
	struct prefix nets[2];
	struct policy_limits limits = limits_of(1);
	struct rrl *r = rrl_new();

	CU_ASSERT_TRUE(prefix_parse(&nets[0], "2001:db8::/32", NULL));
	CU_ASSERT_TRUE(prefix_parse(&nets[1], "192.0.2.0/25", NULL));
	limits.exempt = nets;
	limits.n_exempt = 2;
	CU_ASSERT_EQUAL(flood(r, &limits, v4(192, 0, 2, 127), 100, START, 1).sent, 100);
	CU_ASSERT(flood(r, &limits, v4(192, 0, 2, 128), 100, START, 1).sent < 3);
	rrl_free(r);
}

/* A flood from everywhere fills the table; who asks in the midst of it must not be taken for a
 * part of it, nor those that are limited get away. */
static void a_million_strangers_change_little(void)
{
	struct rrl *r = rrl_new();
	const struct policy_limits limits = limits_of(10);
	const struct addr guilty = v4(198, 51, 100, 7), innocent = v4(203, 0, 113, 9);
	unsigned blamed = 0, passed = 0;
	uint64_t x = 1;

	for (unsigned i = 0; i < 1000000; i++) {
		const uint64_t now = START + i * 10ull; /* 100,000 a second */
		x = x * 6364136223846793005u + 1442695040888963407u;
		const uint32_t a = (uint32_t)(x >> 32);
		const struct addr stranger = v4(a >> 24, a >> 16 & 255, a >> 8 & 255, a & 255);
		rrl_account(r, &limits, &stranger, CLASS_ANSWER, now);
		if (i % 200 == 0) /* 500 a second */
			passed += rrl_account(r, &limits, &guilty, CLASS_ANSWER, now) ==
				RRL_SEND;
		if (i % 20000 == 0) /* 5 a second */
			blamed += rrl_account(r, &limits, &innocent, CLASS_ANSWER, now) !=
				RRL_SEND;
	}
	/* The wide net of the innocent is that of some strangers too, as it is meant. */
	CU_ASSERT(blamed <= 1);
	CU_ASSERT(passed <= 5000 / 20);
	rrl_free(r);
}

/* Three buckets each; in half of the table 4,000 would lose theirs to others. */
static void floods_of_60000_nets_are_told_apart(void)
{
	struct rrl *r = rrl_new();
	const struct policy_limits limits = limits_of(1);
	unsigned forgotten = 0;

	for (unsigned i = 0; i < 4 * 60000u; i++) {
		const unsigned net = i < 3 * 60000u ? i / 3 : i - 3 * 60000u;
		const struct addr from = { { 0x20, 0x01, (uint8_t)(net >> 16),
			(uint8_t)(net >> 8), (uint8_t)net, 1 } };
		const enum rrl_verdict v = rrl_account(r, &limits, &from, CLASS_ANSWER, START);
		forgotten += i >= 3 * 60000u && v == RRL_SEND;
	}
	CU_ASSERT(forgotten < 1000);
	rrl_free(r);
}

static void time_may_go_back_a_little(void)
{
	struct rrl *r = rrl_new();
	const struct policy_limits limits = limits_of(100);
	const struct addr from = v4(192, 0, 2, 1);
	unsigned sent = 0;

	for (unsigned i = 0; i < 300; i++)
		sent += rrl_account(r, &limits, &from, CLASS_ANSWER,
				START + i * 10000u - (i % 2) * 3000u) == RRL_SEND;
	CU_ASSERT_EQUAL(sent, 300);
	rrl_free(r);
}

struct hammer {
	struct rrl *rrl;
	const struct policy_limits *limits;
	unsigned sent;
};

static void *hammer(void *arg)
{
	struct hammer *h = arg;
	const struct addr from = v4(192, 0, 2, 1);

	for (unsigned i = 0; i < 200000; i++)
		h->sent += rrl_account(h->rrl, h->limits, &from, CLASS_ANSWER, START) ==
			RRL_SEND;
	return NULL;
}

static void threads_share_one_limit(void)
{
	const struct policy_limits limits = limits_of(1000);
	struct rrl *r = rrl_new();
	struct hammer h[3];
	pthread_t id[3];
	unsigned sent = 0;

	for (unsigned i = 0; i < 3; i++) {
		h[i] = (struct hammer){ r, &limits, 0 };
		pthread_create(&id[i], NULL, hammer, &h[i]);
	}
	for (unsigned i = 0; i < 3; i++) {
		pthread_join(id[i], NULL);
		sent += h[i].sent;
	}
	/* Also when two take the bucket at once, in the very beginning. */
	CU_ASSERT_EQUAL(sent, 1000);
	rrl_free(r);
}

void suite_rrl(void)
{
	static const struct unit_case cases[] = {
		{ "what is below its rate is never limited",
			what_is_below_its_rate_is_never_limited },
		{ "a second's worth may come at once", a_second_s_worth_may_come_at_once },
		{ "a flood gets its burst and then slips only, fewer bytes than it sends",
			a_flood_gets_its_burst_and_then_slips_only },
		{ "a flood that is over the rate by little runs dry too",
			a_flood_over_the_rate_by_little_runs_dry_too },
		{ "after the flood and its window all is well",
			after_the_flood_and_its_window_all_is_well },
		{ "wider nets have four and sixteen times the rate",
			wider_nets_have_four_and_sixteen_times_the_rate },
		{ "one address takes nothing from its neighbours",
			one_address_takes_nothing_from_its_neighbours },
		{ "an IPv6 site counts as a whole", an_ipv6_site_counts_as_a_whole },
		{ "classes have buckets of their own", classes_have_buckets_of_their_own },
		{ "every n-th limited response is slipped", every_nth_is_slipped },
		{ "exempt nets are never limited", exempt_nets_are_never_limited },
		{ "a million strangers change little", a_million_strangers_change_little },
		{ "floods of 60,000 nets are told apart", floods_of_60000_nets_are_told_apart },
		{ "time may go back a little", time_may_go_back_a_little },
		{ "threads share one limit", threads_share_one_limit },
	};

	unit_suite("answer/rrl", cases, UNIT_COUNT(cases));
}
