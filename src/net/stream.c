#include "net/stream.h"

#include "base/log.h"

#include <errno.h>
#include <ev.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>
#include <sys/socket.h>
#include <unistd.h>

enum {
	READ_ROOM = 2 + 65535, /* a message and its length */
	READ_SMALL = 1024,     /* what a connection has before it sends a longer one */
	WRITE_ROOM = 2 * (2 + ANSWER_TCP_MOST),
	ACCEPTS = 64,         /* connections taken at once */
	ACCEPT_PAUSE_MS = 100 /* when there are no more descriptors */
};

/* A connection; in a list of all, the one that has been idle longest first. */
struct connection {
	struct connection *older, *newer;
	struct stream *stream;
	ev_io io;
	ev_tstamp since; /* of the last whole query, or of the start */
	struct addr source;
	uint8_t *in; /* `small` or from the heap */
	size_t in_len, in_room;
	uint8_t *out; /* what the kernel did not take yet; NULL: nothing */
	size_t out_len, out_at;
	bool no_more; /* the client has closed its side */
	uint8_t small[READ_SMALL];
};

struct stream {
	struct stats stats;
	struct answerer answerer;
	const struct epoch *epoch;
	struct stream_opts opts;
	struct ev_loop *loop;
	ev_async stopper;
	ev_timer idle, resume;
	ev_io *listeners;
	size_t n_listeners;
	struct connection *oldest, *newest;
	unsigned clients;
	uint8_t write[WRITE_ROOM];
};

/* --- the list of connections -------------------------------------------------------------- */

static void unlink_connection(struct connection *c)
{
	struct stream *s = c->stream;

	*(c->older ? &c->older->newer : &s->oldest) = c->newer;
	*(c->newer ? &c->newer->older : &s->newest) = c->older;
}

static void link_newest(struct connection *c)
{
	struct stream *s = c->stream;

	c->since = ev_now(s->loop);
	c->newer = NULL;
	c->older = s->newest;
	*(s->newest ? &s->newest->newer : &s->oldest) = c;
	s->newest = c;
}

static void close_connection(struct connection *c)
{
	struct stream *s = c->stream;

	unlink_connection(c);
	ev_io_stop(s->loop, &c->io);
	close(c->io.fd);
	if (c->in != c->small)
		free(c->in);
	free(c->out);
	free(c);
	__atomic_store_n(&s->clients, s->clients - 1, __ATOMIC_RELAXED);
}

static void on_idle(struct ev_loop *loop, ev_timer *t, int events)
{
	struct stream *s = t->data;
	const ev_tstamp idle_s = s->opts.idle_ms / 1e3;

	(void)events;
	while (s->oldest && ev_now(loop) - s->oldest->since >= idle_s)
		close_connection(s->oldest);
	t->repeat = s->oldest ? s->oldest->since + idle_s - ev_now(loop) + 1e-3 : 0;
	ev_timer_again(loop, t);
}

/* --- answering ---------------------------------------------------------------------------- */

/* Sends what is there; keeps what the kernel does not take. False when the connection is gone.
 */
static bool put_out(struct connection *c, const uint8_t *bytes, size_t len)
{
	const ssize_t n = send(c->io.fd, bytes, len, MSG_NOSIGNAL);
	const size_t sent = n > 0 ? (size_t)n : 0;

	if (n < 0 && errno != EAGAIN && errno != EWOULDBLOCK && errno != EINTR)
		return false;
	if (sent == len)
		return true;
	c->out = malloc(len - sent);
	if (!c->out)
		return false;
	c->out_len = len - sent;
	c->out_at = 0;
	memcpy(c->out, bytes + sent, c->out_len);
	return true;
}

static void watch(struct connection *c, int events)
{
	if ((c->io.events & (EV_READ | EV_WRITE)) == events)
		return;
	ev_io_stop(c->stream->loop, &c->io);
	ev_io_modify(&c->io, events);
	ev_io_start(c->stream->loop, &c->io);
}

/* Answers the whole queries that have come, as many as their answers have room for. False when
 * the connection is to be closed. */
