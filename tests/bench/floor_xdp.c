/* floor_xdp.c - what any program pays past the kernel's network stack: a DNS responder at an interface that looks nothing up.
 *
 * By AF_XDP it rewrites each query of the first queue into a fixed answer where it lies, and sends it from there: nothing is copied, and
 * one system call sends a batch. With -K a program in the kernel answers, and this one waits. What the kernel knows better about is not
 * seen to: this is no server. Wants privileges; runs until it is killed, and the interface is as before then.
 */
#include "bench/fixed.h"

#include "base/bytes.h"

#include <arpa/inet.h>
#include <bpf/bpf.h>
#include <bpf/libbpf.h>
#include <errno.h>
#include <linux/if_link.h>
#include <net/if.h>
#include <poll.h>
#include <stdbool.h>
#include <stdio.h>
#include <stdlib.h>
#include <sys/resource.h>
#include <sys/socket.h>
#include <unistd.h>
#include <xdp/xsk.h>

enum {
	FRAME = 2048,
	FRAMES = 2048, /* all of them fit into each of the rings */
	BATCH = 64,
	MAC = 6,
	IP = 2 * MAC + 2, /* where it begins in a frame */
	IP_HEAD = 20,
	UDP = IP + IP_HEAD,
	MESSAGE = UDP + 8
};

/* The program, as clang has made it. */
extern const char floor_program[], floor_program_end[];
__asm__(".pushsection .rodata\n"
	".balign 16\n"
	"floor_program: .incbin \"" FLOOR_PROGRAM "\"\n"
	"floor_program_end: .byte 0\n"
	".popsection\n");

struct queue {
	struct xsk_ring_prod fill, out;
	struct xsk_ring_cons in, sent;
	uint8_t *frames; /* [FRAMES][FRAME] */
	int fd;
};

static void fail(const char *what, int err)
{
	fprintf(stderr, "floor_xdp: %s: %s\n", what, strerror(err));
	exit(2);
}

/* --- frames ------------------------------------------------------------------------------- */

static void swap(uint8_t *a, uint8_t *b, size_t len)
{
	uint8_t was[MAC];

	memcpy(was, a, len);
	memcpy(a, b, len);
	memcpy(b, was, len);
}

static unsigned ip_sum(const uint8_t *ip)
{
	unsigned sum = 0;

	for (unsigned i = 0; i < IP_HEAD; i += 2)
		sum += be16_get(ip + i);
	sum = (sum & 0xffff) + (sum >> 16);
	return ~(sum + (sum >> 16)) & 0xffff;
}

/* The length of the answer's frame, which stands where that of the query was; 0: that was no query. */
static unsigned answer_frame(uint8_t *f, size_t len)
{
	static const struct fixed fixed = { .records = 1 };
	const unsigned udp_len = len > MESSAGE ? be16_get(f + UDP + 4) : 0;

	if (udp_len < MESSAGE - UDP || UDP + udp_len > len)
		return 0;
	const unsigned n = (unsigned)fixed_answer(&fixed, f + MESSAGE, udp_len - (MESSAGE - UDP));
	if (!n)
		return 0;
	swap(f, f + MAC, MAC);
	swap(f + IP + 12, f + IP + 16, 4);
	swap(f + UDP, f + UDP + 2, 2);
	be16_put(f + IP + 2, MESSAGE - IP + n);
	be16_put(f + IP + 10, 0);
	be16_put(f + IP + 10, ip_sum(f + IP));
	be16_put(f + UDP + 4, MESSAGE - UDP + n);
	be16_put(f + UDP + 6, 0); /* no checksum, as IPv4 allows */
	return MESSAGE + n;
}

/* --- by AF_XDP ---------------------------------------------------------------------------- */

static void open_queue(struct queue *q, const char *interface)
{
	const struct xsk_umem_config memory = { .fill_size = FRAMES, .comp_size = FRAMES, .frame_size = FRAME };
	const struct xsk_socket_config opts = { .rx_size = FRAMES,
		.tx_size = FRAMES,
		.libxdp_flags = XSK_LIBXDP_FLAGS__INHIBIT_PROG_LOAD,
		.bind_flags = XDP_USE_NEED_WAKEUP };
	struct xsk_umem *umem;
	struct xsk_socket *socket;
	uint32_t at = 0;

	q->frames = aligned_alloc(4096, FRAMES * FRAME);
	if (!q->frames)
		fail("memory", ENOMEM);
	int err = xsk_umem__create(&umem, q->frames, FRAMES * FRAME, &q->fill, &q->sent, &memory);
	if (err)
		fail("memory of the queue", -err);
	err = xsk_socket__create(&socket, interface, 0, umem, &q->in, &q->out, &opts);
	if (err)
		fail("socket", -err);
	q->fd = xsk_socket__fd(socket);
	xsk_ring_prod__reserve(&q->fill, FRAMES, &at);
	for (unsigned i = 0; i < FRAMES; i++)
		*xsk_ring_prod__fill_addr(&q->fill, at + i) = i * FRAME;
	xsk_ring_prod__submit(&q->fill, FRAMES);
}

