/* worker.h - all sockets and the threads that serve them.
 *
 * A worker is one thread for each UDP address, one for each interface whose queues come by AF_XDP, one for all of TCP
 * and TLS, and one for all of QUIC; each socket is a worker's
 * own and the kernel spreads clients over them (SO_REUSEPORT). Sockets are opened before
 * privileges are dropped, threads started after.
 */
#ifndef NET_WORKER_H
#define NET_WORKER_H

#include "answer/choice_counts.h"
#include "answer/sample.h"
#include "answer/stats.h"
#include "base/fault.h"
#include "net/listen.h"
#include "net/xdp.h"
#include "world/epoch.h"

struct mailbox;
struct tap;
struct workers;

/* Opens every socket. `news` (of struct answer_news) outlives the workers; or NULL. NULL and one
 * sentence when one cannot be had. */
struct workers *workers_open(const struct net_opts *opts, const struct epoch *epoch,
	struct mailbox *news, struct fault *why);

/* Starts the threads: from here on queries are answered, from the world that `epoch` has
 * published before. */
bool workers_start(struct workers *w, struct fault *why);

/* Control thread: goes by the machine's addresses, where that matters, while the loop runs and until workers_stop(). */
struct ev_loop;
void workers_follow(struct workers *w, struct ev_loop *loop);

/* Control thread: that world is about to be published, and nothing of the one before is answered without a worker any
 * more; it has been. */
struct world;
void workers_withdraw(struct workers *w, const struct world *next);
void workers_published(struct workers *w);

/* Control thread: what is shown to clients of TLS from now on; held. */
struct tls;
void workers_set_tls(struct workers *w, struct tls *t);

/* Control thread: all sockets that we listen on; returns how many there are. */
size_t workers_sockets(const struct workers *w, int *to, size_t most);
const uint8_t *workers_quic_secret(const struct workers *w);

/* Control thread. Others who have these sockets serve in our place: packets and new connections are left to them; all that
 * were taken are answered when this returns. Connections of TCP and TLS go on until they are idle for two seconds
 * (workers_report() counts them), those of QUIC are ended. And the opposite. */
void workers_leave(struct workers *w);
bool workers_return(struct workers *w, struct fault *why);

/* Stops and joins the threads, closes the sockets. */
void workers_stop(struct workers *w);

/* Control thread: what each thread keeps about its answers, by number from 0; NULL behind the
 * last. */
struct choice_counts *workers_counts(const struct workers *w, unsigned i);

/* Any thread: the copies of each thread's queries and answers; likewise. */
struct tap *workers_tap(const struct workers *w, unsigned i);

struct workers_report {
	unsigned threads;     /* a worker's UDP and TCP threads, all counted */
	unsigned tcp_clients; /* open now */
	unsigned quic_clients; /* likewise */
	uint64_t udp_overflows; /* packets for which there was no room in the sockets' buffers */
	struct xdp_report xdp[NET_XDP_MOST];
	unsigned n_xdp;
	unsigned xdp_held; /* answers that are held in the kernel */
	const char *xdp_why_not; /* ... why none is, of static text; "" */
	struct stats sum;
};

/* Control thread: hands over what workers have told of their clients since the last time. */
void workers_samples(
	const struct workers *w, void (*take)(void *ctx, const struct sample *one), void *ctx);

/* Likewise: names that are asked for once. */
void workers_one_times(
	const struct workers *w, void (*take)(void *ctx, const struct one_time *one), void *ctx);

/* One thread: whose responses are limited. */
struct rrl_nets *workers_limited(const struct workers *w);

/* Control thread. */
void workers_report(const struct workers *w, struct workers_report *to);

#endif
