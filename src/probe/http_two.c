#include "probe/http_two.h"

#include "base/memory.h"

#include <nghttp2/nghttp2.h>
#include <stdio.h>
#include <string.h>
#include <strings.h>

enum { FIELDS_MOST = 96 };

struct http_two {
	nghttp2_session *session;
	struct http_taker taker;
	struct text *out;
	int32_t stream; /* of the request that is in flight; 0: none */
	unsigned status;
	size_t head_len;
	bool whole, enough, too_long, gone;
	uint32_t error;
};

/* --- what nghttp2 calls ------------------------------------------------------------------- */

static int on_header(nghttp2_session *s, const nghttp2_frame *frame, const uint8_t *name,
	size_t name_len, const uint8_t *value, size_t value_len, uint8_t flags, void *ctx)
{
	struct http_two *t = ctx;
	char line[HTTP_LINE_MOST + 1];

	(void)flags;
	if (frame->hd.stream_id != t->stream)
		return 0;
	t->head_len += name_len + value_len + 2;
	if (t->head_len > HTTP_HEAD_MOST) {
		t->too_long = true;
		nghttp2_submit_rst_stream(s, 0, t->stream, NGHTTP2_ENHANCE_YOUR_CALM);
		return NGHTTP2_ERR_TEMPORAL_CALLBACK_FAILURE;
	}
	int n;
	if (name_len == 7 && memcmp(name, ":status", 7) == 0) {
		t->status = 0;
		for (size_t i = 0; i < value_len && i < 3; i++)
			t->status = t->status * 10 + (unsigned)(value[i] - '0');
		n = snprintf(
			line, sizeof line, "HTTP/2 %.*s", (int)value_len, (const char *)value);
	} else {
		n = snprintf(line, sizeof line, "%.*s: %.*s", (int)name_len, (const char *)name,
			(int)value_len, (const char *)value);
	}
	if (n > 0)
		t->taker.line(t->taker.ctx, line,
			(size_t)n < sizeof line ? (size_t)n : sizeof line - 1);
	return 0;
}

static int on_data(nghttp2_session *s, uint8_t flags, int32_t stream, const uint8_t *bytes,
	size_t len, void *ctx)
{
	struct http_two *t = ctx;

	(void)flags;
	if (stream != t->stream || t->enough)
		return 0;
	if (!t->taker.body(t->taker.ctx, (const char *)bytes, len)) {
		t->enough = true;
		nghttp2_submit_rst_stream(s, 0, stream, NGHTTP2_CANCEL);
	}
	return 0;
}

static int on_close(nghttp2_session *s, int32_t stream, uint32_t error, void *ctx)
{
	struct http_two *t = ctx;

	(void)s;
	if (stream != t->stream)
		return 0;
	t->whole = true;
	t->error = error;
	return 0;
}

static int on_frame(nghttp2_session *s, const nghttp2_frame *frame, void *ctx)
{
	struct http_two *t = ctx;

	(void)s;
	if (frame->hd.type != NGHTTP2_GOAWAY)
		return 0;
	t->gone = true;
	if (!t->error)
		t->error = frame->goaway.error_code;
	return 0;
}

/* --- requests ----------------------------------------------------------------------------- */

static void fill_out(struct http_two *t)
{
	const uint8_t *bytes;
	ssize_t n;

	while ((n = nghttp2_session_mem_send(t->session, &bytes)) > 0)
		text_add_bytes(t->out, (const char *)bytes, (size_t)n);
}

struct http_two *http_two_new(const struct http_taker *taker, struct text *out)
{
	static const nghttp2_settings_entry settings[] = { { NGHTTP2_SETTINGS_ENABLE_PUSH, 0 },
		{ NGHTTP2_SETTINGS_MAX_HEADER_LIST_SIZE, HTTP_HEAD_MOST } };
	nghttp2_session_callbacks *calls;
	struct http_two *t;

	if (nghttp2_session_callbacks_new(&calls) != 0)
		return NULL;
	nghttp2_session_callbacks_set_on_header_callback(calls, on_header);
	nghttp2_session_callbacks_set_on_data_chunk_recv_callback(calls, on_data);
	nghttp2_session_callbacks_set_on_stream_close_callback(calls, on_close);
	nghttp2_session_callbacks_set_on_frame_recv_callback(calls, on_frame);
	t = memory_zeroed(1, sizeof *t);
	t->taker = *taker;
	t->out = out;
	const bool ok = nghttp2_session_client_new(&t->session, calls, t) == 0;
	nghttp2_session_callbacks_del(calls);
	if (!ok || nghttp2_submit_settings(t->session, 0, settings, 2) != 0) {
		http_two_free(t);
		return NULL;
	}
	return t;
}

void http_two_free(struct http_two *t)
{
	if (!t)
		return;
	nghttp2_session_del(t->session);
	memory_free(t);
}

/* RFC 9113 section 8.2.2 */
static bool is_of_old(const char *name, size_t len)
{
	static const char *const of_old[] = { "connection", "keep-alive", "proxy-connection",
		"transfer-encoding", "upgrade", "host" };

	for (size_t i = 0; i < sizeof of_old / sizeof *of_old; i++)
		if (strlen(of_old[i]) == len && strncasecmp(name, of_old[i], len) == 0)
			return true;
	return false;
}

static nghttp2_nv nv_of(const char *name, size_t name_len, const char *value)
{
	return (nghttp2_nv){ (uint8_t *)(uintptr_t)name, (uint8_t *)(uintptr_t)value, name_len,
		strlen(value), NGHTTP2_NV_FLAG_NONE };
}

bool http_two_ask(struct http_two *t, const struct http_two_request *r)
{
	nghttp2_nv nv[FIELDS_MOST];
	size_t n = 0;

	if (t->gone || !nghttp2_session_check_request_allowed(t->session))
		return false;
	nv[n++] = nv_of(":method", 7, r->method);
	nv[n++] = nv_of(":scheme", 7, r->scheme);
	nv[n++] = nv_of(":authority", 10, r->authority);
	nv[n++] = nv_of(":path", 5, r->path);
	for (size_t i = 0; r->headers[i] && n < FIELDS_MOST; i++) {
		const size_t len = strcspn(r->headers[i], ":");
		const char *value = r->headers[i] + len + 1;
		if (!is_of_old(r->headers[i], len)) /* nghttp2 makes names lower case */
			nv[n++] = nv_of(r->headers[i], len, value + strspn(value, " "));
	}
	t->status = 0;
	t->head_len = 0;
	t->error = 0;
	t->whole = t->enough = t->too_long = false;
	t->stream = nghttp2_submit_request(t->session, NULL, nv, n, NULL, NULL);
	if (t->stream > 0)
		fill_out(t);
	return t->stream > 0;
}

enum http_got http_two_take(struct http_two *t, const char *bytes, size_t len)
{
	const ssize_t n = nghttp2_session_mem_recv(t->session, (const uint8_t *)bytes, len);

	fill_out(t);
	if (t->too_long)
		return HTTP_LONG;
	if (t->enough)
		return HTTP_ENOUGH;
	if (t->whole && !t->error && t->status >= 200)
		return HTTP_WHOLE;
	if (n < 0 || t->whole || !nghttp2_session_want_read(t->session))
		return HTTP_WRONG;
	return HTTP_MORE;
}

unsigned http_two_status(const struct http_two *t)
{
	return t->status;
}

bool http_two_keeps(const struct http_two *t)
{
	return !t->gone && !t->too_long && nghttp2_session_check_request_allowed(t->session);
}

const char *http_two_error(const struct http_two *t)
{
	return t->error ? nghttp2_http2_strerror(t->error) : "";
}
