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
	c->held -= s->out ? s->out_len : 0;
	free(s->in);
	free(s->out);
	free(s);
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

static int answer_stream(struct quic_connection *c, struct quic_stream *s)
{
	struct quic *q = c->quic;
	const struct answer_ask ask = { .packet = s->in + 2,
		.len = s->in_len - 2,
		.source = c->source,
		.via = VIA_QUIC,
		.secret = true,
		.proven = true,
		.room = ANSWER_TCP_MOST,
		.to = q->answer };

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
	if (!len)
		return give_up(c, s, QUIC_PROTOCOL);
	if (c->held + len + 2 > QUIC_HELD)
		return give_up(c, s, QUIC_EXCESSIVE);
	s->out = malloc(len + 2);
	if (!s->out)
		return give_up(c, s, QUIC_INTERNAL);
	be16_put(s->out, (unsigned)len);
	memcpy(s->out + 2, q->answer, len);
	s->out_len = len + 2;
	c->held += s->out_len;
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

	(void)ctx;
	(void)size;
	(void)error;
	if (s)
		s->shut = true;
	return ngtcp2_conn_shutdown_stream(conn, id, 3 /* DOQ_REQUEST_CANCELLED */) == 0
		? 0
		: NGTCP2_ERR_CALLBACK_FAILURE;
}

int quic_stream_has_room(ngtcp2_conn *conn, int64_t id, uint64_t max, void *ctx, void *stream)
{
	struct quic_stream *s = stream;

	(void)conn;
	(void)id;
	(void)max;
	if (s && s->out && s->out_at < s->out_len)
		quic_stream_queue(ctx, s);
	return 0;
}
