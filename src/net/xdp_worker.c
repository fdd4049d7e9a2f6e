#include "net/xdp_worker.h"

#include "base/log.h"
#include "net/frame.h"
#include "net/xdp_answers.h"
#include "net/xdp_device.h"
#include "net/xdp_inner.h"
#include "net/xdp_queue.h"

#include <poll.h>
#include <stdlib.h>
#include <string.h>
#include <sys/eventfd.h>
#include <unistd.h>

struct xdp_worker {
	struct batch batch;
	const struct xdp_device *device; /* borrowed: outlives us */
	struct xdp_queue **queues;       /* [n], the device's */
	unsigned n;
	struct xdp_hot *hot; /* NULL: nothing is answered in the kernel */
	int stop;      /* atomic */
	int wake;      /* an eventfd */
	struct pollfd *polled; /* [n + 1] */
	struct frame *frame;   /* [batch.most], of the queries at work */
};

struct xdp_worker *xdp_worker_new(
	struct xdp *x, unsigned i, unsigned k, unsigned of, const struct batch_opts *opts)
{
	struct xdp_device *d = xdp_device(x, i);
	const unsigned all = d ? xdp_device_queues(d) : 0, n = all > k ? (all - k + of - 1) / of : 0;

	if (!n)
		return NULL;
	struct xdp_worker *w = batch_lines(1, sizeof *w);
	batch_init(&w->batch, opts);
	w->device = d;
	w->hot = xdp_answers_of(x) ? xdp_answers_hot(xdp_answers_of(x)) : NULL;
	w->n = n;
	w->queues = batch_lines(n, sizeof *w->queues);
	w->polled = batch_lines(n + 1, sizeof *w->polled);
	w->frame = batch_lines(opts->most, sizeof *w->frame);
	w->wake = eventfd(0, EFD_CLOEXEC | EFD_NONBLOCK);
	if (w->wake < 0)
		die("cannot have an eventfd");
	w->polled[n] = (struct pollfd){ .fd = w->wake, .events = POLLIN };
	for (unsigned q = 0; q < n; q++) {
		w->queues[q] = xdp_device_queue(d, k + q * of);
		w->polled[q] = (struct pollfd){ .fd = w->queues[q]->fd, .events = POLLIN };
	}
	/* The program leaves UPDATE to the ordinary sockets, which have a way back for answers that come later. */
	for (unsigned q = 0; q < opts->most; q++)
		w->batch.ask[q].later = NULL;
	return w;
}

void xdp_worker_free(struct xdp_worker *w)
{
	close(w->wake);
	batch_fini(&w->batch);
	free(w->queues);
	free(w->polled);
	free(w->frame);
	free(w);
}

struct batch *xdp_worker_batch(struct xdp_worker *w)
{
	return &w->batch;
}

void xdp_worker_stop(struct xdp_worker *w)
{
	const uint64_t one = 1;

	__atomic_store_n(&w->stop, 1, __ATOMIC_RELEASE);
	if (write(w->wake, &one, sizeof one) < 0)
		die("cannot wake a worker");
}

/* Of `n` frames from `at` on, those that are queries; how many. */
static unsigned take(struct xdp_worker *w, struct xdp_queue *q, uint32_t at, unsigned n)
{
	unsigned k = 0;

	for (unsigned i = 0; i < n; i++) {
		const struct xdp_desc *d = xsk_ring_cons__rx_desc(&q->in, at + i);
		struct frame *f = &w->frame[k];
		if (!frame_read(f, q->frames + d->addr, d->len))
			continue;
		const uint8_t *packet = f->bytes + f->head;
		const size_t len = f->len < BATCH_QUERY_ROOM ? f->len : BATCH_QUERY_ROOM;
		batch_take(&w->batch, k, packet, len, frame_source(f));
		if (w->hot)
			xdp_hot_put(w->hot, packet, len, &w->batch.ask[k].source);
		k++;
	}
	return k;
}

/* The same frames are for new queries. */
static void give_back(struct xdp_queue *q, uint32_t at, unsigned n)
{
	uint32_t to = 0;

	/* There is room for all that there are. */
	xsk_ring_prod__reserve(&q->fill, n, &to);
	for (unsigned i = 0; i < n; i++)
		*xsk_ring_prod__fill_addr(&q->fill, to + i) =
			xsk_ring_cons__rx_desc(&q->in, at + i)->addr & ~(uint64_t)(XDP_FRAME - 1);
	xsk_ring_prod__submit(&q->fill, n);
	xsk_ring_cons__release(&q->in, n);
}

static void show(struct xdp_worker *w, unsigned i, size_t len)
{
	const struct frame *f = &w->frame[i];
	const struct tap_ends ends = { f->port, f->to_port, frame_target(f) };

	batch_show(&w->batch, i, &ends, len);
}

/* Answers query `i` into `to`. The length of the frame; 0: there is no answer. */
static size_t answer_frame(struct xdp_worker *w, unsigned i, uint8_t *to)
{
	const struct frame *f = &w->frame[i];
	struct iovec answer = { to + f->head, batch_write(&w->batch, i, to + f->head) };

	if (w->batch.tapped)
		show(w, i, answer.iov_len);
	if (!answer.iov_len)
		return 0;
	const unsigned mtu = xdp_device_mtu(w->device);
	while (answer.iov_len + f->head - f->link > mtu)
		if (!batch_cut(&answer)) {
			stats_add(&w->batch.stats.send_failed, 1);
			return 0;
		}
	return frame_answer(f, to, answer.iov_len);
}

/* Answers `n` queries. Where the kernel has all frames still, those that are left are lost, as in a socket's full queue. */
static void answer_batch(struct xdp_worker *w, struct xdp_queue *q, unsigned n)
{
	const unsigned most = n < q->n_spare ? n : q->n_spare;
	uint32_t to = 0;
	unsigned k = 0;

	batch_begin(&w->batch);
	batch_read(&w->batch, n);
	/* There are as many places as frames. */
	xsk_ring_prod__reserve(&q->out, most, &to);
	for (unsigned i = 0; i < n && k < most; i++) {
		const uint64_t addr = q->spare[q->n_spare - 1];
		const size_t len = answer_frame(w, i, q->frames + addr);
		if (!len)
			continue;
		q->n_spare--;
		*xsk_ring_prod__tx_desc(&q->out, to + k++) =
			(struct xdp_desc){ .addr = addr, .len = (uint32_t)len };
	}
	if (n > most)
		stats_add(&w->batch.stats.send_failed, n - most);
	batch_end(&w->batch, n);
	q->out.cached_prod -= most - k;
	xsk_ring_prod__submit(&q->out, k);
	q->on_way += k;
}

/* False when nothing has come. */
static bool serve(struct xdp_worker *w, struct xdp_queue *q)
{
	uint32_t at = 0;
	const unsigned n = xsk_ring_cons__peek(&q->in, w->batch.most, &at);

	xdp_queue_reap(q);
	if (!n)
		return false;
	const unsigned k = take(w, q, at, n);
	if (k) {
		stats_add(&w->batch.stats.by_xdp, k);
		answer_batch(w, q, k);
	}
	give_back(q, at, n);
	xdp_queue_send(q);
	return true;
}

void xdp_worker_run(struct xdp_worker *w)
{
	epoch_join();
	for (;;) {
		bool any = false;
		for (unsigned i = 0; i < w->n; i++)
			any = serve(w, w->queues[i]) || any;
		if (any)
			continue;
		if (__atomic_load_n(&w->stop, __ATOMIC_ACQUIRE))
			break;
		poll(w->polled, w->n + 1, -1);
	}
	epoch_leave();
}
