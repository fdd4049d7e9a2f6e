#include "probe/http_talk.h"

#include "base/clock.h"
#include "base/memory.h"
#include "config.h"
#include "probe/http_value.h"
#include "probe/load_from.h"

#include <errno.h>
#include <math.h>
#include <openssl/err.h>
#include <stdio.h>
#include <string.h>
#include <strings.h>
#include <time.h>

enum {
	HEADERS_MOST = 80,
	PASS_MOST = 1 << 20 /* bytes of a body that are read for the connection's sake */
};

/* --- the request -------------------------------------------------------------------------- */

const char *http_talk_tls_name(const struct http_ask *a, char addr[static ADDR_TEXT])
{
	if (a->plan->opts.tls_name)
		return a->plan->opts.tls_name;
	if (a->name)
		return a->name;
	addr_text(addr, &a->own.addr);
	return NULL;
}

/* As it stands in Host or :authority. */
static const char *authority(const struct http_ask *a, char buf[static ADDR_TEXT + 16])
{
	const struct probe_opts *p = &a->plan->opts;
	const unsigned usual = p->kind == PROBE_HTTPS ? 443 : 80;
	char addr[ADDR_TEXT];

	if (p->host)
		return p->host;
	if (a->name)
		return a->name;
	const int n = snprintf(buf, ADDR_TEXT + 2, addr_is_v4(&a->own.addr) ? "%s" : "[%s]",
		addr_text(addr, &a->own.addr));
	if (a->own.port != usual)
		snprintf(buf + n, 14, ":%u", a->own.port);
	return buf;
}

static bool has_header(const char *const *headers, const char *name)
{
	const size_t n = strlen(name);

	for (; headers && *headers; headers++)
		if (strncasecmp(*headers, name, n) == 0 && (*headers)[n] == ':')
			return true;
	return false;
}

/* Ours, where the operator has none of the same name, and the operator's. */
static void all_headers(const struct probe_opts *p, const char *to[static HEADERS_MOST])
{
	static const char *const ours[] = { "User-Agent: Waymark/" PACKAGE_VERSION " (probe)",
		"Accept: */*" };
	size_t n = 0;

	if (!has_header(p->headers, "User-Agent"))
		to[n++] = ours[0];
	if (!has_header(p->headers, "Accept"))
		to[n++] = ours[1];
	for (size_t i = 0; p->headers && p->headers[i] && n < HEADERS_MOST - 1; i++)
		to[n++] = p->headers[i];
	to[n] = NULL;
}

static void tell_request(
	struct http_ask *a, const char *version, const char *host, const char *const *headers)
{
	const struct probe_opts *p = &a->plan->opts;

	if (!http_ask_wants_steps(a))
		return;
	http_ask_step(a, "> %s %s %s", p->head ? "HEAD" : "GET", p->path, version);
	http_ask_step(a, "> Host: %s", host);
	for (; *headers; headers++)
		http_ask_step(a, "> %s", *headers);
}

/* The last header of that name counts. */
static void take_value(struct http_conn *c, unsigned i, const char *line, size_t len)
{
	const struct probe_value *v = &c->ask->plan->opts.values[i];
	const size_t n = v->in_body ? 0 : strlen(v->field);

	if (v->in_body || len <= n || strncasecmp(line, v->field, n) != 0 || line[n] != ':')
		return;
	const char *s = line + n + 1, *end = line + len;
	while (s < end && (*s == ' ' || *s == '\t'))
		s++;
	while (s < end && (end[-1] == ' ' || end[-1] == '\t'))
		end--;
	c->headers[i].met = true;
	c->headers[i].equal = http_value_holds(v, s, (size_t)(end - s));
	c->headers[i].number = NAN;
	load_from_number(s, (size_t)(end - s), &c->headers[i].number);
}

static void take_line(void *ctx, const char *line, size_t len)
{
	struct http_conn *c = ctx;
	struct http_ask *a = c->ask;

	if (!a)
		return;
	http_ask_step(a, "< %.*s", (int)len, line);
	const struct probe_opts *p = &a->plan->opts;
	if (p->load_field && !p->load_in_body)
		load_from_header(line, len, p->load_field, &a->own.result.load);
	for (unsigned i = 0; i < p->n_values; i++)
		take_value(c, i, line, len);
}

static bool wants_body(const struct probe_opts *p)
{
	bool wants = p->body || p->load_in_body;

	for (unsigned i = 0; i < p->n_values; i++)
		wants = wants || p->values[i].in_body;
	return wants;
}

