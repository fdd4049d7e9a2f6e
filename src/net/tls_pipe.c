#include "net/tls_inner.h"

#include "base/text.h"

#include <errno.h>
#include <ev.h>
#include <limits.h>
#include <openssl/err.h>
#include <stdlib.h>
#include <string.h>

static struct tls_end *end_of(const struct pipe *p)
{
	return p->state;
}

/* What a call of the library that did not succeed means. */
static ssize_t failed(struct pipe *p, int n, int *wants)
{
	struct tls_end *e = end_of(p);

	switch (SSL_get_error(e->ssl, n)) {
	case SSL_ERROR_WANT_READ: *wants = EV_READ; return PIPE_AGAIN;
	case SSL_ERROR_WANT_WRITE: *wants = EV_WRITE; return PIPE_AGAIN;
	case SSL_ERROR_ZERO_RETURN: return 0;
	default: break;
	}
	e->error = ERR_peek_last_error();
	ERR_clear_error();
	e->broken = true;
	return PIPE_BROKEN;
}

static int int_of(size_t len)
{
	return len < INT_MAX ? (int)len : INT_MAX;
}

/* All records that have come and fit: clients send each query in one of its own, and what is read at once is answered
 * at once. */
static ssize_t read_tls(struct pipe *p, void *to, size_t room)
{
	struct tls_end *e = end_of(p);
	size_t done = 0;
	int n = 1;

	if (e->broken)
		return PIPE_BROKEN;
	p->read_wants = EV_READ;
	do {
		n = SSL_read(e->ssl, (char *)to + done, int_of(room - done));
		done += n > 0 ? (size_t)n : 0;
		/* What is left of a record that is not whole is nothing to read: only a good read tells of
		 * more. */
		e->more = n > 0 && SSL_has_pending(e->ssl);
	} while (e->more && done < room);
	if (n > 0)
		return (ssize_t)done;
	const ssize_t why = failed(p, n, &p->read_wants);
	/* An end behind what was read is told when it is read once more. */
	e->more = done && why != PIPE_AGAIN;
	return done ? (ssize_t)done : why;
}

/* A record at a time is taken, of 16 KiB at most. */
static ssize_t write_tls(struct pipe *p, const void *bytes, size_t len)
{
	struct tls_end *e = end_of(p);
	size_t done = 0;

	p->write_wants = EV_WRITE;
	if (e->broken)
		return PIPE_BROKEN;
	while (done < len) {
		const int n = SSL_write(
			e->ssl, (const char *)bytes + done, int_of(len - done));
		if (n > 0) {
			done += (size_t)n;
			continue;
		}
		const ssize_t why = failed(p, n, &p->write_wants);
		if (why == PIPE_AGAIN && done)
			break;
		return why == 0 ? PIPE_BROKEN : why;
	}
	return (ssize_t)done;
}

static void close_tls(struct pipe *p)
{
	struct tls_end *e = end_of(p);

	if (!e->broken && SSL_is_init_finished(e->ssl))
		SSL_shutdown(e->ssl); /* tells; nobody waits for an answer */
	ERR_clear_error();
	SSL_free(e->ssl);
	tls_drop(e->tls);
	free(e);
}

static bool has_more_tls(const struct pipe *p)
{
	return end_of(p)->more;
}

static const struct pipe_kind tls_kind = {
	.read = read_tls, .write = write_tls, .close = close_tls, .has_more = has_more_tls
};

bool tls_end_open(struct pipe *p, SSL *ssl, struct tls *t, enum tls_speech speech)
{
	struct tls_end *e = calloc(1, sizeof *e);

	if (!e)
		return false;
	*e = (struct tls_end){ .ssl = ssl, .tls = tls_hold(t), .speech = speech };
	SSL_set_app_data(ssl, e);
	p->kind = &tls_kind;
	p->state = e;
	return true;
}

bool pipe_start_tls(struct pipe *p, struct tls *t, enum tls_speech speech)
{
	SSL *ssl = SSL_new(t->contexts[0]);

	if (!ssl || SSL_set_fd(ssl, p->fd) != 1 || !tls_end_open(p, ssl, t, speech)) {
		ERR_clear_error();
		SSL_free(ssl);
		return false;
	}
	SSL_set_accept_state(ssl);
	return true;
}

ssize_t pipe_shake(struct pipe *p)
{
	struct tls_end *e = end_of(p);
	const int n = SSL_do_handshake(e->ssl);

	p->read_wants = EV_READ;
	if (n != 1) {
		const ssize_t why = failed(p, n, &p->read_wants);
		e->broken = e->broken || why == 0;
		return why == 0 ? PIPE_BROKEN : why;
	}
	e->more = SSL_has_pending(e->ssl);
	return 1;
}

bool pipe_is_resumed(const struct pipe *p)
{
	return SSL_session_reused(end_of(p)->ssl);
}

bool pipe_is_http2(const struct pipe *p)
{
	const unsigned char *name;
	unsigned len;

	SSL_get0_alpn_selected(end_of(p)->ssl, &name, &len);
	return len == 2 && memcmp(name, "h2", 2) == 0;
}

char *pipe_client_names(const struct pipe *p)
{
	const SSL *ssl = end_of(p)->ssl;
	X509 *cert = SSL_get0_peer_certificate(ssl);

	return cert && SSL_get_verify_result(ssl) == X509_V_OK ? tls_names_text(cert) : NULL;
}
