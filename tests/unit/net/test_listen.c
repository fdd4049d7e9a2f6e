#include "net/listen.h"

#include "unit/net/serving.h"
#include "unit/unit.h"

#include <fcntl.h>
#include <netinet/in.h>
#include <netinet/tcp.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

static int option(int fd, int level, int name)
{
	int value = -1;
	socklen_t len = sizeof value;

	CU_ASSERT_EQUAL(getsockopt(fd, level, name, &value, &len), 0);
	return value;
}

static int udp(const char *host, const struct net_opts *opts)
{
	const struct net_address at = serving_address(host);
	struct fault why;
	const int fd = listen_udp(&at, opts, 0, &why);

	CU_ASSERT_TRUE_FATAL(fd >= 0);
	return fd;
}

static int tcp(const char *host)
{
	const struct net_address at = serving_address(host);
	struct fault why;
	const int fd = listen_tcp(&at, &(struct net_opts){ 0 }, 0, &why);

	CU_ASSERT_TRUE_FATAL(fd >= 0);
	return fd;
}

static void sockets_share_their_ports_and_nothing_with_other_programs(void)
{
	static const struct net_opts opts;

	for (unsigned v6 = 0; v6 < 2; v6++) {
		const int fds[] = { udp(v6 ? "[::1]" : "127.0.0.1", &opts),
			tcp(v6 ? "[::1]" : "127.0.0.1") };
		for (unsigned i = 0; i < 2; i++) {
			CU_ASSERT_EQUAL(option(fds[i], SOL_SOCKET, SO_REUSEPORT), 1);
			CU_ASSERT_EQUAL(fcntl(fds[i], F_GETFD) & FD_CLOEXEC, FD_CLOEXEC);
			if (v6)
				CU_ASSERT_EQUAL(option(fds[i], IPPROTO_IPV6, IPV6_V6ONLY), 1);
		}
		/* UDP blocks, TCP listens and does not. */
		CU_ASSERT_EQUAL(fcntl(fds[0], F_GETFL) & O_NONBLOCK, 0);
		CU_ASSERT_EQUAL(fcntl(fds[1], F_GETFL) & O_NONBLOCK, O_NONBLOCK);
		CU_ASSERT_EQUAL(option(fds[0], SOL_SOCKET, SO_ACCEPTCONN), 0);
		CU_ASSERT_EQUAL(option(fds[1], SOL_SOCKET, SO_ACCEPTCONN), 1);
		close(fds[0]);
		close(fds[1]);
	}
}

/* RFC 9715 section 3.1. */
static void answers_are_never_fragmented(void)
{
	static const struct net_opts opts;
	const int v4 = udp("127.0.0.1", &opts), v6 = udp("[::1]", &opts);

	CU_ASSERT_EQUAL(option(v4, IPPROTO_IP, IP_MTU_DISCOVER), IP_PMTUDISC_PROBE);
	CU_ASSERT_EQUAL(option(v6, IPPROTO_IPV6, IPV6_MTU_DISCOVER), IPV6_PMTUDISC_PROBE);
	close(v4);
	close(v6);
}

static void a_socket_for_all_addresses_is_told_which_was_asked(void)
{
	static const struct net_opts opts;
	static const struct {
		const char *host;
		bool told;
	} row[] = { { "0.0.0.0", true }, { "127.0.0.1", false }, { "127.0.0.2", false },
		{ "[::]", true }, { "[::1]", false } };

	for (size_t i = 0; i < UNIT_COUNT(row); i++) {
		const bool v6 = row[i].host[0] == '[';
		const int fd = udp(row[i].host, &opts), stream = tcp(row[i].host);
		if ((v6 ? option(fd, IPPROTO_IPV6, IPV6_RECVPKTINFO)
			: option(fd, IPPROTO_IP, IP_PKTINFO)) != row[i].told)
			CU_FAIL(row[i].host);
		CU_ASSERT_EQUAL(v6 ? option(stream, IPPROTO_IPV6, IPV6_RECVPKTINFO)
				   : option(stream, IPPROTO_IP, IP_PKTINFO),
			0);
		close(fd);
		close(stream);
	}
}

