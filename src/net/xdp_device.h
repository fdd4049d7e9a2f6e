/* xdp_device.h - an interface with our program at its door (net/bpf/xdp_program.c): what comes to us past the
 * kernel's network stack.
 *
 * Attached by a bpf_link, which ends with the process, however that ends. Opening wants privileges (CAP_NET_ADMIN,
 * CAP_NET_RAW, CAP_BPF), nothing later does. One thread, that which opened it, but where told.
 */
#ifndef NET_XDP_DEVICE_H
#define NET_XDP_DEVICE_H

#include "base/fault.h"
#include "net/listen.h"
#include "net/xdp.h"

struct xdp_device;
struct xdp_queue;

/* `name` stands in `opts->listen`, once or more. Taken is what comes to the addresses that the ordinary sockets of the
 * same port listen on; where there is none, to all of this machine. NULL and one sentence when it cannot be had. */
struct xdp_device *xdp_device_open(const char *name, const struct net_opts *opts, struct fault *why);
/* Its frames go to the kernel again. */
void xdp_device_detach(struct xdp_device *d);
void xdp_device_close(struct xdp_device *d);

unsigned xdp_device_queues(const struct xdp_device *d);
bool xdp_device_is_native(const struct xdp_device *d);
bool xdp_device_is_zero_copy(const struct xdp_device *d);
/* All but its name. */
void xdp_device_report(const struct xdp_device *d, struct xdp_report *to);

/* What is shared with the program that answers; `maps->held` NULL: it does not. */
struct xdp_maps;
const struct xdp_maps *xdp_device_maps(const struct xdp_device *d);

/* By number; lives as long as the device. */
struct xdp_queue *xdp_device_queue(struct xdp_device *d, unsigned i);

/* Any thread: bytes of the largest IP packet that it sends. */
unsigned xdp_device_mtu(const struct xdp_device *d);

/* The addresses of the machine, and the interface's own, as they are now. Tells the log what changes for us. */
void xdp_device_refresh(struct xdp_device *d);

#endif
