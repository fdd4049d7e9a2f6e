/* listen.h - the sockets that the server listens on.
 */
#ifndef NET_LISTEN_H
#define NET_LISTEN_H

#include "base/fault.h"

#include <stdbool.h>
#include <stddef.h>
#include <sys/socket.h>

enum { NET_LISTEN_MOST = 256, NET_WORKERS_MOST = 256 };

struct net_address {
	struct sockaddr_storage sa;
	socklen_t len;
};

struct net_opts {
	const struct net_address *listen; /* UDP and TCP */
	size_t n;
	unsigned workers; /* threads a kind and address; 0: one per processor */

	/* TCP connections at once, of all and of a client net (IPv4 /24, IPv6 /48). Each worker
	 * has an equal share, (n + workers - 1) / workers, since the kernel spreads connections
	 * over the workers: an uneven spread meets the limit a little early. */
	unsigned tcp_clients, tcp_clients_per_net;
	unsigned tcp_idle_ms; /* a connection without a whole query for so long is closed */
};

/* False and one sentence when another server has the address. Our own sockets share their ports
 * with each other and so would share them with any other process of the same user, unnoticed.
 */
bool listen_is_free(const struct net_address *at, struct fault *why);

/* `type` is SOCK_DGRAM or SOCK_STREAM. The socket is bound (and listens), shares its port
 * (SO_REUSEPORT) and does not block when `type` is SOCK_STREAM. -1 and a sentence when it
 * cannot be had. */
int listen_open(const struct net_address *at, int type, struct fault *why);

#endif
