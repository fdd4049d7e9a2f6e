#include "net/listen.h"

#include "base/addr.h"

#include <errno.h>
#include <netinet/in.h>
#include <netinet/tcp.h>
#include <string.h>
#include <unistd.h>

enum { RECEIVE_BUFFER = 4 << 20, BACKLOG = 512, FAST_OPENS = 256, UNSENT_MOST = 128 << 10 };

static bool set(int fd, int level, int option, int value)
{
	return setsockopt(fd, level, option, &value, sizeof value) == 0;
}

static bool is_any(const struct net_address *at)
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
	const bool any = type == SOCK_DGRAM && is_any(at);

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
			: errno == EADDRNOTAVAIL ? " (this machine has no such address)"
						 : "");
}

bool listen_is_free(const struct net_address *at, struct fault *why)
{
	const int fd = socket(at->sa.ss_family, SOCK_DGRAM | SOCK_CLOEXEC, 0);
	const bool ok = fd >= 0 &&
		(at->sa.ss_family == AF_INET || set(fd, IPPROTO_IPV6, IPV6_V6ONLY, 1)) &&
		bind(fd, (const struct sockaddr *)&at->sa, at->len) == 0;

	if (!ok)
		refuse(at, "UDP", why);
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

int listen_open(const struct net_address *at, int type, struct fault *why)
{
	const int fd = socket(at->sa.ss_family,
		type | SOCK_CLOEXEC | (type == SOCK_STREAM ? SOCK_NONBLOCK : 0), 0);

	if (fd < 0) {
		refuse(at, type == SOCK_DGRAM ? "UDP" : "TCP", why);
		return -1;
	}
	set(fd, SOL_SOCKET, SO_REUSEADDR, type == SOCK_STREAM);
	if (type == SOCK_DGRAM)
		set(fd, SOL_SOCKET, SO_RCVBUF,
			RECEIVE_BUFFER); /* as much of it as net.core.rmem_max allows */
	else
		set_stream(fd);
	if (set(fd, SOL_SOCKET, SO_REUSEPORT, 1) && set_family(fd, at, type) &&
		bind(fd, (const struct sockaddr *)&at->sa, at->len) == 0 &&
		(type == SOCK_DGRAM || listen(fd, BACKLOG) == 0))
		return fd;
	refuse(at, type == SOCK_DGRAM ? "UDP" : "TCP", why);
	close(fd);
	return -1;
}
