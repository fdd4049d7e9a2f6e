/* doh_two.c - HTTP/2 (RFC 9113) by nghttp2: a request a stream, answered in the order in which they are whole.
 *
 * The library enforces neither a number of streams before its SETTINGS are acknowledged nor any size of a header, and
 * answers whatever is asked for, such as PING: what a client may do besides asking is counted here.
 */
#include "net/doh_inner.h"

#include <nghttp2/nghttp2.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

enum {
	/* Frames that ask for no answer of DNS: so many may come at once, and so many more with each request. */
	PATIENCE_MOST = 500,
	PATIENCE_OF_REQUEST = 20,
	PATIENCE_OF_RESET = 10, /* that a stream which is reset costs: it was work */
	/* Bytes without a whole request among them: of frames that the library passes over without a word. */
	SILENT_MOST = 32768,
	FRAME_MOST = 16384 + 9,
	WINDOW = 2 * DOH_MESSAGE_MOST, /* of a stream */
	STATUS = 4, LENGTH = 12
};

struct stream_of {
	struct stream_of *next; /* of those that are whole and wait */
	struct stream_of *all_next, **all_at; /* of all */
	int32_t id;
	bool waits;
	struct doh_request request;
	uint8_t *body; /* of the reply */
	size_t len, at;
	char status[STATUS], length[LENGTH], cache[40];
};

struct two {
	nghttp2_session *session;
	struct stream_of *all;
	struct stream_of *first, **last;
	bool dry; /* there was nothing to write, and nothing has come since */
	size_t pending; /* bytes of replies that are not sent */
	int patience;
	size_t silent; /* bytes since the last request was whole */
	bool over;
};

/* --- streams ------------------------------------------------------------------------------ */

static void end_stream(struct two *t, struct stream_of *s)
{
	struct stream_of **at = &t->first;

	while (s->waits && *at && *at != s)
		at = &(*at)->next;
	if (s->waits && *at) {
		*at = s->next;
		if (t->last == &s->next)
			t->last = at;
	}
	*s->all_at = s->all_next;
	if (s->all_next)
		s->all_next->all_at = s->all_at;
	t->pending -= s->len;
	doh_request_fini(&s->request);
	free(s->body);
	free(s);
}

static void enough_of_it(struct two *t)
{
	nghttp2_session_terminate_session(t->session, NGHTTP2_ENHANCE_YOUR_CALM);
	t->over = true;
}

static struct stream_of *stream_of(const struct two *t, int32_t id)
{
	return nghttp2_session_get_stream_user_data(t->session, id);
}

/* --- what comes --------------------------------------------------------------------------- */

static int on_begin(nghttp2_session *session, const nghttp2_frame *frame, void *ctx)
{
	if (frame->hd.type != NGHTTP2_HEADERS || frame->headers.cat != NGHTTP2_HCAT_REQUEST)
		return 0;
	struct two *t = ((struct doh *)ctx)->state;
	struct stream_of *s = calloc(1, sizeof *s);
	if (!s)
		return NGHTTP2_ERR_TEMPORAL_CALLBACK_FAILURE; /* this stream is reset */
	s->id = frame->hd.stream_id;
	s->all_next = t->all;
	s->all_at = &t->all;
	if (t->all)
		t->all->all_at = &s->all_next;
	t->all = s;
	return nghttp2_session_set_stream_user_data(session, s->id, s);
}

static int on_header(nghttp2_session *session, const nghttp2_frame *frame, const uint8_t *name,
	size_t name_len, const uint8_t *value, size_t len, uint8_t flags, void *ctx)
{
	struct doh *d = ctx;
	struct stream_of *s = stream_of(d->state, frame->hd.stream_id);

	(void)flags;
	(void)session;
	if (!s)
		return 0;
	if (name_len == 7 && memcmp(name, ":method", 7) == 0)
		doh_set_method(&s->request, (const char *)value, len);
	else if (name_len == 5 && memcmp(name, ":path", 5) == 0 && len <= DOH_HEADER_MOST)
		doh_set_target(d, &s->request, (const char *)value, len);
	doh_set_header(d, &s->request, (const char *)name, name_len, (const char *)value, len);
	/* Far beyond what is answered with a status: nobody goes on reading it. */
	return s->request.header_len > 4 * DOH_HEADER_MOST ? NGHTTP2_ERR_TEMPORAL_CALLBACK_FAILURE
							   : 0;
}

static int on_data(nghttp2_session *session, uint8_t flags, int32_t id, const uint8_t *bytes,
	size_t len, void *ctx)
{
	struct stream_of *s = stream_of(((struct doh *)ctx)->state, id);

	(void)session;
	(void)flags;
	if (s)
		doh_add_body(&s->request, bytes, len);
	return 0;
}

