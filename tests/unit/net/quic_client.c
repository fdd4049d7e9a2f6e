#include "unit/net/quic_client.h"

#include "unit/net/serving.h"
#include "unit/unit.h"

#include <gnutls/crypto.h>
#include <ngtcp2/ngtcp2_crypto_gnutls.h>
#include <stdlib.h>
#include <string.h>
#include <time.h>
#include <unistd.h>

static ngtcp2_tstamp now(void)
{
	struct timespec t;

	clock_gettime(CLOCK_MONOTONIC, &t);
	return (ngtcp2_tstamp)t.tv_sec * NGTCP2_SECONDS + (ngtcp2_tstamp)t.tv_nsec;
}

static struct quic_client_stream *stream_of(struct quic_client *c, int64_t id)
{
	for (size_t i = 0; i < c->n; i++)
		if (c->streams[i].id == id)
			return &c->streams[i];
	return NULL;
}

static int on_shaken(ngtcp2_conn *conn, void *ctx)
{
	(void)conn;
	((struct quic_client *)ctx)->shaken = true;
	return 0;
}

static int on_data(ngtcp2_conn *conn, uint32_t flags, int64_t id, uint64_t offset,
	const uint8_t *data, size_t len, void *ctx, void *unused)
{
	struct quic_client_stream *s = stream_of(ctx, id);

	(void)conn;
	(void)offset;
	(void)unused;
	s->in = realloc(s->in, s->in_len + len + 1);
	if (len)
		memcpy(s->in + s->in_len, data, len);
	s->in_len += len;
	s->ended = s->ended || flags & NGTCP2_STREAM_DATA_FLAG_FIN;
	return 0;
}

static int on_reset(
	ngtcp2_conn *conn, int64_t id, uint64_t size, uint64_t error, void *ctx, void *unused)
{
	(void)conn;
	(void)size;
	(void)unused;
	stream_of(ctx, id)->reset = error;
	return 0;
}

static int on_retry(ngtcp2_conn *conn, const ngtcp2_pkt_hd *head, void *ctx)
{
	((struct quic_client *)ctx)->retries++;
	return ngtcp2_crypto_recv_retry_cb(conn, head, ctx);
}

static void on_random(uint8_t *to, size_t len, const ngtcp2_rand_ctx *ctx)
{
	(void)ctx;
	gnutls_rnd(GNUTLS_RND_NONCE, to, len);
}

static int on_new_cid(ngtcp2_conn *conn, ngtcp2_cid *cid, uint8_t *token, size_t len, void *ctx)
{
	(void)conn;
	(void)ctx;
	gnutls_rnd(GNUTLS_RND_NONCE, cid->data, len);
	cid->datalen = len;
	gnutls_rnd(GNUTLS_RND_NONCE, token, NGTCP2_STATELESS_RESET_TOKENLEN);
	return 0;
}

static int on_stateless_reset(ngtcp2_conn *conn, const ngtcp2_pkt_stateless_reset *r, void *ctx)
{
	(void)conn;
	(void)r;
	((struct quic_client *)ctx)->closed = true;
	return 0;
}

static ngtcp2_conn *conn_of(ngtcp2_crypto_conn_ref *ref)
{
	return ((struct quic_client *)ref->user_data)->conn;
}

static void start_session(struct quic_client *c, const char *alpn)
{
	const gnutls_datum_t name = { (unsigned char *)(uintptr_t)alpn,
		(unsigned)strlen(alpn) };

	gnutls_init(&c->session, GNUTLS_CLIENT);
	gnutls_priority_set_direct(
		c->session, "%DISABLE_TLS13_COMPAT_MODE:NORMAL:-VERS-ALL:+VERS-TLS1.3", NULL);
	gnutls_certificate_allocate_credentials(&c->trust);
	gnutls_credentials_set(c->session, GNUTLS_CRD_CERTIFICATE, c->trust);
	gnutls_alpn_set_protocols(c->session, &name, 1, 0);
	gnutls_server_name_set(c->session, GNUTLS_NAME_DNS, "ns1.example", 11);
	CU_ASSERT_EQUAL(ngtcp2_crypto_gnutls_configure_client_session(c->session), 0);
	c->ref = (ngtcp2_crypto_conn_ref){ conn_of, c };
	gnutls_session_set_ptr(c->session, &c->ref);
}

static void start_conn(struct quic_client *c, uint64_t window)
{
	static const ngtcp2_callbacks callbacks = {
		.client_initial = ngtcp2_crypto_client_initial_cb,
		.recv_crypto_data = ngtcp2_crypto_recv_crypto_data_cb,
		.handshake_completed = on_shaken,
		.encrypt = ngtcp2_crypto_encrypt_cb,
		.decrypt = ngtcp2_crypto_decrypt_cb,
		.hp_mask = ngtcp2_crypto_hp_mask_cb,
		.recv_stream_data = on_data,
		.recv_stateless_reset = on_stateless_reset,
		.recv_retry = on_retry,
		.rand = on_random,
		.get_new_connection_id = on_new_cid,
		.update_key = ngtcp2_crypto_update_key_cb,
		.stream_reset = on_reset,
		.delete_crypto_aead_ctx = ngtcp2_crypto_delete_crypto_aead_ctx_cb,
		.delete_crypto_cipher_ctx = ngtcp2_crypto_delete_crypto_cipher_ctx_cb,
		.get_path_challenge_data = ngtcp2_crypto_get_path_challenge_data_cb,
		.version_negotiation = ngtcp2_crypto_version_negotiation_cb,
	};
	const ngtcp2_path path = { { (struct sockaddr *)&c->local, c->local_len },
		{ (struct sockaddr *)&c->remote, c->remote_len }, NULL };
	ngtcp2_cid dcid = { .datalen = 18 }, scid = { .datalen = 8 };
	ngtcp2_transport_params params;
	ngtcp2_settings settings;

	gnutls_rnd(GNUTLS_RND_NONCE, dcid.data, dcid.datalen);
	gnutls_rnd(GNUTLS_RND_NONCE, scid.data, scid.datalen);
	ngtcp2_settings_default(&settings);
	settings.initial_ts = now();
	ngtcp2_transport_params_default(&params);
	params.initial_max_stream_data_bidi_local = window ? window : 1 << 24;
	params.initial_max_data = window ? window : 1 << 24;
	CU_ASSERT_EQUAL_FATAL(
		ngtcp2_conn_client_new(&c->conn, &dcid, &scid, &path, NGTCP2_PROTO_VER_V1,
			&callbacks, &settings, &params, NULL, c),
		0);
	ngtcp2_conn_set_tls_native_handle(c->conn, c->session);
}

