#include "probe/http_conn.h"

#include "base/clock.h"
#include "base/memory.h"
#include "probe/http_shake.h"
#include "probe/http_talk.h"
#include "probe/http_thread.h"
#include "probe/http_tls.h"
#include "probe/proxy_header.h"

#include <errno.h>
#include <netinet/in.h>
#include <netinet/tcp.h>
#include <openssl/err.h>
#include <stdio.h>
#include <string.h>
#include <sys/socket.h>
#include <time.h>
#include <unistd.h>

enum { READ_MOST = 16384 };

static void go_on(struct http_conn *c);

/* --- the end ------------------------------------------------------------------------------ */

void http_conn_close(struct http_conn *c)
{
	ev_io_stop(c->thread->loop, &c->io);
	if (c->ssl) {
		/* Unless it was shut down its session is taken for a bad one. */
		if (c->state >= HTTP_TALKS)
			SSL_shutdown(c->ssl);
		SSL_free(c->ssl);
	}
	ERR_clear_error();
	close(c->io.fd);
	if (c->peer->idle == c) {
		c->peer->idle = NULL;
		c->thread->n_idle--;
	}
	if (c->ask)
		c->ask->conn = NULL;
	http_two_free(c->two);
	http_tls_drop(c->made_by);
	text_fini(&c->out);
	memory_free(c->body);
	memory_free(c);
}

static void watch(struct http_conn *c, int events)
{
	if (c->watched == events)
		return;
	ev_io_stop(c->thread->loop, &c->io);
	ev_io_set(&c->io, c->io.fd, events);
	ev_io_start(c->thread->loop, &c->io);
	c->watched = events;
}

/* The result is there. */
static void hand_back(struct http_conn *c)
{
	struct http_ask *a = c->ask;

	c->ask = NULL;
	a->conn = NULL;
	http_ask_step(a, "%s", a->own.result.say);
	http_thread_done(c->thread, a);
}

void http_conn_fail(struct http_conn *c)
{
	hand_back(c);
	http_conn_close(c);
}

/* The other side may close a connection that idles at any time, also while we ask: that says
 * nothing of it. */
static bool try_anew(struct http_conn *c)
{
	struct http_ask *a = c->ask;
	struct http_thread *t = c->thread;

	if (!c->reused || c->heard_us || a->retried)
		return false;
	http_ask_step(a, "the connection that was kept is gone; another one");
	a->retried = true;
	http_conn_close(c);
	http_conn_begin(t, a);
	return true;
}

static void lose(struct http_conn *c, int err)
{
	if (try_anew(c))
		return;
	http_talk_say_closed(c, err);
	http_conn_fail(c);
}

/* --- bytes -------------------------------------------------------------------------------- */

int http_conn_look(struct http_conn *c, int n, int *err)
{
	const int sys = errno;

	*err = 0;
	switch (SSL_get_error(c->ssl, n)) {
	case SSL_ERROR_WANT_READ: watch(c, EV_READ); return HTTP_CONN_AGAIN;
	case SSL_ERROR_WANT_WRITE: watch(c, EV_READ | EV_WRITE); return HTTP_CONN_AGAIN;
	case SSL_ERROR_ZERO_RETURN: return 0;
	case SSL_ERROR_SYSCALL: *err = sys; return sys ? HTTP_CONN_LOST : 0;
	default: return HTTP_CONN_LOST;
	}
}

static int read_some(struct http_conn *c, char *to, int room, int *err)
{
	if (c->ssl) {
		ERR_clear_error();
		errno = 0;
		const int n = SSL_read(c->ssl, to, room);
		return n > 0 ? n : http_conn_look(c, n, err);
	}
	const ssize_t n = recv(c->io.fd, to, (size_t)room, 0);
	if (n >= 0)
		return (int)n;
	*err = errno;
	if (errno != EAGAIN && errno != EINTR)
		return HTTP_CONN_LOST;
	watch(c, EV_READ);
	return HTTP_CONN_AGAIN;
}

static int write_some(struct http_conn *c, const char *from, size_t len, int *err)
{
	if (c->ssl) {
		ERR_clear_error();
		errno = 0;
		const int n = SSL_write(c->ssl, from, (int)len);
		return n > 0 ? n : http_conn_look(c, n, err);
	}
	const ssize_t n = send(c->io.fd, from, len, MSG_NOSIGNAL);
	if (n >= 0)
		return (int)n;
	*err = errno;
	if (errno != EAGAIN && errno != EINTR)
		return HTTP_CONN_LOST;
	watch(c, EV_READ | EV_WRITE);
	return HTTP_CONN_AGAIN;
}

