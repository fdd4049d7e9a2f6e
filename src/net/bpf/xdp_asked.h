/* xdp_asked.h - in the kernel: what does a query ask?
 *
 * Only a query that could be answered there is read: one question, then nothing or one OPT record with nothing but a
 * client subnet of IPv4 in it. So the question is found from the end of the message, and its name is read a word at a time:
 * one that is no name is none that is held, as the key has all of its bytes and their number.
 */
#ifndef NET_BPF_XDP_ASKED_H
#define NET_BPF_XDP_ASKED_H

#include "net/bpf/xdp_frame.h"

struct dns {
	__be16 id;
	__u8 flags[2];
	__be16 counts[4];
};

struct asked {
	struct xdp_question q;
	__u32 len;     /* of the question, from its name on */
	__u32 payload; /* bytes of an answer that the asker takes */
	__u64 upper;   /* what its upper-case letters are less than lower-case ones, in the sum of the message */
	__be16 id;
	__u8 rd;
	__u32 subnet; /* as it stands: three bytes behind one that is for the scope of the answer */
};

/* A client subnet of IPv4, /24, in the OPT record at `opt`, nothing beside it, and the end of the message. */
static __always_inline bool read_subnet(struct asked *a, const __u8 *opt, const void *end)
{
	if ((void *)(opt + XDP_OPT + XDP_SUBNET_OPTION) > end)
		return false;
	const __u8 *at = opt + XDP_OPT;
	if (opt[9] || opt[10] != XDP_SUBNET_OPTION || at[0] || at[1] != 8 || at[2] || at[3] != 4 + XDP_SUBNET || at[4] ||
		at[5] != 1 || at[6] != 24 || at[7])
		return false;
	a->subnet = (__u32)at[8] << 8 | (__u32)at[9] << 16 | (__u32)at[10] << 24;
	a->q.says = XDP_ECS;
	return true;
}

static __always_inline bool is_opt(const __u8 *opt, const void *end)
{
	return (void *)(opt + XDP_OPT) <= end && !opt[0] && !opt[1] && opt[2] == 41 && !opt[5] && !opt[6] && !(opt[7] & 0x7f) &&
		!opt[8];
}

/* Returns the bytes of the OPT record that ends the message of `len` at `dns`; 0: it has another one. */
static __always_inline __u32 read_opt(struct asked *a, const __u8 *dns, __u32 len, const void *end)
{
	const __u8 *opt = dns + ((len - XDP_OPT) & 1023);
	__u32 opt_len = XDP_OPT;

	if (!is_opt(opt, end) || opt[9] || opt[10]) {
		opt = dns + ((len - XDP_OPT - XDP_SUBNET_OPTION) & 1023);
		opt_len = XDP_OPT + XDP_SUBNET_OPTION;
		if (!is_opt(opt, end) || !read_subnet(a, opt, end))
			return 0;
	}
	a->q.says |= XDP_EDNS | (opt[7] ? XDP_DO : 0);
	const __u32 payload = opt[3] << 8 | opt[4];
	if (payload > a->payload)
		a->payload = payload;
	return opt_len;
}

/* In lower case; what is less than 64, as the length of a label is, stays. */
static __always_inline __u64 lower(struct asked *a, __u64 word)
{
	const __u64 seven = word & 0x7f7f7f7f7f7f7f7fu;
	const __u64 from_a = seven + 0x3f3f3f3f3f3f3f3fu, over_z = seven + 0x2525252525252525u;
	const __u64 upper = ((from_a ^ over_z) & ~word & 0x8080808080808080u) >> 2;

	a->upper += (upper & 0xffffffffu) + (upper >> 32);
	return word | upper;
}

/* The name, of `len` bytes, and the type behind it. */
static __always_inline bool read_question(struct asked *a, const __u8 *dns, __u32 len, const void *end)
{
	const __u8 *last = dns + XDP_DNS_HEAD - 4 + (len & 127); /* the word that ends with the class */

	if (len - 1 >= XDP_NAME_MOST || (void *)(last + 8) > end)
		return false;
	const __u64 tail = *(const __u64 *)last;
	if (tail >> 48 != 0x0100)
		return false;
	a->q.type = tail >> 32;
	a->q.len = len;
	for (__u32 i = 0; i < XDP_NAME_MOST / 8; i++) {
		const __u8 *at = dns + XDP_DNS_HEAD + 8 * i;
		const __u32 left = len - 8 * i;
		__u64 word;

		if (len <= 8 * i)
			break;
		if (left < 4) {
			word = (tail & 0xffffffffu) >> (4 - left) * 8;
		} else {
			if ((void *)(at + 8) > end)
				return false;
			word = *(const __u64 *)at;
			if (left < 8)
				word &= ((__u64)1 << left * 8) - 1;
		}
		a->q.words[i] = lower(a, word);
	}
	return true;
}

/* `p` is at its UDP header, with a DNS header behind it. */
static __always_inline bool read_query(struct asked *a, const struct packet *p)
{
	const struct dns *h = p->at + sizeof(struct udphdr);
	const __u32 len = p->behind - sizeof(struct udphdr);
	__u32 opt_len = 0;

	if ((void *)(h + 1) > p->end || (h->flags[0] & 0xfe) || (h->flags[1] & 0xcf) || h->counts[0] != bpf_htons(1) ||
		h->counts[1] || h->counts[2] || (h->counts[3] & ~bpf_htons(1)) || len > XDP_FRAME_MOST / 2)
		return false;
	a->payload = 512;
	a->id = h->id;
	a->rd = h->flags[0];
	if (h->counts[3]) {
		opt_len = read_opt(a, (const void *)h, len, p->end);
		if (!opt_len)
			return false;
	}
	a->len = len - XDP_DNS_HEAD - opt_len;
	return read_question(a, (const void *)h, a->len - 4, p->end);
}

#endif