static void connections_send_at_once_and_keep_little(void)
{
	const int fd = tcp("127.0.0.1");

	CU_ASSERT_EQUAL(option(fd, IPPROTO_TCP, TCP_NODELAY), 1);
	CU_ASSERT_EQUAL(option(fd, IPPROTO_TCP, TCP_NOTSENT_LOWAT), 128 << 10);
	CU_ASSERT_EQUAL(option(fd, IPPROTO_TCP, TCP_FASTOPEN), 256);
	CU_ASSERT_EQUAL(option(fd, SOL_SOCKET, SO_REUSEADDR), 1);
	close(fd);
}

/* The kernel tells twice what was asked for. */
static void buffers_are_as_large_as_is_wanted(void)
{
	const struct net_opts some = { .receive_buffer = 300000, .send_buffer = 200000 },
			      none = { .n = 0 };
	const int fd = udp("127.0.0.1", &some), usual = udp("127.0.0.1", &none);
	int bare = socket(AF_INET, SOCK_DGRAM | SOCK_CLOEXEC, 0);

	/* Past the limit for everybody where we may (CAP_NET_ADMIN). */
	const bool may = setsockopt(bare, SOL_SOCKET, SO_SNDBUFFORCE, &(int){ 200000 },
				 sizeof(int)) == 0;
	const int room = option(fd, SOL_SOCKET, SO_RCVBUF);
	CU_ASSERT_TRUE(
		room == 600000 || (!may && room == option(usual, SOL_SOCKET, SO_RCVBUF)));
	if (may)
		CU_ASSERT_EQUAL(option(fd, SOL_SOCKET, SO_SNDBUF), 400000);
	close(bare);
	bare = socket(AF_INET, SOCK_DGRAM | SOCK_CLOEXEC, 0);
	/* By default as much of 4 MiB as we are let have, and for sending what there is. */
	CU_ASSERT_EQUAL(
		setsockopt(bare, SOL_SOCKET, SO_RCVBUF, &(int){ 4 << 20 }, sizeof(int)), 0);
	CU_ASSERT_EQUAL(
		option(usual, SOL_SOCKET, SO_RCVBUF), option(bare, SOL_SOCKET, SO_RCVBUF));
	CU_ASSERT_EQUAL(
		option(usual, SOL_SOCKET, SO_SNDBUF), option(bare, SOL_SOCKET, SO_SNDBUF));
	close(fd);
	close(usual);
	close(bare);
}

struct checking {
	int fd;
	struct net_opts opts;
};

static void check(void *ctx)
{
	const struct checking *c = ctx;

	listen_check_buffers(c->fd, &c->opts);
}

static void less_than_was_wanted_is_told(void)
{
	static const struct net_opts none;
	char text[1000];
	struct checking c = { .fd = udp("127.0.0.1", &none) };
	const unsigned in = (unsigned)option(c.fd, SOL_SOCKET, SO_RCVBUF) / 2,
		       out = (unsigned)option(c.fd, SOL_SOCKET, SO_SNDBUF) / 2;

	CU_ASSERT_STRING_EQUAL(serving_log(text, sizeof text, check, &c), "");
	c.opts.receive_buffer = in;
	c.opts.send_buffer = out;
	CU_ASSERT_STRING_EQUAL(serving_log(text, sizeof text, check, &c), "");
	c.opts.receive_buffer = in + 1;
	serving_log(text, sizeof text, check, &c);
	CU_ASSERT_PTR_NOT_NULL(strstr(text, "receive-buffer"));
	CU_ASSERT_PTR_NOT_NULL(strstr(text, "net.core.rmem_max"));
	CU_ASSERT_PTR_NULL(strstr(text, "send-buffer"));
	char wanted[100];
	snprintf(
		wanted, sizeof wanted, "%u bytes are wanted, the kernel gives %u ", in + 1, in);
	CU_ASSERT_PTR_NOT_NULL(strstr(text, wanted));
	c.opts.receive_buffer = 0;
	c.opts.send_buffer = out + 1;
	serving_log(text, sizeof text, check, &c);
	CU_ASSERT_PTR_NOT_NULL(strstr(text, "send-buffer"));
	CU_ASSERT_PTR_NULL(strstr(text, "receive-buffer"));
	close(c.fd);
}

