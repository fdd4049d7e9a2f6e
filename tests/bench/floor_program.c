/* floor_program.c - in the kernel, at the door of an interface: what any program there must pay.
 *
 * Queries over UDP and IPv4 to one port go to a socket of AF_XDP, or are answered at once, all with the same record. Nothing is looked
 * up, and hardly anything looked at. Built for BPF by clang; tests/bench/floor_xdp.c loads it.
 */
#include <linux/bpf.h>
#include <linux/if_ether.h>
#include <linux/in.h>
#include <linux/ip.h>
#include <linux/udp.h>

#include <bpf/bpf_endian.h>
#include <bpf/bpf_helpers.h>

enum {
	RECORD = 16, /* bytes of the record, whose owner points to the question */
	OPT = 11,    /* of an OPT record without options */
	SUBNET = 11, /* of an option for a client subnet of 24 bits */
	FRAME_MOST = 512
};

struct head {
	struct ethhdr link;
	struct iphdr ip;
	struct udphdr udp;
	__u8 dns[12];
} __attribute__((packed));

struct {
	__uint(type, BPF_MAP_TYPE_XSKMAP);
	__uint(max_entries, 1);
	__type(key, __u32);
	__type(value, __u32);
} sockets SEC(".maps");

/* Told before the program is loaded. */
const volatile __be16 port SEC(".rodata.told") = 0;

static __always_inline struct head *query(const struct xdp_md *c)
{
	struct head *h = (void *)(long)c->data;

	return (void *)(h + 1) <= (void *)(long)c->data_end && h->link.h_proto == bpf_htons(ETH_P_IP) && h->ip.protocol == IPPROTO_UDP &&
			h->ip.ihl == 5 && h->udp.dest == port
		? h
		: NULL;
}

SEC("xdp") int floor_redirect(struct xdp_md *c)
{
	return query(c) ? bpf_redirect_map(&sockets, c->rx_queue_index, XDP_PASS) : XDP_PASS;
}

static __always_inline void swap_macs(struct ethhdr *e)
{
	__u16 *to = (void *)e->h_dest, *from = (void *)e->h_source;

	for (int i = 0; i < ETH_ALEN / 2; i++) {
		const __u16 was = to[i];
		to[i] = from[i];
		from[i] = was;
	}
}

/* Its checksum is changed by what its length is (RFC 1624). */
static __always_inline void turn(struct head *h, int grown)
{
	const __be32 from = h->ip.saddr;
	const __be16 asker = h->udp.source, had = h->ip.tot_len, has = bpf_htons(bpf_ntohs(had) + grown);
	__u32 sum = (__u16)~h->ip.check + (__u16)~had + (__u32)has;

	swap_macs((void *)h);
	h->ip.saddr = h->ip.daddr;
	h->ip.daddr = from;
	h->ip.tot_len = has;
	sum = (sum & 0xffff) + (sum >> 16);
	h->ip.check = ~((sum & 0xffff) + (sum >> 16));
	h->udp.source = h->udp.dest;
	h->udp.dest = asker;
	h->udp.len = bpf_htons(bpf_ntohs(h->udp.len) + grown);
	h->udp.check = 0; /* none, as IPv4 allows */
}

/* An OPT record ends the query, without options or with a client subnet; the answer's has none, and stands behind the record. */
SEC("xdp") int floor_answers(struct xdp_md *c)
{
	static const __u8 said[RECORD + OPT] = { 0xc0, 12, 0, 1, 0, 1, 0, 0, 1, 44, 0, 4, 192, 0, 2, 1, 0, 0, 41, 4, 208 };
	struct head *h = query(c);
	const __u32 len = c->data_end - c->data;

	if (!h || h->dns[11] != 1 || len < sizeof *h + OPT + SUBNET || len > FRAME_MOST)
		return XDP_PASS;
	const __u8 *opt = (void *)h + (len - OPT);
	if ((void *)(opt + OPT) > (void *)(long)c->data_end)
		return XDP_PASS;
	const int options = opt[0] == 0 && opt[1] == 0 && opt[2] == 41 ? 0 : SUBNET;
	if (bpf_xdp_adjust_tail(c, RECORD - options))
		return XDP_PASS;
	h = (void *)(long)c->data;
	__u8 *at = (void *)h + (len - OPT - options);
	if ((void *)(h + 1) > (void *)(long)c->data_end || (void *)(at + sizeof said) > (void *)(long)c->data_end)
		return XDP_DROP;
	__builtin_memcpy(at, said, sizeof said);
	turn(h, RECORD - options);
	h->dns[2] = 0x84; /* QR, AA */
	h->dns[3] = 0;
	h->dns[7] = 1;
	return XDP_TX;
}

char _license[] SEC("license") = "Dual BSD/GPL";
