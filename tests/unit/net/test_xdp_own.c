#include "net/xdp_own.h"

#include "unit/unit.h"

#include <arpa/inet.h>
#include <stdlib.h>
#include <string.h>

static struct net_address at(enum net_kind kind, const char *host, unsigned port)
{
	struct net_address a = { .kind = kind };
	struct sockaddr_in *v4 = (struct sockaddr_in *)&a.sa;

	v4->sin_family = AF_INET;
	v4->sin_port = htons((uint16_t)port);
	CU_ASSERT_EQUAL_FATAL(inet_pton(AF_INET, host, &v4->sin_addr), 1);
	return a;
}

static struct xdp_own own(const char *host, unsigned port)
{
	struct xdp_own o = { .addr = { [2] = htonl(0xffff) }, .port = htons((uint16_t)port) };

	inet_pton(AF_INET, host, &o.addr[3]);
	return o;
}

static void what_ordinary_sockets_of_the_port_would_be_given_is_ours(void)
{
	const struct net_address listen[] = { at(NET_XDP, "0.0.0.0", 53), at(NET_PLAIN, "192.0.2.53", 53),
		at(NET_PLAIN, "192.0.2.7", 53), at(NET_PLAIN, "192.0.2.53", 53), at(NET_PLAIN, "127.0.0.1", 53),
		at(NET_PLAIN, "192.0.2.54", 5353) };
	const struct xdp_own one = own("192.0.2.53", 53), two = own("192.0.2.7", 53), other = own("192.0.2.54", 5353),
			     local = own("127.0.0.1", 53);
	struct xdp_own_list l = { 0 };

	CU_ASSERT_TRUE_FATAL(xdp_own_find(&l, listen, UNIT_COUNT(listen)));
	CU_ASSERT_EQUAL(l.n, 2);
	CU_ASSERT_TRUE(xdp_own_has(l.list, l.n, &one));
	CU_ASSERT_TRUE(xdp_own_has(l.list, l.n, &two));
	CU_ASSERT_FALSE(xdp_own_has(l.list, l.n, &other));
	CU_ASSERT_FALSE(xdp_own_has(l.list, l.n, &local));
	CU_ASSERT_FALSE(xdp_own_has(NULL, 0, &one));
	free(l.list);
}

static void without_any_all_of_the_machine_are_but_its_own_loop(void)
{
	const struct net_address listen[] = { at(NET_XDP, "0.0.0.0", 53) };
	const struct xdp_own local = own("127.0.0.1", 53);
	struct xdp_own_list l = { 0 };

	CU_ASSERT_TRUE_FATAL(xdp_own_find(&l, listen, 1));
	CU_ASSERT_FALSE(xdp_own_has(l.list, l.n, &local));
	for (size_t i = 0; i < l.n; i++)
		CU_ASSERT_EQUAL(l.list[i].port, htons(53));
	free(l.list);
}

static const struct unit_case cases[] = {
	{ "what ordinary sockets of the port would be given is ours", what_ordinary_sockets_of_the_port_would_be_given_is_ours },
	{ "without any, all of the machine are, but its own loop", without_any_all_of_the_machine_are_but_its_own_loop },
};

void suite_xdp_own(void);
void suite_xdp_own(void)
{
	unit_suite("net/xdp_own", cases, UNIT_COUNT(cases));
}
