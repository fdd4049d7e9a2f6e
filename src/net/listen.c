#include "net/listen.h"

#include "base/addr.h"
#include "base/log.h"
#include "net/given.h"

#include <errno.h>
#include <fcntl.h>
#include <netinet/in.h>
#include <netinet/tcp.h>
#include <string.h>
#include <unistd.h>

enum { RECEIVE_BUFFER = 4 << 20, BACKLOG = 512, FAST_OPENS = 256, UNSENT_MOST = 128 << 10 };

static bool set(int fd, int level, int option, int value)
{
	return setsockopt(fd, level, option, &value, sizeof value) == 0;
}

bool listen_is_any(const struct net_address *at)
{
	const struct addr a = addr_from_sockaddr((const struct sockaddr *)&at->sa);
	static const uint8_t zero[16];

	return memcmp(a.b + (at->sa.ss_family == AF_INET ? 12 : 0), zero,
		       at->sa.ss_family == AF_INET ? 4 : 16) == 0;
}

/* An answer leaves from the address that the query came to; on a socket for all addresses we
 * must ask which that was. */
static bool set_family(int fd, const struct net_address *at, int type)
{
	const bool any = type == SOCK_DGRAM && listen_is_any(at);

	if (at->sa.ss_family == AF_INET) {
		/* No fragments, and none in answer to forged "packet too big" messages: DF is
		 * set and what is told of the path is not heeded (RFC 9715 section 3.1). The
		 * kernel also has no identification to draw for each packet then. */
		set(fd, IPPROTO_IP, IP_MTU_DISCOVER, IP_PMTUDISC_PROBE);
		return !any || set(fd, IPPROTO_IP, IP_PKTINFO, 1);
	}
	set(fd, IPPROTO_IPV6, IPV6_MTU_DISCOVER, IPV6_PMTUDISC_PROBE);
	return set(fd, IPPROTO_IPV6, IPV6_V6ONLY, 1) &&
		(!any || set(fd, IPPROTO_IPV6, IPV6_RECVPKTINFO, 1));
}

static bool refuse(const struct net_address *at, const char *kind, struct fault *why)
{
	char text[ADDR_TEXT];

	return fault(why, "cannot listen on %s (%s): %s%s",
		addr_sockaddr_text(text, (const struct sockaddr *)&at->sa), kind,
		strerror(errno),
		errno == EADDRINUSE ? " (another server has it: see \"ss -lnup\")"
			: errno == EACCES
			? " (ports below 1024 want root or CAP_NET_BIND_SERVICE)"
			: errno == EADDRNOTAVAIL ? " (this machine has no such address; \"server: freebind: on\" waits for it)"
						 : "");
}

static bool set_freebind(int fd, const struct net_address *at, const struct net_opts *opts)
{
	return !opts->freebind ||
		(at->sa.ss_family == AF_INET ? set(fd, IPPROTO_IP, IP_FREEBIND, 1) : set(fd, IPPROTO_IPV6, IPV6_FREEBIND, 1));
}

bool listen_is_free(const struct net_address *at, const struct net_opts *opts, struct fault *why)
{
	const bool udp = net_is_udp(at->kind);

	/* Of what is given the rest comes from there, too. */
	if (given_has(opts->given, udp ? SOCK_DGRAM : SOCK_STREAM, (const struct sockaddr *)&at->sa, at->len))
		return true;
	const int fd = socket(at->sa.ss_family, (udp ? SOCK_DGRAM : SOCK_STREAM) | SOCK_CLOEXEC, 0);
	const bool ok = fd >= 0 && set_freebind(fd, at, opts) && (udp || set(fd, SOL_SOCKET, SO_REUSEADDR, 1)) &&
		(at->sa.ss_family == AF_INET || set(fd, IPPROTO_IPV6, IPV6_V6ONLY, 1)) &&
		bind(fd, (const struct sockaddr *)&at->sa, at->len) == 0;

	if (!ok)
		refuse(at, udp ? "UDP" : "TCP", why);
	if (fd >= 0)
		close(fd);
	return ok;
}

/* What every connection inherits. All of it is to the good, none of it needed. */
static void set_stream(int fd)
{
	set(fd, IPPROTO_TCP, TCP_NODELAY, 1);
	/* For a client that reads slowly the kernel would otherwise keep megabytes. */
	set(fd, IPPROTO_TCP, TCP_NOTSENT_LOWAT, UNSENT_MOST);
	/* A query in the SYN (RFC 7413), from those who have been here before. Nothing comes of
	 * it unless the sysctl net.ipv4.tcp_fastopen (for IPv6 too) has the bit of value 2. */
	set(fd, IPPROTO_TCP, TCP_FASTOPEN, FAST_OPENS);
}

