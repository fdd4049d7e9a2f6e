/* udp.h - a socket, a thread: queries in by the batch, answers out by the batch.
 *
 * The thread blocks in recvmmsg() until there is something, takes what is there, answers it all
 * from one world and sends it with sendmmsg(): two system calls for a batch of queries.
 * Nothing it writes is shared.
 */
#ifndef NET_UDP_H
#define NET_UDP_H

#include "net/batch.h"

struct udp;

/* `fd` is bound and blocks; closed by udp_free(). Never NULL. */
struct udp *udp_new(int fd, const struct batch_opts *opts);
void udp_free(struct udp *u);

/* Runs until udp_stop(). While the kernel gives errors in place of queries it tries again with
 * pauses that grow to 100 ms, counts, and posts news. */
void udp_run(struct udp *u);

/* Any thread; udp_run() returns soon after. */
void udp_stop(struct udp *u);

/* Any thread: likewise, but the socket is left as it is, for others who have it, too, and what was taken from it is answered. A
 * thread that waits for a packet has to be interrupted by a signal, until it has returned. */
void udp_leave(struct udp *u);
/* No thread is in udp_run(), and one may be again. */
void udp_return(struct udp *u);
int udp_socket(const struct udp *u);

/* Packets that the kernel has thrown away, since the socket's buffer was full. Any thread. */
uint64_t udp_overflows(const struct udp *u);

/* Lives as long as it: what it has counted, and its copies for who looks on. */
struct batch *udp_batch(struct udp *u);

#endif
