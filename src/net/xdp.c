#include "net/xdp.h"

#include "base/log.h"
#include "net/xdp_device.h"
#include "net/xdp_inner.h"

#include <errno.h>
#include <ev.h>
#include <linux/rtnetlink.h>
#include <net/if.h>
#include <netinet/in.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/socket.h>
#include <unistd.h>

/* Addresses come and go many at a time. */
#define SETTLE_S 0.05

struct interface {
	char name[IF_NAMESIZE];
	struct xdp_device *device; /* NULL: not to be had */
};

struct xdp {
	struct interface list[NET_XDP_MOST];
	unsigned n;
	struct ev_loop *loop; /* NULL: nobody follows */
	ev_io changes;        /* of addresses and interfaces, from the kernel */
	ev_timer settle;
};

/* Is the port of that one served by an ordinary socket, too? */
static bool has_ordinary(const struct net_opts *opts, const struct net_address *at)
{
	for (size_t i = 0; i < opts->n; i++)
		if (opts->listen[i].kind == NET_PLAIN &&
			net_port(&opts->listen[i]) == net_port(at))
			return true;
	return false;
}

static bool add(struct xdp *x, const struct net_opts *opts, const struct net_address *at, struct fault *why)
{
	for (unsigned i = 0; i < x->n; i++)
		if (strcmp(x->list[i].name, at->device) == 0)
			return true;
	struct xdp_device *d = xdp_device_open(at->device, opts, why);
	snprintf(x->list[x->n].name, IF_NAMESIZE, "%s", at->device);
	x->list[x->n++].device = d;
	if (d) {
		log_line(LOG_NOTICE, "xdp:%s: %u queues, %s, %s", at->device, xdp_device_queues(d),
			xdp_device_is_native(d) ? "in the driver" : "behind the driver (generic)",
			xdp_device_is_zero_copy(d) ? "without copying" : "frames are copied");
		return true;
	}
	const struct fault cause = *why;
	if (!has_ordinary(opts, at))
		return fault(why, "xdp:%s: %s; and port %u has no ordinary address to fall back on", at->device,
			cause.text, ntohs(net_port(at)));
	log_line(LOG_WARNING, "xdp:%s: %s; its queries come by the ordinary sockets", at->device, cause.text);
	return true;
}

bool xdp_open(struct xdp **to, const struct net_opts *opts, struct fault *why)
{
	struct xdp *x = calloc(1, sizeof *x);
	bool ok = true;

	if (!x)
		die("out of memory");
	for (size_t i = 0; ok && i < opts->n; i++)
		if (opts->listen[i].kind == NET_XDP)
			ok = add(x, opts, &opts->listen[i], why);
	if (!ok || !x->n) {
		xdp_free(x);
		x = NULL;
	}
	*to = x;
	return ok;
}

static void on_settled(struct ev_loop *loop, ev_timer *t, int events)
{
	const struct xdp *x = t->data;

	(void)loop;
	(void)events;
	for (unsigned i = 0; i < x->n; i++)
		if (x->list[i].device)
			xdp_device_refresh(x->list[i].device);
}

/* What has changed is of no interest, only that something has; and messages that were lost say that, too. */
static void on_change(struct ev_loop *loop, ev_io *io, int events)
{
	struct xdp *x = io->data;
	uint8_t message[8192];
	ssize_t n;

	(void)events;
	while ((n = recv(io->fd, message, sizeof message, MSG_DONTWAIT)) > 0 || (n < 0 && errno == ENOBUFS))
		;
	if (!ev_is_active(&x->settle)) {
		ev_timer_set(&x->settle, SETTLE_S, 0);
		ev_timer_start(loop, &x->settle);
	}
}

void xdp_follow(struct xdp *x, struct ev_loop *loop)
{
	const struct sockaddr_nl of = { .nl_family = AF_NETLINK,
		.nl_groups = RTMGRP_LINK | RTMGRP_IPV4_IFADDR | RTMGRP_IPV6_IFADDR };

	if (!x)
		return;
	const int fd = socket(AF_NETLINK, SOCK_RAW | SOCK_CLOEXEC | SOCK_NONBLOCK, NETLINK_ROUTE);
	if (fd < 0 || bind(fd, (const struct sockaddr *)&of, sizeof of) != 0) {
		log_line(LOG_WARNING,
			"xdp: addresses that change are not heeded until a restart (netlink: %s)", strerror(errno));
		if (fd >= 0)
			close(fd);
		return;
	}
	x->loop = loop;
	ev_io_init(&x->changes, on_change, fd, EV_READ);
	ev_timer_init(&x->settle, on_settled, SETTLE_S, 0);
	x->changes.data = x->settle.data = x;
	ev_io_start(loop, &x->changes);
	/* What has changed since they were opened. */
	ev_timer_start(loop, &x->settle);
}

void xdp_detach(struct xdp *x)
{
	for (unsigned i = 0; x && i < x->n; i++)
		if (x->list[i].device)
			xdp_device_detach(x->list[i].device);
	if (x && x->loop) {
		ev_io_stop(x->loop, &x->changes);
		ev_timer_stop(x->loop, &x->settle);
		close(x->changes.fd);
		x->loop = NULL;
	}
}

void xdp_free(struct xdp *x)
{
	xdp_detach(x);
	for (unsigned i = 0; x && i < x->n; i++)
		if (x->list[i].device)
			xdp_device_close(x->list[i].device);
	free(x);
}

unsigned xdp_count(const struct xdp *x)
{
	return x ? x->n : 0;
}

struct xdp_device *xdp_device(const struct xdp *x, unsigned i)
{
	return x->list[i].device;
}

void xdp_report(const struct xdp *x, unsigned i, struct xdp_report *to)
{
	*to = (struct xdp_report){ .failed = !x->list[i].device };
	if (x->list[i].device)
		xdp_device_report(x->list[i].device, to);
	memcpy(to->name, x->list[i].name, sizeof to->name);
}