void quic_client_open(struct quic_client *c, const struct net_address *to,
	const struct quic_client_opts *opts)
{
	static const struct quic_client_opts usual;

	opts = opts ? opts : &usual;
	memset(c, 0, sizeof *c);
	c->fd = serving_connect(to, SOCK_DGRAM, opts->from);
	c->local_len = c->remote_len = sizeof c->local;
	getsockname(c->fd, (struct sockaddr *)&c->local, &c->local_len);
	getpeername(c->fd, (struct sockaddr *)&c->remote, &c->remote_len);
	start_session(c, opts->alpn ? opts->alpn : "doq");
	start_conn(c, opts->window);
}

void quic_client_close(struct quic_client *c)
{
	ngtcp2_connection_close_error why;
	uint8_t packet[1500];

	ngtcp2_connection_close_error_default(&why);
	const ngtcp2_ssize n = c->closed ? 0
					 : ngtcp2_conn_write_connection_close(c->conn, NULL,
						   NULL, packet, sizeof packet, &why, now());
	if (n > 0)
		send(c->fd, packet, (size_t)n, 0);
	ngtcp2_conn_del(c->conn);
	gnutls_deinit(c->session);
	gnutls_certificate_free_credentials(c->trust);
	close(c->fd);
	for (size_t i = 0; i < c->n; i++) {
		free(c->streams[i].in);
		free(c->streams[i].out);
	}
}

size_t quic_client_ask(struct quic_client *c, const void *bytes, size_t len, bool end)
{
	struct quic_client_stream *s = &c->streams[c->n];

	*s = (struct quic_client_stream){ .id = -1,
		.out = malloc(len + 1),
		.out_len = len,
		.end = end,
		.reset = QUIC_CLIENT_NONE };
	memcpy(s->out, bytes, len);
	return c->n++;
}

static struct quic_client_stream *first_to_send(struct quic_client *c)
{
	for (size_t i = 0; c->shaken && i < c->n; i++) {
		struct quic_client_stream *s = &c->streams[i];
		if (s->reset == QUIC_CLIENT_NONE &&
			(s->out_at < s->out_len || (s->end && !s->end_sent)) &&
			(s->id >= 0 ||
				ngtcp2_conn_open_bidi_stream(c->conn, &s->id, NULL) == 0))
			return s;
	}
	return NULL;
}

static void send_all(struct quic_client *c)
{
	for (unsigned i = 0; i < 100; i++) {
		struct quic_client_stream *s = first_to_send(c);
		const ngtcp2_vec bytes = { s ? s->out + s->out_at : NULL,
			s ? s->out_len - s->out_at : 0 };
		uint8_t packet[1452];
		ngtcp2_ssize taken = -1;
		const ngtcp2_ssize n = ngtcp2_conn_writev_stream(c->conn, NULL, NULL, packet,
			sizeof packet, &taken, s && s->end ? NGTCP2_WRITE_STREAM_FLAG_FIN : 0,
			s ? s->id : -1, s ? &bytes : NULL, s ? 1 : 0, now());
		if (s && taken >= 0) {
			s->out_at += (size_t)taken;
			s->end_sent = s->end && s->out_at == s->out_len;
		}
		if (n <= 0)
			return;
		send(c->fd, packet, (size_t)n, 0);
	}
}

static void take_all(struct quic_client *c)
{
	const ngtcp2_path path = { { (struct sockaddr *)&c->local, c->local_len },
		{ (struct sockaddr *)&c->remote, c->remote_len }, NULL };
	uint8_t packet[2048];
	ssize_t n;

	while (!c->closed && (n = recv(c->fd, packet, sizeof packet, MSG_DONTWAIT)) > 0) {
		const int err = ngtcp2_conn_read_pkt(
			c->conn, &path, NULL, packet, (size_t)n, now());
		if (err == 0)
			continue;
		ngtcp2_connection_close_error why;
		ngtcp2_conn_get_connection_close_error(c->conn, &why);
		c->closed = true;
		c->error = why.error_code;
		c->transport = why.type == NGTCP2_CONNECTION_CLOSE_ERROR_CODE_TYPE_TRANSPORT;
	}
}

void quic_client_turn(struct quic_client *c)
{
	if (!c->closed && ngtcp2_conn_get_expiry(c->conn) <= now())
		ngtcp2_conn_handle_expiry(c->conn, now());
	if (!c->closed)
		send_all(c);
	take_all(c);
	if (!c->closed)
		send_all(c);
}