static bool take_body(void *ctx, const char *bytes, size_t n)
{
	struct http_conn *c = ctx;
	const size_t room = PROBE_BODY_MOST - c->body_len, take = n < room ? n : room;

	if (!c->ask)
		return false;
	const struct probe_opts *p = &c->ask->plan->opts;
	if (wants_body(p)) {
		if (!c->body)
			c->body = memory_grow(NULL, PROBE_BODY_MOST);
		memcpy(c->body + c->body_len, bytes, take);
	}
	c->body_len += take;
	c->body_seen += n;
	http_ask_set_stage(c->ask, "the body's end");
	/* What is not looked at is read all the same where that keeps the connection. */
	return c->body_seen < (p->keep_alive ? PASS_MOST : PROBE_BODY_MOST);
}

static bool ask_one(struct http_conn *c, const char *host, const char *const *headers)
{
	const struct probe_opts *p = &c->ask->plan->opts;
	const struct http_taker taker = { c, take_line, take_body };

	http_reply_begin(&c->reply, &taker, p->head);
	text_addf(&c->out, "%s %s HTTP/1.1\r\nHost: %s\r\n", p->head ? "HEAD" : "GET", p->path,
		host);
	for (; *headers; headers++) {
		text_add(&c->out, *headers);
		text_add(&c->out, "\r\n");
	}
	text_add(&c->out, "\r\n");
	return !c->out.lost;
}

static bool ask_two(struct http_conn *c, const char *host, const char *const *headers)
{
	const struct probe_opts *p = &c->ask->plan->opts;

	return http_two_ask(c->two,
		       &(struct http_two_request){ p->head ? "HEAD" : "GET",
			       probe_kind_text(p->kind), host, p->path, headers }) &&
		!c->out.lost;
}

bool http_talk_is_two(const struct http_conn *c)
{
	const unsigned char *chosen = NULL;
	unsigned len = 0;

	if (!c->ssl)
		return c->ask->plan->opts.http2 == PROBE_HTTP2_ON;
	SSL_get0_alpn_selected(c->ssl, &chosen, &len);
	return len == 2 && memcmp(chosen, "h2", 2) == 0;
}

bool http_talk_ask(struct http_conn *c)
{
	const struct http_taker taker = { c, take_line, take_body };
	const char *headers[HEADERS_MOST];
	char buf[ADDR_TEXT + 16];
	const char *host = authority(c->ask, buf);

	all_headers(&c->ask->plan->opts, headers);
	c->body_len = c->body_seen = 0;
	memset(c->headers, 0, sizeof c->headers);
	c->heard_us = 0;
	if (!c->reused && http_talk_is_two(c) && !(c->two = http_two_new(&taker, &c->out)))
		return false;
	tell_request(c->ask, c->two ? "HTTP/2" : "HTTP/1.1", host, headers);
	return c->two ? ask_two(c, host, headers) : ask_one(c, host, headers);
}

enum http_got http_talk_take(struct http_conn *c, const char *bytes, size_t len)
{
	if (!c->heard_us)
		c->heard_us = clock_us();
	return c->two ? http_two_take(c->two, bytes, len)
		      : http_reply_take(&c->reply, bytes, len);
}

bool http_talk_keeps(const struct http_conn *c)
{
	return c->two ? http_two_keeps(c->two) : c->reply.keeps;
}

/* --- what came of it ---------------------------------------------------------------------- */

static void say_status(struct http_conn *h, unsigned status)
{
	struct check *c = &h->ask->own;
	const struct probe_opts *p = c->probe;
	char expected[64];

	if (!p->n_expect)
		strcpy(expected, "200 to 399");
	else if (p->expect[0].from == p->expect[0].to)
		snprintf(expected, sizeof expected, "%u%s", p->expect[0].from,
			p->n_expect > 1 ? " or others" : "");
	else
		snprintf(expected, sizeof expected, "%u to %u%s", p->expect[0].from,
			p->expect[0].to, p->n_expect > 1 ? " or others" : "");
	if (!probe_expects(p, status))
		check_failed(c, "HTTP %u, expected %s", status, expected);
	else if (p->body &&
		!(h->body && memmem(h->body, h->body_len, p->body, strlen(p->body))))
		check_failed(c, "HTTP %u, but \"%.60s\" is not in the body", status, p->body);
	else
		snprintf(c->result.say, sizeof c->result.say, "HTTP %u", status);
}

static void check_values(struct http_conn *h)
{
	struct check *c = &h->ask->own;

	for (unsigned i = 0; i < c->probe->n_values && c->result.passed; i++)
		http_value_check(c, i,
			&(struct http_seen){ h->headers[i].met, h->headers[i].equal,
				h->headers[i].number, h->body, h->body_len });
}

/* What ends first of the server's certificate and, where they are verified, those that it is verified by. 0: nothing. */
static int64_t first_end(const struct http_conn *h, const char **whose)
{
	const bool issuer = h->ask->own.probe->verify && h->chain_end_s && h->chain_end_s < h->end_s;

	*whose = issuer ? "its issuer's certificate" : "certificate";
	return issuer ? h->chain_end_s : h->end_s;
}

