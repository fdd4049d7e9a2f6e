#include "net/stream.h"

#include "answer/transfer.h"
#include "base/clock.h"
#include "base/log.h"
#include "base/memory.h"
#include "dns/query.h"
#include "jobs/mailbox.h"
#include "net/clients.h"
#include "net/choice_counts_new.h"
#include "net/request.h"

#include <errno.h>
#include <ev.h>
#include <netinet/in.h>
#include <netinet/tcp.h>
#include <stdlib.h>
#include <string.h>
#include <time.h>
#include <unistd.h>

/* Work is done in turns, so that no client keeps the others waiting: a turn reads once, at most
 * READ_ROOM bytes (or what a longer message lacks), and answers what is whole until there is
 * WRITE_ENOUGH to send. What is left then waits for its next turn, behind all others'. */
enum {
	READ_ROOM = 1024, /* holds dozens of queries */
	WRITE_ENOUGH = 16384,
	WRITE_ROOM = WRITE_ENOUGH + 2 + ANSWER_TCP_MOST,
	REPLIES = 16384, /* a power of two; each is a connection's that waits */
	ACCEPTS = 64,         /* connections taken in a turn */
	CLOSES = 64,          /* connections closed for their idleness in a turn */
	UNSENT = 131072, /* bytes of a transfer that the kernel has and has not sent: it tells of room
			    for more whenever there are less, not once a third of megabytes has
			    gone, which takes a slow reader longer than the idle time */
	ACCEPT_PAUSE_MS = 100 /* when there are no more descriptors */
};

struct connection {
	struct clients_member member; /* idle since its last query, or its start */
	struct stream *stream;
	ev_io io;
	struct addr source;
	uint8_t *in; /* `room`, or from the heap for one longer message alone */
	size_t in_len, in_room;
	uint8_t *out; /* what the kernel did not take yet; NULL: nothing */
	size_t out_len, out_at;
	struct request *waits; /* whose answer others make; NULL: none */
	struct transfer *transfer; /* that goes on; NULL: none */
	bool no_more; /* the client has closed its side, or does not speak DNS: answer, close */
	uint8_t room[READ_ROOM];
};

struct stream {
	struct stats stats;
	struct samples samples;
	struct answerer answerer;
	struct choice_counts *counts;
	const struct epoch *epoch;
	struct stream_opts opts;
	struct ev_loop *loop;
	ev_async stopper;
	ev_timer idle, resume;
	ev_io *listeners;
	size_t n_listeners;
	struct clients connected;
	unsigned clients; /* as many as are connected; any thread may read */
	struct answer_later later; /* of the query at work */
	struct mailbox *back;      /* of struct request_reply */
	struct transfer begun; /* by the query at work; its zone is NULL between queries */
	uint8_t write[WRITE_ROOM];
};

/* --- connections come to an end ----------------------------------------------------------- */

/* Not ev_now(), which is the time of day: that jumps when somebody sets it. */
static int64_t now_ms(void)
{
	struct timespec t;

	clock_gettime(CLOCK_MONOTONIC, &t);
	return t.tv_sec * (int64_t)1000 + t.tv_nsec / 1000000;
}

static void free_in(struct connection *c)
{
	if (c->in != c->room)
		free(c->in);
	c->in = c->room;
	c->in_room = READ_ROOM;
}

static void end_transfer(struct connection *c)
{
	if (!c->transfer)
		return;
	transfer_end(c->transfer);
	free(c->transfer);
	c->transfer = NULL;
}

static void close_connection(struct connection *c)
{
	struct stream *s = c->stream;

	clients_leave(&s->connected, &c->member);
	ev_io_stop(s->loop, &c->io);
	close(c->io.fd);
	free_in(c);
	stats_add(&s->stats.transfers_broken, c->transfer != NULL);
	end_transfer(c);
	if (c->waits)
		c->waits->connection = NULL;
	free(c->out);
	free(c);
	__atomic_store_n(&s->clients, s->connected.n, __ATOMIC_RELAXED);
}

