#include "probe/http_two.h"

#include "unit/unit.h"

#include <nghttp2/nghttp2.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

/* nghttp2 as a server, in memory. */
struct server {
	nghttp2_session *session;
	char heard[1024]; /* "name=value " of the last request */
	int32_t stream;
	const char *status, *body;
	size_t field; /* a field of so many bytes is in the answer; 0: none */
	uint32_t reset; /* the request is given up with this; 0: not */
	bool away;      /* a GOAWAY goes before the answer */
};

struct client {
	struct http_two *two;
	struct text out;
	char lines[512], body[256];
	size_t body_most;
};

static void take_line(void *ctx, const char *line, size_t len)
{
	struct client *c = ctx;

	if (len < 100)
		snprintf(c->lines + strlen(c->lines), sizeof c->lines - strlen(c->lines), "%.*s|",
			(int)len, line);
}

static bool take_body(void *ctx, const char *bytes, size_t len)
{
	struct client *c = ctx;

	snprintf(c->body + strlen(c->body), sizeof c->body - strlen(c->body), "%.*s", (int)len,
		bytes);
	return strlen(c->body) < c->body_most;
}

static int on_header(nghttp2_session *s, const nghttp2_frame *f, const uint8_t *name,
	size_t name_len, const uint8_t *value, size_t len, uint8_t flags, void *ctx)
{
	struct server *v = ctx;

	(void)s;
	(void)f;
	(void)flags;
	snprintf(v->heard + strlen(v->heard), sizeof v->heard - strlen(v->heard), "%.*s=%.*s ",
		(int)name_len, (const char *)name, (int)len, (const char *)value);
	return 0;
}

static int on_begin(nghttp2_session *s, const nghttp2_frame *f, void *ctx)
{
	struct server *v = ctx;

	(void)s;
	v->heard[0] = 0;
	v->stream = f->hd.stream_id;
	return 0;
}

static ssize_t give_body(nghttp2_session *s, int32_t stream, uint8_t *buf, size_t len,
	uint32_t *flags, nghttp2_data_source *source, void *ctx)
{
	const char *body = source->ptr;

	(void)s;
	(void)stream;
	(void)ctx;
	(void)len;
	memcpy(buf, body, strlen(body));
	*flags = NGHTTP2_DATA_FLAG_EOF;
	return (ssize_t)strlen(body);
}

static int on_frame(nghttp2_session *s, const nghttp2_frame *f, void *ctx)
{
	struct server *v = ctx;
	static char long_value[300000];

	if (f->hd.type != NGHTTP2_HEADERS)
		return 0;
	if (v->reset)
		return nghttp2_submit_rst_stream(s, 0, v->stream, v->reset);
	if (v->away)
		nghttp2_submit_goaway(s, 0, v->stream, NGHTTP2_NO_ERROR, NULL, 0);
	memset(long_value, 'x', sizeof long_value);
	const nghttp2_nv nv[] = {
		{ (uint8_t *)(uintptr_t)":status", (uint8_t *)(uintptr_t)v->status, 7, 3, 0 },
		{ (uint8_t *)(uintptr_t)"x-load", (uint8_t *)(uintptr_t)"7", 6, 1, 0 },
		{ (uint8_t *)(uintptr_t)"x-long", (uint8_t *)long_value, 6, v->field, 0 },
	};
	const nghttp2_data_provider body = { { .ptr = (void *)(uintptr_t)v->body }, give_body };
	return nghttp2_submit_response(s, v->stream, nv, v->field ? 3 : 2, v->body ? &body : NULL);
}

static void open_pair(struct client *c, struct server *v)
{
	nghttp2_session_callbacks *calls;

	nghttp2_session_callbacks_new(&calls);
	nghttp2_session_callbacks_set_on_header_callback(calls, on_header);
	nghttp2_session_callbacks_set_on_begin_headers_callback(calls, on_begin);
	nghttp2_session_callbacks_set_on_frame_recv_callback(calls, on_frame);
	*v = (struct server){ .status = "200" };
	nghttp2_session_server_new(&v->session, calls, v);
	nghttp2_session_callbacks_del(calls);
	nghttp2_submit_settings(v->session, 0, NULL, 0);
	*c = (struct client){ .body_most = 200 };
	c->two = http_two_new(&(struct http_taker){ c, take_line, take_body }, &c->out);
	CU_ASSERT_PTR_NOT_NULL_FATAL(c->two);
}

static void close_pair(struct client *c, struct server *v)
{
	http_two_free(c->two);
	text_fini(&c->out);
	nghttp2_session_del(v->session);
}

/* Bytes go to and fro, some at a time, until nobody has any, or it is over. */
static enum http_got go(struct client *c, struct server *v)
{
	enum http_got got = HTTP_MORE;
	const uint8_t *bytes;
	ssize_t n = 1;

