#include "tools/agent_http.h"

#include "base/text.h"
#include "config.h"

#include <curl/curl.h>
#include <ev.h>
#include <stdlib.h>
#include <string.h>
#include <strings.h>

struct http {
	struct ev_loop *loop;
	CURLM *multi;
	struct http_tls tls;
	ev_timer timer;
};

struct http_request {
	struct http *http;
	CURL *easy;
	struct curl_slist *headers;
	void *ctx;
	void (*done)(void *ctx, const struct http_answer *a);
	struct text body;
	char signature[SEAL_HEX];
	char error[CURL_ERROR_SIZE];
};

/* --- libcurl's sockets and timer are the loop's ------------------------------------------- */

static void finish(struct http_request *r, CURLcode code)
{
	struct http_answer a = { .error = *r->error ? r->error : curl_easy_strerror(code),
		.body = text_get(&r->body),
		.len = r->body.len };
	curl_off_t again = 0;
	long status = 0;

	curl_easy_getinfo(r->easy, CURLINFO_RESPONSE_CODE, &status);
	curl_easy_getinfo(r->easy, CURLINFO_RETRY_AFTER, &again);
	a.status = code == CURLE_OK && status > 0 ? (unsigned)status : 0;
	a.again_s = again > 0 && again < 3600 ? (unsigned)again : 0;
	memcpy(a.signature, r->signature, sizeof a.signature);
	void (*done)(void *, const struct http_answer *) = r->done;
	done(r->ctx, &a);
	http_stop(r);
}

static void take_ends(struct http *h)
{
	const CURLMsg *m;
	int left;

	while ((m = curl_multi_info_read(h->multi, &left))) {
		struct http_request *r = NULL;
		if (m->msg != CURLMSG_DONE)
			continue;
		const CURLcode code = m->data.result;
		curl_easy_getinfo(m->easy_handle, CURLINFO_PRIVATE, (char **)&r);
		finish(r, code);
	}
}

static void on_io(struct ev_loop *loop, ev_io *io, int events)
{
	struct http *h = io->data;
	const int what = (events & EV_READ ? CURL_CSELECT_IN : 0) |
		(events & EV_WRITE ? CURL_CSELECT_OUT : 0);
	int running;

	(void)loop;
	curl_multi_socket_action(h->multi, io->fd, what, &running);
	take_ends(h);
}

static void on_time(struct ev_loop *loop, ev_timer *t, int events)
{
	struct http *h = t->data;
	int running;

	(void)events;
	ev_timer_stop(loop, t);
	curl_multi_socket_action(h->multi, CURL_SOCKET_TIMEOUT, 0, &running);
	take_ends(h);
}

static int watch_socket(CURL *easy, curl_socket_t fd, int what, void *ctx, void *own)
{
	struct http *h = ctx;
	ev_io *io = own;

	(void)easy;
	if (what == CURL_POLL_REMOVE) {
		if (io)
			ev_io_stop(h->loop, io);
		free(io);
		return 0;
	}
	if (!io) {
		io = calloc(1, sizeof *io);
		if (!io)
			return -1;
		ev_init(io, on_io);
		io->data = h;
		curl_multi_assign(h->multi, fd, io);
	}
	ev_io_stop(h->loop, io);
	ev_io_set(io, fd,
		(what & CURL_POLL_IN ? EV_READ : 0) | (what & CURL_POLL_OUT ? EV_WRITE : 0));
	ev_io_start(h->loop, io);
	return 0;
}

static int watch_time(CURLM *multi, long ms, void *ctx)
{
	struct http *h = ctx;

	(void)multi;
	ev_timer_stop(h->loop, &h->timer);
	if (ms >= 0) {
		ev_timer_set(&h->timer, (double)ms / 1000, 0);
		ev_timer_start(h->loop, &h->timer);
	}
	return 0;
}

struct http *http_new(struct ev_loop *loop, const struct http_tls *tls)
{
	struct http *h = calloc(1, sizeof *h);

	if (!h || curl_global_init(CURL_GLOBAL_DEFAULT) != 0 ||
		!(h->multi = curl_multi_init())) {
		free(h);
		return NULL;
	}
	h->loop = loop;
	h->tls = *tls;
	ev_timer_init(&h->timer, on_time, 0, 0);
	h->timer.data = h;
	curl_multi_setopt(h->multi, CURLMOPT_SOCKETFUNCTION, watch_socket);
	curl_multi_setopt(h->multi, CURLMOPT_SOCKETDATA, h);
	curl_multi_setopt(h->multi, CURLMOPT_TIMERFUNCTION, watch_time);
	curl_multi_setopt(h->multi, CURLMOPT_TIMERDATA, h);
	return h;
}

