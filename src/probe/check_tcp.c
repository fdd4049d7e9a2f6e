/* check_tcp.c - does the port take a connection?
 *
 * It is closed with a reset as soon as it stands: nothing is sent, and neither side keeps any
 * state of it. A server that wants the PROXY protocol is told the header, and then it is closed
 * in peace, since a reset would overtake the header.
 */
#include "base/memory.h"
#include "probe/check.h"
#include "probe/proxy_header.h"

#include <errno.h>
#include <ev.h>
#include <stdio.h>
#include <sys/socket.h>
#include <unistd.h>

struct tcp {
	ev_io io;
	struct check *check;
};

static void close_socket(struct ev_loop *loop, struct tcp *t)
{
	static const struct linger reset = { .l_onoff = 1 };

	ev_io_stop(loop, &t->io);
	if (!t->check->probe->proxy)
		setsockopt(t->io.fd, SOL_SOCKET, SO_LINGER, &reset, sizeof reset);
	close(t->io.fd);
	memory_free(t);
}

/* 0, or an errno. */
static int say_proxy(const struct tcp *t)
{
	uint8_t header[PROXY_HEADER_MOST];

	if (!t->check->probe->proxy)
		return 0;
	const size_t len = proxy_header_make(header, t->check->probe->proxy, t->io.fd);
	if (!len || send(t->io.fd, header, len, MSG_NOSIGNAL) != (ssize_t)len)
		return errno;
	check_step(t->check, "PROXY header, version %u, sent", t->check->probe->proxy);
	return 0;
}

static void on_io(struct ev_loop *loop, ev_io *io, int events)
{
	struct tcp *t = io->data;
	struct check *c = t->check;
	int err = 0;
	socklen_t len = sizeof err;

	(void)events;
	if (getsockopt(io->fd, SOL_SOCKET, SO_ERROR, &err, &len) != 0)
		err = errno;
	if (!err)
		err = say_proxy(t);
	close_socket(loop, t);
	if (err) {
		check_step(c, "%s", check_errno_text(err));
		check_failed(c, "%s", check_errno_text(err));
	} else {
		c->result.passed = true;
		c->result.rtt_us = c->result.wire_us = check_elapsed_us(c);
		check_step(c, "connected; closing");
		snprintf(c->result.say, sizeof c->result.say, "connected");
	}
	c->done(c);
}

static bool start(struct checks *all, struct check *c)
{
	const int fd = check_connect(c, SOCK_STREAM);

	if (fd < 0)
		return false;
	struct tcp *t = memory_zeroed(1, sizeof *t);
	t->check = c;
	ev_io_init(&t->io, on_io, fd, EV_WRITE);
	t->io.data = t;
	ev_io_start(all->loop, &t->io);
	c->own = t;
	c->stage = "the connection";
	return true;
}

static void stop(struct checks *all, struct check *c)
{
	close_socket(all->loop, c->own);
}

const struct check_kind check_tcp_kind = { start, stop, NULL };
