#include "net/clients.h"

#include "unit/unit.h"

#include <stdio.h>

static struct addr addr(const char *text)
{
	struct addr a;

	CU_ASSERT_TRUE_FATAL(addr_parse(&a, text));
	return a;
}

static void join(struct clients *c, struct clients_member *m, const char *from)
{
	const struct addr source = addr(from);

	CU_ASSERT_TRUE_FATAL(clients_join(c, m, &source, 0));
}

static struct clients_member *in_the_way(const struct clients *c, const char *from)
{
	const struct addr source = addr(from);

	return clients_in_the_way(c, &source);
}

static void a_full_net_makes_room_itself(void)
{
	struct clients_member m[6];
	struct clients c;

	clients_init(&c, 100, 2);
	join(&c, &m[0], "198.51.100.1"); /* idle longest of all, and of another net */
	join(&c, &m[1], "192.0.2.1");
	CU_ASSERT_PTR_NULL(in_the_way(&c, "192.0.2.2"));
	join(&c, &m[2], "192.0.2.2");
	CU_ASSERT_PTR_EQUAL(in_the_way(&c, "192.0.2.255"), &m[1]);
	CU_ASSERT_PTR_NULL(in_the_way(&c, "192.0.3.0"));
	clients_touch(&c, &m[1], 1);
	CU_ASSERT_PTR_EQUAL(in_the_way(&c, "192.0.2.255"), &m[2]);
	clients_leave(&c, &m[2]);
	CU_ASSERT_PTR_NULL(in_the_way(&c, "192.0.2.255"));
	clients_leave(&c, &m[0]);
	clients_leave(&c, &m[1]);
	clients_fini(&c);
}

static void nets_are_24_bits_of_ipv4_and_48_of_ipv6(void)
{
	static const struct {
		const char *say, *there, *comes;
		bool same;
	} row[] = {
		{ "the ends of a /24", "192.0.2.0", "192.0.2.255", true },
		{ "the next /24", "192.0.2.255", "192.0.3.0", false },
		{ "the ends of a /48", "2001:db8:1::", "2001:db8:1:ffff:ffff::", true },
		{ "the next /48", "2001:db8:1::", "2001:db8:2::", false },
		{ "IPv4 is none of ::/48", "::1", "0.0.0.1", false },
	};

	for (size_t i = 0; i < UNIT_COUNT(row); i++) {
		struct clients_member m;
		struct clients c;
		clients_init(&c, 10, 1);
		join(&c, &m, row[i].there);
		if ((in_the_way(&c, row[i].comes) == &m) != row[i].same)
			CU_FAIL(row[i].say);
		clients_leave(&c, &m);
		clients_fini(&c);
	}
}

static void when_all_is_full_the_one_idle_longest_is_in_the_way(void)
{
	struct clients_member m[3];
	struct clients c;

	clients_init(&c, 3, 3);
	join(&c, &m[0], "192.0.2.1");
	join(&c, &m[1], "198.51.100.1");
	CU_ASSERT_PTR_NULL(in_the_way(&c, "203.0.113.1"));
	join(&c, &m[2], "203.0.113.1");
	CU_ASSERT_PTR_EQUAL(in_the_way(&c, "203.0.113.1"), &m[0]);
	clients_touch(&c, &m[0], 7);
	CU_ASSERT_EQUAL(m[0].since_ms, 7);
	CU_ASSERT_PTR_EQUAL(in_the_way(&c, "203.0.113.1"), &m[1]);
	CU_ASSERT_PTR_EQUAL(c.all.oldest, &m[1]);
	for (unsigned i = 0; i < 3; i++)
		clients_leave(&c, &m[i]);
	CU_ASSERT_EQUAL(c.n, 0);
	CU_ASSERT_PTR_NULL(c.all.oldest);
	clients_fini(&c);
}

static void who_moves_needs_room_in_its_net_alone(void)
{
	struct clients_member m[3];
	struct clients c;
	struct addr to, empty;

	clients_init(&c, 3, 2);
	join(&c, &m[0], "192.0.2.1");
	join(&c, &m[1], "192.0.2.2");
	join(&c, &m[2], "198.51.100.1");
	addr_parse(&to, "192.0.2.3");
	addr_parse(&empty, "203.0.113.1");
	CU_ASSERT_PTR_EQUAL(clients_in_the_way_of_net(&c, &to), &m[0]);
	CU_ASSERT_PTR_NULL(clients_in_the_way_of_net(&c, &empty));
	CU_ASSERT_TRUE(clients_move(&c, &m[2], &empty, 1));
	CU_ASSERT_EQUAL(c.n, 3);
	for (unsigned i = 0; i < 3; i++)
		clients_leave(&c, &m[i]);
	clients_fini(&c);
}

/* More nets than buckets, which come and go: none is lost, none stays. */
static void many_nets_come_and_go(void)
{
	enum { MANY = 1000 };
	static struct clients_member m[MANY];
	struct clients c;
	char text[32];

	clients_init(&c, MANY, 1);
	c.mask = 15;
	for (unsigned round = 0; round < 2; round++) {
		for (unsigned i = 0; i < MANY; i++) {
			snprintf(text, sizeof text, "10.%u.%u.%u", i / 250, i % 250, round);
			CU_ASSERT_PTR_NULL(in_the_way(&c, text));
			join(&c, &m[i], text);
			CU_ASSERT_PTR_EQUAL(in_the_way(&c, text), &m[i]);
		}
		for (unsigned i = 0; i < MANY; i++)
			clients_leave(&c, &m[i * 7 % MANY]);
	}
	for (unsigned i = 0; i < 16; i++)
		CU_ASSERT_PTR_NULL(c.bucket[i]);
	clients_fini(&c);
}

static const struct unit_case cases[] = {
	{ "a net that is full makes room itself", a_full_net_makes_room_itself },
	{ "nets are 24 bits of IPv4 and 48 of IPv6", nets_are_24_bits_of_ipv4_and_48_of_ipv6 },
	{ "when all is full the one idle longest is in the way",
		when_all_is_full_the_one_idle_longest_is_in_the_way },
	{ "who moves needs room in its net alone", who_moves_needs_room_in_its_net_alone },
	{ "many nets come and go", many_nets_come_and_go },
};

void suite_clients(void);
void suite_clients(void)
{
	unit_suite("net/clients", cases, UNIT_COUNT(cases));
}