/* A record of TLS that is wrong, such as the alert that a client certificate is missing, which
 * TLS 1.3 sends behind the handshake. */
static void lose_tls(struct http_conn *c, int err)
{
	const unsigned long why = c->ssl && !err ? ERR_peek_error() : 0;

	if (!why) {
		lose(c, err);
		return;
	}
	if (try_anew(c))
		return;
	check_failed(&c->ask->own, "TLS: %.150s", http_talk_tls_error(why));
	http_conn_fail(c);
}

/* What is to be sent, as far as it goes. False: the connection is lost. */
static bool send_out(struct http_conn *c, int *err)
{
	*err = 0;
	while (c->out_at < c->out.len) {
		const int n = write_some(c, c->out.s + c->out_at, c->out.len - c->out_at, err);
		if (n == HTTP_CONN_AGAIN)
			return true;
		if (n <= 0)
			return false;
		c->out_at += (size_t)n;
	}
	c->out.len = c->out_at = 0;
	return true;
}

/* --- an answer ---------------------------------------------------------------------------- */

/* Files that have become bad are told where an operator looks at the target. */
static void add_notice(struct http_conn *c)
{
	struct check_result *r = &c->ask->own.result;
	const char *notice;
	struct fault why;

	if (!c->ssl || *r->notice)
		return;
	http_tls_of(c->thread->files, c->ask->plan, &notice, &why);
	if (*notice)
		snprintf(r->notice, sizeof r->notice, "TLS goes on with what it had: %.150s",
			notice);
}

static void succeed(struct http_conn *c, bool whole)
{
	struct http_peer *peer = c->peer;
	const bool keep = whole && c->ask->plan->opts.keep_alive && http_talk_keeps(c) &&
		!peer->idle && c->thread->n_idle < c->thread->idle_most;
	int err;

	http_talk_say_answer(c);
	add_notice(c);
	hand_back(c);
	if (!keep || !send_out(c, &err)) {
		http_conn_close(c);
		return;
	}
	memory_free(c->body);
	c->body = NULL;
	c->state = HTTP_IDLES;
	peer->idle = c;
	c->thread->n_idle++;
	watch(c, EV_READ | (c->out.len ? EV_WRITE : 0));
}

static void end_of_stream(struct http_conn *c)
{
	if (!c->two && http_reply_close(&c->reply) == HTTP_WHOLE)
		succeed(c, false);
	else
		lose(c, 0);
}

static void talk(struct http_conn *c)
{
	char buf[READ_MOST];
	int err, n;

	for (;;) {
		if (!send_out(c, &err)) /* HTTP/2 answers settings and pings, too */
			break;
		n = read_some(c, buf, sizeof buf, &err);
		if (n == HTTP_CONN_AGAIN)
			return;
		if (n == HTTP_CONN_LOST)
			break;
		if (n == 0) {
			end_of_stream(c);
			return;
		}
		const enum http_got got = http_talk_take(c, buf, (size_t)n);
		switch (got) {
		case HTTP_MORE: continue;
		case HTTP_WHOLE:
		case HTTP_ENOUGH: succeed(c, got == HTTP_WHOLE); return;
		case HTTP_WRONG:
		case HTTP_LONG:
			http_talk_say_wrong(c, got);
			http_conn_fail(c);
			return;
		}
	}
	lose_tls(c, err);
}

/* Nothing is asked: tickets, settings and pings are fine, all else ends it. */
static void idle(struct http_conn *c)
{
	char buf[READ_MOST];
	int err, n;

	for (;;) {
		n = read_some(c, buf, sizeof buf, &err);
		if (n == HTTP_CONN_AGAIN)
			break;
		if (n <= 0 || !c->two || http_two_take(c->two, buf, (size_t)n) == HTTP_WRONG ||
			!http_two_keeps(c->two)) {
			http_conn_close(c);
			return;
		}
	}
	if (!send_out(c, &err))
		http_conn_close(c);
	else if (!c->out.len)
		watch(c, EV_READ);
}

