/* xdp_worker.h - a thread that answers what comes by AF_XDP.
 *
 * It has a share of an interface's queues and answers by the batch, as net/udp does; it sleeps while nothing
 * comes. Nothing it writes is shared but rings, with the kernel.
 */
#ifndef NET_XDP_WORKER_H
#define NET_XDP_WORKER_H

#include "net/batch.h"
#include "net/xdp.h"

struct xdp_worker;

/* Has the queues k, k + of, k + 2 of ... of interface `i`; NULL: there are none. `x` lives longer. */
struct xdp_worker *xdp_worker_new(
	struct xdp *x, unsigned i, unsigned k, unsigned of, const struct batch_opts *opts);
void xdp_worker_free(struct xdp_worker *w);

/* Runs until xdp_worker_stop(), which any thread may call, and until what has come is answered. */
void xdp_worker_run(struct xdp_worker *w);
void xdp_worker_stop(struct xdp_worker *w);

/* Lives as long as it. */
struct batch *xdp_worker_batch(struct xdp_worker *w);

#endif
