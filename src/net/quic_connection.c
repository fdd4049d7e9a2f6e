#include "net/quic_inner.h"

#include <gnutls/gnutls.h>
#include <stdlib.h>
#include <string.h>
#include <sys/socket.h>
#include <time.h>

enum {
	PACKETS = 32,     /* sent in a turn */
	WINDOW = 64 << 10 /* bytes of queries that may be under way on a connection */
};

static void set_timer(struct quic_connection *c);

/* --- the end of it ------------------------------------------------------------------------ */

static void end_session(struct quic_connection *c)
{
	if (c->session)
		gnutls_deinit(c->session);
	c->session = NULL;
	tls_drop(c->tls);
	c->tls = NULL;
}

static void free_connection(struct quic_connection *c)
{
	struct quic *q = c->quic;

	clients_leave(&q->connected, &c->member);
	stats_add(&q->stats.tls_failed, c->conn && !c->talks);
	handshakes_leave(&q->handshakes, &c->handshake);
	__atomic_store_n(&q->clients, q->connected.n, __ATOMIC_RELAXED);
	ev_timer_stop(q->loop, &c->timer);
	while (c->streams)
		quic_stream_free(c, c->streams);
	while (c->cids)
		quic_remove_cid(c, c->cids->bytes, c->cids->len);
	if (c->conn)
		ngtcp2_conn_del(c->conn);
	end_session(c);
	free(c->names);
	free(c);
}

/* Nothing is kept to repeat it: who has missed it is told by a stateless reset, or by silence.
 */
static void tell_end(struct quic_connection *c, const ngtcp2_connection_close_error *why)
{
	uint8_t packet[NGTCP2_MAX_UDP_PAYLOAD_SIZE];
	ngtcp2_path_storage to;

	ngtcp2_path_storage_zero(&to);
	const ngtcp2_ssize n = ngtcp2_conn_write_connection_close(
		c->conn, &to.path, NULL, packet, sizeof packet, why, quic_now());
	if (n > 0)
		quic_send(c->socket, &to.path, packet, (size_t)n);
	free_connection(c);
}

void quic_connection_end(struct quic_connection *c, uint64_t error)
{
	ngtcp2_connection_close_error why;

	ngtcp2_connection_close_error_default(&why);
	ngtcp2_connection_close_error_set_application_error(&why, error, NULL, 0);
	tell_end(c, &why);
}

/* What the library says about why it cannot go on. */
static void fail(struct quic_connection *c, int err)
{
	ngtcp2_connection_close_error why;

	ngtcp2_connection_close_error_default(&why);
	switch (err) {
	case NGTCP2_ERR_DRAINING: /* the other side has ended it */
	case NGTCP2_ERR_CLOSING:
	case NGTCP2_ERR_DROP_CONN:
	case NGTCP2_ERR_RETRY:
	case NGTCP2_ERR_IDLE_CLOSE:
	case NGTCP2_ERR_HANDSHAKE_TIMEOUT: free_connection(c); return;
	case NGTCP2_ERR_CALLBACK_FAILURE:
		ngtcp2_connection_close_error_set_application_error(
			&why, c->error ? c->error : QUIC_INTERNAL, NULL, 0);
		break;
	case NGTCP2_ERR_CRYPTO:
		ngtcp2_connection_close_error_set_transport_error_tls_alert(
			&why, ngtcp2_conn_get_tls_alert(c->conn), NULL, 0);
		break;
	default: ngtcp2_connection_close_error_set_transport_error_liberr(&why, err, NULL, 0);
	}
	tell_end(c, &why);
}

/* --- what the library calls --------------------------------------------------------------- */

/* Once a handshake is done TLS has nothing more to say to a server (RFC 9001 section 4.1.3):
 * its session was let go of. */
static int on_crypto(ngtcp2_conn *conn, ngtcp2_crypto_level level, uint64_t offset,
	const uint8_t *data, size_t len, void *ctx)
{
	const struct quic_connection *c = ctx;

	if (c->session)
		return ngtcp2_crypto_recv_crypto_data_cb(conn, level, offset, data, len, ctx);
	ngtcp2_conn_set_tls_alert(conn, GNUTLS_A_UNEXPECTED_MESSAGE);
	return NGTCP2_ERR_CRYPTO;
}

static int on_shaken(ngtcp2_conn *conn, void *ctx)
{
	struct quic_connection *c = ctx;
	struct quic *q = c->quic;

	(void)conn;
	c->talks = true;
	c->names = quic_show_client_names(tls_quic(c->tls), c->session);
	handshakes_leave(&q->handshakes, &c->handshake);
	clients_touch(&q->connected, &c->member, quic_now_ms());
	stats_add(&q->stats.tls_handshakes, 1);
	stats_add(&q->stats.tls_resumed, gnutls_session_is_resumed(c->session) != 0);
	stats_add(&q->stats.quic_connections, 1);
	return 0;
}

