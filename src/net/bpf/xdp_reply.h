/* xdp_reply.h - in the kernel: the frame that asked becomes the one that answers.
 *
 * Sums are those of RFC 1071, of words as they stand in memory: their order does not matter to them.
 */
#ifndef NET_BPF_XDP_REPLY_H
#define NET_BPF_XDP_REPLY_H

#include "net/bpf/xdp_asked.h"

static __always_inline __u16 fold(__u64 sum)
{
	sum = (sum & 0xffffffffu) + (sum >> 32);
	sum = (sum & 0xffff) + (sum >> 16);
	sum = (sum & 0xffff) + (sum >> 16);
	return (sum & 0xffff) + (sum >> 16);
}

/* Turns the headers around; `behind` is the length of what is behind that of IP. Returns where UDP begins, NULL when
 * the frame is not as we have made it; `*sum` gets that of its addresses. */
static __always_inline struct udphdr *turn_v4(void *at, void *end, __u32 behind, __u64 *sum)
{
	struct iphdr *ip = at;

	if ((void *)(ip + 1) > end)
		return NULL;
	const __be32 from = ip->saddr, to = ip->daddr;
	const __be16 len = bpf_htons(sizeof *ip + behind);
	*sum = (__u64)from + to;
	*(__u32 *)ip = bpf_htonl(0x45000000) | (__u32)len << 16;
	*((__u32 *)ip + 1) = bpf_htonl(0x4000); /* no fragments */
	*((__u32 *)ip + 2) = bpf_htons(64 << 8 | IPPROTO_UDP) |
		(__u32)(__u16)~fold(*sum + len + bpf_htons(0x4500) + bpf_htons(0x4000) + bpf_htons(64 << 8 | IPPROTO_UDP)) << 16;
	ip->saddr = to;
	ip->daddr = from;
	return (void *)(ip + 1);
}

static __always_inline struct udphdr *turn_v6(void *at, void *end, __u32 behind, __u64 *sum)
{
	struct ipv6hdr *ip = at;

	if ((void *)(ip + 1) > end)
		return NULL;
	const struct in6_addr from = ip->saddr, to = ip->daddr;
	ip->priority = 0;
	ip->flow_lbl[0] = ip->flow_lbl[1] = ip->flow_lbl[2] = 0;
	ip->payload_len = bpf_htons(behind);
	ip->hop_limit = 64;
	ip->saddr = to;
	ip->daddr = from;
	*sum = 0;
	for (int i = 0; i < 4; i++)
		*sum += (__u64)from.s6_addr32[i] + to.s6_addr32[i];
	return (void *)(ip + 1);
}

static __always_inline void turn_link(struct ethhdr *e)
{
	__u16 *to = (void *)e->h_dest, *from = (void *)e->h_source;

	for (int i = 0; i < ETH_ALEN / 2; i++) {
		const __u16 was = to[i];
		to[i] = from[i];
		from[i] = was;
	}
}

/* All in front of the question, which has stayed; `sum`: of what is written behind it, and of what is held. */
static __always_inline bool write_heads(
	const struct xdp_md *c, const struct packet *p, const struct asked *a, const struct xdp_held *h, __u64 sum)
{
	void *data = (void *)(long)c->data, *end = (void *)(long)c->data_end;
	void *ip = data + (p->link & 31);
	const __u32 behind = sizeof(struct udphdr) + sizeof(struct dns) + a->len + h->len;
	__u64 more;

	if (data + sizeof(struct ethhdr) > end)
		return false;
	struct udphdr *udp = p->is_v6 ? turn_v6(ip, end, behind, &more) : turn_v4(ip, end, behind, &more);
	if (!udp || (void *)(udp + 1) + sizeof(struct dns) > end)
		return false;
	turn_link(data);
	struct dns *d = (void *)(udp + 1);
	const __be16 port = udp->source;
	udp->source = udp->dest;
	udp->dest = port;
	udp->len = bpf_htons(behind);
	*(__u16 *)d->flags = h->flags | a->rd;
	*(__u64 *)d->counts = h->counts_word;
	/* Without what its upper-case letters are less by: the complement of that is as much as its opposite. */
	sum += more + udp->source + port + a->id + a->rd + (__u16)~fold(a->upper);
	const __u16 check = ~fold(sum);
	udp->check = check ? check : 0xffff;
	return true;
}

/* A word at a time, the last one over what is there of the one before; `len` is 8 to XDP_SHORT. A function of the kernel for that costs as
 * much as all else that is done to the headers: its return is one that may not be predicted, and its copying begins slowly. */
static __always_inline bool copy_short(__u8 *to, const __u8 *from, __u32 len, const void *end)
{
	__u32 last = len - 8;

	/* Whoever takes the program sees where it ends. */
	asm volatile("" : "+r"(last));
	if (last > XDP_SHORT - 8)
		return false;
	for (__u32 i = 0; i < XDP_SHORT / 8 - 1; i++) {
		if (last <= 8 * i)
			break;
		if ((void *)(to + 8 * i + 8) > end)
			return false;
		*(__u64 *)(to + 8 * i) = *(const __u64 *)(from + 8 * i);
	}
	to += last;
	if ((void *)(to + 8) > end)
		return false;
	*(__u64 *)to = *(const __u64 *)(from + last);
	return true;
}

/* What is held, at byte `at` of the frame. */
static __always_inline bool put_bytes(
	struct xdp_md *c, __u32 at, const struct xdp_held *h, const struct xdp_held_long *more, __u32 len)
{
	if (len > XDP_SHORT)
		return more && bpf_xdp_store_bytes(c, at, (void *)more->bytes, len) == 0;
	return copy_short((void *)(long)c->data + (at & 1023), h->bytes, len, (void *)(long)c->data_end);
}

/* The answer to `a`, which is held, with the scope that who asks gets; `more`: what is long of it. -1: it is not for here, and the frame
 * is as it was. */
static __always_inline int reply(struct xdp_md *c, const struct packet *p, struct asked *a, const struct xdp_held *h,
	const struct xdp_held_long *more)
{
	const __u32 message = p->link + (p->is_v6 ? sizeof(struct ipv6hdr) : sizeof(struct iphdr)) + sizeof(struct udphdr);
	const __u32 at = sizeof(struct dns) + a->len;
	const __u32 len = h->len;
	__u64 sum = h->sum, had = (void *)(long)c->data_end - (void *)(long)c->data;

	/* The subtraction is of pointers, which are of 64 bits, whatever becomes of its result. */
	asm volatile("" : "+r"(had));
	if (len < 8 || len > XDP_BYTES_MOST || at + len > a->payload)
		return -1;
	if (bpf_xdp_adjust_tail(c, (int)(message + at + len) - (int)had))
		return -1;
	if (!put_bytes(c, message + at, h, more, len))
		return XDP_DROP;
	if (h->subnet_at) {
		const __u32 from = h->subnet_at - 1;
		__u8 *to = (void *)(long)c->data + ((message + from) & 1023);
		if ((void *)(to + sizeof a->subnet) > (void *)(long)c->data_end)
			return XDP_DROP;
		*(__u32 *)to = a->subnet;
		sum += (__u64)a->subnet << 8 * (from & 1);
	}
	return write_heads(c, p, a, h, sum) ? XDP_TX : XDP_DROP;
}

#endif
