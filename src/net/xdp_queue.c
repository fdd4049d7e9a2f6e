#include "net/xdp_queue.h"

#include <errno.h>
#include <linux/if_xdp.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>
#include <sys/socket.h>
#include <unistd.h>

enum {
	SIZE = 2 * XDP_FRAMES * XDP_FRAME,
	BUSY_PAUSE_US = 20000, /* the kernel lets go of a queue a moment after its socket was closed */
	BUSY_TRIES = 60,
	SEND_TRIES = 64 /* without a driver's help it sends some 32 a call */
};

static bool open_memory(struct xdp_queue *q, struct fault *why)
{
	const struct xsk_umem_config opts = {
		.fill_size = XDP_FRAMES, .comp_size = XDP_FRAMES, .frame_size = XDP_FRAME
	};

	q->spare = calloc(XDP_FRAMES, sizeof *q->spare);
	void *p = mmap(NULL, SIZE, PROT_READ | PROT_WRITE, MAP_PRIVATE | MAP_ANONYMOUS, -1, 0);
	if (p == MAP_FAILED || !q->spare)
		return fault(why, "out of memory (%d bytes a queue are wanted)", SIZE);
	q->frames = p;
	madvise(p, SIZE, MADV_HUGEPAGE);
	const int err = -xsk_umem__create(&q->umem, p, SIZE, &q->fill, &q->sent, &opts);
	return !err ||
		fault(why, "%s%s", strerror(err),
			err == ENOBUFS ? " (a queue wants 8 MB of locked memory: raise \"ulimit -l\", LimitMEMLOCK=)"
			: err == EPERM ? " (start as root, or with CAP_NET_ADMIN, CAP_NET_RAW and CAP_BPF)"
				       : "");
}

static bool open_socket(struct xdp_queue *q, const char *interface, unsigned number, struct fault *why)
{
	const struct xsk_socket_config opts = { .rx_size = XDP_FRAMES,
		.tx_size = XDP_FRAMES,
		.libxdp_flags = XSK_LIBXDP_FLAGS__INHIBIT_PROG_LOAD,
		.bind_flags = XDP_USE_NEED_WAKEUP };
	struct xdp_options got = { 0 };
	socklen_t len = sizeof got;
	int err = EBUSY;

	for (unsigned i = 0; i < BUSY_TRIES && err == EBUSY; i++) {
		if (i)
			usleep(BUSY_PAUSE_US);
		err = -xsk_socket__create(&q->socket, interface, number, q->umem, &q->in, &q->out, &opts);
	}
	if (err)
		return fault(why, "%s%s", strerror(err),
			err == EBUSY ? " (another program has a socket there)" : "");
	q->fd = xsk_socket__fd(q->socket);
	q->zero_copy = getsockopt(q->fd, SOL_XDP, XDP_OPTIONS, &got, &len) == 0 &&
		(got.flags & XDP_OPTIONS_ZEROCOPY);
	return true;
}

/* The kernel has the first half; the other is ours. */
static void share_out(struct xdp_queue *q)
{
	uint32_t at = 0;

	xsk_ring_prod__reserve(&q->fill, XDP_FRAMES, &at);
	for (uint32_t i = 0; i < XDP_FRAMES; i++)
		*xsk_ring_prod__fill_addr(&q->fill, at + i) = (uint64_t)i * XDP_FRAME;
	xsk_ring_prod__submit(&q->fill, XDP_FRAMES);
	for (unsigned i = 0; i < XDP_FRAMES; i++)
		q->spare[i] = (uint64_t)(2 * XDP_FRAMES - 1 - i) * XDP_FRAME;
	q->n_spare = XDP_FRAMES;
}

bool xdp_queue_open(struct xdp_queue *q, const char *interface, unsigned number, struct fault *why)
{
	*q = (struct xdp_queue){ .fd = -1 };
	if (!open_memory(q, why) || !open_socket(q, interface, number, why)) {
		xdp_queue_close(q);
		return false;
	}
	share_out(q);
	return true;
}

void xdp_queue_close(struct xdp_queue *q)
{
	if (q->socket)
		xsk_socket__delete(q->socket);
	if (q->umem)
		xsk_umem__delete(q->umem);
	if (q->frames)
		munmap(q->frames, SIZE);
	free(q->spare);
	*q = (struct xdp_queue){ .fd = -1 };
}

uint64_t xdp_queue_lost(const struct xdp_queue *q)
{
	struct xdp_statistics s = { 0 };
	socklen_t len = sizeof s;

	if (getsockopt(q->fd, SOL_XDP, XDP_STATISTICS, &s, &len) != 0)
		return 0;
	/* Older kernels tell the first alone. */
	return s.rx_dropped + s.rx_ring_full;
}

void xdp_queue_reap(struct xdp_queue *q)
{
	uint32_t at = 0;

	if (!q->on_way)
		return;
	const uint32_t n = xsk_ring_cons__peek(&q->sent, XDP_FRAMES, &at);
	for (uint32_t i = 0; i < n; i++)
		q->spare[q->n_spare++] = *xsk_ring_cons__comp_addr(&q->sent, at + i) & ~(uint64_t)(XDP_FRAME - 1);
	if (n)
		xsk_ring_cons__release(&q->sent, n);
	q->on_way -= n;
}

void xdp_queue_send(struct xdp_queue *q)
{
	for (unsigned i = 0; i < SEND_TRIES && xsk_ring_prod__needs_wakeup(&q->out); i++)
		if (sendto(q->fd, NULL, 0, MSG_DONTWAIT, NULL, 0) >= 0 || errno != EAGAIN)
			break;
}
