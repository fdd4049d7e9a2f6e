#include "probe/check_http.h"

#include "base/file.h"
#include "base/log.h"
#include "base/memory.h"
#include "config.h"
#include "probe/check_http_inner.h"
#include "probe/load_from.h"

#include <errno.h>
#include <ev.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/socket.h>
#include <unistd.h>

enum {
	IDLE_MOST = 1024, /* handles kept for the next checks */
	CA_MOST = 16 << 20
};

struct check_http {
	struct ev_loop *loop;
	CURLM *multi; /* NULL before the first check */
	ev_timer timer;
	uint32_t *asking;
	struct http *idle;
	unsigned n_idle;
};

/* --- handles ------------------------------------------------------------------------------ */

static void free_http(struct http *h)
{
	curl_easy_cleanup(h->easy);
	memory_free(h->body);
	memory_free(h);
}

static uint32_t weight(const struct check *c)
{
	return c->probe->kind == PROBE_HTTPS ? 3 : 1;
}

/* Back among those that wait for work. */
static void release(struct http *h)
{
	struct check_http *all = h->all;

	curl_multi_remove_handle(all->multi, h->easy);
	if (h->fd >= 0)
		close(h->fd);
	*all->asking -= weight(h->check);
	curl_slist_free_all(h->connect_to);
	curl_slist_free_all(h->headers);
	h->connect_to = h->headers = NULL;
	h->check = NULL;
	if (all->n_idle == IDLE_MOST) {
		free_http(h);
		return;
	}
	curl_easy_reset(h->easy);
	h->after = all->idle;
	all->idle = h;
	all->n_idle++;
}

/* NULL: no memory. */
static struct http *acquire(struct check_http *all)
{
	struct http *h = all->idle;

	if (h) {
		all->idle = h->after;
		all->n_idle--;
	} else {
		CURL *easy = curl_easy_init();
		if (!easy)
			return NULL;
		h = memory_zeroed(1, sizeof *h);
		h->all = all;
		h->easy = easy;
	}
	h->tls = (struct check_tls){ 0 };
	h->body_len = 0;
	h->enough = false;
	h->error[0] = 0;
	return h;
}

/* --- what libcurl calls ------------------------------------------------------------------- */

static void look_for_done(struct check_http *all)
{
	CURLMsg *m;
	int left;

	while ((m = curl_multi_info_read(all->multi, &left))) {
		struct http *h = NULL;
		const CURLcode code = m->data.result;
		if (m->msg != CURLMSG_DONE)
			continue;
		curl_easy_getinfo(m->easy_handle, CURLINFO_PRIVATE, (char **)&h);
		struct check *c = h->check;
		check_http_say(h, code);
		release(h);
		c->done(c);
	}
}

static void on_io(struct ev_loop *loop, ev_io *io, int events)
{
	struct check_http *all = io->data;
	int running;

	(void)loop;
	curl_multi_socket_action(all->multi, io->fd,
		(events & EV_READ ? CURL_CSELECT_IN : 0) |
			(events & EV_WRITE ? CURL_CSELECT_OUT : 0),
		&running);
	look_for_done(all);
}

static void on_timer(struct ev_loop *loop, ev_timer *t, int events)
{
	struct check_http *all = t->data;
	int running;

	(void)loop;
	(void)events;
	curl_multi_socket_action(all->multi, CURL_SOCKET_TIMEOUT, 0, &running);
	look_for_done(all);
}

static int set_timer(CURLM *multi, long in_ms, void *ctx)
{
	struct check_http *all = ctx;

	(void)multi;
	ev_timer_stop(all->loop, &all->timer);
	if (in_ms < 0)
		return 0;
	ev_timer_set(&all->timer, (double)in_ms / 1e3, 0);
	ev_timer_start(all->loop, &all->timer);
	return 0;
}

static int set_io(CURL *easy, curl_socket_t fd, int what, void *ctx, void *ours)
{
	struct check_http *all = ctx;
	ev_io *io = ours;

	(void)easy;
	if (io)
		ev_io_stop(all->loop, io);
	if (what == CURL_POLL_REMOVE) {
		memory_free(io);
		return 0;
	}
	if (!io) {
		io = memory_zeroed(1, sizeof *io);
		curl_multi_assign(all->multi, fd, io);
	}
	ev_io_init(io, on_io, fd,
		(what & CURL_POLL_IN ? EV_READ : 0) | (what & CURL_POLL_OUT ? EV_WRITE : 0));
	io->data = all;
	ev_io_start(all->loop, io);
	return 0;
}

