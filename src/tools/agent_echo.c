#include "tools/agent_echo.h"

#include "base/bytes.h"
#include "base/memory.h"

#include <errno.h>
#include <netinet/in.h>
#include <netinet/ip.h>
#include <stdlib.h>
#include <string.h>
#include <sys/socket.h>
#include <time.h>
#include <unistd.h>

enum {
	V4_REQUEST = 8,
	V4_REPLY = 0,
	V6_REQUEST = 128,
	V6_REPLY = 129,
	HEADER = 8, /* type, code, checksum, identifier, sequence */
	MAGIC_AT = HEADER,
	TOKEN_AT = MAGIC_AT + 8,
	LENGTH = TOKEN_AT + 8 + 32 /* about what ping(8) sends */
};

static const char magic[8] = { 'w', 'a', 'y', 'm', 'a', 'r', 'k', '1' };

struct echo {
	struct echo_socket {
		int fd; /* -1: none */
		bool raw;
	} v4, v6;
};

/* --- sockets ------------------------------------------------------------------------------ */

static void open_one(struct echo_socket *s, bool v4)
{
	const int family = v4 ? AF_INET : AF_INET6;
	const int protocol = v4 ? IPPROTO_ICMP : IPPROTO_ICMPV6;
	const int one = 1;

	s->raw = false;
	s->fd = socket(family, SOCK_DGRAM | SOCK_CLOEXEC | SOCK_NONBLOCK, protocol);
	if (s->fd < 0) {
		s->fd = socket(family, SOCK_RAW | SOCK_CLOEXEC | SOCK_NONBLOCK, protocol);
		s->raw = true;
	}
	if (s->fd >= 0)
		setsockopt(s->fd, SOL_SOCKET, SO_TIMESTAMPNS, &one, sizeof one);
}

struct echo *echo_open(struct fault *why)
{
	struct echo *e = memory_zeroed(1, sizeof *e);

	why->text[0] = 0;
	open_one(&e->v4, true);
	const int error = errno;
	open_one(&e->v6, false);
	if (e->v4.fd >= 0 && (e->v6.fd >= 0 || errno == EAFNOSUPPORT))
		return e;
	fault(why,
		"%s: no socket for ICMP echo (%s): group %d is not in the sysctl "
		"net.ipv4.ping_group_range and we lack CAP_NET_RAW; either would do",
		e->v4.fd < 0 ? "IPv4" : "IPv6", strerror(e->v4.fd < 0 ? error : errno),
		(int)getegid());
	if (e->v4.fd >= 0 || e->v6.fd >= 0)
		return e;
	echo_close(e);
	return NULL;
}

void echo_close(struct echo *e)
{
	if (!e)
		return;
	if (e->v4.fd >= 0)
		close(e->v4.fd);
	if (e->v6.fd >= 0)
		close(e->v6.fd);
	free(e);
}

int echo_fd(const struct echo *e, bool v4)
{
	return v4 ? e->v4.fd : e->v6.fd;
}

/* --- out ---------------------------------------------------------------------------------- */

/* RFC 1071. The kernel sees to it for ping sockets and for IPv6. */
static void put_checksum(uint8_t *packet, size_t len)
{
	uint32_t sum = 0;

	for (size_t i = 0; i < len; i += 2)
		sum += be16_get(packet + i);
	while (sum >> 16)
		sum = (sum & 0xffff) + (sum >> 16);
	be16_put(packet + 2, ~sum & 0xffff);
}

bool echo_send(struct echo *e, const struct addr *to, const struct echo_tag *tag)
{
	const bool v4 = addr_is_v4(to);
	const struct echo_socket *s = v4 ? &e->v4 : &e->v6;
	struct sockaddr_in sa4 = { .sin_family = AF_INET };
	struct sockaddr_in6 sa6 = { .sin6_family = AF_INET6 };
	uint8_t packet[LENGTH] = { v4 ? V4_REQUEST : V6_REQUEST };

	if (s->fd < 0)
		return false;
	be16_put(packet + 4, (unsigned)getpid() & 0xffff); /* a ping socket puts its own */
	be16_put(packet + 6, tag->sequence);
	memcpy(packet + MAGIC_AT, magic, sizeof magic);
	be64_put(packet + TOKEN_AT, tag->token);
	if (v4)
		put_checksum(packet, sizeof packet);
	memcpy(&sa4.sin_addr, to->b + 12, 4);
	memcpy(&sa6.sin6_addr, to->b, 16);
	return sendto(s->fd, packet, sizeof packet, MSG_NOSIGNAL,
		       v4 ? (const struct sockaddr *)&sa4 : (const struct sockaddr *)&sa6,
		       v4 ? sizeof sa4 : sizeof sa6) == (ssize_t)sizeof packet;
}

/* --- in ----------------------------------------------------------------------------------- */

bool echo_parse(const uint8_t *packet, size_t len, bool v4, bool raw, struct echo_tag *tag)
{
	if (v4 && raw) {
		const size_t header = len ? (packet[0] & 15u) * 4u : 0;
		if (header < sizeof(struct iphdr) || len < header)
			return false;
		packet += header;
		len -= header;
	}
	if (len < TOKEN_AT + 8 || packet[0] != (v4 ? V4_REPLY : V6_REPLY) || packet[1] != 0 ||
		memcmp(packet + MAGIC_AT, magic, sizeof magic) != 0)
		return false;
	tag->sequence = be16_get(packet + 6);
	tag->token = be64_get(packet + TOKEN_AT);
	return true;
}

/* The kernel's stamp is time of day, and so is what it is held against: a clock that was set
 * between the two would show as a wait that is no wait. */
static double waited(const struct msghdr *m)
{
	struct timespec now, then;

	for (struct cmsghdr *c = CMSG_FIRSTHDR(m); c;
		c = CMSG_NXTHDR((struct msghdr *)(uintptr_t)m, c)) {
		if (c->cmsg_level != SOL_SOCKET || c->cmsg_type != SCM_TIMESTAMPNS)
			continue;
		memcpy(&then, CMSG_DATA(c), sizeof then);
		clock_gettime(CLOCK_REALTIME, &now);
		const double s = (double)(now.tv_sec - then.tv_sec) +
			(double)(now.tv_nsec - then.tv_nsec) / 1e9;
		return s > 0 && s < 1 ? s : 0;
	}
	return 0;
}

bool echo_next(struct echo *e, bool v4, struct echo_reply *to)
{
	const struct echo_socket *s = v4 ? &e->v4 : &e->v6;
	uint8_t packet[256];
	struct sockaddr_storage from;
	char control[CMSG_SPACE(sizeof(struct timespec)) + 64];

	for (;;) {
		struct iovec bytes = { packet, sizeof packet };
		struct msghdr m = { .msg_name = &from,
			.msg_namelen = sizeof from,
			.msg_iov = &bytes,
			.msg_iovlen = 1,
			.msg_control = control,
			.msg_controllen = sizeof control };
		const ssize_t n = recvmsg(s->fd, &m, 0);
		if (n < 0 && errno != EAGAIN && errno != EBADF)
			continue; /* an ICMP error for one of them: its time runs out */
		if (n < 0)
			return false;
		if (!echo_parse(packet, (size_t)n, v4, s->raw, &to->tag))
			continue;
		to->from = addr_from_sockaddr((const struct sockaddr *)&from);
		to->waited_s = waited(&m);
		return true;
	}
}
