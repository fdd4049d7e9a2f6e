#include "probe/proxy_header.h"

#include "base/bytes.h"
#include "unit/unit.h"

#include <arpa/inet.h>
#include <netinet/in.h>
#include <stdbool.h>
#include <stdio.h>
#include <string.h>
#include <sys/socket.h>
#include <unistd.h>

/* A connection to ourselves. */
struct both {
	int listener, fd;
	unsigned from, at; /* ports */
};

static unsigned port_of(int fd)
{
	struct sockaddr_in6 sa; /* the port stands where that of IPv4 does */
	socklen_t len = sizeof sa;

	CU_ASSERT_EQUAL_FATAL(getsockname(fd, (struct sockaddr *)&sa, &len), 0);
	return ntohs(sa.sin6_port);
}

static bool open_both(struct both *b, int family)
{
	struct sockaddr_in6 six = { .sin6_family = AF_INET6, .sin6_addr = in6addr_loopback };
	struct sockaddr_in four = { .sin_family = AF_INET,
		.sin_addr.s_addr = htonl(INADDR_LOOPBACK) };
	struct sockaddr *sa = family == AF_INET ? (struct sockaddr *)&four
						: (struct sockaddr *)&six;
	const socklen_t len = family == AF_INET ? sizeof four : sizeof six;

	b->listener = socket(family, SOCK_STREAM, 0);
	b->fd = socket(family, SOCK_STREAM, 0);
	if (bind(b->listener, sa, len) != 0)
		return false; /* no IPv6 here */
	listen(b->listener, 1);
	b->at = port_of(b->listener);
	four.sin_port = six.sin6_port = htons((in_port_t)b->at);
	CU_ASSERT_EQUAL_FATAL(connect(b->fd, sa, len), 0);
	b->from = port_of(b->fd);
	return true;
}

static void close_both(struct both *b)
{
	close(b->fd);
	close(b->listener);
}

static void version_2_has_both_ends_of_the_connection(void)
{
	static const char signature[] = "\r\n\r\n\0\r\nQUIT\n";
	uint8_t h[PROXY_HEADER_MOST];
	struct both b;

	CU_ASSERT_TRUE_FATAL(open_both(&b, AF_INET));
	CU_ASSERT_EQUAL_FATAL(proxy_header_make(h, 2, b.fd), 28);
	CU_ASSERT(memcmp(h, signature, 12) == 0 && h[12] == 0x21 && h[13] == 0x11);
	CU_ASSERT_EQUAL(be16_get(h + 14), 12);
	CU_ASSERT(memcmp(h + 16, "\x7f\0\0\1\x7f\0\0\1", 8) == 0);
	CU_ASSERT_EQUAL(be16_get(h + 24), b.from);
	CU_ASSERT_EQUAL(be16_get(h + 26), b.at);
	close_both(&b);
	if (open_both(&b, AF_INET6)) {
		CU_ASSERT_EQUAL_FATAL(proxy_header_make(h, 2, b.fd), 52);
		CU_ASSERT(h[12] == 0x21 && h[13] == 0x21 && be16_get(h + 14) == 36);
		CU_ASSERT(memcmp(h + 16, in6addr_loopback.s6_addr, 16) == 0 &&
			memcmp(h + 32, in6addr_loopback.s6_addr, 16) == 0);
		CU_ASSERT(be16_get(h + 48) == b.from && be16_get(h + 50) == b.at);
	}
	close_both(&b);
}

static void version_1_is_a_line(void)
{
	uint8_t h[PROXY_HEADER_MOST];
	char want[PROXY_HEADER_MOST];
	struct both b;

	CU_ASSERT_TRUE_FATAL(open_both(&b, AF_INET));
	const int n = snprintf(want, sizeof want, "PROXY TCP4 127.0.0.1 127.0.0.1 %u %u\r\n",
		b.from, b.at);
	CU_ASSERT_EQUAL(proxy_header_make(h, 1, b.fd), (size_t)n);
	CU_ASSERT(memcmp(h, want, (size_t)n) == 0);
	close_both(&b);
	if (open_both(&b, AF_INET6)) {
		const int m = snprintf(
			want, sizeof want, "PROXY TCP6 ::1 ::1 %u %u\r\n", b.from, b.at);
		CU_ASSERT_EQUAL(proxy_header_make(h, 1, b.fd), (size_t)m);
		CU_ASSERT(memcmp(h, want, (size_t)m) == 0);
	}
	close_both(&b);
}

static void without_a_connection_there_is_none(void)
{
	uint8_t h[PROXY_HEADER_MOST];
	int fds[2];
	const int fd = socket(AF_INET, SOCK_STREAM, 0);

	CU_ASSERT_EQUAL(proxy_header_make(h, 2, fd), 0);
	close(fd);
	CU_ASSERT_EQUAL_FATAL(socketpair(AF_UNIX, SOCK_STREAM, 0, fds), 0);
	CU_ASSERT_EQUAL(proxy_header_make(h, 2, fds[0]), 0);
	close(fds[0]);
	close(fds[1]);
}

void suite_proxy_header(void)
{
	static const struct unit_case cases[] = {
		{ "version 2 has both ends of the connection",
			version_2_has_both_ends_of_the_connection },
		{ "version 1 is a line", version_1_is_a_line },
		{ "without a connection there is none", without_a_connection_there_is_none },
	};

	unit_suite("probe/proxy_header", cases, UNIT_COUNT(cases));
}