static size_t take_body(char *bytes, size_t one, size_t n, void *ctx)
{
	struct http *h = ctx;
	const struct probe_opts *p = h->check->probe;
	const size_t room = PROBE_BODY_MOST - h->body_len;
	const size_t take = n < room ? n : room;

	(void)one;
	if (p->body || p->load_in_body) {
		if (!h->body)
			h->body = memory_grow(NULL, PROBE_BODY_MOST);
		memcpy(h->body + h->body_len, bytes, take);
	}
	h->body_len += take;
	h->enough = h->body_len == PROBE_BODY_MOST;
	return h->enough ? CURL_WRITEFUNC_ERROR : n;
}

static size_t take_header(char *line, size_t one, size_t n, void *ctx)
{
	struct check *c = ((struct http *)ctx)->check;

	(void)one;
	if (c->probe->load_field && !c->probe->load_in_body)
		load_from_header(line, n, c->probe->load_field, &c->result.load);
	return n;
}

/* Only for who wants to know each step. */
static int take_step(CURL *easy, curl_infotype type, char *text, size_t len, void *ctx)
{
	static const char *const mark[] = { "", "< ", "> " };

	(void)easy;
	if (type > CURLINFO_HEADER_OUT)
		return 0;
	while (len) {
		const size_t line = strcspn(text, "\r\n") < len ? strcspn(text, "\r\n") : len;
		if (line)
			check_step(((struct http *)ctx)->check, "%s%.*s", mark[type], (int)line,
				text);
		text += line;
		len -= line;
		for (; len && (*text == '\r' || *text == '\n'); len--)
			text++;
	}
	return 0;
}

static CURLcode take_ssl_ctx(CURL *easy, void *ssl_ctx, void *ctx)
{
	(void)easy;
	check_tls_watch(ssl_ctx, &((struct http *)ctx)->tls);
	return CURLE_OK;
}

/* --- a check ------------------------------------------------------------------------------ */

static void set_tls(struct http *h)
{
	const struct probe_opts *p = h->check->probe;

	curl_easy_setopt(h->easy, CURLOPT_SSL_VERIFYPEER, p->verify ? 1L : 0L);
	curl_easy_setopt(h->easy, CURLOPT_SSL_VERIFYHOST, p->verify ? 2L : 0L);
	curl_easy_setopt(h->easy, CURLOPT_SSL_SESSIONID_CACHE, 0L);
	curl_easy_setopt(h->easy, CURLOPT_SSL_CTX_FUNCTION, take_ssl_ctx);
	curl_easy_setopt(h->easy, CURLOPT_SSL_CTX_DATA, h);
	/* Only from a single file does libcurl keep the trusted certificates for the next
	 * connection; to read the system's again takes 10 ms. */
	curl_easy_setopt(h->easy, CURLOPT_CAPATH, NULL);
	if (p->ca)
		curl_easy_setopt(h->easy, CURLOPT_CAINFO, p->ca);
}

static void set_callbacks(struct http *h)
{
	curl_easy_setopt(h->easy, CURLOPT_PRIVATE, h);
	curl_easy_setopt(h->easy, CURLOPT_ERRORBUFFER, h->error);
	curl_easy_setopt(h->easy, CURLOPT_WRITEFUNCTION, take_body);
	curl_easy_setopt(h->easy, CURLOPT_WRITEDATA, h);
	curl_easy_setopt(h->easy, CURLOPT_HEADERFUNCTION, take_header);
	curl_easy_setopt(h->easy, CURLOPT_HEADERDATA, h);
	if (h->check->steps) {
		curl_easy_setopt(h->easy, CURLOPT_DEBUGFUNCTION, take_step);
		curl_easy_setopt(h->easy, CURLOPT_DEBUGDATA, h);
		curl_easy_setopt(h->easy, CURLOPT_VERBOSE, 1L);
	}
}

