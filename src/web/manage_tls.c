#include "web/manage_tls.h"

#include "net/handshakes.h"
#include "net/pipe.h"
#include "net/tls.h"

#include <errno.h>
#include <ev.h>
#include <pthread.h>
#include <signal.h>
#include <stdint.h>
#include <stdlib.h>
#include <string.h>
#include <time.h>
#include <unistd.h>

enum {
	ACCEPTS = 16,  /* connections taken in a turn */
	ROUNDS = 8,    /* of a connection in a turn */
	PAUSE_MS = 100 /* when there are no more descriptors */
};

/* What goes one way. */
struct flow {
	size_t at, len;
	bool ended; /* nothing more comes */
	char bytes[MANAGE_TLS_ROOM];
};

struct front {
	struct front *next, **from;
	struct manage_tls *owner;
	struct pipe pipe; /* to the client */
	int fd;           /* our end of the pair */
	uint64_t pair;    /* the kernel's name of the other end: descriptors come again, these
			     never */
	bool shaken;
	char *names; /* of the certificate (pipe_client_names); under the owner's lock */
	ev_io client, inside;
	struct flow in, out;
};

struct manage_tls {
	struct ev_loop *loop;
	manage_tls_take *take;
	void *ctx;
	ev_io accept;
	ev_timer resume;
	ev_async stop;
	pthread_t thread;
	bool runs;
	struct handshakes handshakes;
	pthread_mutex_t lock; /* of the list and of names */
	struct front *fronts;
	struct tls *shown; /* held; under the lock */
};

/* --- the end of one ----------------------------------------------------------------------- */

static void close_front(struct front *f)
{
	struct manage_tls *t = f->owner;

	pthread_mutex_lock(&t->lock);
	*f->from = f->next;
	if (f->next)
		f->next->from = f->from;
	pthread_mutex_unlock(&t->lock);
	ev_io_stop(t->loop, &f->client);
	ev_io_stop(t->loop, &f->inside);
	pipe_close(&f->pipe);
	close(f->fd);
	free(f->names);
	free(f);
}

/* --- bytes go through --------------------------------------------------------------------- */

/* Of these, true: something has moved. */
static bool read_client(struct front *f)
{
	if (f->in.len || f->in.ended)
		return false;
	const ssize_t n = pipe_read(&f->pipe, f->in.bytes, sizeof f->in.bytes);
	if (n == PIPE_AGAIN)
		return false;
	f->in.at = 0;
	f->in.len = n > 0 ? (size_t)n : 0;
	if (n <= 0) {
		f->in.ended = true;
		shutdown(f->fd, SHUT_WR);
	}
	return true;
}

static bool write_inside(struct front *f)
{
	if (!f->in.len)
		return false;
	const ssize_t n = send(
		f->fd, f->in.bytes + f->in.at, f->in.len, MSG_NOSIGNAL | MSG_DONTWAIT);
	if (n > 0) {
		f->in.at += (size_t)n;
		f->in.len -= (size_t)n;
	} else if (errno != EAGAIN && errno != EINTR) {
		f->in.len = 0; /* it has closed: what it has said still goes out */
		f->in.ended = true;
	}
	return n > 0;
}

static bool read_inside(struct front *f)
{
	if (f->out.len || f->out.ended)
		return false;
	const ssize_t n = recv(f->fd, f->out.bytes, sizeof f->out.bytes, MSG_DONTWAIT);
	if (n < 0 && (errno == EAGAIN || errno == EINTR))
		return false;
	f->out.at = 0;
	f->out.len = n > 0 ? (size_t)n : 0;
	f->out.ended = n <= 0;
	return true;
}

static bool write_client(struct front *f)
{
	if (!f->out.len)
		return false;
	const ssize_t n = pipe_write(&f->pipe, f->out.bytes + f->out.at, f->out.len);
	if (n == PIPE_AGAIN)
		return false;
	f->out.at += n > 0 ? (size_t)n : 0;
	f->out.len -= n > 0 ? (size_t)n : f->out.len;
	f->out.ended = f->out.ended || n < 0;
	return true;
}

static void watch(struct manage_tls *t, ev_io *io, int events)
{
	if (ev_is_active(io) && (io->events & (EV_READ | EV_WRITE)) == events)
		return;
	ev_io_stop(t->loop, io);
	if (!events)
		return;
	ev_io_modify(io, events);
	ev_io_start(t->loop, io);
}