void http_free(struct http *h)
{
	if (!h)
		return;
	curl_multi_cleanup(h->multi);
	ev_timer_stop(h->loop, &h->timer);
	free(h);
	curl_global_cleanup();
}

/* --- a request ---------------------------------------------------------------------------- */

static size_t take_body(char *data, size_t size, size_t n, void *ctx)
{
	struct http_request *r = ctx;
	const size_t len = size * n;

	if (r->body.len + len > HTTP_ANSWER_MOST)
		return 0; /* ends it */
	text_add_bytes(&r->body, data, len);
	return r->body.lost ? 0 : len;
}

static size_t take_header(char *data, size_t size, size_t n, void *ctx)
{
	static const char name[] = SEAL_SIGNATURE ":";
	struct http_request *r = ctx;
	const size_t len = size * n, at = sizeof name - 1;

	if (len > at && strncasecmp(data, name, at) == 0) {
		size_t from = at, to = len;
		while (from < to && data[from] == ' ')
			from++;
		while (to > from && (unsigned char)data[to - 1] <= ' ')
			to--;
		if (to - from == SEAL_HEX - 1)
			memcpy(r->signature, data + from, SEAL_HEX - 1);
	}
	return len;
}

static bool set_headers(struct http_request *r, const char *const *headers)
{
	for (; *headers; headers++) {
		struct curl_slist *longer = curl_slist_append(r->headers, *headers);
		if (!longer)
			return false;
		r->headers = longer;
	}
	return true;
}

/* A file of authorities that is renewed is read at the next request, not a day later. */
static void set_tls(CURL *e, const struct http_tls *t)
{
	curl_easy_setopt(e, CURLOPT_SSLVERSION, (long)CURL_SSLVERSION_TLSv1_2);
	curl_easy_setopt(e, CURLOPT_CA_CACHE_TIMEOUT, 0L);
	if (t->ca) {
		curl_easy_setopt(e, CURLOPT_CAINFO, t->ca);
		curl_easy_setopt(e, CURLOPT_CAPATH, NULL);
	}
	if (t->cert) {
		curl_easy_setopt(e, CURLOPT_SSLCERT, t->cert);
		curl_easy_setopt(e, CURLOPT_SSLKEY, t->key);
	}
}

static void set_options(struct http_request *r, const struct http_ask *ask)
{
	CURL *e = r->easy;

	curl_easy_setopt(e, CURLOPT_URL, ask->url);
	curl_easy_setopt(e, CURLOPT_PROTOCOLS_STR, "http,https");
	curl_easy_setopt(e, CURLOPT_USERAGENT, "waymark-agent/" PACKAGE_VERSION);
	curl_easy_setopt(e, CURLOPT_HTTPHEADER, r->headers);
	curl_easy_setopt(e, CURLOPT_TIMEOUT, (long)HTTP_PATIENCE_S);
	curl_easy_setopt(e, CURLOPT_NOSIGNAL, 1L);
	set_tls(e, &r->http->tls);
	curl_easy_setopt(e, CURLOPT_ERRORBUFFER, r->error);
	curl_easy_setopt(e, CURLOPT_PRIVATE, (char *)r);
	curl_easy_setopt(e, CURLOPT_WRITEFUNCTION, take_body);
	curl_easy_setopt(e, CURLOPT_WRITEDATA, r);
	curl_easy_setopt(e, CURLOPT_HEADERFUNCTION, take_header);
	curl_easy_setopt(e, CURLOPT_HEADERDATA, r);
	if (ask->body) {
		curl_easy_setopt(e, CURLOPT_POST, 1L);
		curl_easy_setopt(e, CURLOPT_POSTFIELDS, ask->body);
		curl_easy_setopt(e, CURLOPT_POSTFIELDSIZE_LARGE, (curl_off_t)ask->len);
	}
}

struct http_request *http_start(struct http *h, const struct http_ask *ask)
{
	struct http_request *r = calloc(1, sizeof *r);

	if (!r)
		return NULL;
	r->http = h;
	r->ctx = ask->ctx;
	r->done = ask->done;
	r->easy = curl_easy_init();
	if (r->easy && set_headers(r, ask->headers)) {
		set_options(r, ask);
		if (curl_multi_add_handle(h->multi, r->easy) == CURLM_OK)
			return r;
	}
	http_stop(r);
	return NULL;
}

void http_stop(struct http_request *r)
{
	if (!r)
		return;
	if (r->easy) {
		curl_multi_remove_handle(r->http->multi, r->easy);
		curl_easy_cleanup(r->easy);
	}
	curl_slist_free_all(r->headers);
	text_fini(&r->body);
	free(r);
}
