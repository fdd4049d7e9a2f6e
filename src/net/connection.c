#include "net/stream_inner.h"

#include "answer/transfer.h"
#include "base/clock.h"
#include "dns/query.h"
#include "jobs/mailbox.h"
#include "net/proxy.h"
#include "net/request.h"

#include <errno.h>
#include <netinet/in.h>
#include <netinet/tcp.h>
#include <stdlib.h>
#include <string.h>
#include <time.h>
#include <unistd.h>

enum {
	READ_LEAST = 64, /* what the shortest request counts as */
	UNSENT = 131072 /* bytes of a transfer that the kernel has and has not sent: it tells of room
			   for more whenever there are less, not once a third of megabytes has
			   gone, which takes a slow reader longer than the idle time */
};

/* --- the end of it ------------------------------------------------------------------------ */

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

void connection_close(struct connection *c)
{
	struct stream *s = c->stream;

	clients_leave(&s->connected, &c->member);
	handshakes_leave(&s->handshakes, &c->handshake);
	stats_add(&s->stats.tls_failed, c->stage == CONNECTION_SHAKES);
	ev_io_stop(s->loop, &c->io);
	pipe_close(&c->pipe);
	free_in(c);
	stats_add(&s->stats.transfers_broken, c->transfer != NULL);
	end_transfer(c);
	if (c->waits)
		c->waits->connection = NULL;
	doh_free(c->doh);
	free(c->out);
	free(c->names);
	free(c);
	__atomic_store_n(&s->clients, s->connected.n, __ATOMIC_RELAXED);
}

/* --- answering ---------------------------------------------------------------------------- */

/* Behind what waits already: an answer that others made finds what was answered before it. */
static bool put_behind(struct connection *c, const uint8_t *bytes, size_t len)
{
	uint8_t *more = realloc(c->out, c->out_len + len);

	if (!more)
		return false;
	memcpy(more + c->out_len, bytes, len);
	c->out = more;
	c->out_len += len;
	return true;
}

/* Sends what is there; keeps what the pipe does not take. False when the connection is gone.
 */