static void on_random(uint8_t *to, size_t len, const ngtcp2_rand_ctx *ctx)
{
	(void)ctx;
	quic_random(to, len);
}

static int on_new_cid(ngtcp2_conn *conn, ngtcp2_cid *cid, uint8_t *token, size_t len, void *ctx)
{
	struct quic_connection *c = ctx;

	(void)conn;
	quic_random(cid->data, len);
	cid->datalen = len;
	return ngtcp2_crypto_generate_stateless_reset_token(
		       token, c->quic->opts.secret, QUIC_SECRET, cid) == 0 &&
			quic_add_cid(c, cid->data, len)
		? 0
		: NGTCP2_ERR_CALLBACK_FAILURE;
}

static int on_old_cid(ngtcp2_conn *conn, const ngtcp2_cid *cid, void *ctx)
{
	(void)conn;
	quic_remove_cid(ctx, cid->data, cid->datalen);
	return 0;
}

static const ngtcp2_callbacks callbacks = {
	.recv_client_initial = ngtcp2_crypto_recv_client_initial_cb,
	.recv_crypto_data = on_crypto,
	.handshake_completed = on_shaken,
	.encrypt = ngtcp2_crypto_encrypt_cb,
	.decrypt = ngtcp2_crypto_decrypt_cb,
	.hp_mask = ngtcp2_crypto_hp_mask_cb,
	.recv_stream_data = quic_stream_data,
	.stream_open = quic_stream_opened,
	.stream_close = quic_stream_closed,
	.stream_reset = quic_stream_reset,
	.acked_stream_data_offset = quic_stream_acked,
	.extend_max_stream_data = quic_stream_has_room,
	.rand = on_random,
	.get_new_connection_id = on_new_cid,
	.remove_connection_id = on_old_cid,
	.update_key = ngtcp2_crypto_update_key_cb,
	.delete_crypto_aead_ctx = ngtcp2_crypto_delete_crypto_aead_ctx_cb,
	.delete_crypto_cipher_ctx = ngtcp2_crypto_delete_crypto_cipher_ctx_cb,
	.get_path_challenge_data = ngtcp2_crypto_get_path_challenge_data_cb,
	.version_negotiation = ngtcp2_crypto_version_negotiation_cb,
};

/* --- sending ------------------------------------------------------------------------------ */

/* Answers go out in the order in which they were made, as many in a packet as fit; transfers by
 * turns, message by message. They are not paced: what is in a congestion window is a few packets, and the library would hold back the
 * end of a handshake by the time that a client takes to acknowledge. False: it is gone. */
static bool write_packets(struct quic_connection *c)
{
	const ngtcp2_tstamp now = quic_now();
	uint8_t packet[NGTCP2_MAX_UDP_PAYLOAD_SIZE];

	c->more = true;
	for (unsigned i = 0; i < PACKETS;) {
		ngtcp2_vec bytes = { NULL, 0 };
		ngtcp2_path_storage to;
		ngtcp2_ssize taken = -1;
		bool end = false;
		while (c->first && !quic_stream_take(c, &bytes, &end))
			;
		struct quic_stream *s = c->first;
		ngtcp2_path_storage_zero(&to);
		const ngtcp2_ssize n = ngtcp2_conn_writev_stream(c->conn, &to.path, NULL,
			packet, sizeof packet, &taken,
			!s ? NGTCP2_WRITE_STREAM_FLAG_NONE
			   : NGTCP2_WRITE_STREAM_FLAG_MORE |
				end * NGTCP2_WRITE_STREAM_FLAG_FIN,
			s ? s->id : -1, s ? &bytes : NULL, s ? 1 : 0, now);
		if (s && taken >= 0)
			quic_stream_sent(c, (size_t)taken, end);
		if (n == NGTCP2_ERR_WRITE_MORE)
			continue;
		/* Blocked ones are queued again when there is more room. */
		if (s &&
			(n == NGTCP2_ERR_STREAM_DATA_BLOCKED ||
				n == NGTCP2_ERR_STREAM_SHUT_WR ||
				n == NGTCP2_ERR_STREAM_NOT_FOUND)) {
			if (n != NGTCP2_ERR_STREAM_DATA_BLOCKED)
				quic_stream_shut(c, s);
			quic_stream_dequeue(c);
			continue;
		}
		if (n < 0) {
			fail(c, (int)n);
			return false;
		}
		c->more = n != 0;
		if (n == 0)
			break;
		quic_send(c->socket, &to.path, packet, (size_t)n);
		i++;
	}
	return true;
}

/* Those that the connection's window held up, and nobody tells of. */
static void queue_rest(struct quic_connection *c)
{
	if (c->first)
		return;
	for (struct quic_stream *s = c->streams; s; s = s->next)
		if (quic_stream_has_more(s))
			quic_stream_queue(c, s);
}

