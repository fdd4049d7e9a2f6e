#include "net/given.h"

#include "base/addr.h"
#include "net/listen.h"
#include "unit/net/serving.h"
#include "unit/unit.h"

#include <string.h>
#include <unistd.h>

static int open_one(const struct net_address *at)
{
	struct fault why;
	const int fd = listen_udp(at, &(struct net_opts){ 0 }, 0, &why);

	CU_ASSERT_TRUE_FATAL(fd >= 0);
	return fd;
}

static int take(struct given *g, const struct net_address *at, int type, unsigned k)
{
	return given_take(g, type, (const struct sockaddr *)&at->sa, at->len, k);
}

static void each_socket_is_found_by_its_address_and_kind(void)
{
	const struct net_address at = serving_address("127.0.0.1"), away = serving_address("127.0.0.2"), v6 = serving_address("::1");
	struct given *g = given_new(false);
	const int first = open_one(&at), second = open_one(&at), third = open_one(&v6);
	struct fault why;

	CU_ASSERT_TRUE(given_add(g, first, &why) && given_add(g, second, &why) && given_add(g, third, &why));
	CU_ASSERT_TRUE(given_has(g, SOCK_DGRAM, (const struct sockaddr *)&at.sa, at.len));
	CU_ASSERT_FALSE(given_has(g, SOCK_STREAM, (const struct sockaddr *)&at.sa, at.len));
	CU_ASSERT_EQUAL(take(g, &at, SOCK_STREAM, 0), -1);
	CU_ASSERT_EQUAL(take(g, &away, SOCK_DGRAM, 0), -1);
	CU_ASSERT_EQUAL(take(g, &at, SOCK_DGRAM, 1), second);
	CU_ASSERT_EQUAL(take(g, &at, SOCK_DGRAM, 0), first);
	CU_ASSERT_EQUAL(take(g, &at, SOCK_DGRAM, 2), -1);
	CU_ASSERT_TRUE(given_end(g, &why));
	CU_ASSERT_EQUAL(close(third), -1); /* whose address nobody wants any more */
	close(first);
	close(second);
}

static void a_socket_that_is_left_at_an_address_that_is_used_is_a_fault(void)
{
	const struct net_address at = serving_address("127.0.0.1");
	struct given *g = given_new(false);
	struct fault why;

	CU_ASSERT_TRUE(given_add(g, open_one(&at), &why) && given_add(g, open_one(&at), &why));
	const int fd = take(g, &at, SOCK_DGRAM, 0);
	CU_ASSERT_FALSE(given_end(g, &why));
	CU_ASSERT_PTR_NOT_NULL(strstr(why.text, "more sockets at 127.0.0.1"));
	close(fd);
}

static void one_that_is_shared_is_given_to_all(void)
{
	const struct net_address at = serving_address("127.0.0.1");
	struct given *g = given_new(true);
	struct fault why;
	int fds[3];

	CU_ASSERT_TRUE(given_add(g, open_one(&at), &why));
	for (unsigned i = 0; i < 3; i++)
		CU_ASSERT_TRUE((fds[i] = take(g, &at, SOCK_DGRAM, i)) >= 0);
	CU_ASSERT_TRUE(given_end(g, &why));
	for (unsigned i = 0; i < 3; i++)
		CU_ASSERT_EQUAL(close(fds[i]), 0);
}

static void what_is_no_socket_is_refused(void)
{
	struct given *g = given_new(false);
	int ends[2];
	struct fault why;

	CU_ASSERT_EQUAL_FATAL(pipe(ends), 0);
	CU_ASSERT_FALSE(given_add(g, ends[0], &why));
	CU_ASSERT_PTR_NOT_NULL(strstr(why.text, "is no socket"));
	CU_ASSERT_TRUE(given_end(g, &why));
	close(ends[0]);
	close(ends[1]);
}

void suite_given(void);
void suite_given(void)
{
	static const struct unit_case cases[] = {
		{ "each socket is found by its address and kind", each_socket_is_found_by_its_address_and_kind },
		{ "a socket that is left at an address that is used is a fault",
			a_socket_that_is_left_at_an_address_that_is_used_is_a_fault },
		{ "one that is shared is given to all", one_that_is_shared_is_given_to_all },
		{ "what is no socket is refused", what_is_no_socket_is_refused },
	};

	unit_suite("net/given", cases, UNIT_COUNT(cases));
}
