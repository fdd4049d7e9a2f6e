#include "net/quic_inner.h"

#include <stdlib.h>
#include <string.h>
#include <time.h>

/* --- those with something to send -------------------------------------------------------- */

void quic_stream_queue(struct quic_connection *c, struct quic_stream *s)
{
	if (s->queued)
		return;
	s->queued = true;
	s->later = NULL;
	*c->last = s;
	c->last = &s->later;
}

void quic_stream_dequeue(struct quic_connection *c)
{
	struct quic_stream *s = c->first;

	s->queued = false;
	c->first = s->later;
	if (!c->first)
		c->last = &c->first;
}

static void end_transfer(struct quic_connection *c, struct quic_stream *s)
{
	if (!s->transfer)
		return;
	transfer_end(s->transfer);
	free(s->transfer);
	s->transfer = NULL;
	c->transfers--;
}

static void free_chunk(struct quic_stream *s)
{
	struct quic_chunk *k = s->chunks;

	s->chunks = k->next;
	if (!s->chunks)
		s->end = &s->chunks;
	*s->held -= k->len;
	free(k);
}

void quic_stream_shut(struct quic_connection *c, struct quic_stream *s)
{
	s->shut = true;
	stats_add(&c->quic->stats.transfers_broken, s->transfer != NULL);
	end_transfer(c, s);
}

void quic_stream_free(struct quic_connection *c, struct quic_stream *s)
{
	*s->from = s->next;
	if (s->next)
		s->next->from = s->from;
	for (struct quic_stream **p = &c->first; s->queued && *p; p = &(*p)->later)
		if (*p == s) {
			*p = s->later;
			if (c->last == &s->later)
				c->last = p;
			break;
		}
	quic_stream_shut(c, s);
	while (s->chunks)
		free_chunk(s);
	free(s->in);
	free(s);
}

/* --- sending ------------------------------------------------------------------------------ */

/* A message, its length in front. False: no memory. */
static bool add_chunk(struct quic_stream *s, const uint8_t *message, size_t len)
{
	struct quic_chunk *k = malloc(sizeof *k + len + 2);

	if (!k)
		return false;
	k->next = NULL;
	k->len = len + 2;
	be16_put(k->bytes, (unsigned)len);
	memcpy(k->bytes + 2, message, len);
	*s->end = k;
	s->end = &k->next;
	*s->held += k->len;
	if (!s->sending) {
		s->sending = k;
		s->sent = 0;
	}
	return true;
}

/* The transfer's next message, or its end. What was sent and not acknowledged is bounded: so a slow reader
 * keeps no more than that. */
static void fill(struct quic_connection *c, struct quic_stream *s)
{
	struct quic *q = c->quic;

	if (s->sending || !s->transfer || s->transfer_held + TRANSFER_ROOM + 2 > QUIC_TRANSFER_HELD)
		return;
	const size_t n = transfer_next(s->transfer, q->answer, (uint64_t)time(NULL));
	if (!n || !add_chunk(s, q->answer, n)) {
		quic_stream_shut(c, s);
		ngtcp2_conn_shutdown_stream_write(c->conn, s->id, QUIC_INTERNAL);
		return;
	}
	stats_add(&q->stats.transfers_bytes, n);
	clients_touch(&q->connected, &c->member, quic_now_ms());
	if (!s->transfer->over)
		return;
	stats_add(&q->stats.transfers_done, 1);
	end_transfer(c, s);
}

bool quic_stream_has_more(const struct quic_stream *s)
{
	return s->answered && !s->shut && !s->ended;
}

bool quic_stream_take(struct quic_connection *c, ngtcp2_vec *bytes, bool *end)
{
	struct quic_stream *s = c->first;

	if (quic_stream_has_more(s))
		fill(c, s);
	if (!quic_stream_has_more(s) || (!s->sending && s->transfer)) {
		quic_stream_dequeue(c);
		return false;
	}
	*bytes = (ngtcp2_vec){ s->sending ? s->sending->bytes + s->sent : NULL,
		s->sending ? s->sending->len - s->sent : 0 };
	*end = !s->transfer && (!s->sending || !s->sending->next);
	return true;
}

void quic_stream_sent(struct quic_connection *c, size_t n, bool end)
{
	struct quic_stream *s = c->first;

	if (s->sending) {
		s->sent += n;
		if (s->sent < s->sending->len)
			return;
		s->sending = s->sending->next;
		s->sent = 0;
	}
	s->ended = end;
	quic_stream_dequeue(c);
	if (!end)
		quic_stream_queue(c, s);
}