static bool answer_pending(struct connection *c)
{
	struct stream *s = c->stream;
	size_t at = 0, out = 0;

	s->answerer.world = epoch_enter(s->epoch);
	while (c->in_len - at >= 2 && WRITE_ROOM - out >= 2 + ANSWER_TCP_MOST) {
		const size_t len = be16_get(c->in + at);
		if (c->in_len - at - 2 < len)
			break;
		const size_t n = answer(&s->answerer,
			&(struct answer_ask){ .packet = c->in + at + 2,
				.len = len,
				.source = c->source,
				.tcp = true,
				.to = s->write + out + 2 });
		be16_put(s->write + out, (unsigned)n);
		out += n ? n + 2 : 0;
		at += len + 2;
	}
	epoch_exit();
	if (at) {
		memmove(c->in, c->in + at, c->in_len - at);
		c->in_len -= at;
		unlink_connection(c);
		link_newest(c);
	}
	if (out && !put_out(c, s->write, out))
		return false;
	watch(c, c->out ? EV_WRITE : EV_READ);
	return true;
}

/* Is a whole query waiting that there was no room to answer? */
static bool has_query(const struct connection *c)
{
	return c->in_len >= 2 && c->in_len - 2 >= be16_get(c->in);
}

static bool make_room(struct connection *c)
{
	if (c->in_len < c->in_room)
		return true;
	uint8_t *in = malloc(READ_ROOM);
	if (!in)
		return false;
	memcpy(in, c->in, c->in_len);
	c->in = in;
	c->in_room = READ_ROOM;
	return true;
}

/* False when the connection is to be closed. */
static bool read_more(struct connection *c)
{
	if (!make_room(c))
		return false;
	const ssize_t n = recv(c->io.fd, c->in + c->in_len, c->in_room - c->in_len, 0);
	if (n < 0)
		return errno == EAGAIN || errno == EWOULDBLOCK || errno == EINTR;
	c->no_more = n == 0;
	c->in_len += (size_t)n;
	do {
		if (!answer_pending(c))
			return false;
	} while (!c->out && has_query(c));
	return !c->no_more || c->out;
}

static bool write_more(struct connection *c)
{
	const ssize_t n = send(
		c->io.fd, c->out + c->out_at, c->out_len - c->out_at, MSG_NOSIGNAL);

	if (n < 0)
		return errno == EAGAIN || errno == EWOULDBLOCK || errno == EINTR;
	c->out_at += (size_t)n;
	if (c->out_at < c->out_len)
		return true;
	free(c->out);
	c->out = NULL;
	do {
		if (!answer_pending(c))
			return false;
	} while (!c->out && has_query(c));
	return !c->no_more || c->out;
}

static void on_connection(struct ev_loop *loop, ev_io *io, int events)
{
	struct connection *c = io->data;

	(void)loop;
	if (!(events & EV_WRITE ? write_more(c) : read_more(c)))
		close_connection(c);
}

/* --- new connections ---------------------------------------------------------------------- */

static void pause_listening(struct stream *s)
{
	for (size_t i = 0; i < s->n_listeners; i++)
		ev_io_stop(s->loop, &s->listeners[i]);
	s->resume.repeat = ACCEPT_PAUSE_MS / 1e3;
	ev_timer_again(s->loop, &s->resume);
}

static void on_resume(struct ev_loop *loop, ev_timer *t, int events)
{
	struct stream *s = t->data;

	(void)events;
	ev_timer_stop(loop, t);
	for (size_t i = 0; i < s->n_listeners; i++)
		ev_io_start(loop, &s->listeners[i]);
}