static void take_whole(struct two *t, struct stream_of *s)
{
	t->silent = 0;
	t->patience += PATIENCE_OF_REQUEST;
	if (t->patience > PATIENCE_MOST)
		t->patience = PATIENCE_MOST;
	if (t->pending > DOH_PENDING) {
		nghttp2_submit_rst_stream(
			t->session, NGHTTP2_FLAG_NONE, s->id, NGHTTP2_REFUSED_STREAM);
		return;
	}
	s->waits = true;
	s->next = NULL;
	*t->last = s;
	t->last = &s->next;
}

static int on_frame(nghttp2_session *session, const nghttp2_frame *frame, void *ctx)
{
	struct two *t = ((struct doh *)ctx)->state;
	const bool is_request = frame->hd.type == NGHTTP2_HEADERS || frame->hd.type == NGHTTP2_DATA;
	struct stream_of *s = is_request ? stream_of(t, frame->hd.stream_id) : NULL;

	(void)session;
	t->patience -= frame->hd.type == NGHTTP2_RST_STREAM ? PATIENCE_OF_RESET : 1;
	if (t->patience < 0 && !t->over)
		enough_of_it(t);
	else if (s && !s->waits && !s->body && frame->hd.flags & NGHTTP2_FLAG_END_STREAM)
		take_whole(t, s);
	return 0;
}

/* Those that break a rule without ending the connection. */
static int on_bad_frame(nghttp2_session *session, const nghttp2_frame *frame, int error, void *ctx)
{
	struct two *t = ((struct doh *)ctx)->state;

	(void)session;
	(void)frame;
	(void)error;
	if (--t->patience < 0 && !t->over)
		enough_of_it(t);
	return 0;
}

static int on_frame_head(nghttp2_session *session, const nghttp2_frame_hd *head, void *ctx)
{
	struct two *t = ((struct doh *)ctx)->state;

	(void)session;
	/* CONTINUATION. */
	if (head->type > NGHTTP2_WINDOW_UPDATE && --t->patience < 0 && !t->over)
		enough_of_it(t);
	return 0;
}

static int on_close(nghttp2_session *session, int32_t id, uint32_t error, void *ctx)
{
	struct two *t = ((struct doh *)ctx)->state;
	struct stream_of *s = stream_of(t, id);

	(void)error;
	if (!s)
		return 0;
	nghttp2_session_set_stream_user_data(session, id, NULL);
	end_stream(t, s);
	return 0;
}

static bool take(struct doh *d, const uint8_t *bytes, size_t len)
{
	struct two *t = d->state;

	if (t->over)
		return false;
	t->dry = false;
	t->silent += len;
	if (nghttp2_session_mem_recv(t->session, bytes, len) < 0)
		t->over = true;
	else if (t->silent > SILENT_MOST && !t->over)
		enough_of_it(t);
	return !t->over && nghttp2_session_want_read(t->session);
}

/* --- what goes ---------------------------------------------------------------------------- */

static ssize_t read_body(nghttp2_session *session, int32_t id, uint8_t *to, size_t room,
	uint32_t *flags, nghttp2_data_source *source, void *ctx)
{
	struct stream_of *s = source->ptr;
	const size_t left = s->len - s->at, n = left < room ? left : room;

	(void)session;
	(void)id;
	(void)ctx;
	memcpy(to, s->body + s->at, n);
	s->at += n;
	if (s->at == s->len)
		*flags |= NGHTTP2_DATA_FLAG_EOF;
	return (ssize_t)n;
}

#define FIELD(key, text)                                                                        \
	(nghttp2_nv)                                                                            \
	{                                                                                       \
		(uint8_t *)(uintptr_t)(key), (uint8_t *)(uintptr_t)(text), sizeof(key) - 1,     \
			strlen(text), NGHTTP2_NV_FLAG_NO_COPY_NAME                      \
	}

static void submit(struct two *t, struct stream_of *s, const struct doh_reply *r)
{
	snprintf(s->status, sizeof s->status, "%u", r->status % 1000);
	snprintf(s->length, sizeof s->length, "%zu", r->len);
	memcpy(s->cache, r->cache, sizeof s->cache);
	const nghttp2_nv good[] = { FIELD(":status", s->status),
		FIELD("content-type", "application/dns-message"),
		FIELD("content-length", s->length), FIELD("cache-control", s->cache),
		FIELD("date", r->status == 200 ? r->date : "") };
	const nghttp2_nv bad[] = { FIELD(":status", s->status), FIELD("content-length", "0"),
		FIELD("allow", "GET, POST") };
	const nghttp2_data_provider from = { .source.ptr = s, .read_callback = read_body };

	if (r->status == 200 && (s->body = malloc(r->len))) {
		memcpy(s->body, r->body, r->len);
		s->len = r->len;
		t->pending += r->len;
		nghttp2_submit_response(t->session, s->id, good, 5, &from);
	} else if (r->status == 200) {
		nghttp2_submit_rst_stream(
			t->session, NGHTTP2_FLAG_NONE, s->id, NGHTTP2_REFUSED_STREAM);
	} else {
		nghttp2_submit_response(t->session, s->id, bad, r->status == 405 ? 3 : 2, NULL);
	}
}

