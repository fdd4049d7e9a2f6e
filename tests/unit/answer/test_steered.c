#include "answer/steered.h"

#include "unit/answer/asking.h"
#include "unit/unit.h"

#include "steer/stage.h"

#include <string.h>

static struct asking x;

#define SOA "example. 60 SOA ns1 host 7 7200 900 1209600 60"

static void a_service_has_the_hints_that_are_the_clients_addresses(void)
{
	static const struct asking_row rows[] = {
		{ "both families of the nearest", "shop HTTPS ecs=1.0.1.0/24",
			"NOERROR aa | shop 300 HTTPS 1 . alpn=h3 ipv4hint=192.0.2.1,192.0.2.101 "
			"ech=AAIHBw== ipv6hint=2001:db8::1 | - | - | 1232 ecs1/24/8",
			114 },
		{ "... which are what is answered to A", "shop A ecs=1.0.1.0/24",
			"NOERROR aa | shop 300 A 192.0.2.1, shop 300 A 192.0.2.101 | - | - | 1232 "
			"ecs1/24/8",
			84 },
		{ "... and to AAAA", "shop AAAA ecs=1.0.1.0/24",
			"NOERROR aa | shop 300 AAAA 2001:db8::1 | - | - | 1232 ecs1/24/8", 80 },
		{ "each family has its own nearest", "shop HTTPS ecs=3.0.1.0/24",
			"NOERROR aa | shop 300 HTTPS 1 . alpn=h3 ipv4hint=192.0.2.4 ech=AAIHBw== "
			"ipv6hint=2001:db8::3 | - | - | 1232 ecs1/24/17",
			110 },
		{ "SVCB has a form of its own", "shop SVCB ecs=2.0.1.0/24",
			"NOERROR aa | shop 300 SVCB 2 . ipv4hint=192.0.2.2 ipv6hint=2001:db8::2 "
			"dohpath=/ | - | - | 1232 ecs1/24/16",
			100 },
		{ "a wildcard's", "q.shop HTTPS ecs=2.0.1.0/24",
			"NOERROR aa | q.shop 300 HTTPS 1 . alpn=h3 ipv4hint=192.0.2.2 ech=AAIHBw== "
			"ipv6hint=2001:db8::2 | - | - | 1232 ecs1/24/16",
			112 },
		{ "in turn, the next question has another answer: no hints",
			"shops HTTPS ecs=2.0.1.0/24",
			"NOERROR aa | shops 300 HTTPS 1 . alpn=h3 ech=AAIHBw== | - | - | 1232 "
			"ecs1/24/0",
			83 },
		{ "a pool without a form has nothing", "www HTTPS",
			"NOERROR aa | - | " SOA " | - | -", 74 },
		{ "... nor of another type", "shops SVCB", "NOERROR aa | - | " SOA " | - | -", 76 },
		{ "a CNAME stands for all types", "calias HTTPS",
			"NOERROR aa | calias 300 CNAME to.cdn.test. | - | - | -", 57 },
		{ "what the zone has goes before", "shopmx HTTPS",
			"NOERROR aa | shopmx 300 HTTPS 1 . alpn=own | - | - | -", 55 },
	};
	asking_rows(&x, rows, UNIT_COUNT(rows));
}

static void hints_follow_the_state_of_edges(void)
{
	x.states[0] = EDGE_DOWN;
	asking_again(&x);
	CU_ASSERT_STRING_EQUAL(asking(&x, "stand HTTPS"),
		"NOERROR aa | stand 70 HTTPS 1 . alpn=h3 ipv4hint=192.0.2.2 ech=AAIHBw== "
		"ipv6hint=2001:db8::2 | - | - | -");
	x.states[1] = EDGE_DOWN;
	asking_again(&x);
	/* Who stands in has no such answer, for now, and is answered with no longer than the pool says. */
	CU_ASSERT_STRING_EQUAL(asking(&x, "stand A"),
		"NOERROR aa | stand 70 A 192.0.2.3 | - | - | -");
	CU_ASSERT_STRING_EQUAL(asking(&x, "stand HTTPS"),
		"NOERROR aa | - | example. 60 SOA ns1 host 7 7200 900 1209600 60 | - | -");
	x.states[0] = x.states[1] = EDGE_UP;
	asking_again(&x);
}

static void a_service_takes_nobodys_turn_and_is_counted_apart(void)
{
	const uint64_t steered = x.stats.steered, services = x.stats.services;
	const uint32_t turn = x.turns[8 * CHOOSE_TURNS].count;

	asking(&x, "shops HTTPS");
	CU_ASSERT_EQUAL(x.turns[8 * CHOOSE_TURNS].count, turn);
	CU_ASSERT_EQUAL(x.stats.steered, steered + 1);
	CU_ASSERT_EQUAL(x.stats.services, services + 1);
	asking(&x, "shops A");
	CU_ASSERT_NOT_EQUAL(x.turns[8 * CHOOSE_TURNS].count, turn);
	CU_ASSERT_EQUAL(x.stats.services, services + 1);
}

static void the_scope_of_hints_is_that_of_both_families(void)
{
	x.share = STAGE_ALL;
	asking_again(&x);
	CU_ASSERT_STRING_EQUAL(asking(&x, "shop SVCB ecs=2a00:1::/48"),
		"NOERROR aa | shop 300 SVCB 2 . ipv4hint=192.0.2.1,192.0.2.101 ipv6hint=2001:db8::1 dohpath=/ "
		"| - | - | 1232 ecs2/48/32");
	x.share = 0;
	asking_again(&x);
}

static const struct unit_case cases[] = {
	{ "a service has the hints that are the client's addresses",
		a_service_has_the_hints_that_are_the_clients_addresses },
	{ "hints follow the state of edges", hints_follow_the_state_of_edges },
	{ "a service takes nobody's turn and is counted apart",
		a_service_takes_nobodys_turn_and_is_counted_apart },
	{ "the scope of hints is that of both families",
		the_scope_of_hints_is_that_of_both_families },
};

static int open_world(void)
{
	asking_open(&x, false);
	return 0;
}

static int close_world(void)
{
	asking_close(&x);
	return 0;
}

void suite_steered(void);
void suite_steered(void)
{
	unit_suite_with("answer/steered", cases, UNIT_COUNT(cases), open_world, close_world);
}
