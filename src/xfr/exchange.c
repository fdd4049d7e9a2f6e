#include "xfr/exchange.h"

#include "base/bytes.h"
#include "base/memory.h"

#include <errno.h>
#include <ev.h>
#include <netinet/in.h>
#include <sodium.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

enum { READ_A_TURN = 64, SLOTS = 256 };

/* How long an answer is waited for, after each try. */
static const double patience_s[EXCHANGE_TRIES] = { 2, 3, 5 };

struct exchange {
	struct exchanges *of;
	struct exchange_opts opts;
	ev_timer timer;
	unsigned tries;
	uint16_t id;
	struct exchange *next, **link; /* of those whose IDs end alike */
};

struct exchanges {
	struct ev_loop *loop;
	ev_io v4, v6;
	size_t n;
	struct exchange *slot[SLOTS]; /* by the lower bits of the ID */
};

static void unlink_exchange(struct exchange *e)
{
	*e->link = e->next;
	if (e->next)
		e->next->link = e->link;
	ev_timer_stop(e->of->loop, &e->timer);
	e->of->n--;
}

static void end(struct exchange *e, const uint8_t *packet, size_t len)
{
	const struct exchange_opts opts = e->opts;

	unlink_exchange(e);
	free(e);
	opts.done(opts.ctx, packet, len);
}

static void on_timer(struct ev_loop *loop, ev_timer *t, int events)
{
	struct exchange *e = t->data;
	uint8_t message[EXCHANGE_MOST];

	(void)events;
	if (e->tries == EXCHANGE_TRIES) {
		end(e, NULL, 0);
		return;
	}
	const ev_io *io = e->opts.to->sa_family == AF_INET6 ? &e->of->v6 : &e->of->v4;
	const size_t len = e->opts.write(e->opts.ctx, message, e->id);
	/* What the kernel does not take is as lost as what the net loses. */
	if (ev_is_active(io))
		sendto(io->fd, message, len, MSG_DONTWAIT | MSG_NOSIGNAL, e->opts.to,
			e->opts.to_len);
	ev_timer_set(t, patience_s[e->tries++], 0);
	ev_timer_start(loop, t);
}

struct exchange *exchange_start(struct exchanges *x, const struct exchange_opts *opts)
{
	struct exchange *e = calloc(1, sizeof *e);

	if (!e)
		return NULL;
	e->of = x;
	e->opts = *opts;
	e->id = (uint16_t)randombytes_random();
	e->link = &x->slot[e->id % SLOTS];
	e->next = *e->link;
	if (e->next)
		e->next->link = &e->next;
	*e->link = e;
	x->n++;
	ev_timer_init(&e->timer, on_timer, 0, 0);
	e->timer.data = e;
	ev_timer_start(x->loop, &e->timer);
	return e;
}

void exchange_cancel(struct exchange *e)
{
	unlink_exchange(e);
	free(e);
}

/* Port and address: what else there is (flow, scope) may differ. */
static bool same_address(const struct sockaddr *a, const struct sockaddr *b)
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

static void take_answer(struct exchanges *x, const struct sockaddr *from, const uint8_t *packet,
	size_t len)
{
	enum { HEADER = 12, QR = 0x80 };

	if (len < HEADER || !(packet[2] & QR))
		return;
	const uint16_t id = be16_get(packet);
	for (struct exchange *e = x->slot[id % SLOTS]; e; e = e->next)
		if (e->id == id && e->tries && same_address(from, e->opts.to)) {
			end(e, packet, len);
			return;
		}
}

static void on_udp(struct ev_loop *loop, ev_io *io, int events)
{
	struct exchanges *x = io->data;
	struct sockaddr_storage from;
	uint8_t packet[EXCHANGE_MOST];

	(void)loop;
	(void)events;
	for (unsigned i = 0; i < READ_A_TURN; i++) {
		socklen_t from_len = sizeof from;
		const ssize_t len = recvfrom(io->fd, packet, sizeof packet, MSG_DONTWAIT,
			(struct sockaddr *)&from, &from_len);
		if (len < 0 && (errno == EAGAIN || errno == EWOULDBLOCK))
			return;
		if (len > 0)
			take_answer(x, (struct sockaddr *)&from, packet, (size_t)len);
	}
}

/* Left out where the kernel has no such family. */
static void open_socket(struct exchanges *x, ev_io *io, int family)
{
	const int fd = socket(family, SOCK_DGRAM | SOCK_NONBLOCK | SOCK_CLOEXEC, 0);

	ev_io_init(io, on_udp, fd, EV_READ);
	io->data = x;
	if (fd >= 0)
		ev_io_start(x->loop, io);
}

static void close_socket(struct exchanges *x, ev_io *io)
{
	if (!ev_is_active(io))
		return;
	ev_io_stop(x->loop, io);
	close(io->fd);
}

struct exchanges *exchanges_new(struct ev_loop *loop)
{
	struct exchanges *x = memory_zeroed(1, sizeof *x);

	x->loop = loop;
	open_socket(x, &x->v4, AF_INET);
	open_socket(x, &x->v6, AF_INET6);
	return x;
}

void exchanges_free(struct exchanges *x)
{
	for (unsigned i = 0; i < SLOTS; i++)
		while (x->slot[i])
			exchange_cancel(x->slot[i]);
	close_socket(x, &x->v4);
	close_socket(x, &x->v6);
	memory_free(x);
}

size_t exchanges_underway(const struct exchanges *x)
{
	return x->n;
}
