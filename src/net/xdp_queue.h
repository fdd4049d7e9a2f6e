/* xdp_queue.h - a receive queue of an interface, whose frames come to a socket of ours (AF_XDP).
 *
 * Frames lie in memory that we share with the kernel: half of them for queries, which it has until it gives them to
 * us, half for answers, which we have until we send them. Opening wants privileges. One thread at a time.
 */
#ifndef NET_XDP_QUEUE_H
#define NET_XDP_QUEUE_H

#include "base/fault.h"

#include <stdbool.h>
#include <stdint.h>
#include <sys/socket.h>
#include <xdp/xsk.h>

enum {
	XDP_FRAME = 2048, /* bytes; the kernel leaves 256 in front of a query free */
	XDP_FRAMES = 2048 /* for queries, and as many for answers */
};

struct xdp_queue {
	struct xsk_umem *umem;
	struct xsk_socket *socket;
	/* Empty frames to the kernel, queries from it, answers to it, sent frames from it. */
	struct xsk_ring_prod fill, out;
	struct xsk_ring_cons in, sent;
	uint8_t *frames; /* [2 * XDP_FRAMES][XDP_FRAME] */
	uint64_t *spare; /* [n_spare], for answers: where they are in `frames`, the one used last on top */
	unsigned n_spare;
	unsigned on_way; /* answers that we have not had back */
	int fd;
	bool zero_copy;
};

/* False and one sentence when it cannot be had; `q` is nothing to close then. */
bool xdp_queue_open(struct xdp_queue *q, const char *interface, unsigned number, struct fault *why);
void xdp_queue_close(struct xdp_queue *q);

/* Any thread: frames that were thrown away, as there was no room. */
uint64_t xdp_queue_lost(const struct xdp_queue *q);

/* Takes back what was sent. */
void xdp_queue_reap(struct xdp_queue *q);

/* Has the kernel look at the answers that are in the ring. */
void xdp_queue_send(struct xdp_queue *q);

#endif
