/* check_http_say.c - what came of a request, in words.
 */
#include "probe/check_http_inner.h"
#include "probe/load_from.h"

#include <errno.h>
#include <math.h>
#include <stdio.h>
#include <string.h>

static void say_status(struct http *h, long status)
{
	struct check *c = h->check;
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
	if (!probe_expects(p, (unsigned)status))
		check_failed(c, "HTTP %ld, expected %s", status, expected);
	else if (p->body &&
		!(h->body && memmem(h->body, h->body_len, p->body, strlen(p->body))))
		check_failed(c, "HTTP %ld, but \"%.60s\" is not in the body", status, p->body);
	else
		snprintf(c->result.say, sizeof c->result.say, "HTTP %ld", status);
}

static void say_error(struct http *h, CURLcode code)
{
	struct check *c = h->check;
	char words[CHECK_SAY - 8];
	long err = 0;

	curl_easy_getinfo(h->easy, CURLINFO_OS_ERRNO, &err);
	switch (code) {
	case CURLE_COULDNT_CONNECT:
		check_failed(c, "%s", err ? check_errno_text((int)err) : "cannot connect");
		return;
	case CURLE_PEER_FAILED_VERIFICATION:
		if (check_tls_say(&h->tls, words, sizeof words))
			check_failed(c, "TLS: %s", words);
		else
			check_failed(c, "TLS: certificate is not for %s",
				c->probe->tls_name       ? c->probe->tls_name
					: c->probe->host ? c->probe->host
							 : "this address");
		return;
	case CURLE_SSL_CACERT_BADFILE:
		check_failed(c, "TLS: cannot read the \"ca\" file %s",
			c->probe->ca ? c->probe->ca : "of the system");
		return;
	case CURLE_SSL_CONNECT_ERROR:
		check_failed(c, "TLS: no handshake: %.120s", h->error);
		return;
	case CURLE_OUT_OF_MEMORY: check_errno(c, "", ENOMEM); return;
	case CURLE_GOT_NOTHING: check_failed(c, "closed without an answer"); return;
	case CURLE_PARTIAL_FILE: check_failed(c, "closed before the body's end"); return;
	case CURLE_RECV_ERROR:
	case CURLE_SEND_ERROR: check_failed(c, "connection lost: %.120s", h->error); return;
	case CURLE_WEIRD_SERVER_REPLY:
	case CURLE_UNSUPPORTED_PROTOCOL: check_failed(c, "not an HTTP answer"); return;
	default:
		check_failed(c, "%.150s", *h->error ? h->error : curl_easy_strerror(code));
		return;
	}
}

static void warn_of_expiry(struct http *h)
{
	struct check *c = h->check;
	char span[32];

	if (h->tls.seen && h->tls.left_s >= 0 &&
		h->tls.left_s < (int64_t)c->probe->expiry_warning_ms / 1000)
		snprintf(c->result.notice, sizeof c->result.notice, "certificate expires in %s",
			check_tls_span(span, h->tls.left_s));
	else if (h->tls.seen && h->tls.left_s < 0)
		snprintf(c->result.notice, sizeof c->result.notice,
			"certificate expired %s ago", check_tls_span(span, h->tls.left_s));
}

static void take_load(struct http *h)
{
	struct check *c = h->check;
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

void check_http_say(struct http *h, CURLcode code)
{
	struct check *c = h->check;
	curl_off_t first = 0, connected = 0;
	long status = 0;

	if (code == CURLE_WRITE_ERROR && h->enough)
		code = CURLE_OK;
	if (code != CURLE_OK) {
		say_error(h, code);
		return;
	}
	curl_easy_getinfo(h->easy, CURLINFO_RESPONSE_CODE, &status);
	curl_easy_getinfo(h->easy, CURLINFO_STARTTRANSFER_TIME_T, &first);
	curl_easy_getinfo(h->easy, CURLINFO_CONNECT_TIME_T, &connected);
	c->result.passed = true;
	/* libcurl's clock began when ours had connected; 0 on a connection that was there. */
	if (connected && c->probe->keep_alive)
		c->result.wire_us = (uint32_t)connected;
	const uint32_t before = c->probe->keep_alive ? 0 : c->result.wire_us;
	c->result.rtt_us = first > 0 ? before + (uint32_t)first : check_elapsed_us(c);
	say_status(h, status);
	if (c->probe->kind == PROBE_HTTPS)
		warn_of_expiry(h);
	take_load(h);
	check_step(c, "%s", c->result.say);
}