static void answer_first(struct doh *d)
{
	struct two *t = d->state;
	struct stream_of *s = t->first;

	t->first = s->next;
	if (!t->first)
		t->last = &t->first;
	s->waits = false;
	const struct doh_reply r = doh_reply(d, &s->request);
	submit(t, s, &r);
}

/* One answer at a time, for a record of its own: there are clients that take one from what they read at once, and lose
 * the others (dnsperf 2.10). */
static size_t give(struct doh *d, uint8_t *to, size_t enough)
{
	struct two *t = d->state;
	const uint8_t *bytes;
	size_t out = 0;
	ssize_t n = 1;

	if (t->first)
		answer_first(d);
	while (out < enough && (n = nghttp2_session_mem_send(t->session, &bytes)) > 0) {
		memcpy(to + out, bytes, (size_t)n);
		out += (size_t)n;
	}
	t->over = t->over || n < 0;
	t->dry = n <= 0;
	return out;
}

static bool has_more(const struct doh *d)
{
	const struct two *t = d->state;

	return t->first || (!t->dry && nghttp2_session_want_write(t->session));
}

static bool is_over(const struct doh *d)
{
	const struct two *t = d->state;

	return t->over || !nghttp2_session_want_read(t->session);
}

/* --- from its start to its end ------------------------------------------------------------ */

static void free_two(struct doh *d)
{
	struct two *t = d->state;

	nghttp2_session_del(t->session); /* which tells of no stream that ends by that */
	while (t->all)
		end_stream(t, t->all);
	free(t);
}

static bool set_up(struct doh *d, struct two *t)
{
	static const nghttp2_settings_entry settings[] = {
		{ NGHTTP2_SETTINGS_MAX_CONCURRENT_STREAMS, DOH_STREAMS },
		{ NGHTTP2_SETTINGS_INITIAL_WINDOW_SIZE, WINDOW },
		{ NGHTTP2_SETTINGS_MAX_HEADER_LIST_SIZE, DOH_HEADER_MOST },
		{ NGHTTP2_SETTINGS_ENABLE_PUSH, 0 }
	};
	nghttp2_session_callbacks *calls = NULL;
	nghttp2_option *option = NULL;
	bool ok = nghttp2_session_callbacks_new(&calls) == 0 && nghttp2_option_new(&option) == 0;

	if (ok) {
		nghttp2_session_callbacks_set_on_begin_headers_callback(calls, on_begin);
		nghttp2_session_callbacks_set_on_header_callback(calls, on_header);
		nghttp2_session_callbacks_set_on_data_chunk_recv_callback(calls, on_data);
		nghttp2_session_callbacks_set_on_frame_recv_callback(calls, on_frame);
		nghttp2_session_callbacks_set_on_begin_frame_callback(calls, on_frame_head);
		nghttp2_session_callbacks_set_on_invalid_frame_recv_callback(calls, on_bad_frame);
		nghttp2_session_callbacks_set_on_stream_close_callback(calls, on_close);
		/* Closed streams are not kept for their priorities, nor their names for others' headers. */
		nghttp2_option_set_no_closed_streams(option, 1);
		nghttp2_option_set_max_deflate_dynamic_table_size(option, 256);
		ok = nghttp2_session_server_new2(&t->session, calls, d, option) == 0 &&
			nghttp2_submit_settings(t->session, NGHTTP2_FLAG_NONE, settings,
				sizeof settings / sizeof *settings) == 0;
	}
	nghttp2_option_del(option);
	nghttp2_session_callbacks_del(calls);
	return ok;
}

static const struct doh_speech speech = {
	.take = take, .give = give, .has_more = has_more, .is_over = is_over, .free = free_two
};

bool doh_two_open(struct doh *d)
{
	struct two *t = calloc(1, sizeof *t);

	if (!t)
		return false;
	t->last = &t->first;
	t->patience = PATIENCE_MOST;
	if (!set_up(d, t)) {
		nghttp2_session_del(t->session);
		free(t);
		return false;
	}
	d->state = t;
	d->speech = &speech;
	return true;
}
