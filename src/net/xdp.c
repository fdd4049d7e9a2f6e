#include "net/xdp.h"

#include "base/log.h"
#include "net/xdp_answers.h"
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
	struct xdp_answers *answers; /* NULL: nothing is answered in the kernel */
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
			return x->list[i].device || has_ordinary(opts, at) ||
				fault(why, "xdp:%s: not to be had; and port %u has no ordinary address to fall back on",
					at->device, ntohs(net_port(at)));
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

/* Where any interface's program can. */
static void open_answers(struct xdp *x, const struct epoch *epoch)
{
	for (unsigned i = 0; i < x->n; i++) {
		if (!x->list[i].device || !xdp_device_maps(x->list[i].device)->held)
			continue;
		if (!x->answers)
			x->answers = xdp_answers_new(epoch);
		xdp_answers_add(x->answers, xdp_device_maps(x->list[i].device));
	}
}

bool xdp_open(struct xdp **to, const struct net_opts *opts, const struct epoch *epoch, struct fault *why)
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
	} else {
		open_answers(x, epoch);
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
	if (x->answers)
		xdp_answers_start(x->answers, loop);
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
	if (x && x->answers)
		xdp_answers_stop(x->answers);
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
	if (x)
		xdp_answers_free(x->answers);
	free(x);
}

void xdp_withdraw(struct xdp *x, const struct world *next)
{
	if (x && x->answers)
		xdp_answers_withdraw(x->answers, next);
}

void xdp_published(struct xdp *x)
{
	if (x && x->answers)
		xdp_answers_published(x->answers);
}

struct xdp_answers *xdp_answers_of(const struct xdp *x)
{
	return x ? x->answers : NULL;
}

const struct stats *xdp_stats(const struct xdp *x)
{
	return x && x->answers ? xdp_answers_stats(x->answers) : NULL;
}

struct choice_counts *xdp_counts(const struct xdp *x)
{
	return x && x->answers ? xdp_answers_counts(x->answers) : NULL;
}

unsigned xdp_held(const struct xdp *x, const char **why_not)
{
	*why_not = x && x->answers ? xdp_answers_why_not(x->answers) : "";
	return x && x->answers ? xdp_answers_held(x->answers) : 0;
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