/* --- answering ---------------------------------------------------------------------------- */

static int protocol_error(struct quic_connection *c)
{
	c->error = QUIC_PROTOCOL;
	return NGTCP2_ERR_CALLBACK_FAILURE;
}

/* What was kept of a query no longer is: as much more may come. So no more than a window of half queries is
 * kept of a connection, on however many streams they are. */
static void let_go(struct quic_connection *c, struct quic_stream *s)
{
	ngtcp2_conn_extend_max_offset(c->conn, s->in_len);
	free(s->in);
	s->in = NULL;
	s->in_len = 0;
}

/* This one query is not answered; the connection goes on. */
static int give_up(struct quic_connection *c, struct quic_stream *s, uint64_t error)
{
	let_go(c, s);
	stats_add(&c->quic->stats.quic_reset, 1);
	s->shut = true;
	return ngtcp2_conn_shutdown_stream(c->conn, s->id, error) == 0
		? 0
		: NGTCP2_ERR_CALLBACK_FAILURE;
}

/* answer(), but for what this protocol takes for an error: its length is SIZE_MAX then. Its own
 * way of keeping connections needs no option for it (RFC 9250 section 5.5.2). */
static size_t answer_query(struct answerer *a, const struct answer_ask *ask)
{
	struct answer_pending p;

	answer_read(a, ask, &p);
	if (p.parsed == QUERY_OK && p.query.edns.keepalive)
		return SIZE_MAX;
	for (unsigned step = 0; step < answer_steps(a); step++)
		answer_step(a, ask, &p, step);
	return answer_write(a, ask, &p);
}

static uint16_t port_of(const struct sockaddr *sa)
{
	/* Both families keep it at the same place. */
	return ntohs(((const struct sockaddr_in *)sa)->sin_port);
}

/* A copy for who looks on. */
static void show(struct quic_connection *c, const struct answer_ask *ask, size_t len)
{
	const ngtcp2_path *path = ngtcp2_conn_get_path(c->conn);
	const struct tap_ends ends = { port_of(path->remote.addr), port_of(path->local.addr),
		addr_from_sockaddr(path->local.addr) };

	tap_take(&c->quic->tap, &c->quic->answerer, ask, &ends, len);
}

/* A transfer has begun: its messages are made as the others are acknowledged (RFC 9250 section 5.7). */
static int take_transfer(struct quic_connection *c, struct quic_stream *s)
{
	const bool room = c->transfers < QUIC_TRANSFERS;

	s->transfer = room ? malloc(sizeof *s->transfer) : NULL;
	if (!s->transfer) {
		transfer_end(c->quic->begun);
		stats_add(&c->quic->stats.transfers_broken, 1);
		return give_up(c, s, room ? QUIC_INTERNAL : QUIC_EXCESSIVE);
	}
	transfer_move(s->transfer, c->quic->begun);
	s->held = &s->transfer_held;
	c->transfers++;
	s->answered = true;
	quic_stream_queue(c, s);
	return 0;
}

static int answer_stream(struct quic_connection *c, struct quic_stream *s)
{
	struct quic *q = c->quic;
	const struct answer_ask ask = { .packet = s->in + 2,
		.len = s->in_len - 2,
		.source = c->source,
		.via = VIA_QUIC,
		.secret = true,
		.proven = true,
		.names = c->names,
		.room = ANSWER_TCP_MOST,
		.to = q->answer,
		.transfer = q->begun };

	/* RFC 9250 section 4.2.1: the stream says whose answer it is. */
	if (be16_get(s->in + 2) != 0)
		return protocol_error(c);
	q->answerer.world = epoch_enter(q->epoch);
	q->samples.due = true;
	q->answerer.now_s = (uint32_t)time(NULL);
	q->answerer.now_us = quic_now() / NGTCP2_MICROSECONDS;
	const size_t len = answer_query(&q->answerer, &ask);
	if (len != SIZE_MAX && policy_is_tapped(&q->answerer.world->policy))
		show(c, &ask, len);
	if (len != SIZE_MAX && q->answerer.world->policy.counts_more)
		stats_time(&q->stats, quic_now() / NGTCP2_MICROSECONDS - q->answerer.now_us, 1);
	epoch_exit();
	if (len == SIZE_MAX)
		return protocol_error(c);
	let_go(c, s);
	clients_touch(&q->connected, &c->member, quic_now_ms());
	if (q->begun->zone)
		return take_transfer(c, s);
	if (!len)
		return give_up(c, s, QUIC_PROTOCOL);
	if (c->held + len + 2 > QUIC_HELD)
		return give_up(c, s, QUIC_EXCESSIVE);
	if (!add_chunk(s, q->answer, len))
		return give_up(c, s, QUIC_INTERNAL);
	s->answered = true;
	quic_stream_queue(c, s);
	return 0;
}