static void check_expiry(const struct http_conn *h)
{
	struct check *c = &h->ask->own;
	const char *whose;
	const int64_t end_s = first_end(h, &whose), left_s = end_s - time(NULL);
	char span[32];

	if (c->result.passed && end_s && left_s < (int64_t)(c->probe->expiry_down_ms / 1000))
		check_failed(c, "%s expires in %s", whose, check_tls_span(span, left_s));
}

/* Each that differs from the one before is logged: minutes and seconds are not counted. */
static void warn_of_expiry(const struct http_conn *h)
{
	enum { HOUR_S = 3600 };
	struct check *c = &h->ask->own;
	const char *whose;
	const int64_t end_s = first_end(h, &whose), left_s = end_s - time(NULL);
	char *say = c->result.notice, span[32];
	const size_t room = sizeof c->result.notice;

	if (!end_s || (left_s >= 0 && left_s >= (int64_t)c->probe->expiry_warning_ms / 1000))
		return;
	if (left_s > -HOUR_S && left_s < HOUR_S)
		snprintf(say, room, "%s %s within an hour", whose, left_s < 0 ? "expired" : "expires");
	else
		snprintf(say, room, left_s < 0 ? "%s expired %s ago" : "%s expires in %s", whose, check_tls_span(span, left_s));
}

static void take_load(const struct http_conn *h)
{
	struct check *c = &h->ask->own;
	const struct probe_opts *p = c->probe;

	if (!p->load_field)
		return;
	if (p->load_in_body && h->body)
		load_from_body(h->body, h->body_len, p->load_field, &c->result.load);
	if (isnan(c->result.load) && !*c->result.notice)
		snprintf(c->result.notice, sizeof c->result.notice,
			"no load in the %s \"%.60s\"", p->load_in_body ? "body's" : "header",
			p->load_field);
}

void http_talk_say_answer(struct http_conn *h)
{
	struct check *c = &h->ask->own;

	c->result.passed = true;
	c->result.wire_us = h->wire_us;
	c->result.rtt_us = h->heard_us > c->started_us ? (uint32_t)(h->heard_us - c->started_us)
						       : 1;
	say_status(h, h->two ? http_two_status(h->two) : h->reply.status);
	check_values(h);
	if (h->ssl)
		warn_of_expiry(h);
	if (h->ssl && c->probe->expiry_down_ms)
		check_expiry(h);
	take_load(h);
}

void http_talk_say_wrong(struct http_conn *h, enum http_got got)
{
	struct check *c = &h->ask->own;

	if (got == HTTP_LONG)
		check_failed(
			c, "the answer's header is longer than %d KiB", HTTP_HEAD_MOST / 1024);
	else if (h->two && *http_two_error(h->two))
		check_failed(c, "HTTP/2: the server gave up the request (%s)",
			http_two_error(h->two));
	else if (!h->two && h->reply.is_two)
		check_failed(c, "not an HTTP/1.1 answer: the server speaks HTTP/2%s", h->ssl ? "" : " (\"http2: on\")");
	else
		check_failed(c, "not an HTTP%s answer", h->two ? "/2" : "");
}

void http_talk_say_closed(struct http_conn *h, int err)
{
	struct check *c = &h->ask->own;

	if (err)
		check_errno(c, "connection lost", err);
	else if (!h->heard_us)
		check_failed(c, "closed without an answer");
	else if (h->body_len || h->reply.status || (h->two && http_two_status(h->two)))
		check_failed(c, "closed before the body's end");
	else
		check_failed(c, "closed before the answer's end");
}

const char *http_talk_tls_error(unsigned long err)
{
	const char *words = err ? ERR_reason_error_string(err) : NULL;

	return words ? words : "an error without a name";
}

void http_talk_say_handshake(struct http_conn *h, unsigned long err, int sys)
{
	struct check *c = &h->ask->own;
	char words[CHECK_SAY - 8], addr[ADDR_TEXT];

	if (h->tls.error && c->probe->verify) {
		const char *name = http_talk_tls_name(h->ask, addr);
		if (check_tls_say(&h->tls, words, sizeof words))
			check_failed(c, "TLS: %s", words);
		else
			check_failed(c, "TLS: certificate is not for %s",
				name ? name : "this address");
		return;
	}
	if (ERR_GET_REASON(err) == ERR_R_MALLOC_FAILURE)
		check_errno(c, "", ENOMEM);
	else
		check_failed(c, "TLS: no handshake: %.120s",
			err           ? http_talk_tls_error(err)
				: sys ? check_errno_text(sys)
				      : "the server closed the connection");
}
