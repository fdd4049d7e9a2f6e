#include "probe/proxy_header.h"

#include "base/addr.h"
#include "base/bytes.h"

#include <netinet/in.h>
#include <stdio.h>
#include <string.h>
#include <sys/socket.h>

/* One end of the connection. */
struct end {
	struct addr addr;
	unsigned port;
	bool v6;
};

static bool get_end(struct end *to, int fd, int (*get)(int, struct sockaddr *, socklen_t *))
{
	struct sockaddr_storage sa = { 0 };
	socklen_t len = sizeof sa;

	if (get(fd, (struct sockaddr *)&sa, &len) != 0 ||
		(sa.ss_family != AF_INET && sa.ss_family != AF_INET6))
		return false;
	to->addr = addr_from_sockaddr((struct sockaddr *)&sa);
	to->v6 = sa.ss_family == AF_INET6;
	to->port = ntohs(to->v6 ? ((struct sockaddr_in6 *)&sa)->sin6_port
				: ((struct sockaddr_in *)&sa)->sin_port);
	return true;
}

static size_t version_1(uint8_t *to, const struct end *from, const struct end *at)
{
	char a[ADDR_TEXT], b[ADDR_TEXT];
	const int n = snprintf((char *)to, PROXY_HEADER_MOST, "PROXY TCP%u %s %s %u %u\r\n",
		from->v6 ? 6 : 4, addr_text(a, &from->addr), addr_text(b, &at->addr),
		from->port, at->port);

	return n > 0 && n < PROXY_HEADER_MOST ? (size_t)n : 0;
}

static size_t version_2(uint8_t *to, const struct end *from, const struct end *at)
{
	static const uint8_t signature[12] = "\r\n\r\n\0\r\nQUIT\n";
	const size_t skip = from->v6 ? 0 : 12, n = 16 - skip;

	memcpy(to, signature, 12);
	to[12] = 0x21;                   /* version 2, PROXY */
	to[13] = from->v6 ? 0x21 : 0x11; /* stream over IPv6 or IPv4 */
	be16_put(to + 14, (unsigned)(2 * n + 4));
	memcpy(to + 16, from->addr.b + skip, n);
	memcpy(to + 16 + n, at->addr.b + skip, n);
	be16_put(to + 16 + 2 * n, from->port);
	be16_put(to + 18 + 2 * n, at->port);
	return 20 + 2 * n;
}

size_t proxy_header_make(uint8_t to[static PROXY_HEADER_MOST], unsigned version, int fd)
{
	struct end from, at;

	if (!get_end(&from, fd, getsockname) || !get_end(&at, fd, getpeername))
		return 0;
	return version == 1 ? version_1(to, &from, &at) : version_2(to, &from, &at);
}