/* --- what the library calls --------------------------------------------------------------- */

int quic_stream_opened(ngtcp2_conn *conn, int64_t id, void *ctx)
{
	struct quic_connection *c = ctx;
	struct quic_stream *s = calloc(1, sizeof *s);

	if (!s || ngtcp2_conn_set_stream_user_data(conn, id, s) != 0) {
		free(s);
		return NGTCP2_ERR_CALLBACK_FAILURE;
	}
	s->id = id;
	s->end = &s->chunks;
	s->held = &c->held;
	s->next = c->streams;
	s->from = &c->streams;
	if (s->next)
		s->next->from = &s->next;
	c->streams = s;
	return 0;
}

/* A query is answered when it is whole and nothing more comes (RFC 9250 section 4.2): what is
 * too much is known by then. */
int quic_stream_data(ngtcp2_conn *conn, uint32_t flags, int64_t id, uint64_t offset,
	const uint8_t *data, size_t len, void *ctx, void *stream)
{
	struct quic_connection *c = ctx;
	struct quic_stream *s = stream;
	const bool end = flags & NGTCP2_STREAM_DATA_FLAG_FIN;

	(void)id;
	(void)offset;
	uint8_t *more = len && s && !s->shut ? realloc(s->in, s->in_len + len) : NULL;
	if (!more)
		ngtcp2_conn_extend_max_offset(conn, len);
	if (!s || s->shut)
		return 0;
	if (len) {
		if (!more)
			return give_up(c, s, QUIC_INTERNAL);
		memcpy(more + s->in_len, data, len);
		s->in = more;
		s->in_len += len;
	}
	if (s->in_len < 2)
		return end ? protocol_error(c) : 0;
	const size_t whole = 2u + be16_get(s->in);
	if (whole < 2 + QUERY_HEADER || s->in_len > whole || (end && s->in_len < whole))
		return protocol_error(c);
	if (whole > 2 + QUIC_QUERY_MOST)
		return give_up(c, s, QUIC_EXCESSIVE);
	return end ? answer_stream(c, s) : 0;
}

int quic_stream_closed(
	ngtcp2_conn *conn, uint32_t flags, int64_t id, uint64_t error, void *ctx, void *stream)
{
	(void)flags;
	(void)id;
	(void)error;
	if (stream) {
		let_go(ctx, stream);
		quic_stream_free(ctx, stream);
	}
	ngtcp2_conn_extend_max_streams_bidi(conn, 1);
	return 0;
}

/* He has thought better of it: what was not answered is not, and what was is not sent on. */
int quic_stream_reset(
	ngtcp2_conn *conn, int64_t id, uint64_t size, uint64_t error, void *ctx, void *stream)
{
	struct quic_stream *s = stream;

	(void)size;
	(void)error;
	if (s)
		quic_stream_shut(ctx, s);
	return ngtcp2_conn_shutdown_stream(conn, id, 3 /* DOQ_REQUEST_CANCELLED */) == 0
		? 0
		: NGTCP2_ERR_CALLBACK_FAILURE;
}

int quic_stream_acked(ngtcp2_conn *conn, int64_t id, uint64_t offset, uint64_t len, void *ctx,
	void *stream)
{
	struct quic_connection *c = ctx;
	struct quic_stream *s = stream;

	(void)conn;
	(void)id;
	(void)offset;
	if (!s)
		return 0;
	for (s->acked += len; s->chunks && s->chunks != s->sending && s->chunks->len <= s->acked;) {
		s->acked -= s->chunks->len;
		free_chunk(s);
	}
	if (s->transfer && quic_stream_has_more(s))
		quic_stream_queue(c, s);
	return 0;
}

int quic_stream_has_room(ngtcp2_conn *conn, int64_t id, uint64_t max, void *ctx, void *stream)
{
	struct quic_stream *s = stream;

	(void)conn;
	(void)id;
	(void)max;
	if (s && quic_stream_has_more(s))
		quic_stream_queue(ctx, s);
	return 0;
}