/* False: it is over. A client that has ended may still read; one that HTTP has done with may
 * not. */
static bool pass_on(struct front *f)
{
	bool moved = true;

	for (unsigned i = 0; i < ROUNDS && moved; i++) {
		moved = read_client(f);
		moved = write_inside(f) || moved;
		moved = read_inside(f) || moved;
		moved = write_client(f) || moved;
	}
	if (f->out.ended && !f->out.len)
		return false;
	watch(f->owner, &f->client,
		(f->in.len || f->in.ended ? 0 : f->pipe.read_wants) |
			(f->out.len ? f->pipe.write_wants : 0));
	/* One that has not come to rest goes on behind all others: its own end of the pair can
	 * be written to. */
	watch(f->owner, &f->inside,
		(f->in.len || moved ? EV_WRITE : 0) |
			(f->out.len || f->out.ended ? 0 : EV_READ));
	return true;
}

/* TLS begins with the client's first bytes. False: it is over. */
static bool shake(struct front *f)
{
	struct manage_tls *t = f->owner;

	if (!f->pipe.state) {
		pthread_mutex_lock(&t->lock);
		struct tls *shown = tls_hold(t->shown);
		pthread_mutex_unlock(&t->lock);
		const bool ok = shown && pipe_start_tls(&f->pipe, shown, TLS_HTTP_ONE);
		tls_drop(shown);
		if (!ok)
			return false;
	}
	const ssize_t n = pipe_shake(&f->pipe);
	if (n != 1) {
		watch(t, &f->client, f->pipe.read_wants);
		return n == PIPE_AGAIN;
	}
	char *names = pipe_client_names(&f->pipe);
	pthread_mutex_lock(&t->lock);
	f->names = names;
	pthread_mutex_unlock(&t->lock);
	f->shaken = true;
	return pass_on(f);
}

static void on_client(struct ev_loop *loop, ev_io *io, int events)
{
	struct front *f = io->data;

	(void)loop;
	(void)events;
	if (!(f->shaken ? pass_on(f) : shake(f)))
		close_front(f);
}

/* Before the handshake is done HTTP can only have closed. */
static void on_inside(struct ev_loop *loop, ev_io *io, int events)
{
	struct front *f = io->data;

	(void)loop;
	(void)events;
	if (!f->shaken || !pass_on(f))
		close_front(f);
}

/* --- new ones ----------------------------------------------------------------------------- */

static bool name_of_pair(int fd, uint64_t *to)
{
	socklen_t len = sizeof *to;

	return getsockopt(fd, SOL_SOCKET, SO_COOKIE, to, &len) == 0;
}

/* Takes `fd`. */
static void open_front(struct manage_tls *t, int fd, const struct sockaddr *from, socklen_t len)
{
	struct front *f = calloc(1, sizeof *f);
	int pair[2];

	if (!f ||
		socketpair(AF_UNIX, SOCK_STREAM | SOCK_NONBLOCK | SOCK_CLOEXEC, 0, pair) != 0) {
		free(f);
		close(fd);
		return;
	}
	f->owner = t;
	f->fd = pair[0];
	pipe_open_plain(&f->pipe, fd);
	ev_io_init(&f->client, on_client, fd, EV_READ);
	ev_io_init(&f->inside, on_inside, f->fd, EV_READ);
	f->client.data = f->inside.data = f;
	ev_io_start(t->loop, &f->client);
	ev_io_start(t->loop, &f->inside);
	const bool named = name_of_pair(pair[1], &f->pair);
	pthread_mutex_lock(&t->lock);
	f->next = t->fronts;
	f->from = &t->fronts;
	if (f->next)
		f->next->from = &f->next;
	t->fronts = f;
	pthread_mutex_unlock(&t->lock);
	if (!named)
		close(pair[1]);
	if (!named || !t->take(t->ctx, pair[1], from, len))
		close_front(f);
}

static int64_t now_ms(void)
{
	struct timespec now;

	clock_gettime(CLOCK_MONOTONIC, &now);
	return now.tv_sec * (int64_t)1000 + now.tv_nsec / 1000000;
}