static void close_member(struct clients_member *m)
{
	close_connection((struct connection *)m); /* its first field */
}

/* Who waits for the answer to an UPDATE, which a disk may hold up, is not idle. */
static void end_idle(struct stream *s, struct clients_member *m, int64_t now)
{
	const struct connection *c = (const struct connection *)m; /* its first field */

	if (c->waits)
		clients_touch(&s->connected, m, now);
	else
		close_member(m);
}

static void on_idle(struct ev_loop *loop, ev_timer *t, int events)
{
	struct stream *s = t->data;
	const struct clients_member *oldest;
	const int64_t now = now_ms();
	unsigned n = 0;

	(void)events;
	while ((oldest = s->connected.all.oldest) &&
		now - oldest->since_ms >= s->opts.idle_ms && n++ < CLOSES)
		end_idle(s, s->connected.all.oldest, now);
	const int64_t left = oldest ? oldest->since_ms + s->opts.idle_ms - now : 0;
	/* 0 stops the timer: nobody is there. */
	t->repeat = !oldest ? 0 : left > 0 ? (double)left / 1e3 : 1e-4;
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

/* Is a whole message there, from `at` on? */
static bool has_message(const struct connection *c, size_t at)
{
	return c->in_len - at >= 2 && c->in_len - at - 2 >= be16_get(c->in + at);
}

/* What to wait for, or false when there is nothing. A message that is left waits for its turn
 * by way of the socket being writable, which it is unless its client does not read. */
static bool go_on(struct connection *c)
{
	const bool waits = c->out || c->transfer || has_message(c, 0);
	const int events = waits ? EV_WRITE : EV_READ;

	if (c->waits && !c->out) {
		ev_io_stop(c->stream->loop, &c->io); /* until take_reply() */
		return true;
	}
	if (!waits && c->no_more)
		return false;
	if ((c->io.events & (EV_READ | EV_WRITE)) != events || !ev_is_active(&c->io)) {
		ev_io_stop(c->stream->loop, &c->io);
		ev_io_modify(&c->io, events);
		ev_io_start(c->stream->loop, &c->io);
	}
	return true;
}

/* A transfer has begun: it goes on in turns of its own. False when there is no memory. */
static bool take_transfer(struct connection *c, struct transfer *begun)
{
	const int unsent = UNSENT;

	setsockopt(c->io.fd, IPPROTO_TCP, TCP_NOTSENT_LOWAT, &unsent, sizeof unsent);
	c->transfer = malloc(sizeof *c->transfer);
	if (c->transfer)
		transfer_move(c->transfer, begun);
	else
		transfer_end(begun);
	return c->transfer != NULL;
}

/* One that others look into: the connection waits for their answer. False when it cannot be had. */
static bool keep(struct connection *c, const struct answer_ask *ask)
{
	struct stream *s = c->stream;
	struct request *r = s->opts.news ? request_new(ask, &s->later) : NULL;

	s->later.asked = false;
	if (!r)
		return false;
	r->back = s->back;
	r->connection = c;
	if (!mailbox_post(s->opts.news,
		    &(struct answer_news){ .kind = NEWS_UPDATE, .request = r })) {
		free(r);
		return false;
	}
	c->waits = r;
	return true;
}

/* Answers what is whole into the stream's `write`, until it is enough; takes it out of `in`.
 * Returns how much there is to send.
 *
 * Who sends a message too short for a header does not speak DNS, or has lost count of its own
 * bytes: what it sent before is answered, then we close (so do NSD, Knot and BIND). A response
 * is passed over and does not count as a query. */
static size_t answer_whole(struct connection *c)
{
	struct stream *s = c->stream;
	size_t at = 0, out = 0;

	s->answerer.world = epoch_enter(s->epoch);
	s->samples.due = true;
	s->answerer.now_s = (uint32_t)time(NULL);
	s->answerer.now_us = clock_us();
	while (out < WRITE_ENOUGH && has_message(c, at) && !c->transfer && !c->waits) {
		const size_t len = be16_get(c->in + at);
		if (len < QUERY_HEADER) {
			c->no_more = true;
			at = c->in_len;
			break;
		}
		const struct answer_ask ask = { .packet = c->in + at + 2,
			.len = len,
			.source = c->source,
			.via = VIA_TCP,
			.proven = true,
			.room = ANSWER_TCP_MOST,
			.to = s->write + out + 2,
			.transfer = &s->begun,
			.later = &s->later };
		const size_t n = answer(&s->answerer, &ask);
		be16_put(s->write + out, (unsigned)n);
		out += n ? n + 2 : 0;
		at += len + 2;
		if (s->later.asked && !keep(c, &ask))
			c->no_more = true;
		if (s->begun.zone && !take_transfer(c, &s->begun))
			c->no_more = true;
	}
	epoch_exit();
	if (at) {
		memmove(c->in, c->in + at, c->in_len - at);
		c->in_len -= at;
	}
	return out;
}

/* A turn's answers. False when the connection is to be closed. */
static bool answer_more(struct connection *c)
{
	struct stream *s = c->stream;
	const size_t out = answer_whole(c);

	if (c->in_len == 0)
		free_in(c);
	if (out)
		clients_touch(&s->connected, &c->member, now_ms());
	if (out && !put_out(c, s->write, out))
		return false;
	return go_on(c);
}

/* `in` is full when its first message does not fit: there is exactly as much room for that as
 * it says to need. */
static bool make_room(struct connection *c)
{
	if (c->in_len < c->in_room)
		return true;
	const size_t room = 2u + be16_get(c->in);
	uint8_t *in = malloc(room);
	if (!in)
		return false;
	memcpy(in, c->in, c->in_len);
	c->in = in;
	c->in_room = room;
	return true;
}

static bool read_more(struct connection *c)
{
	if (!make_room(c))
		return false;
	const ssize_t n = recv(c->io.fd, c->in + c->in_len, c->in_room - c->in_len, 0);
	if (n < 0)
		return errno == EAGAIN || errno == EWOULDBLOCK || errno == EINTR;
	c->no_more = n == 0;
	c->in_len += (size_t)n;
	return answer_more(c);
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
	return go_on(c);
}

/* A message of a transfer is a turn, too: who is sent many waits as all others. */
static bool transfer_more(struct connection *c)
{
	struct stream *s = c->stream;
	const size_t n = transfer_next(c->transfer, s->write + 2, (uint64_t)time(NULL));

	if (n == 0) {
		const bool ok = !c->transfer->failed;
		stats_add(ok ? &s->stats.transfers_done : &s->stats.transfers_broken, 1);
		end_transfer(c);
		return ok && go_on(c);
	}
	be16_put(s->write, (unsigned)n);
	stats_add(&s->stats.transfers_bytes, n);
	clients_touch(&s->connected, &c->member, now_ms());
	return put_out(c, s->write, n + 2) && go_on(c);
}

static bool take_turn(struct connection *c)
{
	if (c->out)
		return write_more(c);
	if (c->transfer)
		return transfer_more(c);
	return has_message(c, 0) ? answer_more(c) : read_more(c);
}

static void on_connection(struct ev_loop *loop, ev_io *io, int events)
{
	struct connection *c = io->data;

	(void)loop;
	(void)events;
	if (!take_turn(c))
		close_connection(c);
}

static void take_reply(void *ctx, const void *item)
{
	const struct request_reply *reply = item;
	struct connection *c = reply->request->connection;

	(void)ctx;
	if (c) {
		c->waits = NULL;
		clients_touch(&c->stream->connected, &c->member, now_ms());
		if (!reply->message || !put_out(c, reply->message, reply->len) || !go_on(c))
			close_connection(c);
	}
	free(reply->message);
	free(reply->request);
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

void stream_adopt(struct stream *s, int fd, const struct sockaddr *from)
{
	const struct addr source = addr_from_sockaddr(from);
	struct clients_member *other = clients_in_the_way(&s->connected, &source);

	if (other)
		close_member(other);
	struct connection *c = malloc(sizeof *c);
	if (c)
		memset(c, 0, offsetof(struct connection, room));
	if (!c || !clients_join(&s->connected, &c->member, &source, now_ms())) {
		free(c);
		close(fd);
		return;
	}
	c->stream = s;
	c->in = c->room;
	c->in_room = READ_ROOM;
	c->source = source;
	ev_io_init(&c->io, on_connection, fd, EV_READ);
	c->io.data = c;
	ev_io_start(s->loop, &c->io);
	__atomic_store_n(&s->clients, s->connected.n, __ATOMIC_RELAXED);
	stats_add(&s->stats.tcp_connections, 1);
	if (!ev_is_active(&s->idle)) {
		s->idle.repeat = s->opts.idle_ms / 1e3;
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
			stream_adopt(s, fd, (const struct sockaddr *)&from);
			continue;
		}
		/* The kernel says so whether anybody waits or not: behind others that have come
		 * the next event tells. */
		if (i == 0 &&
			(errno == EMFILE || errno == ENFILE || errno == ENOBUFS ||
				errno == ENOMEM)) {
			if (s->connected.all.oldest)
				close_member(s->connected.all.oldest);
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

static void post(void *box, const struct answer_news *news)
{
	mailbox_post(box, news);
}

struct stream *stream_new(
	const int *fds, size_t n, const struct epoch *epoch, const struct stream_opts *opts)
{
	struct stream *s = aligned_alloc(64, (sizeof *s + 63) & ~(size_t)63);

	if (!s)
		die("out of memory");
	memset(s, 0, offsetof(struct stream, write));
	s->epoch = epoch;
	s->opts = *opts;
	s->counts = choice_counts_new();
	s->answerer = (struct answerer){ .stats = &s->stats,
		.samples = &s->samples,
		.turns = s->counts->turns,
		.counts = s->counts,
		.tell = opts->news ? post : NULL,
		.tell_ctx = opts->news,
		.keepalive_100ms = (uint16_t)(opts->idle_ms < 6553500 ? opts->idle_ms / 100
								      : 65535) };
	s->loop = ev_loop_new(EVFLAG_AUTO | EVFLAG_NOENV);
	if (!s->loop)
		die("cannot have an event loop for TCP");
	s->back = mailbox_new(&(struct mailbox_opts){ .loop = s->loop,
		.room = REPLIES,
		.item = sizeof(struct request_reply),
		.ctx = s,
		.take = take_reply });
	s->listeners = memory_zeroed(n, sizeof *s->listeners);
	clients_init(&s->connected, opts->clients, opts->clients_per_net);
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
	while (s->connected.all.oldest)
		close_member(s->connected.all.oldest);
	for (size_t i = 0; i < s->n_listeners; i++) {
		ev_io_stop(s->loop, &s->listeners[i]);
		close(s->listeners[i].fd);
	}
	mailbox_free(s->back);
	ev_loop_destroy(s->loop);
	clients_fini(&s->connected);
	choice_counts_free(s->counts);
	free(s->listeners);
	free(s);
}

void stream_run(struct stream *s)
{
	epoch_join();
	ev_run(s->loop, 0);
	epoch_leave();
}

void stream_turn(struct stream *s)
{
	ev_run(s->loop, EVRUN_NOWAIT);
}

void stream_stop(struct stream *s)
{
	ev_async_send(s->loop, &s->stopper);
}

struct samples *stream_samples(struct stream *s)
{
	return &s->samples;
}

struct choice_counts *stream_counts(const struct stream *s)
{
	return s->counts;
}

const struct stats *stream_stats(const struct stream *s)
{
	return &s->stats;
}

unsigned stream_clients(const struct stream *s)
{
	return __atomic_load_n(&s->clients, __ATOMIC_RELAXED);
}