/* The URL has the name that TLS is to see; the Host header the one that HTTP is to see. */
/* False: no memory for it; asked then, it would be another one. */
static bool set_request(struct http *h)
{
	const struct probe_opts *p = h->check->probe;
	char addr[ADDR_TEXT], bare[ADDR_TEXT + 2], to[ADDR_TEXT + 16];
	const bool v4 = addr_is_v4(&h->check->addr);
	struct text url = { 0 };

	snprintf(bare, sizeof bare, v4 ? "%s" : "[%s]", addr_text(addr, &h->check->addr));
	text_addf(&url, "%s://%s:%u%s", probe_kind_text(p->kind),
		p->tls_name       ? p->tls_name
			: p->host ? p->host
				  : bare,
		probe_port(p), p->path);
	bool ok = !url.lost &&
		curl_easy_setopt(h->easy, CURLOPT_URL, text_get(&url)) == CURLE_OK;
	text_fini(&url);
	snprintf(to, sizeof to, "::%s:%u", bare, probe_port(p));
	h->connect_to = curl_slist_append(NULL, to);
	ok = ok && h->connect_to;
	curl_easy_setopt(h->easy, CURLOPT_CONNECT_TO, h->connect_to);
	if (p->host) { /* without the port, as browsers send it to the usual one */
		struct text host = { 0 };
		text_addf(&host, "Host: %s", p->host);
		h->headers = curl_slist_append(NULL, text_get(&host));
		ok = ok && !host.lost && h->headers;
		text_fini(&host);
		curl_easy_setopt(h->easy, CURLOPT_HTTPHEADER, h->headers);
	}
	curl_easy_setopt(h->easy, CURLOPT_NOBODY, p->head ? 1L : 0L);
	return ok;
}

static void set_connection(struct http *h)
{
	const long fresh = !h->check->probe->keep_alive;

	curl_easy_setopt(h->easy, CURLOPT_NOSIGNAL, 1L);
	curl_easy_setopt(h->easy, CURLOPT_PROXY, "");
	/* Addresses are not looked up, but kept, and gone through for every request. */
	curl_easy_setopt(h->easy, CURLOPT_DNS_CACHE_TIMEOUT, 0L);
	curl_easy_setopt(h->easy, CURLOPT_HTTP_VERSION, (long)CURL_HTTP_VERSION_1_1);
	curl_easy_setopt(h->easy, CURLOPT_FRESH_CONNECT, fresh);
	curl_easy_setopt(h->easy, CURLOPT_FORBID_REUSE, fresh);
	curl_easy_setopt(h->easy, CURLOPT_USERAGENT, "Waymark/" PACKAGE_VERSION " (probe)");
}

/* libcurl's memory: the reserve helps it, too. */
static void *take(size_t len)
{
	return memory_beside(NULL, len);
}

static void *take_zeroed(size_t n, size_t size)
{
	const size_t len = n * size; /* of structures of its own */
	void *p = memory_beside(NULL, len);

	return p ? memset(p, 0, len) : NULL;
}

static char *take_copy(const char *s)
{
	const size_t len = strlen(s) + 1;
	char *p = memory_beside(NULL, len);

	return p ? memcpy(p, s, len) : NULL;
}

static void open_multi(struct check_http *all)
{
	if (curl_global_init_mem(CURL_GLOBAL_DEFAULT, take, free, memory_beside, take_copy,
		    take_zeroed) != 0 ||
		!(all->multi = curl_multi_init()))
		die("cannot start libcurl");
	curl_multi_setopt(all->multi, CURLMOPT_SOCKETFUNCTION, set_io);
	curl_multi_setopt(all->multi, CURLMOPT_SOCKETDATA, all);
	curl_multi_setopt(all->multi, CURLMOPT_TIMERFUNCTION, set_timer);
	curl_multi_setopt(all->multi, CURLMOPT_TIMERDATA, all);
}

/* The connection that stands becomes libcurl's own. */
static curl_socket_t give_socket(void *ctx, curlsocktype purpose, struct curl_sockaddr *to)
{
	struct http *h = ctx;
	const int fd = h->fd;

	(void)purpose;
	(void)to;
	h->fd = -1;
	return fd >= 0 ? fd : CURL_SOCKET_BAD;
}

static int tell_connected(void *ctx, curl_socket_t fd, curlsocktype purpose)
{
	(void)ctx;
	(void)fd;
	(void)purpose;
	return CURL_SOCKOPT_ALREADY_CONNECTED;
}

/* libcurl opens the file by itself, and would wait for a pipe for ever. */
static bool may_read_ca(struct check *c)
{
	struct fault why;

	if (c->probe->kind != PROBE_HTTPS || !c->probe->ca)
		return true;
	const int fd = file_open(c->probe->ca, CA_MOST, &why);
	if (fd >= 0)
		close(fd);
	return fd >= 0 ||
		check_failed(c, "TLS: cannot read the \"ca\" file %s: %.200s", c->probe->ca,
			why.text);
}

