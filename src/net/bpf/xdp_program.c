/* xdp_program.c - in the kernel, at the door of an interface: which frames come to us by AF_XDP, and which are
 * answered at once?
 *
 * Queries over UDP to an address and port of ours; all else goes its way to the kernel, and so does what
 * the kernel knows better about: fragments, options and extension headers, NOTIFY and UPDATE, sources that
 * no host has, frames of another card's address. Built for BPF by clang; net/xdp_device.c loads it.
 */
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

struct {
	__uint(type, BPF_MAP_TYPE_XSKMAP);
	__uint(max_entries, XDP_QUEUES_MOST);
	__type(key, __u32);
	__type(value, __u32);
} sockets SEC(".maps");

struct {
	__uint(type, BPF_MAP_TYPE_HASH);
	__uint(max_entries, XDP_OWN_MOST);
	__type(key, struct xdp_own);
	__type(value, __u8);
} own SEC(".maps");

struct {
	__uint(type, BPF_MAP_TYPE_HASH);
	__uint(max_entries, XDP_SLOTS);
	__type(key, struct xdp_question);
	__type(value, __u32); /* its slot */
} questions SEC(".maps");

struct {
	__uint(type, BPF_MAP_TYPE_ARRAY);
	__uint(map_flags, BPF_F_MMAPABLE);
	__uint(max_entries, 2 * XDP_SLOTS); /* [slot][generation & 1] */
	__type(key, __u32);
	__type(value, struct xdp_held);
} held SEC(".maps");

/* Who asks for what is steered, in the place that xdp_client_line() says. */
struct {
	__uint(type, BPF_MAP_TYPE_ARRAY);
	__uint(map_flags, BPF_F_MMAPABLE);
	__uint(max_entries, XDP_LINES);
	__type(key, __u32);
	__type(value, struct xdp_line);
} clients SEC(".maps");

/* Answers given: [processor][slot][is_v6]; as many as there are processors. */
struct {
	__uint(type, BPF_MAP_TYPE_ARRAY);
	__uint(map_flags, BPF_F_MMAPABLE);
	__uint(max_entries, 2 * XDP_SLOTS);
	__type(key, __u32);
	__type(value, __u64);
} given SEC(".maps");

struct xdp_state state;

struct packet {
	void *at, *end;
	__u32 link; /* bytes in front of the IP header */
	__u32 from; /* IPv4 */
	bool is_v6;
	__be16 type;
	struct xdp_own to;
	__u32 behind; /* bytes behind the IP header */
};

static __always_inline bool is_to_us(const struct ethhdr *e)
{
	const __u16 *to = (const void *)e->h_dest;

	return to[0] == state.mac[0] && to[1] == state.mac[1] && to[2] == state.mac[2];
}

