#include "xfr/tcp_message.h"

#include "base/bytes.h"

#include <errno.h>
#include <ev.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

struct tcp_message {
	struct ev_loop *loop;
	ev_io io;
	tcp_message_fn *fn;
	void *ctx;
	size_t len, at;  /* of what is sent, then of what is read */
	size_t room;     /* of `buf` */
	uint8_t buf[];   /* with the length in front */
};

static void on_readable(struct ev_loop *loop, ev_io *io, int events)
{
	struct tcp_message *t = io->data;
	const ssize_t n = recv(io->fd, t->buf + t->at, t->room - t->at, MSG_DONTWAIT);

	(void)loop;
	(void)events;
	if (n < 0 && (errno == EAGAIN || errno == EINTR))
		return;
	t->at += n > 0 ? (size_t)n : 0;
	const size_t want = t->at < 2 ? 2 : 2u + be16_get(t->buf);
	if (t->at >= want && t->at > 2) {
		t->fn(t->ctx, t->buf + 2, want - 2);
	} else if (n <= 0 || want > t->room) {
		ev_io_stop(t->loop, io);
		t->fn(t->ctx, NULL, 0);
	}
}

static void on_writable(struct ev_loop *loop, ev_io *io, int events)
{
	struct tcp_message *t = io->data;
	const ssize_t n = send(io->fd, t->buf + t->at, t->len - t->at, MSG_NOSIGNAL);

	(void)events;
	if (n < 0 && (errno == EAGAIN || errno == EINTR))
		return;
	if (n < 0) {
		ev_io_stop(loop, io);
		t->fn(t->ctx, NULL, 0);
		return;
	}
	t->at += (size_t)n;
	if (t->at < t->len)
		return;
	t->at = 0;
	ev_io_stop(loop, io);
	ev_io_init(io, on_readable, io->fd, EV_READ);
	ev_io_start(loop, io);
}

struct tcp_message *tcp_message_open(struct ev_loop *loop, const struct sockaddr *to,
	socklen_t to_len, const uint8_t *message, size_t len, tcp_message_fn *fn, void *ctx)
{
	const size_t room = 2 + (len > TCP_MESSAGE_ANSWER ? len : TCP_MESSAGE_ANSWER);
	const int fd = socket(to->sa_family, SOCK_STREAM | SOCK_NONBLOCK | SOCK_CLOEXEC, 0);
	struct tcp_message *t = fd < 0 ? NULL : calloc(1, sizeof *t + room);

	if (!t || (connect(fd, to, to_len) != 0 && errno != EINPROGRESS)) {
		free(t);
		if (fd >= 0)
			close(fd);
		return NULL;
	}
	t->loop = loop;
	t->fn = fn;
	t->ctx = ctx;
	t->room = room;
	t->len = len + 2;
	be16_put(t->buf, (unsigned)len);
	memcpy(t->buf + 2, message, len);
	ev_io_init(&t->io, on_writable, fd, EV_WRITE);
	t->io.data = t;
	ev_io_start(loop, &t->io);
	return t;
}

void tcp_message_close(struct tcp_message *t)
{
	ev_io_stop(t->loop, &t->io);
	close(t->io.fd);
	free(t);
}