	while (got == HTTP_MORE && n > 0) {
		nghttp2_session_mem_recv(v->session, (const uint8_t *)text_get(&c->out), c->out.len);
		c->out.len = 0;
		n = nghttp2_session_mem_send(v->session, &bytes);
		for (ssize_t i = 0; i < n && got == HTTP_MORE; i += 100)
			got = http_two_take(c->two, (const char *)bytes + i,
				(size_t)(n - i < 100 ? n - i : 100));
	}
	return got;
}

static const char *const headers[] = { "User-Agent: us", "X-Probe:  a: b", "Connection: close",
	"Keep-Alive: 3", NULL };
static const struct http_two_request request = { "GET", "https", "www.example.com:8443", "/h?x",
	headers };

static void a_request_and_its_answer_are_understood_again_and_again(void)
{
	struct client c;
	struct server v;

	open_pair(&c, &v);
	for (unsigned i = 0; i < 3; i++) {
		v.body = i == 1 ? NULL : "fine";
		v.status = i == 2 ? "503" : "200";
		c.lines[0] = c.body[0] = 0;
		CU_ASSERT_TRUE_FATAL(http_two_ask(c.two, &request));
		CU_ASSERT_EQUAL(go(&c, &v), HTTP_WHOLE);
		CU_ASSERT_EQUAL(http_two_status(c.two), i == 2 ? 503 : 200);
		CU_ASSERT_TRUE(http_two_keeps(c.two));
		CU_ASSERT_STRING_EQUAL(v.heard,
			":method=GET :scheme=https :authority=www.example.com:8443 :path=/h?x "
			"user-agent=us x-probe=a: b ");
		CU_ASSERT_STRING_EQUAL(c.lines,
			i == 2 ? "HTTP/2 503|x-load: 7|" : "HTTP/2 200|x-load: 7|");
		CU_ASSERT_STRING_EQUAL(c.body, i == 1 ? "" : "fine");
	}
	close_pair(&c, &v);
}

static void what_the_server_gives_up_is_told(void)
{
	struct client c;
	struct server v;

	open_pair(&c, &v);
	v.reset = NGHTTP2_REFUSED_STREAM;
	CU_ASSERT_TRUE_FATAL(http_two_ask(c.two, &request));
	CU_ASSERT_EQUAL(go(&c, &v), HTTP_WRONG);
	CU_ASSERT_STRING_EQUAL(http_two_error(c.two), "REFUSED_STREAM");
	v.reset = 0;
	CU_ASSERT_TRUE_FATAL(http_two_ask(c.two, &request));
	CU_ASSERT_EQUAL(go(&c, &v), HTTP_WHOLE);
	CU_ASSERT_STRING_EQUAL(http_two_error(c.two), "");
	close_pair(&c, &v);
}

static void a_server_that_goes_away_answers_and_is_asked_no_more(void)
{
	struct client c;
	struct server v;

	open_pair(&c, &v);
	v.away = true;
	CU_ASSERT_TRUE_FATAL(http_two_ask(c.two, &request));
	CU_ASSERT_EQUAL(go(&c, &v), HTTP_WHOLE);
	CU_ASSERT_FALSE(http_two_keeps(c.two));
	CU_ASSERT_FALSE(http_two_ask(c.two, &request));
	close_pair(&c, &v);
}

static void bodies_and_headers_have_an_end(void)
{
	struct client c;
	struct server v;

	open_pair(&c, &v);
	v.body = "finefine";
	c.body_most = 4;
	CU_ASSERT_TRUE_FATAL(http_two_ask(c.two, &request));
	CU_ASSERT_EQUAL(go(&c, &v), HTTP_ENOUGH);
	close_pair(&c, &v);
	open_pair(&c, &v);
	v.field = 60000;
	CU_ASSERT_TRUE_FATAL(http_two_ask(c.two, &request));
	CU_ASSERT_EQUAL(go(&c, &v), HTTP_WHOLE);
	close_pair(&c, &v);
}

static void what_is_no_http_2_is_wrong(void)
{
	static const char text[] = "HTTP/1.1 400 Bad Request\r\nContent-Length: 0\r\n\r\n";
	struct client c;
	struct server v;

	open_pair(&c, &v);
	CU_ASSERT_TRUE_FATAL(http_two_ask(c.two, &request));
	CU_ASSERT_EQUAL(http_two_take(c.two, text, sizeof text - 1), HTTP_WRONG);
	CU_ASSERT_FALSE(http_two_keeps(c.two));
	close_pair(&c, &v);
}

void suite_http_two(void)
{
	static const struct unit_case cases[] = {
		{ "a request and its answer are understood, again and again",
			a_request_and_its_answer_are_understood_again_and_again },
		{ "what the server gives up is told", what_the_server_gives_up_is_told },
		{ "a server that goes away answers and is asked no more",
			a_server_that_goes_away_answers_and_is_asked_no_more },
		{ "bodies and headers have an end", bodies_and_headers_have_an_end },
		{ "what is no HTTP/2 is wrong", what_is_no_http_2_is_wrong },
	};

	unit_suite("probe/http_two", cases, UNIT_COUNT(cases));
}
