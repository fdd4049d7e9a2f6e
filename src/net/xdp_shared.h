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
	XDP_DNS_HEAD = 12
};

/* An address of ours, IPv4 in IPv6, and a port; both in network order. */
struct xdp_own {
	__be32 addr[4];
	__be16 port;
	__u16 unused; /* 0 */
};

#endif