void http_conn_ask(struct http_conn *c)
{
	c->state = HTTP_TALKS;
	http_ask_set_stage(c->ask, "the answer");
	if (!http_talk_ask(c)) {
		if (try_anew(c))
			return;
		check_errno(&c->ask->own, "", ENOMEM);
		http_conn_fail(c);
		return;
	}
	watch(c, EV_READ);
	talk(c);
}

/* --- the beginning ------------------------------------------------------------------------ */

/* A new connection has room for the few bytes. */
static bool say_proxy(struct http_conn *c)
{
	const unsigned version = c->ask->plan->opts.proxy;
	uint8_t header[PROXY_HEADER_MOST];

	if (!version)
		return true;
	const size_t len = proxy_header_make(header, version, c->io.fd);
	if (len && send(c->io.fd, header, len, MSG_NOSIGNAL) == (ssize_t)len) {
		http_ask_step(c->ask, "PROXY header, version %u, sent", version);
		return true;
	}
	return check_errno(&c->ask->own, "connection lost", errno);
}

static void opened(struct http_conn *c)
{
	int err = 0;
	socklen_t len = sizeof err;

	if (getsockopt(c->io.fd, SOL_SOCKET, SO_ERROR, &err, &len) != 0)
		err = errno;
	if (err) {
		check_errno(&c->ask->own, "", err);
		http_conn_fail(c);
		return;
	}
	c->wire_us = check_elapsed_us(&c->ask->own);
	http_ask_step(c->ask, "connected");
	if (!say_proxy(c))
		http_conn_fail(c);
	else if (c->ask->plan->opts.kind == PROBE_HTTPS)
		http_shake_begin(c);
	else
		http_conn_ask(c);
}

static void go_on(struct http_conn *c)
{
	switch (c->state) {
	case HTTP_OPENS: opened(c); return;
	case HTTP_SHAKES: http_shake(c); return;
	case HTTP_TALKS: talk(c); return;
	case HTTP_IDLES: idle(c); return;
	}
}

static void on_io(struct ev_loop *loop, ev_io *io, int events)
{
	(void)loop;
	(void)events;
	go_on(io->data);
}

static void end_at_once(struct http_thread *t, struct http_ask *a)
{
	http_ask_step(a, "%s", a->own.result.say);
	http_thread_done(t, a);
}

static void open_new(struct http_thread *t, struct http_ask *a)
{
	const int on = 1;
	const int fd = socket(a->to.ss_family, SOCK_STREAM | SOCK_NONBLOCK | SOCK_CLOEXEC, 0);
	struct http_conn *c = fd >= 0 ? memory_beside(NULL, sizeof *c) : NULL;

	if (!c ||
		(connect(fd, (struct sockaddr *)&a->to, a->to_len) != 0 &&
			errno != EINPROGRESS)) {
		check_errno(&a->own, fd < 0 ? "no socket" : "", fd < 0 || c ? errno : ENOMEM);
		if (fd >= 0)
			close(fd);
		memory_free(c);
		end_at_once(t, a);
		return;
	}
	setsockopt(fd, IPPROTO_TCP, TCP_NODELAY, &on, sizeof on);
	*c = (struct http_conn){ .thread = t, .peer = a->peer, .ask = a, .state = HTTP_OPENS };
	a->conn = c;
	http_ask_set_stage(a, "the connection");
	ev_io_init(&c->io, on_io, fd, EV_WRITE);
	c->io.data = c;
	c->watched = EV_WRITE;
	ev_io_start(t->loop, &c->io);
}

/* Is what was made of the files, and what the server has shown, still good? */
static bool is_good(struct http_thread *t, const struct http_conn *c, const struct http_ask *a)
{
	const char *notice;
	struct fault why;

	if (!c->ssl)
		return true;
	return c->made_by == http_tls_of(t->files, a->plan, &notice, &why) &&
		(!a->plan->opts.verify || c->chain_end_s > time(NULL));
}

void http_conn_begin(struct http_thread *t, struct http_ask *a)
{
	struct http_conn *c = a->peer->idle;

	if (c && !is_good(t, c, a)) {
		http_conn_close(c);
		c = NULL;
	}
	if (!c) {
		open_new(t, a);
		return;
	}
	a->peer->idle = NULL;
	t->n_idle--;
	a->conn = c;
	c->ask = a;
	c->reused = true;
	c->wire_us = 0;
	http_ask_step(a, "over the connection that was kept");
	http_conn_ask(c);
}
