/* udp.h - a socket, a thread: queries in by the batch, answers out by the batch.
 *
 * The thread blocks in recvmmsg() until there is something, takes what is there, answers it all
 * from one world and sends it with sendmmsg(): two system calls for a batch of queries.
 * Nothing it writes is shared.
 */
#ifndef NET_UDP_H
#define NET_UDP_H

#include "answer/answer.h"
#include "jobs/mailbox.h"
#include "net/tap.h"
#include "world/epoch.h"

struct udp;

/* `fd` is bound and blocks; closed by udp_free(). `rrl` and `news` (of
 * struct answer_news) may be NULL. `batch` queries are taken
 * at a time, 1 to NET_BATCH_MOST. Never NULL. */
struct udp *udp_new(int fd, const struct epoch *epoch, struct rrl *rrl, struct mailbox *news,
	unsigned batch);
void udp_free(struct udp *u);

/* Runs until udp_stop(). While the kernel gives errors in place of queries it tries again with
 * pauses that grow to 100 ms, counts, and posts news. */
void udp_run(struct udp *u);

/* Any thread; udp_run() returns soon after. */
void udp_stop(struct udp *u);

struct choice_counts *udp_counts(const struct udp *u);
/* Packets that the kernel has thrown away, since the socket's buffer was full. Any thread. */
uint64_t udp_overflows(const struct udp *u);

const struct stats *udp_stats(const struct udp *u);

/* For who looks on. */
struct tap *udp_tap(struct udp *u);

/* For the control thread to read. */
struct samples *udp_samples(struct udp *u);

#endif