static int refuse_and_close(
	int fd, const struct net_address *at, const char *kind, struct fault *why)
{
	refuse(at, kind, why);
	if (fd >= 0)
		close(fd);
	return -1;
}

static bool bind_to(int fd, const struct net_address *at)
{
	return bind(fd, (const struct sockaddr *)&at->sa, at->len) == 0;
}

/* It may have been another's, who had it in the other way. */
static void set_blocking(int fd, bool blocks)
{
	const int flags = fcntl(fd, F_GETFL);

	fcntl(fd, F_SETFL, blocks ? flags & ~O_NONBLOCK : flags | O_NONBLOCK);
}

/* What was asked for in the configuration is had past the kernel's limit for everybody
 * (net.core.rmem_max, wmem_max) where we are allowed to (CAP_NET_ADMIN). */
static void set_buffer(int fd, int option, int past_limit, unsigned bytes)
{
	if (bytes && !set(fd, SOL_SOCKET, past_limit, (int)bytes))
		set(fd, SOL_SOCKET, option, (int)bytes);
}

static int open_udp(const struct net_address *at, const struct net_opts *opts, struct fault *why)
{
	const int fd = socket(at->sa.ss_family, SOCK_DGRAM | SOCK_CLOEXEC, 0);

	if (fd < 0 || !set_freebind(fd, at, opts) || !set(fd, SOL_SOCKET, SO_REUSEPORT, 1) || !set_family(fd, at, SOCK_DGRAM) || !bind_to(fd, at))
		return refuse_and_close(fd, at, "UDP", why);
	return fd;
}

int listen_udp(const struct net_address *at, const struct net_opts *opts, unsigned k, struct fault *why)
{
	int fd = given_take(opts->given, SOCK_DGRAM, (const struct sockaddr *)&at->sa, at->len, k);

	if (fd < 0)
		fd = open_udp(at, opts, why);
	else if (!set_family(fd, at, SOCK_DGRAM))
		return refuse_and_close(fd, at, "UDP", why);
	if (fd < 0)
		return -1;
	set_blocking(fd, at->kind != NET_QUIC);
	if (!opts->receive_buffer)
		/* As much of it as net.core.rmem_max allows. */
		set(fd, SOL_SOCKET, SO_RCVBUF, RECEIVE_BUFFER);
	set_buffer(fd, SO_RCVBUF, SO_RCVBUFFORCE, opts->receive_buffer);
	set_buffer(fd, SO_SNDBUF, SO_SNDBUFFORCE, opts->send_buffer);
	return fd;
}

static int open_tcp(const struct net_address *at, const struct net_opts *opts, struct fault *why)
{
	const int fd = socket(at->sa.ss_family, SOCK_STREAM | SOCK_CLOEXEC, 0);

	if (fd < 0 || !set_freebind(fd, at, opts) || !set(fd, SOL_SOCKET, SO_REUSEADDR, 1) || !set(fd, SOL_SOCKET, SO_REUSEPORT, 1) ||
		!set_family(fd, at, SOCK_STREAM))
		return refuse_and_close(fd, at, "TCP", why);
	set_stream(fd);
	return bind_to(fd, at) && listen(fd, BACKLOG) == 0 ? fd : refuse_and_close(fd, at, "TCP", why);
}

int listen_tcp(const struct net_address *at, const struct net_opts *opts, unsigned k, struct fault *why)
{
	int fd = given_take(opts->given, SOCK_STREAM, (const struct sockaddr *)&at->sa, at->len, k);

	if (fd < 0)
		fd = open_tcp(at, opts, why);
	else
		set_stream(fd);
	if (fd >= 0)
		set_blocking(fd, false);
	return fd;
}

/* The kernel counts its own overhead too, and so tells twice what was asked for. */
static void check_buffer(
	int fd, int option, unsigned wanted, const char *key, const char *sysctl)
{
	int got = 0;
	socklen_t len = sizeof got;

	if (!wanted || getsockopt(fd, SOL_SOCKET, option, &got, &len) != 0 ||
		(unsigned)got / 2 >= wanted)
		return;
	log_line(LOG_WARNING,
		"server: %s: %u bytes are wanted, the kernel gives %u (raise the sysctl %s, or "
		"start with CAP_NET_ADMIN)",
		key, wanted, (unsigned)got / 2, sysctl);
}

void listen_check_buffers(int fd, const struct net_opts *opts)
{
	check_buffer(
		fd, SO_RCVBUF, opts->receive_buffer, "receive-buffer", "net.core.rmem_max");
	check_buffer(fd, SO_SNDBUF, opts->send_buffer, "send-buffer", "net.core.wmem_max");
}