static void go_on(struct quic_connection *c)
{
	if (write_packets(c))
		set_timer(c);
}

static void on_time(struct ev_loop *loop, ev_timer *t, int events)
{
	struct quic_connection *c = t->data;
	const int err = ngtcp2_conn_handle_expiry(c->conn, quic_now());

	(void)loop;
	(void)events;
	if (err)
		fail(c, err);
	else
		go_on(c);
}

static void set_timer(struct quic_connection *c)
{
	const ngtcp2_tstamp at = ngtcp2_conn_get_expiry(c->conn), now = quic_now();

	ev_timer_stop(c->quic->loop, &c->timer);
	if (at == UINT64_MAX && !c->more)
		return;
	ev_timer_set(
		&c->timer, at > now && !c->more ? (double)(at - now) / NGTCP2_SECONDS : 0, 0);
	ev_timer_start(c->quic->loop, &c->timer);
}

void quic_connection_read(
	struct quic_connection *c, const ngtcp2_path *path, const uint8_t *bytes, size_t len)
{
	const int err = ngtcp2_conn_read_pkt(c->conn, path, NULL, bytes, len, quic_now());

	if (err) {
		fail(c, err);
		return;
	}
	if (c->talks && c->session) {
		ngtcp2_conn_set_tls_native_handle(c->conn, NULL);
		end_session(c);
	}
	queue_rest(c);
	go_on(c);
}

/* --- its start ---------------------------------------------------------------------------- */

static ngtcp2_conn *conn_of(ngtcp2_crypto_conn_ref *ref)
{
	return ((struct quic_connection *)ref->user_data)->conn;
}

static void set_params(const struct quic_connection *c, const struct quic_arrival *a,
	ngtcp2_transport_params *p)
{
	ngtcp2_transport_params_default(p);
	p->initial_max_stream_data_bidi_remote = QUIC_QUERY_MOST + 3;
	p->initial_max_data = WINDOW;
	p->initial_max_streams_bidi = QUIC_STREAMS;
	p->max_idle_timeout = c->quic->opts.idle_ms * NGTCP2_MILLISECONDS;
	p->disable_active_migration = 1;
	p->original_dcid = a->original ? *a->original : a->head->dcid;
	if (a->original) {
		p->retry_scid_present = 1;
		p->retry_scid = a->head->dcid;
	}
}

static bool make_conn(struct quic_connection *c, const struct quic_arrival *a)
{
	ngtcp2_transport_params params;
	ngtcp2_settings settings;
	ngtcp2_cid ours = { .datalen = QUIC_CID };

	set_params(c, a, &params);
	ngtcp2_settings_default(&settings);
	settings.initial_ts = quic_now();
	settings.handshake_timeout = c->quic->opts.handshake_ms * NGTCP2_MILLISECONDS;
	settings.token = a->head->token;
	settings.max_tx_udp_payload_size = NGTCP2_MAX_UDP_PAYLOAD_SIZE;
	quic_random(ours.data, ours.datalen);
	params.stateless_reset_token_present = 1;
	if (ngtcp2_crypto_generate_stateless_reset_token(params.stateless_reset_token,
		    c->quic->opts.secret, QUIC_SECRET, &ours) != 0 ||
		ngtcp2_conn_server_new(&c->conn, &a->head->scid, &ours, a->path,
			a->head->version, &callbacks, &settings, &params, NULL, c) != 0)
		return false;
	ngtcp2_conn_set_tls_native_handle(c->conn, c->session);
	return quic_add_cid(c, ours.data, ours.datalen) &&
		quic_add_cid(c, a->head->dcid.data, a->head->dcid.datalen);
}

struct quic_connection *quic_connection_open(
	struct quic_socket *s, const struct quic_arrival *a)
{
	struct quic *q = s->quic;
	struct quic_connection *c = calloc(1, sizeof *c);

	if (!c || !clients_join(&q->connected, &c->member, &a->source, quic_now_ms())) {
		free(c);
		return NULL;
	}
	c->quic = q;
	c->socket = s;
	c->source = a->source;
	c->last = &c->first;
	c->ref = (ngtcp2_crypto_conn_ref){ conn_of, c };
	ev_init(&c->timer, on_time);
	c->timer.data = c;
	c->tls = tls_hold(q->tls);
	c->session = quic_show_session(tls_quic(c->tls));
	handshakes_join(&q->handshakes, &c->handshake, quic_now_ms());
	__atomic_store_n(&q->clients, q->connected.n, __ATOMIC_RELAXED);
	if (c->session) {
		gnutls_session_set_ptr(c->session, &c->ref);
		if (make_conn(c, a))
			return c;
	}
	free_connection(c);
	return NULL;
}
