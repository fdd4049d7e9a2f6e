#include "tools/agent_diag.h"

#include "base/memory.h"

#include <arpa/inet.h>
#include <errno.h>
#include <libmnl/libmnl.h>
#include <linux/inet_diag.h>
#include <linux/netlink.h>
#include <linux/sock_diag.h>
#include <linux/tcp.h>
#include <netinet/in.h>
#include <stdlib.h>
#include <string.h>

enum { PART = 1 << 16, ESTABLISHED = 1 };

struct diag {
	struct mnl_socket *socket;
	unsigned sequence;
	_Alignas(8) char part[PART];
};

struct diag *diag_open(struct fault *why)
{
	struct diag *d = memory_zeroed(1, sizeof *d);

	d->socket = mnl_socket_open2(NETLINK_SOCK_DIAG, SOCK_CLOEXEC);
	if (d->socket && mnl_socket_bind(d->socket, 0, MNL_SOCKET_AUTOPID) == 0)
		return d;
	fault(why, "sock_diag: %s", strerror(errno));
	diag_close(d);
	return NULL;
}

void diag_close(struct diag *d)
{
	if (d && d->socket)
		mnl_socket_close(d->socket);
	free(d);
}

/* --- parsing ------------------------------------------------------------------------------ */

/* What kernels of other ages tell is shorter or longer than our struct; what is missing is 0.
 */
static int read_info(const struct nlattr *a, void *ctx)
{
	struct tcp_info *info = ctx;
	const size_t len = mnl_attr_get_payload_len(a);

	if (mnl_attr_get_type(a) == INET_DIAG_INFO)
		memcpy(info, mnl_attr_get_payload(a), len < sizeof *info ? len : sizeof *info);
	return MNL_CB_OK;
}

/* False when it is no connection that tells us anything. */
static bool read_connection(struct diag_connection *c, const struct nlmsghdr *h)
{
	struct inet_diag_msg msg;
	struct tcp_info info = { 0 };

	if (h->nlmsg_type != SOCK_DIAG_BY_FAMILY || mnl_nlmsg_get_payload_len(h) < sizeof msg)
		return false;
	memcpy(&msg, mnl_nlmsg_get_payload(h), sizeof msg);
	if (msg.idiag_family == AF_INET)
		c->peer = addr_from_v4((const uint8_t *)msg.id.idiag_dst);
	else if (msg.idiag_family == AF_INET6)
		memcpy(c->peer.b, msg.id.idiag_dst, sizeof c->peer.b);
	else
		return false;
	c->peer = addr_plain(&c->peer, NULL);
	c->cookie = (uint64_t)msg.id.idiag_cookie[1] << 32 | msg.id.idiag_cookie[0];
	mnl_attr_parse(h, sizeof msg, read_info, &info);
	/* All bits are set while there is none yet. */
	const bool has_min = info.tcpi_min_rtt && info.tcpi_min_rtt != UINT32_MAX;
	c->rtt_us = has_min ? info.tcpi_min_rtt : info.tcpi_rtt;
	c->sent = info.tcpi_data_segs_out;
	c->lost = info.tcpi_total_retrans - info.tcpi_dsack_dups;
	return c->rtt_us != 0;
}

/* Our own, since mnl_nlmsg_ok() of libmnl 1.0.4 takes a length from 2^31 on for a good one. */
static bool is_whole(const struct nlmsghdr *h, size_t left)
{
	return left >= sizeof *h && h->nlmsg_len >= sizeof *h && h->nlmsg_len <= left &&
		NLMSG_ALIGN(h->nlmsg_len) <= left;
}

enum diag_result diag_parse(
	const void *part, size_t len, diag_take *take, void *ctx, int *error)
{
	const uint8_t *at = part;
	struct diag_connection c;

	for (const struct nlmsghdr *h = part; is_whole(h, len);
		h = (const struct nlmsghdr *)(const void *)at) {
		const size_t payload = mnl_nlmsg_get_payload_len(h);
		if (h->nlmsg_type == NLMSG_ERROR || h->nlmsg_type == NLMSG_DONE) {
			int code = 0;
			if (payload >= sizeof code)
				memcpy(&code, mnl_nlmsg_get_payload(h), sizeof code);
			*error = code < 0 && code > -4096 ? -code : EPROTO;
			return h->nlmsg_type == NLMSG_DONE && code >= 0 ? DIAG_DONE
									: DIAG_FAILED;
		}
		if (read_connection(&c, h))
			take(ctx, &c);
		at += NLMSG_ALIGN(h->nlmsg_len);
		len -= NLMSG_ALIGN(h->nlmsg_len);
	}
	return DIAG_MORE;
}

/* --- asking ------------------------------------------------------------------------------- */

static bool ask(struct diag *d, int family, uint16_t port)
{
	struct nlmsghdr *h = mnl_nlmsg_put_header(d->part);

	h->nlmsg_type = SOCK_DIAG_BY_FAMILY;
	h->nlmsg_flags = NLM_F_REQUEST | NLM_F_DUMP;
	h->nlmsg_seq = ++d->sequence;
	struct inet_diag_req_v2 *q = mnl_nlmsg_put_extra_header(h, sizeof *q);
	q->sdiag_family = (uint8_t)family;
	q->sdiag_protocol = IPPROTO_TCP;
	q->idiag_ext = 1u << (INET_DIAG_INFO - 1);
	q->idiag_states = 1u << ESTABLISHED;
	q->id.idiag_sport = htons(port);
	return mnl_socket_sendto(d->socket, h, h->nlmsg_len) >= 0;
}

static bool scan_family(struct diag *d, int family, uint16_t port, diag_take *take, void *ctx)
{
	int error = 0;

	if (!ask(d, family, port))
		return false;
	for (;;) {
		const ssize_t n = mnl_socket_recvfrom(d->socket, d->part, sizeof d->part);
		if (n < 0 && errno == EINTR)
			continue;
		if (n < 0)
			return false;
		/* What is left of an answer that we gave up is nobody's. */
		const struct nlmsghdr *h = (const struct nlmsghdr *)d->part;
		if ((size_t)n >= sizeof *h && h->nlmsg_seq != d->sequence)
			continue;
		switch (diag_parse(d->part, (size_t)n, take, ctx, &error)) {
		case DIAG_MORE: continue;
		case DIAG_DONE: return true;
		case DIAG_FAILED: errno = error; return false;
		}
	}
}

bool diag_scan(struct diag *d, uint16_t port, diag_take *take, void *ctx, struct fault *why)
{
	if (scan_family(d, AF_INET, port, take, ctx) &&
		(scan_family(d, AF_INET6, port, take, ctx) || errno == EAFNOSUPPORT))
		return true;
	return fault(why, "sock_diag: %s%s", strerror(errno),
		errno == ENOENT ? " (the kernel does not tell of TCP connections; load the "
				  "module tcp_diag)"
				: "");
}
