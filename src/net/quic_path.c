#include "net/quic_inner.h"

#include <string.h>
#include <sys/socket.h>

void quic_local(const struct quic_socket *s, struct msghdr *m, struct sockaddr_storage *to)
{
	*to = s->at;
	for (struct cmsghdr *c = s->any ? CMSG_FIRSTHDR(m) : NULL; c; c = CMSG_NXTHDR(m, c)) {
		if (c->cmsg_level == IPPROTO_IP && c->cmsg_type == IP_PKTINFO) {
			struct in_pktinfo info;
			memcpy(&info, CMSG_DATA(c), sizeof info);
			((struct sockaddr_in *)to)->sin_addr = info.ipi_addr;
		} else if (c->cmsg_level == IPPROTO_IPV6 && c->cmsg_type == IPV6_PKTINFO) {
			struct in6_pktinfo info;
			memcpy(&info, CMSG_DATA(c), sizeof info);
			((struct sockaddr_in6 *)to)->sin6_addr = info.ipi6_addr;
			/* Which interface is for the routing table to say, but for addresses
			 * that mean one only there. */
			if (IN6_IS_ADDR_LINKLOCAL(&info.ipi6_addr))
				((struct sockaddr_in6 *)to)->sin6_scope_id = info.ipi6_ifindex;
		}
	}
}

static size_t put_local(struct cmsghdr *c, const struct sockaddr *local)
{
	if (local->sa_family == AF_INET) {
		const struct in_pktinfo info = {
			.ipi_spec_dst = ((const struct sockaddr_in *)local)->sin_addr
		};
		c->cmsg_level = IPPROTO_IP;
		c->cmsg_type = IP_PKTINFO;
		c->cmsg_len = CMSG_LEN(sizeof info);
		memcpy(CMSG_DATA(c), &info, sizeof info);
		return CMSG_SPACE(sizeof info);
	}
	const struct sockaddr_in6 *six = (const struct sockaddr_in6 *)local;
	const struct in6_pktinfo info = { .ipi6_addr = six->sin6_addr,
		.ipi6_ifindex = six->sin6_scope_id };
	c->cmsg_level = IPPROTO_IPV6;
	c->cmsg_type = IPV6_PKTINFO;
	c->cmsg_len = CMSG_LEN(sizeof info);
	memcpy(CMSG_DATA(c), &info, sizeof info);
	return CMSG_SPACE(sizeof info);
}

void quic_send(struct quic_socket *s, const ngtcp2_path *path, const uint8_t *bytes, size_t len)
{
	_Alignas(struct cmsghdr)
		uint8_t control[CMSG_SPACE(sizeof(struct in6_pktinfo))] = { 0 };
	struct iovec v = { (void *)(uintptr_t)bytes, len };
	struct msghdr m = { .msg_name = path->remote.addr,
		.msg_namelen = path->remote.addrlen,
		.msg_iov = &v,
		.msg_iovlen = 1 };

	if (s->any) {
		m.msg_control = control;
		m.msg_controllen = sizeof control;
		m.msg_controllen = put_local(CMSG_FIRSTHDR(&m), path->local.addr);
	}
	if (sendmsg(s->io.fd, &m, MSG_DONTWAIT | MSG_NOSIGNAL) < 0)
		stats_add(&s->quic->stats.send_failed, 1);
}
