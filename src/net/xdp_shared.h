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
	XDP_BYTES_MOST = 492,   /* of an answer behind its question */
	XDP_SUBNET = 3          /* bytes of a /24 */
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
	__u16 len;       /* of `bytes` */
	__u16 subnet_at; /* where in the message the asker's subnet goes; 0: nowhere */
	__be16 flags;    /* without RD, which is the asker's */
	__be16 counts[3];
	__u8 bytes[XDP_BYTES_MOST]; /* all behind the question */
};

/* What we write while the program runs, and it reads. */
struct xdp_state {
	__u16 mac[3]; /* the card's address */
	__u16 unused;
	__u32 generation; /* 0: nothing is answered in the kernel */
};

#endif
