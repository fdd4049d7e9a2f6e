/* xdp_frame.h - in the kernel: what are the headers of a frame, down to those of UDP?
 *
 * What the kernel's network stack knows better about is not read: fragments, options and extension headers, NOTIFY
 * and UPDATE, sources that no host has, frames of another card's address.
 */
#ifndef NET_BPF_XDP_FRAME_H
#define NET_BPF_XDP_FRAME_H

#include <linux/bpf.h>
#include <linux/if_ether.h>
#include <linux/in.h>
#include <linux/ip.h>
#include <linux/ipv6.h>
#include <linux/udp.h>

#include <bpf/bpf_endian.h>
#include <bpf/bpf_helpers.h>

#include "net/xdp_shared.h"

struct tag {
	__be16 tci, type;
};

struct packet {
	void *at, *end;
	__u32 link; /* bytes in front of the IP header */
	__u32 from; /* IPv4 */
	bool is_v6;
	__be16 type;
	struct xdp_own to;
	__u32 behind; /* bytes behind the IP header */
};

static __always_inline bool is_to(const struct ethhdr *e, const __u16 mac[3])
{
	const __u16 *to = (const void *)e->h_dest;

	return to[0] == mac[0] && to[1] == mac[1] && to[2] == mac[2];
}

/* Its headers up to that of IP. A frame to all, or to another card, is not looked at. */
static __always_inline bool read_link(struct packet *p, const __u16 mac[3])
{
	struct ethhdr *e = p->at;

	if ((void *)(e + 1) > p->end || !is_to(e, mac) || (e->h_source[0] & 1))
		return false;
	p->type = e->h_proto;
	p->at = e + 1;
	p->link = sizeof *e;
	for (int i = 0; i < 2; i++) {
		struct tag *t = p->at;
		if (p->type != bpf_htons(ETH_P_8021Q) && p->type != bpf_htons(ETH_P_8021AD))
			break;
		if ((void *)(t + 1) > p->end)
			return false;
		p->type = t->type;
		p->at = t + 1;
		p->link += sizeof *t;
	}
	return true;
}

static __always_inline bool read_v4(struct packet *p)
{
	struct iphdr *ip = p->at;

	if ((void *)(ip + 1) > p->end || ip->version != 4 || ip->ihl != 5 || ip->protocol != IPPROTO_UDP ||
		(ip->frag_off & bpf_htons(0xbfff)) || bpf_ntohs(ip->tot_len) < sizeof *ip)
		return false;
	const __u8 net = bpf_ntohl(ip->saddr) >> 24;
	if (net == 0 || net == 127 || net >= 224)
		return false;
	p->from = bpf_ntohl(ip->saddr);
	p->to.addr[2] = bpf_htonl(0xffff);
	p->to.addr[3] = ip->daddr;
	p->behind = bpf_ntohs(ip->tot_len) - sizeof *ip;
	p->at = ip + 1;
	return true;
}

static __always_inline bool read_v6(struct packet *p)
{
	struct ipv6hdr *ip = p->at;

	if ((void *)(ip + 1) > p->end || ip->version != 6 || ip->nexthdr != IPPROTO_UDP ||
		ip->saddr.s6_addr[0] == 0xff)
		return false;
	/* ::, ::1 and those of IPv4 in disguise. */
	if (!ip->saddr.s6_addr32[0] && !ip->saddr.s6_addr32[1] && !ip->saddr.s6_addr32[2])
		return false;
	p->is_v6 = true;
	__builtin_memcpy(p->to.addr, &ip->daddr, sizeof p->to.addr);
	p->behind = bpf_ntohs(ip->payload_len);
	p->at = ip + 1;
	return true;
}

/* Of an ordinary query, and only of one, the bits of QR and OPCODE are 0. Whether all of the packet is there is seen when it is
 * read: offsets that the packet tells would want one privilege more (CAP_PERFMON). */
static __always_inline bool read_udp(struct packet *p)
{
	struct udphdr *udp = p->at;
	__u8 *dns = (void *)(udp + 1);

	if ((void *)(dns + XDP_DNS_HEAD) > p->end || !udp->source || bpf_ntohs(udp->len) != p->behind ||
		(dns[2] & 0xf8) || p->behind < sizeof *udp + XDP_DNS_HEAD)
		return false;
	p->to.port = udp->dest;
	return true;
}

#endif