static void open_connection(struct stream *s, int fd, const struct sockaddr_storage *from)
{
	struct connection *c = malloc(sizeof *c);

	if (!c) {
		close(fd);
		return;
	}
	memset(c, 0, offsetof(struct connection, small));
	c->stream = s;
	c->in = c->small;
	c->in_room = READ_SMALL;
	c->source = addr_from_sockaddr((const struct sockaddr *)from);
	ev_io_init(&c->io, on_connection, fd, EV_READ);
	c->io.data = c;
	link_newest(c);
	ev_io_start(s->loop, &c->io);
	__atomic_store_n(&s->clients, s->clients + 1, __ATOMIC_RELAXED);
	stats_add(&s->stats.tcp_connections, 1);
	if (!ev_is_active(&s->idle)) {
		s->idle.repeat = s->opts.idle_ms / 1e3 + 1e-3;
		ev_timer_again(s->loop, &s->idle);
	}
}

static void on_accept(struct ev_loop *loop, ev_io *io, int events)
{
	struct stream *s = io->data;

	(void)loop;
	(void)events;
	for (unsigned i = 0; i < ACCEPTS; i++) {
		struct sockaddr_storage from;
		socklen_t len = sizeof from;
		const int fd = accept4(
			io->fd, (struct sockaddr *)&from, &len, SOCK_NONBLOCK | SOCK_CLOEXEC);
		if (fd >= 0) {
			if (s->clients >= s->opts.clients)
				close_connection(s->oldest);
			open_connection(s, fd, &from);
			continue;
		}
		if (errno == EMFILE || errno == ENFILE || errno == ENOBUFS || errno == ENOMEM) {
			if (s->oldest)
				close_connection(s->oldest);
			else
				pause_listening(s);
		}
		return; /* nobody waits any more, or the next event tells of the rest */
	}
}

/* --- the thread --------------------------------------------------------------------------- */

static void on_stop(struct ev_loop *loop, ev_async *a, int events)
{
	(void)a;
	(void)events;
	ev_break(loop, EVBREAK_ALL);
}

struct stream *stream_new(
	const int *fds, size_t n, const struct epoch *epoch, const struct stream_opts *opts)
{
	struct stream *s = aligned_alloc(64, (sizeof *s + 63) & ~(size_t)63);
	void *turns = mmap(NULL, sizeof(struct choose_turn) * POOLS_MOST * 2,
		PROT_READ | PROT_WRITE, MAP_PRIVATE | MAP_ANONYMOUS | MAP_NORESERVE, -1, 0);

	if (!s || turns == MAP_FAILED)
		die("out of memory");
	memset(s, 0, offsetof(struct stream, write));
	s->epoch = epoch;
	s->opts = *opts;
	s->answerer = (struct answerer){ .stats = &s->stats, .turns = turns };
	s->loop = ev_loop_new(EVFLAG_AUTO | EVFLAG_NOENV);
	s->listeners = calloc(n, sizeof *s->listeners);
	if (!s->loop || !s->listeners)
		die("cannot have an event loop for TCP");
	ev_async_init(&s->stopper, on_stop);
	ev_async_start(s->loop, &s->stopper);
	ev_init(&s->idle, on_idle);
	ev_init(&s->resume, on_resume);
	s->idle.data = s->resume.data = s;
	s->n_listeners = n;
	for (size_t i = 0; i < n; i++) {
		ev_io_init(&s->listeners[i], on_accept, fds[i], EV_READ);
		s->listeners[i].data = s;
		ev_io_start(s->loop, &s->listeners[i]);
	}
	return s;
}

void stream_free(struct stream *s)
{
	while (s->oldest)
		close_connection(s->oldest);
	for (size_t i = 0; i < s->n_listeners; i++) {
		ev_io_stop(s->loop, &s->listeners[i]);
		close(s->listeners[i].fd);
	}
	ev_loop_destroy(s->loop);
	munmap(s->answerer.turns, sizeof(struct choose_turn) * POOLS_MOST * 2);
	free(s->listeners);
	free(s);
}

void stream_run(struct stream *s)
{
	epoch_join();
	ev_run(s->loop, 0);
	epoch_leave();
}

void stream_stop(struct stream *s)
{
	ev_async_send(s->loop, &s->stopper);
}

const struct stats *stream_stats(const struct stream *s)
{
	return &s->stats;
}

unsigned stream_clients(const struct stream *s)
{
	return __atomic_load_n(&s->clients, __ATOMIC_RELAXED);
}
