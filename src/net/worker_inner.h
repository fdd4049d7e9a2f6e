/* worker_inner.h - the threads; between worker.c and worker_leave.c only.
 */
#ifndef NET_WORKER_INNER_H
#define NET_WORKER_INNER_H

#include "net/worker.h"

#include "net/quic.h"

#include <pthread.h>

struct batch;
struct rrl;
struct stream;
struct udp;
struct xdp_worker;

struct thread {
	struct udp *udp; /* one of the four */
	struct xdp_worker *xdp;
	struct batch *batch; /* of those two; NULL: of the others */
	struct stream *stream;
	struct quic *quic;
	pthread_t id;
	int cpu; /* it runs there only; -1: anywhere */
	bool runs;
};

struct workers {
	struct thread *threads;
	unsigned n;
	struct mailbox *news; /* borrowed; or NULL */
	uint8_t secret[QUIC_SECRET]; /* of all threads of QUIC: a packet may come to another than the one before */
	struct xdp *xdp; /* NULL: there is none */
	struct rrl *rrl; /* of all UDP threads: a client's packets may come to any */
};

/* Starts one, on its processor from its first instruction on. 0, or an errno. */
int worker_start_thread(struct thread *t);

/* Until it has ended, whatever it waits for; it was told to. */
void worker_end_thread(struct thread *t);

/* Interrupts a thread of ours that waits in the kernel. */
#define WORKER_WAKE SIGURG

#endif