static void what_cannot_be_had_is_told_with_why(void)
{
	static const struct net_opts opts;
	const struct net_address at = serving_address("127.0.0.1"),
				 v6 = serving_address("[::1]");
	struct net_address away = { .len = 0 };
	struct fault why;

	CU_ASSERT_TRUE(listen_is_free(&at, &opts, &why));
	CU_ASSERT_TRUE(listen_is_free(&v6, &opts, &why));
	/* Another program, which shares nothing. */
	const int fd = socket(AF_INET, SOCK_DGRAM | SOCK_CLOEXEC, 0),
		  stream = socket(AF_INET, SOCK_STREAM | SOCK_CLOEXEC, 0);
	CU_ASSERT_EQUAL_FATAL(bind(fd, (const struct sockaddr *)&at.sa, at.len), 0);
	CU_ASSERT_EQUAL_FATAL(bind(stream, (const struct sockaddr *)&at.sa, at.len), 0);
	CU_ASSERT_EQUAL_FATAL(listen(stream, 1), 0);
	CU_ASSERT_FALSE(listen_is_free(&at, &opts, &why));
	CU_ASSERT_PTR_NOT_NULL(
		strstr(why.text, "(UDP): Address already in use (another server"));
	CU_ASSERT_EQUAL(listen_udp(&at, &opts, 0, &why), -1);
	CU_ASSERT_PTR_NOT_NULL(strstr(why.text, "(UDP): Address already in use"));
	CU_ASSERT_EQUAL(listen_tcp(&at, &opts, 0, &why), -1);
	CU_ASSERT_PTR_NOT_NULL(strstr(why.text, "(TCP): Address already in use"));
	close(fd);
	close(stream);
	/* 192.0.2.0/24 is for documents (RFC 5737). */
	CU_ASSERT_TRUE_FATAL(
		addr_parse_endpoint(&away.sa, &away.len, "192.0.2.77", 5353, &why));
	CU_ASSERT_FALSE(listen_is_free(&away, &opts, &why));
	CU_ASSERT_PTR_NOT_NULL(strstr(why.text, "192.0.2.77:5353"));
	CU_ASSERT_PTR_NOT_NULL(strstr(why.text, "(this machine has no such address; "));
	const struct net_opts later = { .freebind = true };
	CU_ASSERT_TRUE(listen_is_free(&away, &later, &why));
	const int packets = listen_udp(&away, &later, 0, &why), connections = listen_tcp(&away, &later, 0, &why);
	CU_ASSERT_TRUE(packets >= 0 && connections >= 0);
	close(packets);
	close(connections);
}

static const struct unit_case cases[] = {
	{ "sockets share their ports",
		sockets_share_their_ports_and_nothing_with_other_programs },
	{ "answers are never fragmented", answers_are_never_fragmented },
	{ "a socket for all addresses is told which was asked",
		a_socket_for_all_addresses_is_told_which_was_asked },
	{ "connections send at once, and keep little",
		connections_send_at_once_and_keep_little },
	{ "buffers are as large as is wanted", buffers_are_as_large_as_is_wanted },
	{ "less than was wanted is told", less_than_was_wanted_is_told },
	{ "what cannot be had is told, with why", what_cannot_be_had_is_told_with_why },
};

void suite_listen(void);
void suite_listen(void)
{
	unit_suite("net/listen", cases, UNIT_COUNT(cases));
}