/* Its headers up to that of IP. A frame to all, or to another card, is not looked at. */
static __always_inline bool read_link(struct packet *p)
{
	struct ethhdr *e = p->at;

	if ((void *)(e + 1) > p->end || !is_to_us(e) || (e->h_source[0] & 1))
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

static __always_inline bool is_own(const struct packet *p)
{
	const struct xdp_own *first = &state.first[p->is_v6];

	return (p->to.port == *(volatile __be16 *)&first->port && p->to.addr[3] == first->addr[3] &&
		       p->to.addr[2] == first->addr[2] && p->to.addr[1] == first->addr[1] &&
		       p->to.addr[0] == first->addr[0]) ||
		bpf_map_lookup_elem(&own, &p->to);
}

/* A query for us: `p` is at its UDP header. */
static __always_inline bool is_ours(const struct xdp_md *c, struct packet *p)
{
	p->at = (void *)(long)c->data;
	p->end = (void *)(long)c->data_end;
	if (p->at + XDP_FRAME_MOST < p->end || !read_link(p))
		return false;
	if (p->type == bpf_htons(ETH_P_IP) ? !read_v4(p) : p->type != bpf_htons(ETH_P_IPV6) || !read_v6(p))
		return false;
	return read_udp(p) && is_own(p);
}

/* A queue without a socket of ours: to the kernel. */
static __always_inline int redirect(const struct xdp_md *c)
{
	return bpf_redirect_map(&sockets, c->rx_queue_index, XDP_PASS);
}

SEC("xdp") int waymark_xdp(struct xdp_md *c)
{
	struct packet p = { 0 };

	return is_ours(c, &p) ? redirect(c) : XDP_PASS;
}

/* --- answers at once ------------------------------------------------------------------------ */

struct dns {
	__be16 id;
	__u8 flags[2];
	__be16 counts[4];
};

struct asked {
	struct xdp_question q;
	__u32 len;     /* of the question, from its name on */
	__u32 opt_len; /* of the OPT record behind it */
	__u32 payload; /* bytes of an answer that the asker takes */
	__u32 sum;     /* of the question, in words */
	__be16 id;
	__u8 subnet[1 + XDP_SUBNET]; /* the scope of the answer, and the net */
};

/* A byte at that place of the message is the first or the second of a word. */
static __always_inline __u32 word(__u32 at, __u8 byte)
{
	return at & 1 ? byte : (__u32)byte << 8;
}

/* The question behind the header at `at`. */
static __always_inline bool read_name(struct asked *a, const __u8 *at, const void *end)
{
	__u32 left = 0;

	for (__u32 i = 0; i < XDP_NAME_MOST; i++) {
		if ((void *)(at + i + 1) > end)
			return false;
		const __u8 b = at[i];
		a->sum += word(i, b);
		if (!left && b > 63)
			return false;
		a->q.name[i] = left && (__u8)(b - 'A') < 26 ? b | 0x20 : b;
		if (!left && !b) {
			a->len = i + 1;
			return true;
		}
		left = left ? left - 1 : b;
	}
	return false;
}

static __always_inline bool read_class(struct asked *a, const __u8 *at, const void *end)
{
	at += a->len & 127;
	if ((void *)(at + 4) > end || at[2] || at[3] != 1)
		return false;
	for (__u32 i = 0; i < 4; i++)
		a->sum += word(a->len + i, at[i]);
	a->q.type = bpf_htons(at[0] << 8 | at[1]);
	a->len += 4;
	return true;
}

/* A subnet of IPv4, /24, and nothing beside it. */
static __always_inline bool read_subnet(struct asked *a, const __u8 *at, const void *end)
{
	if ((void *)(at + 8 + XDP_SUBNET) > end || at[0] || at[1] != 8 || at[2] || at[3] != 4 + XDP_SUBNET ||
		at[4] || at[5] != 1 || at[6] != 24 || at[7])
		return false;
	for (int i = 0; i < XDP_SUBNET; i++)
		a->subnet[1 + i] = at[8 + i];
	a->q.says |= XDP_ECS;
	a->opt_len += 8 + XDP_SUBNET;
	return true;
}

/* The OPT record, which ends the message. */
static __always_inline bool read_opt(struct asked *a, const __u8 *at, const void *end)
{
	at += a->len & 127;
	if ((void *)(at + 11) > end || at[0] || at[1] || at[2] != 41 || at[5] || at[6] || (at[7] & 0x7f) ||
		at[8] || at[9])
		return false;
	a->q.says |= XDP_EDNS | (at[7] ? XDP_DO : 0);
	a->opt_len = 11;
	const __u32 payload = at[3] << 8 | at[4];
	if (payload > a->payload)
		a->payload = payload;
	return !at[10] || (at[10] == 8 + XDP_SUBNET && read_subnet(a, at + 11, end));
}

static __always_inline bool read_query(struct asked *a, const struct packet *p)
{
	const struct dns *h = p->at + sizeof(struct udphdr);
	const __u8 *at = (const void *)(h + 1);

	if ((void *)at > p->end || (h->flags[0] & 0xfe) || (h->flags[1] & 0xcf) ||
		h->counts[0] != bpf_htons(1) || h->counts[1] || h->counts[2] || (h->counts[3] & ~bpf_htons(1)))
		return false;
	a->payload = 512;
	a->id = h->id;
	if (!read_name(a, at, p->end) || !read_class(a, at, p->end))
		return false;
	if (h->counts[3] && !read_opt(a, at, p->end))
		return false;
	return p->behind == sizeof(struct udphdr) + sizeof *h + a->len + a->opt_len;
}

static __always_inline __u16 fold(__u64 sum)
{
	for (int i = 0; i < 4; i++)
		sum = (sum >> 16) + (sum & 0xffff);
	return (__u16)~sum;
}

static __always_inline __u32 sum_words(const __be16 *p, int n)
{
	__u32 sum = 0;

	for (int i = 0; i < n; i++)
		sum += bpf_ntohs(p[i]);
	return sum;
}

/* Turns the headers around; `behind` is the length of what is behind that of IP. Returns where UDP begins, NULL when
 * the frame is not as we have made it; `*sum` gets that of what UDP's sum counts of IP. */
static __always_inline struct udphdr *turn_v4(void *at, void *end, __u32 behind, __u32 *sum)
{
	struct iphdr *ip = at;

	if ((void *)(ip + 1) > end)
		return NULL;
	const __be32 from = ip->saddr;
	*ip = (struct iphdr){ .version = 4,
		.ihl = 5,
		.tot_len = bpf_htons(sizeof *ip + behind),
		.frag_off = bpf_htons(0x4000),
		.ttl = 64,
		.protocol = IPPROTO_UDP,
		.saddr = ip->daddr,
		.daddr = from };
	ip->check = bpf_htons(fold(sum_words((void *)ip, sizeof *ip / 2)));
	*sum = sum_words((void *)&ip->saddr, 4);
	return (void *)(ip + 1);
}

static __always_inline struct udphdr *turn_v6(void *at, void *end, __u32 behind, __u32 *sum)
{
	struct ipv6hdr *ip = at;

	if ((void *)(ip + 1) > end)
		return NULL;
	const struct in6_addr from = ip->saddr;
	ip->priority = 0;
	ip->flow_lbl[0] = ip->flow_lbl[1] = ip->flow_lbl[2] = 0;
	ip->payload_len = bpf_htons(behind);
	ip->hop_limit = 64;
	ip->saddr = ip->daddr;
	ip->daddr = from;
	*sum = sum_words((void *)&ip->saddr, 16);
	return (void *)(ip + 1);
}

static __always_inline void turn_link(struct ethhdr *e)
{
	__u8 from[ETH_ALEN];

	__builtin_memcpy(from, e->h_source, ETH_ALEN);
	__builtin_memcpy(e->h_source, e->h_dest, ETH_ALEN);
	__builtin_memcpy(e->h_dest, from, ETH_ALEN);
}

/* All in front of the question, which has stayed; `sum`: of the question and what is behind it. */
static __always_inline bool write_heads(
	const struct xdp_md *c, const struct packet *p, const struct xdp_held *h, __u32 behind, __u32 sum)
{
	void *data = (void *)(long)c->data, *end = (void *)(long)c->data_end;
	void *ip = data + (p->link & 31);
	__u32 more;

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
	d->flags[0] = (bpf_ntohs(h->flags) >> 8) | (d->flags[0] & 1);
	d->flags[1] = bpf_ntohs(h->flags) & 0xff;
	for (int i = 0; i < 3; i++)
		d->counts[1 + i] = h->counts[i];
	udp->check = 0;
	sum += more + IPPROTO_UDP + behind + sum_words((void *)udp, (sizeof *udp + sizeof *d) / 2);
	const __u16 check = fold(sum);
	udp->check = bpf_htons(check ? check : 0xffff);
	return true;
}

static __always_inline void count(__u32 slot, bool is_v6)
{
	const __u32 at = (bpf_get_smp_processor_id() * XDP_SLOTS + slot) * 2 + is_v6;
	__u64 *n = bpf_map_lookup_elem(&given, &at);

	/* One processor writes it. */
	if (n)
		++*n;
}

/* The answer to `a`, which is held. -1: it is not for here, and the frame is as it was. */
static __always_inline int give(
	struct xdp_md *c, const struct packet *p, const struct asked *a, const struct xdp_held *h)
{
	const __u32 message = p->link + (p->is_v6 ? sizeof(struct ipv6hdr) : sizeof(struct iphdr)) + sizeof(struct udphdr);
	const __u32 at = sizeof(struct dns) + a->len;
	const __u32 len = h->len;
	__u32 sum = a->sum + h->sum;
	__u64 had = (void *)(long)c->data_end - (void *)(long)c->data;

	/* The subtraction is of pointers, which are of 64 bits, whatever becomes of its result. */
	asm volatile("" : "+r"(had));
	if (!len || len > XDP_BYTES_MOST || at + len > a->payload)
		return -1;
	if (bpf_xdp_adjust_tail(c, (int)(message + at + len) - (int)had))
		return -1;
	if (bpf_xdp_store_bytes(c, message + at, (void *)h->bytes, len))
		return XDP_DROP;
	if (h->subnet_at) {
		__u8 *to = (void *)(long)c->data + ((message + h->subnet_at - 1) & 1023);
		if ((void *)(to + sizeof a->subnet) > (void *)(long)c->data_end)
			return XDP_DROP;
		for (__u32 i = 0; i < sizeof a->subnet; i++) {
			sum += word(h->subnet_at - 1 + i, a->subnet[i]);
			to[i] = a->subnet[i];
		}
	}
	return write_heads(c, p, h, sizeof(struct udphdr) + at + len, sum) ? XDP_TX : XDP_DROP;
}

static __always_inline const struct xdp_held *held_in(__u32 slot, __u32 generation)
{
	const __u32 half = slot * 2 + (generation & 1);
	const struct xdp_held *h = bpf_map_lookup_elem(&held, &half);

	return h && *(volatile __u32 *)&h->generation == generation ? h : NULL;
}

/* What who asks gets in that set; 0: it is not known here. Some go up, for the server wants to see who asks. */
static __always_inline __u64 find_client(const struct asked *a, const struct packet *p, __u32 set)
{
	const __u32 subnet = (__u32)a->subnet[1] << 24 | (__u32)a->subnet[2] << 16 | (__u32)a->subnet[3] << 8;
	const __u64 client = xdp_client(a->q.says & XDP_ECS ? subnet : p->from, set);
	const __u32 at = xdp_client_line(client);
	const struct xdp_line *line = bpf_map_lookup_elem(&clients, &at);

	if (!line || (p->is_v6 && !(a->q.says & XDP_ECS)))
		return 0;
	for (int i = 0; i < XDP_LINE; i++) {
		const __u64 is = *(volatile __u64 *)&line->of[i];
		if (xdp_client_is(is, client))
			return bpf_ntohs(a->id) % XDP_UP ? is : 0;
	}
	return 0;
}

static __always_inline int answer_held(struct xdp_md *c, const struct packet *p)
{
	const __u32 generation = *(volatile __u32 *)&state.generation;
	struct asked a = { 0 };

	if (!generation || !read_query(&a, p))
		return -1;
	const __u32 *slot = bpf_map_lookup_elem(&questions, &a.q);
	if (!slot)
		return -1;
	__u32 n = *slot;
	const struct xdp_held *h = held_in(n, generation);
	if (h && h->set) {
		const __u64 is = find_client(&a, p, h->set);
		if (!is)
			return -1;
		n = xdp_client_slot(is);
		a.subnet[0] = xdp_client_scope(is);
		h = held_in(n, generation);
	}
	if (!h)
		return -1;
	const int done = give(c, p, &a, h);
	if (done == XDP_TX)
		count(n, p->is_v6);
	return done;
}

/* The same where we answer what is asked often ourselves. */
SEC("xdp") int waymark_answers(struct xdp_md *c)
{
	struct packet p = { 0 };

	if (!is_ours(c, &p))
		return XDP_PASS;
	const int done = answer_held(c, &p);
	return done >= 0 ? done : redirect(c);
}

/* Functions of the kernel that are of the GPL alone are not called. */
char _license[] SEC("license") = "Dual BSD/GPL";
