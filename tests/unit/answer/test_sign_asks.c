#include "answer/sign_asks.h"

#include "unit/unit.h"

#include <string.h>

static struct addr net(unsigned n)
{
	struct addr a;

	addr_parse(&a, "192.0.2.1");
	a.b[13] = (uint8_t)(n >> 8);
	a.b[14] = (uint8_t)n;
	return a;
}

/* Keys as they come: of all bits. */
static uint64_t key(unsigned i)
{
	return hash_pair(7, i) | 1;
}

/* How many of 4096 RRsets may be asked for in one second, from so many nets in turn. */
static unsigned count(unsigned nets, bool proven)
{
	struct sign_asks a = { 0 };
	unsigned n = 0;

	for (unsigned i = 0; i < 4096; i++) {
		const struct addr from = net(i % nets);
		n += sign_asks_may(&a, key(i), &from, proven, 5);
	}
	return n;
}

static void one_net_is_let_ask_for_little_and_the_unproven_for_half(void)
{
	CU_ASSERT_EQUAL(count(1, true), SIGN_ASKS_NET_MOST);
	CU_ASSERT_EQUAL(count(4000, true), SIGN_ASKS_MOST);
	CU_ASSERT_EQUAL(count(4000, false), SIGN_ASKS_MOST / 2);
}

static void who_floods_leaves_half_to_who_has_shown_its_address(void)
{
	struct sign_asks a = { 0 };
	struct addr from = net(1);
	unsigned i = 0;

	while (a.of[false].n < SIGN_ASKS_MOST / 2) {
		const struct addr forged = net(i);
		sign_asks_may(&a, key(i++), &forged, false, 5);
	}
	CU_ASSERT_FALSE(sign_asks_may(&a, key(9000), &from, false, 5));
	for (i = 0; i < SIGN_ASKS_NET_MOST; i++)
		CU_ASSERT_TRUE(sign_asks_may(&a, key(9000 + i), &from, true, 5));
}

static void who_forges_an_address_takes_nothing_from_who_has_it(void)
{
	struct sign_asks a = { 0 };
	const struct addr from = net(1);

	for (unsigned i = 0; i < 100; i++)
		sign_asks_may(&a, key(i), &from, false, 5);
	for (unsigned i = 0; i < SIGN_ASKS_NET_MOST; i++)
		CU_ASSERT_TRUE(sign_asks_may(&a, key(i), &from, true, 5));
	CU_ASSERT_FALSE(sign_asks_may(&a, key(100), &from, true, 5));
}

static void an_rrset_is_asked_for_once_a_second(void)
{
	struct sign_asks a = { 0 };
	const struct addr from = net(1), other = net(2);

	for (unsigned proven = 0; proven < 2; proven++) {
		CU_ASSERT_TRUE(sign_asks_may(&a, key(1), &from, proven, 5 + 2 * proven));
		CU_ASSERT_FALSE(sign_asks_may(&a, key(1), &other, proven, 5 + 2 * proven));
		CU_ASSERT_TRUE(sign_asks_may(&a, key(1), &other, proven, 6 + 2 * proven));
	}
}

static const struct unit_case cases[] = {
	{ "one net is let ask for little, and the unproven for half",
		one_net_is_let_ask_for_little_and_the_unproven_for_half },
	{ "who floods leaves half to who has shown its address",
		who_floods_leaves_half_to_who_has_shown_its_address },
	{ "who forges an address takes nothing from who has it",
		who_forges_an_address_takes_nothing_from_who_has_it },
	{ "an RRset is asked for once a second", an_rrset_is_asked_for_once_a_second },
};

void suite_sign_asks(void);
void suite_sign_asks(void)
{
	unit_suite("answer/sign_asks", cases, UNIT_COUNT(cases));
}