static void on_accept(struct ev_loop *loop, ev_io *io, int events)
{
	struct manage_tls *t = io->data;

	(void)events;
	for (unsigned i = 0; i < ACCEPTS; i++) {
		struct sockaddr_storage from;
		socklen_t len = sizeof from;
		const int fd = accept4(
			io->fd, (struct sockaddr *)&from, &len, SOCK_NONBLOCK | SOCK_CLOEXEC);
		if (fd < 0) {
			if (errno == EAGAIN || errno == EINTR || errno == ECONNABORTED)
				return;
			ev_io_stop(loop, io);
			ev_timer_again(loop, &t->resume);
			return;
		}
		const struct addr source = addr_from_sockaddr((const struct sockaddr *)&from);
		if (handshakes_may(&t->handshakes, &source, now_ms()))
			open_front(t, fd, (const struct sockaddr *)&from, len);
		else
			close(fd);
	}
}

static void on_resume(struct ev_loop *loop, ev_timer *timer, int events)
{
	struct manage_tls *t = timer->data;

	(void)events;
	ev_timer_stop(loop, timer);
	ev_io_start(loop, &t->accept);
}

/* --- the thread --------------------------------------------------------------------------- */

static void on_stop(struct ev_loop *loop, ev_async *a, int events)
{
	(void)a;
	(void)events;
	ev_break(loop, EVBREAK_ALL);
}

static void *run(void *ctx)
{
	struct manage_tls *t = ctx;

	ev_run(t->loop, 0);
	return NULL;
}

/* Signals are the control thread's. */
bool manage_tls_start(struct manage_tls *t)
{
	sigset_t all, before;

	sigfillset(&all);
	pthread_sigmask(SIG_SETMASK, &all, &before);
	t->runs = pthread_create(&t->thread, NULL, run, t) == 0;
	pthread_sigmask(SIG_SETMASK, &before, NULL);
	return t->runs;
}

void manage_tls_stop(struct manage_tls *t)
{
	if (!t->runs)
		return;
	ev_async_send(t->loop, &t->stop);
	pthread_join(t->thread, NULL);
	t->runs = false;
}

void manage_tls_free(struct manage_tls *t)
{
	while (t->fronts)
		close_front(t->fronts);
	ev_loop_destroy(t->loop);
	handshakes_fini(&t->handshakes);
	pthread_mutex_destroy(&t->lock);
	tls_drop(t->shown);
	free(t);
}

struct manage_tls *manage_tls_new(int listener, manage_tls_take *take, void *ctx)
{
	struct manage_tls *t = calloc(1, sizeof *t);
	struct ev_loop *loop = t ? ev_loop_new(EVFLAG_AUTO | EVFLAG_NOENV) : NULL;

	if (!loop) {
		free(t);
		return NULL;
	}
	t->loop = loop;
	t->take = take;
	t->ctx = ctx;
	pthread_mutex_init(&t->lock, NULL);
	handshakes_init(&t->handshakes, 0, MANAGE_TLS_HANDSHAKES);
	ev_io_init(&t->accept, on_accept, listener, EV_READ);
	ev_timer_init(&t->resume, on_resume, 0, PAUSE_MS / 1e3);
	ev_async_init(&t->stop, on_stop);
	t->accept.data = t->resume.data = t;
	ev_io_start(loop, &t->accept);
	ev_async_start(loop, &t->stop);
	return t;
}

/* --- from other threads ------------------------------------------------------------------- */

void manage_tls_show(struct manage_tls *t, struct tls *shown)
{
	pthread_mutex_lock(&t->lock);
	struct tls *before = t->shown;
	t->shown = tls_hold(shown);
	pthread_mutex_unlock(&t->lock);
	tls_drop(before);
}

static bool has_name(const char *names, const char *name)
{
	for (; names && *names; names += strlen(names) + 1)
		if (strcmp(names, name) == 0)
			return true;
	return false;
}

bool manage_tls_is(struct manage_tls *t, int fd, const char *name)
{
	uint64_t pair;
	bool is = false;

	if (!name_of_pair(fd, &pair))
		return false;
	pthread_mutex_lock(&t->lock);
	for (const struct front *f = t->fronts; f; f = f->next)
		is = is || (f->pair == pair && has_name(f->names, name));
	pthread_mutex_unlock(&t->lock);
	return is;
}
