#include "net/stream_inner.h"

#include "answer/transfer.h"
#include "base/log.h"
#include "base/memory.h"
#include "jobs/mailbox.h"
#include "net/choice_counts_new.h"
#include "net/request.h"

#include <errno.h>
#include <netinet/in.h>
#include <stdlib.h>
#include <string.h>
#include <time.h>
#include <unistd.h>

enum {
	REPLIES = 16384, /* a power of two; each is a connection's that waits */
	ACCEPTS = 64,         /* connections taken in a turn */
	CLOSES = 64,          /* connections closed for their idleness in a turn */
	ACCEPT_PAUSE_MS = 100, /* when there are no more descriptors */
	LEAVE_IDLE_MS = 2000   /* a connection's idle time, once others serve in our place */
};

/* --- connections come to an end ----------------------------------------------------------- */

int64_t stream_now_ms(void)
{
	struct timespec t;

	clock_gettime(CLOCK_MONOTONIC, &t);
	return t.tv_sec * (int64_t)1000 + t.tv_nsec / 1000000;
}

static void close_member(struct clients_member *m)
{
	connection_close((struct connection *)m); /* its first field */
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
	const int64_t now = stream_now_ms();
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

static void close_handshake(struct handshake *h)
{
	connection_close((struct connection *)((char *)h - offsetof(struct connection, handshake)));
}

static void on_shaking(struct ev_loop *loop, ev_timer *t, int events)
{
	struct stream *s = t->data;
	const struct handshakes *h = &s->handshakes;
	const int64_t now = stream_now_ms();
	unsigned n = 0;

	(void)events;
	while (h->oldest && now - h->oldest->since_ms >= s->opts.handshake_ms && n++ < CLOSES)
		close_handshake(h->oldest);
	const int64_t left = h->oldest ? h->oldest->since_ms + s->opts.handshake_ms - now : 0;
	t->repeat = !h->oldest ? 0 : left > 0 ? (double)left / 1e3 : 1e-4;
	ev_timer_again(loop, t);
}

static void take_reply(void *ctx, const void *item)
{
	const struct request_reply *reply = item;

	(void)ctx;
	if (reply->request->connection)
		connection_answer(reply->request->connection, reply);
	free(reply->message);
	free(reply->request);
}

/* --- new connections ---------------------------------------------------------------------- */

static void pause_listening(struct stream *s)
{
	for (size_t i = 0; i < s->n_listeners; i++)
		ev_io_stop(s->loop, &s->listeners[i].io);
	s->resume.repeat = ACCEPT_PAUSE_MS / 1e3;
	ev_timer_again(s->loop, &s->resume);
}

static void on_resume(struct ev_loop *loop, ev_timer *t, int events)
{
	struct stream *s = t->data;

	(void)events;
	ev_timer_stop(loop, t);
	for (size_t i = 0; i < s->n_listeners; i++)
		ev_io_start(loop, &s->listeners[i].io);
}

bool stream_may_shake(struct stream *s, const struct addr *source)
{
	if (s->tls && handshakes_may(&s->handshakes, source, stream_now_ms()))
		return true;
	stats_add(&s->stats.tls_limited, 1);
	return false;
}

/* Of those that have not said what they are the oldest makes room. */
static void make_room(struct stream *s)
{
	struct handshake *other = handshakes_in_the_way(&s->handshakes);

	stats_add(&s->stats.tls_limited, other != NULL);
	if (other)
		close_handshake(other);
}

static bool is_proxy(struct stream *s, const struct addr *source)
{
	const bool is = policy_is_proxy(&epoch_enter(s->epoch)->policy, source);

	epoch_exit();
	return is;
}

static void start_timer(struct stream *s, ev_timer *t, unsigned ms)
{
	if (ev_is_active(t))
		return;
	t->repeat = ms / 1e3;
	ev_timer_again(s->loop, t);
}

/* At the same place for both families. */
static uint16_t port_of(const struct sockaddr *sa)
{
	return sa->sa_family == AF_INET || sa->sa_family == AF_INET6
		? ntohs(((const struct sockaddr_in *)(const void *)sa)->sin_port)
		: 0;
}

void stream_adopt(
	struct stream *s, int fd, const struct sockaddr *from, enum net_kind kind, const char *path)
{
	const struct addr source = addr_from_sockaddr(from);
	const bool known = is_proxy(s, &source), proxied = known && kind != NET_HTTP;
	struct clients_member *other;

	if (net_is_tls(kind) && !proxied && !stream_may_shake(s, &source)) {
		close(fd);
		return;
	}
	if (net_is_tls(kind) || proxied)
		make_room(s);
	other = known ? clients_in_the_way_of_all(&s->connected)
			: clients_in_the_way(&s->connected, &source);
	if (other)
		close_member(other);
	if (!connection_open(s,
		    &(struct connection_opts){ fd, source, port_of(from), kind, path, proxied, known && !proxied }))
		return;
	start_timer(s, &s->idle, s->opts.idle_ms);
	if (s->handshakes.oldest)
		start_timer(s, &s->shaking, s->opts.handshake_ms);
}

static void on_accept(struct ev_loop *loop, ev_io *io, int events)
{
	const struct listener *l = io->data;
	struct stream *s = l->stream;

	(void)loop;
	if (events & EV_ERROR) { /* the kernel has no memory to watch it: it is tried again */
		pause_listening(s);
		return;
	}
	for (unsigned i = 0; i < ACCEPTS; i++) {
		struct sockaddr_storage from;
		socklen_t len = sizeof from;
		const int fd = accept4(
			io->fd, (struct sockaddr *)&from, &len, SOCK_NONBLOCK | SOCK_CLOEXEC);
		if (fd >= 0) {
			stream_adopt(s, fd, (const struct sockaddr *)&from, l->kind, l->path);
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

static uint16_t keepalive(int64_t idle_ms)
{
	return (uint16_t)(idle_ms < 6553500 ? idle_ms / 100 : 65535);
}

static void on_leave(struct ev_loop *loop, ev_async *a, int events)
{
	struct stream *s = a->data;
	const bool leaves = __atomic_load_n(&s->leaves, __ATOMIC_ACQUIRE);

	(void)events;
	ev_timer_stop(loop, &s->resume);
	for (size_t i = 0; i < s->n_listeners; i++)
		if (leaves)
			ev_io_stop(loop, &s->listeners[i].io);
		else
			ev_io_start(loop, &s->listeners[i].io);
	s->opts.idle_ms = leaves && s->idle_ms > LEAVE_IDLE_MS ? LEAVE_IDLE_MS : s->idle_ms;
	s->answerer.keepalive_100ms = leaves ? 0 : keepalive(s->idle_ms);
	if (s->connected.all.oldest) {
		s->idle.repeat = 1e-4;
		ev_timer_again(loop, &s->idle);
	}
}

void stream_leave(struct stream *s, bool leaves)
{
	__atomic_store_n(&s->leaves, leaves, __ATOMIC_RELEASE);
	ev_async_send(s->loop, &s->leave_change);
}

int stream_listener_socket(const struct stream *s, size_t i)
{
	return i < s->n_listeners ? s->listeners[i].io.fd : -1;
}

static void post(void *box, const struct answer_news *news)
{
	mailbox_post(box, news);
}

static void on_tls(struct ev_loop *loop, ev_async *a, int events)
{
	struct stream *s = a->data;
	struct tls *next = __atomic_exchange_n(&s->tls_next, NULL, __ATOMIC_ACQ_REL);

	(void)loop;
	(void)events;
	if (!next)
		return;
	tls_drop(s->tls);
	s->tls = next;
}

void stream_set_tls(struct stream *s, struct tls *t)
{
	tls_drop(__atomic_exchange_n(&s->tls_next, tls_hold(t), __ATOMIC_ACQ_REL));
	ev_async_send(s->loop, &s->tls_change);
}

struct stream *stream_new(const struct stream_listener *listeners, size_t n,
	const struct epoch *epoch, const struct stream_opts *opts)
{
	struct stream *s = aligned_alloc(64, (sizeof *s + 63) & ~(size_t)63);

	if (!s)
		die("out of memory");
	memset(s, 0, offsetof(struct stream, write));
	s->epoch = epoch;
	s->date_s = 0;
	s->opts = *opts;
	s->idle_ms = opts->idle_ms;
	s->counts = choice_counts_new();
	tap_init(&s->tap);
	s->begun = memory_zeroed(1, sizeof *s->begun);
	s->answerer = (struct answerer){ .stats = &s->stats,
		.samples = &s->samples,
		.turns = s->counts->turns,
		.counts = s->counts,
		.tell = opts->news ? post : NULL,
		.tell_ctx = opts->news,
		.keepalive_100ms = keepalive(opts->idle_ms) };
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
	handshakes_init(&s->handshakes, opts->handshakes, opts->handshakes_per_net);
	ev_async_init(&s->stopper, on_stop);
	ev_async_start(s->loop, &s->stopper);
	ev_init(&s->idle, on_idle);
	ev_init(&s->resume, on_resume);
	ev_init(&s->shaking, on_shaking);
	ev_async_init(&s->tls_change, on_tls);
	ev_async_start(s->loop, &s->tls_change);
	ev_async_init(&s->leave_change, on_leave);
	ev_async_start(s->loop, &s->leave_change);
	s->idle.data = s->resume.data = s->shaking.data = s->tls_change.data = s->leave_change.data = s;
	s->n_listeners = n;
	for (size_t i = 0; i < n; i++) {
		struct listener *l = &s->listeners[i];
		l->kind = listeners[i].kind;
		l->path = listeners[i].path ? strdup(listeners[i].path) : NULL;
		if (listeners[i].path && !l->path)
			die("out of memory");
		l->stream = s;
		ev_io_init(&l->io, on_accept, listeners[i].fd, EV_READ);
		l->io.data = l;
		ev_io_start(s->loop, &l->io);
	}
	return s;
}

void stream_free(struct stream *s)
{
	while (s->connected.all.oldest)
		close_member(s->connected.all.oldest);
	for (size_t i = 0; i < s->n_listeners; i++) {
		ev_io_stop(s->loop, &s->listeners[i].io);
		close(s->listeners[i].io.fd);
		free(s->listeners[i].path);
	}
	mailbox_free(s->back);
	ev_loop_destroy(s->loop);
	clients_fini(&s->connected);
	handshakes_fini(&s->handshakes);
	tls_drop(s->tls);
	tls_drop(s->tls_next);
	choice_counts_free(s->counts);
	tap_fini(&s->tap);
	memory_free(s->begun);
	free(s->listeners);
	free(s);
}

void stream_run(struct stream *s)
{
	epoch_join();
	on_tls(s->loop, &s->tls_change, 0); /* before the first client */
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

struct tap *stream_tap(struct stream *s)
{
	return &s->tap;
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