static void give_back(struct queue *q, uint64_t addr)
{
	uint32_t to = 0;

	xsk_ring_prod__reserve(&q->fill, 1, &to);
	*xsk_ring_prod__fill_addr(&q->fill, to) = addr & ~(uint64_t)(FRAME - 1);
	xsk_ring_prod__submit(&q->fill, 1);
}

/* What was sent is for new queries. */
static void reap(struct queue *q)
{
	uint32_t at = 0, to = 0;
	const unsigned n = xsk_ring_cons__peek(&q->sent, FRAMES, &at);

	if (!n)
		return;
	xsk_ring_prod__reserve(&q->fill, n, &to);
	for (unsigned i = 0; i < n; i++)
		*xsk_ring_prod__fill_addr(&q->fill, to + i) = *xsk_ring_cons__comp_addr(&q->sent, at + i) & ~(uint64_t)(FRAME - 1);
	xsk_ring_prod__submit(&q->fill, n);
	xsk_ring_cons__release(&q->sent, n);
}

static void answer_batch(struct queue *q, uint32_t at, unsigned n)
{
	unsigned k = 0;
	uint32_t to = 0;

	xsk_ring_prod__reserve(&q->out, n, &to);
	for (unsigned i = 0; i < n; i++) {
		const struct xdp_desc *d = xsk_ring_cons__rx_desc(&q->in, at + i);
		const unsigned len = answer_frame(q->frames + d->addr, d->len);
		if (len)
			*xsk_ring_prod__tx_desc(&q->out, to + k++) = (struct xdp_desc){ .addr = d->addr, .len = len };
		else
			give_back(q, d->addr);
	}
	q->out.cached_prod -= n - k;
	xsk_ring_prod__submit(&q->out, k);
	xsk_ring_cons__release(&q->in, n);
}

static void serve(struct queue *q)
{
	struct pollfd p = { .fd = q->fd, .events = POLLIN };
	uint32_t at = 0;

	for (;;) {
		const unsigned n = xsk_ring_cons__peek(&q->in, BATCH, &at);
		reap(q);
		if (!n) {
			poll(&p, 1, -1);
			continue;
		}
		answer_batch(q, at, n);
		while (xsk_ring_prod__needs_wakeup(&q->out) && sendto(q->fd, NULL, 0, MSG_DONTWAIT, NULL, 0) < 0 && errno == EAGAIN)
			;
	}
}

/* --- start -------------------------------------------------------------------------------- */

static struct bpf_object *load_program(unsigned port, bool in_kernel)
{
	struct bpf_object *o = bpf_object__open_mem(floor_program, (size_t)(floor_program_end - floor_program), NULL);
	const uint16_t told = htons((uint16_t)port);

	if (!o)
		fail("the program", errno);
	int err = bpf_map__set_initial_value(bpf_object__find_map_by_name(o, ".rodata.told"), &told, sizeof told);
	bpf_program__set_autoload(bpf_object__find_program_by_name(o, in_kernel ? "floor_redirect" : "floor_answers"), false);
	if (!err)
		err = bpf_object__load(o);
	if (err)
		fail("the program", -err);
	return o;
}

/* It ends with us. */
static void attach(struct bpf_object *o, const char *name, unsigned interface)
{
	LIBBPF_OPTS(bpf_link_create_opts, opts, .flags = XDP_FLAGS_DRV_MODE);
	const int link = bpf_link_create(bpf_program__fd(bpf_object__find_program_by_name(o, name)), (int)interface, BPF_XDP, &opts);

	if (link < 0)
		fail("the interface does not take the program", -link);
}

int main(int argc, char **argv)
{
	const struct rlimit all = { RLIM_INFINITY, RLIM_INFINITY };
	const char *interface = NULL;
	struct queue q = { .fd = -1 };
	bool in_kernel = false;
	unsigned port = 0;
	int c;

	while ((c = getopt(argc, argv, "i:p:K")) != -1)
		switch (c) {
		case 'i': interface = optarg; break;
		case 'p': port = (unsigned)strtoul(optarg, NULL, 10); break;
		case 'K': in_kernel = true; break;
		default: port = 0; optind = argc;
		}
	if (!interface || !port || port > 65535 || optind < argc) {
		fputs("usage: floor_xdp -i INTERFACE -p PORT [-K (in the kernel)]\n", stderr);
		return 2;
	}
	const unsigned index = if_nametoindex(interface);
	if (!index)
		fail(interface, errno);
	setrlimit(RLIMIT_MEMLOCK, &all);
	struct bpf_object *o = load_program(port, in_kernel);
	attach(o, in_kernel ? "floor_answers" : "floor_redirect", index);
	if (in_kernel)
		for (;;)
			pause();
	open_queue(&q, interface);
	const uint32_t first = 0;
	if (bpf_map_update_elem(bpf_object__find_map_fd_by_name(o, "sockets"), &first, &q.fd, BPF_ANY) != 0)
		fail("the program's sockets", errno);
	serve(&q);
}
