#include "net/handshakes.h"

#include "unit/unit.h"

static bool may(struct handshakes *h, const char *text, int64_t now_ms)
{
	struct addr a;

	addr_parse(&a, text);
	return handshakes_may(h, &a, now_ms);
}

static void a_net_begins_so_many_a_second(void)
{
	struct handshakes h;
	unsigned n = 0;

	handshakes_init(&h, 10, 5);
	for (unsigned i = 0; i < 20; i++)
		n += may(&h, i & 1 ? "192.0.2.1" : "192.0.2.200", 1000);
	CU_ASSERT_EQUAL(n, 5);
	CU_ASSERT_TRUE(may(&h, "192.0.3.1", 1000)); /* another net */
	CU_ASSERT_FALSE(may(&h, "192.0.2.1", 1199));
	CU_ASSERT_TRUE(may(&h, "192.0.2.1", 1200));
	CU_ASSERT_FALSE(may(&h, "192.0.2.1", 1200));
	n = 0;
	for (unsigned i = 0; i < 20; i++)
		n += may(&h, "192.0.2.1", 3600000);
	CU_ASSERT_EQUAL(n, 5); /* however long it was quiet */
	handshakes_fini(&h);
}

static void the_oldest_is_in_the_way_of_too_many(void)
{
	struct handshakes h;
	struct handshake m[4] = { { 0 } };

	handshakes_init(&h, 3, 5);
	for (unsigned i = 0; i < 3; i++) {
		CU_ASSERT_PTR_NULL(handshakes_in_the_way(&h));
		handshakes_join(&h, &m[i], 1 + i);
	}
	CU_ASSERT_PTR_EQUAL(handshakes_in_the_way(&h), &m[0]);
	handshakes_leave(&h, &m[1]);
	handshakes_leave(&h, &m[1]); /* is none any more */
	CU_ASSERT_PTR_NULL(handshakes_in_the_way(&h));
	handshakes_join(&h, &m[3], 9);
	CU_ASSERT_PTR_EQUAL(handshakes_in_the_way(&h), &m[0]);
	handshakes_leave(&h, &m[0]);
	CU_ASSERT_PTR_EQUAL(h.oldest, &m[2]);
	handshakes_leave(&h, &m[3]);
	CU_ASSERT_PTR_EQUAL(h.newest, &m[2]);
	handshakes_leave(&h, &m[2]);
	CU_ASSERT_TRUE(!h.oldest && !h.newest && !h.n);
	handshakes_fini(&h);
}

static const struct unit_case cases[] = {
	{ "a net begins so many a second", a_net_begins_so_many_a_second },
	{ "the oldest is in the way of too many", the_oldest_is_in_the_way_of_too_many },
};

void suite_handshakes(void);
void suite_handshakes(void)
{
	unit_suite("net/handshakes", cases, UNIT_COUNT(cases));
}
