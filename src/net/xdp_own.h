/* xdp_own.h - which addresses and ports are ours, as the program at an interface is told.
 */
#ifndef NET_XDP_OWN_H
#define NET_XDP_OWN_H

#include "net/listen.h"
#include "net/xdp_shared.h"

/* Zeroed: none. free() takes `list`. */
struct xdp_own_list {
	struct xdp_own *list; /* [n], sorted, none twice */
	size_t n, room;
	bool out_of_memory;
};

/* What the ordinary sockets among `listen` would be given, of the ports of those of its interface; where a port has none, all
 * addresses of this machine. False: they could not be had, and `to` is of no use. */
bool xdp_own_find(struct xdp_own_list *to, const struct net_address *listen, size_t n);

bool xdp_own_has(const struct xdp_own *list, size_t n, const struct xdp_own *one);

#endif