/* Over `fd`, which is taken, or with -1 over a connection of libcurl's own choice. */
static bool request(struct check_http *all, struct check *c, int fd)
{
	if (!may_read_ca(c)) {
		if (fd >= 0)
			close(fd);
		return false;
	}
	if (!all->multi)
		open_multi(all);
	struct http *h = acquire(all);
	if (!h) {
		if (fd >= 0)
			close(fd);
		return check_errno(c, "", ENOMEM);
	}
	h->check = c;
	h->fd = fd;
	*all->asking += weight(c);
	if (!set_request(h)) {
		release(h);
		return check_errno(c, "", ENOMEM);
	}
	set_connection(h);
	set_callbacks(h);
	if (fd >= 0) {
		curl_easy_setopt(h->easy, CURLOPT_OPENSOCKETFUNCTION, give_socket);
		curl_easy_setopt(h->easy, CURLOPT_OPENSOCKETDATA, h);
		curl_easy_setopt(h->easy, CURLOPT_SOCKOPTFUNCTION, tell_connected);
	}
	if (c->probe->kind == PROBE_HTTPS)
		set_tls(h);
	c->own = h;
	c->stage = NULL; /* it is for stop() to say */
	if (curl_multi_add_handle(all->multi, h->easy) == CURLM_OK)
		return true;
	release(h);
	return check_failed(c, "libcurl does not take the request");
}

/* --- before the request ------------------------------------------------------------------- */

/* A connection is made here, at a tenth of what it costs inside libcurl: thousands of targets
 * that do not answer must not keep the loop busy. */
struct opening {
	ev_io io;
	struct check_http *all;
	struct check *check;
};

static int end_opening(struct opening *o)
{
	const int fd = o->io.fd;

	ev_io_stop(o->all->loop, &o->io);
	memory_free(o);
	return fd;
}

static void on_open(struct ev_loop *loop, ev_io *io, int events)
{
	struct opening *o = io->data;
	struct check_http *all = o->all;
	struct check *c = o->check;
	int err = 0;
	socklen_t len = sizeof err;

	(void)loop;
	(void)events;
	const int fd = end_opening(o);
	if (getsockopt(fd, SOL_SOCKET, SO_ERROR, &err, &len) != 0)
		err = errno;
	if (!err) {
		c->result.wire_us = check_elapsed_us(c);
		check_step(c, "connected");
		if (request(all, c, fd))
			return;
	} else {
		close(fd);
		check_failed(c, "%s", check_errno_text(err));
	}
	check_step(c, "%s", c->result.say);
	c->done(c);
}

static bool start(struct checks *tools, struct check *c)
{
	struct check_http *all = tools->http;

	if (c->probe->keep_alive)
		return request(all, c, -1);
	const int fd = check_connect(c, SOCK_STREAM);
	if (fd < 0)
		return false;
	struct opening *o = memory_zeroed(1, sizeof *o);
	o->all = all;
	o->check = c;
	ev_io_init(&o->io, on_open, fd, EV_WRITE);
	o->io.data = o;
	ev_io_start(all->loop, &o->io);
	c->own = o;
	c->stage = "the connection";
	return true;
}

static void stop(struct checks *tools, struct check *c)
{
	struct http *h = c->own;
	curl_off_t connected = 0, secured = 0;

	(void)tools;
	if (c->stage) {
		close(end_opening(c->own));
		return;
	}
	curl_easy_getinfo(h->easy, CURLINFO_CONNECT_TIME_T, &connected);
	curl_easy_getinfo(h->easy, CURLINFO_APPCONNECT_TIME_T, &secured);
	c->stage = !connected                               ? "the connection"
		: c->probe->kind == PROBE_HTTPS && !secured ? "the TLS handshake"
		: h->body_len                               ? "the body's end"
							    : "the answer";
	release(h);
}

const struct check_kind check_http_kind = { start, stop };

struct check_http *check_http_new(struct ev_loop *loop, uint32_t *asking)
{
	struct check_http *all = memory_zeroed(1, sizeof *all);

	all->asking = asking;
	all->loop = loop;
	ev_timer_init(&all->timer, on_timer, 0, 0);
	all->timer.data = all;
	return all;
}

void check_http_free(struct check_http *all)
{
	while (all->idle) {
		struct http *h = all->idle;
		all->idle = h->after;
		free_http(h);
	}
	if (all->multi) {
		curl_multi_cleanup(all->multi);
		curl_global_cleanup();
	}
	ev_timer_stop(all->loop, &all->timer);
	memory_free(all);
}
