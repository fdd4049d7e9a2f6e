/* xdp_shared.h - what the program in the kernel and we have in common.
 */
#ifndef NET_XDP_SHARED_H
#define NET_XDP_SHARED_H

#include <linux/types.h>
#include <stdbool.h>

enum {
	XDP_QUEUES_MOST = 256,
	XDP_OWN_MOST = 4096,    /* addresses, by port */
	XDP_FRAME_MOST = 1536,  /* bytes; a larger one is no query */
	XDP_DNS_HEAD = 12,
	XDP_NAME_MOST = 64,     /* of a question that is answered in the kernel */
	XDP_SLOTS = 4096,       /* answers that are held there */
	XDP_BYTES_MOST = 490,   /* of an answer behind its question */
	XDP_SUBNET = 3,         /* bytes of a /24 */
	XDP_LINES_BITS = 18,
	XDP_LINES = 1 << XDP_LINES_BITS, /* of clients */
	XDP_LINE = 4,
	XDP_UP = 64             /* one in so many that could be steered in the kernel goes up all the same, by its ID */
};

/* What a question says besides. */
enum { XDP_EDNS = 1, XDP_DO = 2, XDP_ECS = 4 /* a /24 of IPv4 */ };

/* An address of ours, IPv4 in IPv6, and a port; both in network order. */
struct xdp_own {
	__be32 addr[4];
	__be16 port;
	__u16 unused; /* 0 */
};

/* Of class IN; all fields are part of the key. */
struct xdp_question {
	__u8 name[XDP_NAME_MOST]; /* wire, lower case, zero behind it */
	__be16 type;
	__u8 says; /* XDP_EDNS and the others */
	__u8 unused;
};

/* An answer, as it was in that generation: there is one for odd and one for even ones, so that one that is
 * read is not written. */
struct xdp_held {
	__u32 generation;
	__u32 sum;       /* of `bytes` where they stand, in words of network order */
	__u16 set;       /* not 0: who asks decides, by what its client has in this set */
	__u16 len;       /* of `bytes` */
	__u16 subnet_at; /* where in the message the asker's subnet goes, behind its scope; 0: nowhere */
	__be16 flags;    /* without RD, which is the asker's */
	__be16 counts[3];
	__u8 bytes[XDP_BYTES_MOST]; /* all behind the question */
};

/* What a client gets in a set is one number, so that it is read and written at once: its IPv4 address (or that
 * of its /24), the set (not 0), the scope of the answer and the slot that it is in. 0: nothing. */
enum { XDP_SLOT_BITS = 12, XDP_SCOPE_BITS = 6, XDP_SET_BITS = 14, XDP_SETS = 1 << XDP_SET_BITS };

struct xdp_line {
	__u64 of[XDP_LINE]; /* in no order */
};

static inline __u64 xdp_client(__u32 client, __u32 set)
{
	return (__u64)client << 32 | (__u64)set << (XDP_SCOPE_BITS + XDP_SLOT_BITS);
}

static inline __u32 xdp_client_line(__u64 client)
{
	return (__u32)((client >> (XDP_SCOPE_BITS + XDP_SLOT_BITS)) * 0x9e3779b97f4a7c15u >> (64 - XDP_LINES_BITS));
}

static inline bool xdp_client_is(__u64 is, __u64 client)
{
	return (is ^ client) >> (XDP_SCOPE_BITS + XDP_SLOT_BITS) == 0;
}

static inline __u32 xdp_client_slot(__u64 is)
{
	return is & ((1 << XDP_SLOT_BITS) - 1);
}

static inline __u8 xdp_client_scope(__u64 is)
{
	return is >> XDP_SLOT_BITS & ((1 << XDP_SCOPE_BITS) - 1);
}

/* What we write while the program runs, and it reads. */
struct xdp_state {
	__u16 mac[3]; /* the card's address */
	__u16 unused;
	__u32 generation; /* 0: nothing is answered in the kernel */
	struct xdp_own first[2]; /* of IPv4, of IPv6: one of those that are ours, most often the only one. Port 0: none */
};

#endif