static bool put_out(struct connection *c, const uint8_t *bytes, size_t len)
{
	if (c->out)
		return put_behind(c, bytes, len);
	const ssize_t n = pipe_write(&c->pipe, bytes, len);
	const size_t sent = n > 0 ? (size_t)n : 0;

	if (n == PIPE_BROKEN)
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
	const bool more = c->doh ? doh_has_more(c->doh) : has_message(c, 0);
	const bool waits = c->out || c->transfer || more ||
		(pipe_has_more(&c->pipe) && !c->no_more);
	const int events = c->out ? c->pipe.write_wants : waits ? EV_WRITE : c->pipe.read_wants;

	if (c->waits && !c->out) {
		ev_io_stop(c->stream->loop, &c->io); /* until connection_answer() */
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

/* Until epoch_exit(). */
static void enter_world(struct stream *s)
{
	s->answerer.world = epoch_enter(s->epoch);
	s->samples.due = true;
	s->answerer.now_s = (uint32_t)time(NULL);
	s->answerer.now_us = clock_us();
}

/* A copy for who looks on. */
static void show(struct connection *c, const struct answer_ask *ask, size_t len)
{
	struct tap_ends ends;

	if (!c->ends.to_port) {
		const uint16_t port = c->ends.port;
		c->ends = tap_ends_of(c->io.fd);
		c->ends.port = port;
	}
	ends = c->ends;
	if (memcmp(&ask->source, &c->source, sizeof c->source) != 0)
		ends.port = 0; /* a proxy has told the client */
	tap_take(&c->stream->tap, &c->stream->answerer, ask, &ends, len);
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
	unsigned done = 0;

	enter_world(s);
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
			.via = c->kind == NET_TLS ? VIA_TLS : VIA_TCP,
			.secret = c->kind == NET_TLS,
			.proven = c->proven,
			.names = c->names,
			.room = ANSWER_TCP_MOST,
			.to = s->write + out + 2,
			.transfer = s->begun,
			.later = &s->later };
		const size_t n = answer(&s->answerer, &ask);
		if (policy_is_tapped(&s->answerer.world->policy))
			show(c, &ask, n);
		be16_put(s->write + out, (unsigned)n);
		out += n ? n + 2 : 0;
		at += len + 2;
		done++;
		if (s->later.asked && !keep(c, &ask))
			c->no_more = true;
		if (s->begun->zone && !take_transfer(c, s->begun))
			c->no_more = true;
	}
	if (s->answerer.world->policy.counts_more && done)
		stats_time(&s->stats, clock_us() - s->answerer.now_us, done);
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
		clients_touch(&s->connected, &c->member, stream_now_ms());
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

static void refuse_proxy(struct connection *c, enum answer_news_proxy why)
{
	struct stream *s = c->stream;
	const uint32_t now_s = (uint32_t)time(NULL);

	stats_add(&s->stats.proxy_refused, 1);
	if (!s->opts.news || s->answerer.told_s == now_s)
		return;
	s->answerer.told_s = now_s;
	mailbox_post(s->opts.news,
		&(struct answer_news){ .kind = NEWS_PROXY,
			.error = (int)why,
			.from = c->source });
}

/* Speaks for others, and may not. */
static bool is_stranger(const struct connection *c)
{
	struct proxy_header h;

	return c->in_len >= PROXY_FIRST && (c->in[0] == '\r' || c->in[0] == 'P') &&
		proxy_read(&h, c->in, c->in_len, true) != PROXY_WRONG;
}

static bool read_more(struct connection *c)
{
	if (!make_room(c))
		return false;
	const ssize_t n = pipe_read(&c->pipe, c->in + c->in_len, c->in_room - c->in_len);
	if (n < 0)
		return n == PIPE_AGAIN && go_on(c);
	c->no_more = n == 0;
	c->in_len += (size_t)n;
	if (is_stranger(c)) {
		refuse_proxy(c, NEWS_PROXY_STRANGER);
		return false;
	}
	return answer_more(c);
}

static bool write_more(struct connection *c)
{
	const ssize_t n = pipe_write(&c->pipe, c->out + c->out_at, c->out_len - c->out_at);

	if (n < 0)
		return n == PIPE_AGAIN && go_on(c);
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
	clients_touch(&s->connected, &c->member, stream_now_ms());
	return put_out(c, s->write, n + 2) && go_on(c);
}

/* --- HTTP --------------------------------------------------------------------------------- */

/* One a second is made (RFC 9110 section 6.6.1). */
static const char *date_of(struct stream *s)
{
	const time_t now = s->answerer.now_s;
	struct tm tm;

	if (s->date_s != s->answerer.now_s)
		strftime(s->date, sizeof s->date, "%a, %d %b %Y %H:%M:%S GMT", gmtime_r(&now, &tm));
	s->date_s = s->answerer.now_s;
	return s->date;
}

static struct doh_answer answer_http(void *ctx, const struct doh_query *q)
{
	struct connection *c = ctx;
	struct stream *s = c->stream;
	const uint64_t steered = s->stats.steered;
	const struct answer_ask ask = { .packet = q->packet,
		.len = q->len,
		.source = q->client ? *q->client : c->source,
		.via = VIA_HTTPS,
		/* Of HTTP in the clear only a proxy's, which has taken off TLS. */
		.secret = net_is_tls(c->kind) || c->doh_opts.forwarded,
		.names = c->names,
		.proven = c->proven,
		.room = ANSWER_TCP_MOST,
		.to = s->body };
	const size_t len = answer(&s->answerer, &ask);

	if (policy_is_tapped(&s->answerer.world->policy))
		show(c, &ask, len);

	if (len)
		clients_touch(&s->connected, &c->member, stream_now_ms());
	/* What is for this client, or not for everybody, is no other's (RFC 9111 section 5.2.2.7). */
	return (struct doh_answer){ s->body, len,
		s->stats.steered != steered || s->answerer.world->policy.query_limited,
		date_of(s) };
}

/* What is ready goes out before anything else comes in. */
static bool http_turn(struct connection *c)
{
	struct stream *s = c->stream;
	uint8_t in[DOH_READ];

	if (!doh_has_more(c->doh)) {
		const ssize_t n = c->no_more ? PIPE_AGAIN : pipe_read(&c->pipe, in, sizeof in);
		if (n == PIPE_BROKEN)
			return false;
		c->no_more = c->no_more || n == 0 ||
			(n > 0 && !doh_take(c->doh, in, (size_t)n));
	}
	for (size_t sum = 0; doh_has_more(c->doh) && !c->out && sum < WRITE_ENOUGH;) {
		enter_world(s);
		const uint64_t before = s->stats.queries[VIA_HTTPS];
		const size_t out = doh_give(c->doh, s->write, WRITE_ENOUGH);
		const unsigned done = (unsigned)(s->stats.queries[VIA_HTTPS] - before);
		if (s->answerer.world->policy.counts_more && done)
			stats_time(&s->stats, clock_us() - s->answerer.now_us, done);
		epoch_exit();
		stats_add(&s->stats.https_refused, doh_take_refused(c->doh));
		c->no_more = c->no_more || doh_is_over(c->doh);
		if (out && !put_out(c, s->write, out))
			return false;
		sum += out + READ_LEAST;
	}
	return go_on(c);
}

/* --- before there are messages ------------------------------------------------------------ */

static void begin_talk(struct connection *c)
{
	struct stream *s = c->stream;

	handshakes_leave(&s->handshakes, &c->handshake);
	clients_touch(&s->connected, &c->member, stream_now_ms());
	c->stage = CONNECTION_TALKS;
}

/* Now that it is known who it is, that one's net has one more. False: it may not be. */
static bool take_client(struct connection *c, const struct proxy_header *h)
{
	struct stream *s = c->stream;

	stats_add(&s->stats.proxied, 1);
	if (h->told) {
		struct clients_member *other = clients_in_the_way_of_net(&s->connected, &h->client);
		if (other && other != &c->member)
			connection_close((struct connection *)other); /* its first field */
		c->source = h->client;
		c->ends.port = 0;
		c->proven = !h->datagram;
		if (!clients_move(&s->connected, &c->member, &c->source, stream_now_ms()))
			return false;
	}
	return !net_is_tls(c->kind) || stream_may_shake(s, &c->source);
}

/* Byte by byte as far as the header goes: what follows is not ours to read, but TLS's. */
static bool read_proxy(struct connection *c)
{
	struct proxy_header h;
	enum proxy_result r;

	while ((r = proxy_read(&h, c->in, c->in_len, true)) == PROXY_MORE) {
		const ssize_t n = pipe_read(&c->pipe, c->in + c->in_len, h.len - c->in_len);
		if (n == PIPE_AGAIN)
			return go_on(c);
		if (n <= 0)
			return false;
		c->in_len += (size_t)n;
	}
	c->in_len = 0;
	if (r == PROXY_WRONG)
		refuse_proxy(c, NEWS_PROXY_NO_HEADER);
	if (r == PROXY_WRONG || !take_client(c, &h))
		return false;
	c->stage = CONNECTION_SHAKES;
	if (!net_is_tls(c->kind))
		begin_talk(c);
	return go_on(c);
}

/* TLS begins with the client's first bytes: who sends none takes no memory for it. */
static bool shake(struct connection *c)
{
	struct stream *s = c->stream;

	if (!c->pipe.state && (!s->tls || !pipe_start_tls(&c->pipe, s->tls,
				   c->kind == NET_TLS ? TLS_DNS : TLS_HTTP)))
		return false;
	const ssize_t n = pipe_shake(&c->pipe);
	if (n != 1)
		return n == PIPE_AGAIN && go_on(c);
	stats_add(&s->stats.tls_handshakes, 1);
	stats_add(&s->stats.tls_resumed, pipe_is_resumed(&c->pipe));
	c->names = pipe_client_names(&c->pipe);
	begin_talk(c);
	if (c->kind == NET_HTTPS &&
		!(c->doh = doh_new(&c->doh_opts, pipe_is_http2(&c->pipe))))
		return false;
	return go_on(c);
}

static bool take_turn(struct connection *c)
{
	switch (c->stage) {
	case CONNECTION_IS_PROXIED: return read_proxy(c);
	case CONNECTION_SHAKES: return shake(c);
	case CONNECTION_TALKS: break;
	}
	if (c->out)
		return write_more(c);
	if (net_is_http(c->kind))
		return c->doh && http_turn(c);
	if (c->transfer)
		return transfer_more(c);
	return has_message(c, 0) ? answer_more(c) : read_more(c);
}

static void on_connection(struct ev_loop *loop, ev_io *io, int events)
{
	struct connection *c = io->data;

	(void)loop;
	if (events & EV_ERROR || !take_turn(c)) /* the first: the kernel has no memory to watch it */
		connection_close(c);
}

void connection_answer(struct connection *c, const struct request_reply *reply)
{
	c->waits = NULL;
	clients_touch(&c->stream->connected, &c->member, stream_now_ms());
	if (!reply->message || !put_out(c, reply->message, reply->len) || !go_on(c))
		connection_close(c);
}

/* --- its start ---------------------------------------------------------------------------- */

bool connection_open(struct stream *s, const struct connection_opts *o)
{
	const int64_t now = stream_now_ms();
	struct connection *c = malloc(sizeof *c);

	if (c)
		memset(c, 0, offsetof(struct connection, room));
	if (!c || !clients_join(&s->connected, &c->member, &o->source, now)) {
		free(c);
		close(o->fd);
		return false;
	}
	c->stream = s;
	c->in = c->room;
	c->in_room = READ_ROOM;
	c->source = o->source;
	c->ends.port = o->port;
	c->kind = o->kind;
	c->doh_opts = (struct doh_opts){
		.path = o->path, .forwarded = o->forwarded, .ctx = c, .answer = answer_http
	};
	c->proven = true;
	c->stage = o->proxied        ? CONNECTION_IS_PROXIED
		: net_is_tls(o->kind) ? CONNECTION_SHAKES
				      : CONNECTION_TALKS;
	if (o->kind == NET_HTTP)
		c->doh = doh_new(&c->doh_opts, false);
	if (c->stage != CONNECTION_TALKS)
		handshakes_join(&s->handshakes, &c->handshake, now);
	pipe_open_plain(&c->pipe, o->fd);
	ev_io_init(&c->io, on_connection, o->fd, EV_READ);
	c->io.data = c;
	ev_io_start(s->loop, &c->io);
	__atomic_store_n(&s->clients, s->connected.n, __ATOMIC_RELAXED);
	stats_add(&s->stats.tcp_connections, 1);
	return true;
}
