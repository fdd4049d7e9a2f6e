#include "probe/http_shake.h"

#include "base/clock.h"
#include "probe/http_talk.h"
#include "probe/http_thread.h"
#include "probe/http_tls.h"

#include <errno.h>
#include <openssl/err.h>
#include <openssl/x509v3.h>
#include <time.h>

/* A session is resumed for so long; then the server shows its certificate once more. */
enum { RESUME_US = 60000000 };

int http_shake_session(SSL *ssl, SSL_SESSION *s)
{
	struct http_conn *c = SSL_get_app_data(ssl); /* its first member */
	struct http_peer *peer = c->peer;

	if (peer->plan->opts.keep_alive)
		return 0;
	SSL_SESSION_free(peer->session);
	peer->session = s;
	if (peer->made_by != c->made_by) {
		http_tls_drop(peer->made_by);
		peer->made_by = http_tls_hold(c->made_by);
	}
	return 1;
}

static void resume(struct http_conn *c)
{
	const struct http_peer *peer = c->peer;

	if (peer->session && peer->made_by == c->made_by &&
		clock_us() - peer->full_us < RESUME_US &&
		(!c->ask->plan->opts.verify || peer->chain_end_s > time(NULL)))
		SSL_set_session(c->ssl, peer->session);
}

static bool set_name(struct http_conn *c)
{
	char addr[ADDR_TEXT];
	const char *name = http_talk_tls_name(c->ask, addr);
	struct addr ip;

	if (name && !addr_parse(&ip, name)) {
		X509_VERIFY_PARAM_set_hostflags(
			SSL_get0_param(c->ssl), X509_CHECK_FLAG_NO_PARTIAL_WILDCARDS);
		return SSL_set_tlsext_host_name(c->ssl, name) == 1 &&
			SSL_set1_host(c->ssl, name) == 1;
	}
	return X509_VERIFY_PARAM_set1_ip_asc(SSL_get0_param(c->ssl), name ? name : addr) == 1;
}

static void tell_handshake(const struct http_conn *c)
{
	const unsigned char *alpn = NULL;
	unsigned len = 0;

	if (!http_ask_wants_steps(c->ask))
		return;
	SSL_get0_alpn_selected(c->ssl, &alpn, &len);
	http_ask_step(c->ask, "%s, %s%s%.*s%s", SSL_get_version(c->ssl),
		SSL_get_cipher_name(c->ssl), len ? ", ALPN " : "", (int)len,
		alpn ? (const char *)alpn : "",
		SSL_session_reused(c->ssl) ? ", session resumed" : "");
}

void http_shake(struct http_conn *c)
{
	int err = 0;

	ERR_clear_error();
	errno = 0;
	const int n = SSL_connect(c->ssl);
	if (n != 1 && http_conn_look(c, n, &err) == HTTP_CONN_AGAIN)
		return;
	if (n != 1) {
		http_talk_say_handshake(c, ERR_peek_error(), err);
		http_conn_fail(c);
		return;
	}
	tell_handshake(c);
	c->end_s = check_tls_end_s(c->ssl, false);
	if (SSL_session_reused(c->ssl)) {
		c->chain_end_s = c->peer->chain_end_s;
	} else {
		c->chain_end_s = c->peer->chain_end_s = check_tls_end_s(c->ssl, true);
		c->peer->full_us = clock_us();
	}
	if (c->ask->plan->opts.http2 == PROBE_HTTP2_ON && !http_talk_is_two(c)) {
		check_failed(&c->ask->own, "TLS: the server does not choose HTTP/2 (ALPN)");
		http_conn_fail(c);
		return;
	}
	http_conn_ask(c);
}

void http_shake_begin(struct http_conn *c)
{
	const char *notice;
	struct fault why;
	struct http_tls *tls = http_tls_of(c->thread->files, c->ask->plan, &notice, &why);

	http_ask_set_stage(c->ask, "the TLS handshake");
	if (!tls) {
		check_failed(&c->ask->own, "TLS: %.180s", why.text);
		http_conn_fail(c);
		return;
	}
	c->made_by = http_tls_hold(tls);
	c->ssl = SSL_new(tls->ctx);
	if (!c->ssl || SSL_set_fd(c->ssl, c->io.fd) != 1 || !set_name(c)) {
		check_errno(&c->ask->own, "", ENOMEM);
		http_conn_fail(c);
		return;
	}
	SSL_set_app_data(c->ssl, &c->tls);
	resume(c);
	c->state = HTTP_SHAKES;
	http_shake(c);
}
