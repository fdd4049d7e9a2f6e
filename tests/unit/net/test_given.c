#include "net/given.h"

#include "base/addr.h"
#include "net/listen.h"
#include "unit/net/serving.h"
#include "unit/unit.h"

#include <netinet/in.h>
#include <stdio.h>
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

static void an_address_of_ipv6_has_its_port_and_scope(void)
{
	const struct net_address at = serving_address("::1"), other = serving_address("::1");
	struct net_address scoped = at, away = at;
	struct given *g = given_new(false);
	const int fd = open_one(&at);
	struct fault why;

	((struct sockaddr_in6 *)&scoped.sa)->sin6_scope_id = 7;
	((struct sockaddr_in6 *)&away.sa)->sin6_addr.s6_addr[15] = 2;
	CU_ASSERT_EQUAL(given_count(g), 0);
	CU_ASSERT_TRUE(given_add(g, fd, &why));
	CU_ASSERT_EQUAL(given_count(g), 1);
	CU_ASSERT_FALSE(given_has(g, SOCK_DGRAM, (const struct sockaddr *)&other.sa, other.len));
	CU_ASSERT_FALSE(given_has(g, SOCK_DGRAM, (const struct sockaddr *)&scoped.sa, scoped.len));
	CU_ASSERT_FALSE(given_has(g, SOCK_DGRAM, (const struct sockaddr *)&away.sa, away.len));
	CU_ASSERT_TRUE(given_has(g, SOCK_DGRAM, (const struct sockaddr *)&at.sa, at.len));
	CU_ASSERT_EQUAL(take(g, &scoped, SOCK_DGRAM, 0), -1);
	CU_ASSERT_EQUAL(take(g, &at, SOCK_DGRAM, 0), fd);
	CU_ASSERT_TRUE(given_end(g, &why));
	CU_ASSERT_EQUAL(close(fd), 0); /* it is whose who has taken it */
}

static void end_shared(void *ctx)
{
	struct fault why;

	CU_ASSERT_TRUE(given_end(ctx, &why));
}

static void one_of_the_service_manager_that_nobody_names_is_told(void)
{
	const struct net_address at = serving_address("127.0.0.1");
	struct given *g = given_new(true);
	char log[500], has[200], text[ADDR_TEXT];
	struct fault why;

	CU_ASSERT_TRUE(given_add(g, open_one(&at), &why));
	snprintf(has, sizeof has, "a socket that the configuration does not name: %s; nobody answers there",
		addr_sockaddr_text(text, (const struct sockaddr *)&at.sa));
	CU_ASSERT_PTR_NOT_NULL(strstr(serving_log(log, sizeof log, end_shared, g), has));
	/* Of those of a server before us it says nothing: its configuration may have had it. */
	g = given_new(false);
	CU_ASSERT_TRUE(given_add(g, open_one(&at), &why));
	CU_ASSERT_STRING_EQUAL(serving_log(log, sizeof log, end_shared, g), "");
}

void suite_given(void);
void suite_given(void)
{
	static const struct unit_case cases[] = {
		{ "each socket is found by its address and kind", each_socket_is_found_by_its_address_and_kind },
		{ "a socket that is left at an address that is used is a fault",
			a_socket_that_is_left_at_an_address_that_is_used_is_a_fault },
		{ "one that is shared is given to all", one_that_is_shared_is_given_to_all },
		{ "an address of IPv6 has its port and scope", an_address_of_ipv6_has_its_port_and_scope },
		{ "one of the service manager that nobody names is told", one_of_the_service_manager_that_nobody_names_is_told },
		{ "what is no socket is refused", what_is_no_socket_is_refused },
	};

	unit_suite("net/given", cases, UNIT_COUNT(cases));
}
