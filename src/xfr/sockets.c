#include "xfr/sockets.h"

#include <errno.h>
#include <netinet/in.h>
#include <string.h>
#include <unistd.h>

enum { READ_A_TURN = 64 };

bool sockets_same_address(const struct sockaddr *a, const struct sockaddr *b)
{
	if (a->sa_family != b->sa_family)
		return false;
	if (a->sa_family == AF_INET) {
		const struct sockaddr_in *x = (const void *)a, *y = (const void *)b;
		return x->sin_port == y->sin_port && x->sin_addr.s_addr == y->sin_addr.s_addr;
	}
	const struct sockaddr_in6 *x = (const void *)a, *y = (const void *)b;
	return x->sin6_port == y->sin6_port &&
		memcmp(&x->sin6_addr, &y->sin6_addr, sizeof x->sin6_addr) == 0;
}

static void on_udp(struct ev_loop *loop, ev_io *io, int events)
{
	const struct sockets *s = io->data;
	struct sockaddr_storage from;
	uint8_t packet[SOCKETS_ANSWER_MOST];

	(void)loop;
	(void)events;
	for (unsigned i = 0; i < READ_A_TURN; i++) {
		socklen_t from_len = sizeof from;
		const ssize_t len = recvfrom(io->fd, packet, sizeof packet, MSG_DONTWAIT,
			(struct sockaddr *)&from, &from_len);
		if (len < 0 && (errno == EAGAIN || errno == EWOULDBLOCK))
			return;
		if (len > 0)
			s->take(s->ctx, (struct sockaddr *)&from, packet, (size_t)len);
	}
}

static void open_one(struct sockets *s, ev_io *io, int family)
{
	const int fd = socket(family, SOCK_DGRAM | SOCK_NONBLOCK | SOCK_CLOEXEC, 0);

	ev_io_init(io, on_udp, fd, EV_READ);
	io->data = s;
	if (fd >= 0)
		ev_io_start(s->loop, io);
}

static void close_one(struct sockets *s, ev_io *io)
{
	if (!ev_is_active(io))
		return;
	ev_io_stop(s->loop, io);
	close(io->fd);
}

void sockets_open(struct sockets *s, struct ev_loop *loop, sockets_take *take, void *ctx)
{
	s->loop = loop;
	s->take = take;
	s->ctx = ctx;
	open_one(s, &s->v4, AF_INET);
	open_one(s, &s->v6, AF_INET6);
}

void sockets_close(struct sockets *s)
{
	close_one(s, &s->v4);
	close_one(s, &s->v6);
}

void sockets_send(const struct sockets *s, const struct sockaddr *to, socklen_t to_len,
	const uint8_t *message, size_t len)
{
	const ev_io *io = to->sa_family == AF_INET6 ? &s->v6 : &s->v4;

	if (ev_is_active(io))
		sendto(io->fd, message, len, MSG_DONTWAIT | MSG_NOSIGNAL, to, to_len);
}
