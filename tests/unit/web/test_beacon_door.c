#include "web/beacon_door.h"

#include "unit/net/serving.h"
#include "unit/turns.h"
#include "unit/unit.h"

#include "base/memory.h"

#include <arpa/inet.h>
#include <errno.h>
#include <ev.h>
#include <netinet/in.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

static void who_stands_before_the_door_tells_who_asks_and_nobody_else(void)
{
	static const struct {
		const char *from, *told, *is;
	} row[] = {
		{ "127.0.0.1", "192.0.2.7", "192.0.2.7" },
		{ "127.8.9.1", "2001:db8::7", "2001:db8::7" },
		{ "::1", "192.0.2.7", "192.0.2.7" },
		{ "::ffff:127.0.0.1", "192.0.2.7", "192.0.2.7" },
		{ "127.0.0.1", "::ffff:192.0.2.7", "192.0.2.7" },
		{ "127.0.0.1", NULL, "127.0.0.1" },
		{ "127.0.0.1", "", "127.0.0.1" },
		{ "127.0.0.1", "192.0.2.7, 198.51.100.1", "127.0.0.1" },
		{ "::1", "unknown", "::1" },
		{ "192.0.2.9", "192.0.2.7", "192.0.2.9" },
		{ "126.0.0.1", "192.0.2.7", "126.0.0.1" },
		{ "128.0.0.1", "192.0.2.7", "128.0.0.1" },
		{ "2001:db8::9", "192.0.2.7", "2001:db8::9" },
		{ "::2", "192.0.2.7", "::2" },
		{ "::ffff:192.0.2.9", "192.0.2.7", "192.0.2.9" },
	};
	char text[ADDR_TEXT];

	for (size_t i = 0; i < UNIT_COUNT(row); i++) {
		struct sockaddr_in6 six = { .sin6_family = AF_INET6 };
		struct sockaddr_in four = { .sin_family = AF_INET };
		const bool is_six = inet_pton(AF_INET6, row[i].from, &six.sin6_addr) == 1;
		CU_ASSERT_TRUE_FATAL(is_six || inet_pton(AF_INET, row[i].from, &four.sin_addr) == 1);
		const struct addr client =
			beacon_door_client(is_six ? (const struct sockaddr *)&six : (const struct sockaddr *)&four, row[i].told);
		if (strcmp(addr_text(text, &client), row[i].is) != 0) {
			printf("%s, told %s: %s\n", row[i].from, row[i].told ? row[i].told : "nothing", text);
			CU_FAIL(row[i].from);
		}
	}
}

/* --- the door ----------------------------------------------------------------------------- */

static struct {
	struct ev_loop *loop;
	struct beacon_door *d;
	struct net_address at;
	/* What was asked last; the rest is what it is to be answered. */
	unsigned asked;
	bool post, own, token;
	char path[100], client[ADDR_TEXT], body[BEACON_BODY_MOST + 1];
	/* What came. */
	int fd;
	char said[8192];
	size_t len;
	bool ended;
} w;

static void on_ask(void *ctx, const struct beacon_ask *ask, struct beacon_reply *to)
{
	CU_ASSERT_PTR_EQUAL(ctx, &w);
	w.asked++;
	w.post = ask->post;
	snprintf(w.path, sizeof w.path, "%s", ask->path);
	addr_text(w.client, &ask->client);
	memcpy(w.body, ask->body, ask->len);
	w.body[ask->len] = 0;
	*to = (struct beacon_reply){ .status = 200, .type = "text/x-test", .body = "hello", .len = 5 };
	if (w.own) {
		char *body = memory_zeroed(1, 6);
		strcpy(body, "owned");
		to->body = body;
		to->own = true;
	}
	if (w.token)
		strcpy(to->token, "t-1");
}

static void open_door(const char *host, const char *const *origins, size_t n)
{
	struct fault why = { "" };

	memset(&w, 0, sizeof w);
	w.at = serving_address(host);
	w.loop = ev_loop_new(0);
	w.d = beacon_door_open(&(struct beacon_door_opts){ .loop = w.loop,
				       .listen = (const struct sockaddr *)&w.at.sa,
				       .len = w.at.len,
				       .origins = origins,
				       .n_origins = n,
				       .ctx = &w,
				       .ask = on_ask },
		&why);
	if (!w.d)
		printf("%s\n", why.text);
	CU_ASSERT_PTR_NOT_NULL_FATAL(w.d);
}

static void close_door(void)
{
	beacon_door_close(w.d);
	ev_loop_destroy(w.loop);
}

static bool has_ended(void *ctx)
{
	(void)ctx;
	for (ssize_t n; !w.ended && (n = recv(w.fd, w.said + w.len, sizeof w.said - 1 - w.len, MSG_DONTWAIT)) != -1;) {
		w.len += (size_t)n;
		w.ended = n == 0;
	}
	w.said[w.len] = 0;
	return w.ended || (errno != EAGAIN && errno != EWOULDBLOCK);
}

static void on_readable(struct ev_loop *loop, ev_io *io, int events)
{
	(void)loop;
	(void)io;
	(void)events;
}

/* One request, and all that comes until the end of the connection. */
static const char *say(const char *request)
{
	ev_io io;

	w.len = 0;
	w.ended = false;
	w.fd = socket(w.at.sa.ss_family, SOCK_STREAM | SOCK_CLOEXEC, 0);
	CU_ASSERT_EQUAL_FATAL(connect(w.fd, (const struct sockaddr *)&w.at.sa, w.at.len), 0);
	CU_ASSERT_EQUAL_FATAL(send(w.fd, request, strlen(request), MSG_NOSIGNAL), (ssize_t)strlen(request));
	ev_io_init(&io, on_readable, w.fd, EV_READ);
	ev_io_start(w.loop, &io);
	CU_ASSERT_TRUE(turns_until(w.loop, has_ended, NULL));
	ev_io_stop(w.loop, &io);
	close(w.fd);
	return w.said;
}

static unsigned status(void)
{
	return (unsigned)atoi(w.said + strlen("HTTP/1.1 "));
}

#define GET(more)  "GET /waymark/object?x=1 HTTP/1.1\r\nHost: a\r\nConnection: close\r\n" more "\r\n"
#define OURS       "Origin: https://www.example.org\r\n"
#define HAS(what)  CU_ASSERT_PTR_NOT_NULL(strstr(w.said, what))
#define LACKS(what) CU_ASSERT_PTR_NULL(strstr(w.said, what))

static void pages_of_ours_read_the_answer_and_those_of_others_none(void)
{
	static const char *const origins[] = { "https://a.example.org", "https://www.example.org" };

	open_door("127.0.0.1", origins, 2);
	w.token = true;
	say(GET(OURS "X-Real-IP: 192.0.2.7\r\n"));
	CU_ASSERT_EQUAL(status(), 200);
	CU_ASSERT_STRING_EQUAL(w.path, "/waymark/object");
	CU_ASSERT_STRING_EQUAL(w.client, "192.0.2.7");
	CU_ASSERT_FALSE(w.post);
	HAS("Access-Control-Allow-Origin: https://www.example.org\r\n");
	HAS("Timing-Allow-Origin: https://www.example.org\r\n");
	HAS("Access-Control-Expose-Headers: Waymark-Token\r\n");
	HAS("Waymark-Token: t-1\r\n");
	HAS("Cache-Control: no-store\r\n");
	HAS("Vary: Origin\r\n");
	HAS("Content-Type: text/x-test\r\n");
	HAS("\r\n\r\nhello");
	say(GET("Origin: https://evil.example\r\n"));
	CU_ASSERT_EQUAL(status(), 403);
	CU_ASSERT_EQUAL(w.asked, 1);
	LACKS("Access-Control-Allow-Origin");
	LACKS("Content-Type");
	/* Nobody's page. */
	w.token = false;
	w.own = true;
	say(GET(""));
	CU_ASSERT_EQUAL(status(), 200);
	CU_ASSERT_STRING_EQUAL(w.client, "127.0.0.1");
	LACKS("Access-Control-Allow-Origin");
	LACKS("Waymark-Token");
	HAS("\r\n\r\nowned");
	close_door();
}

static void all_pages_may_ask_where_any_origin_may(void)
{
	static const char *const origins[] = { "*" };

	open_door("::1", origins, 1);
	say(GET("Origin: https://evil.example\r\nX-Real-IP: 2001:db8::7\r\n"));
	CU_ASSERT_EQUAL(status(), 200);
	HAS("Access-Control-Allow-Origin: *\r\n");
	CU_ASSERT_STRING_EQUAL(w.client, "2001:db8::7");
	close_door();
}

static void a_body_has_its_most_and_other_methods_are_none(void)
{
	static const char *const origins[] = { "https://www.example.org" };
	static const struct {
		size_t len;
		unsigned status;
	} row[] = { { 0, 200 }, { 1, 200 }, { BEACON_BODY_MOST, 200 }, { BEACON_BODY_MOST + 1, 413 }, { 5000, 413 } };
	char request[6000], body[5001];

	open_door("127.0.0.1", origins, 1);
	for (size_t i = 0; i < UNIT_COUNT(row); i++) {
		const unsigned before = w.asked;
		memset(body, 'x', row[i].len);
		body[row[i].len] = 0;
		snprintf(request, sizeof request,
			"POST /waymark/beacon HTTP/1.1\r\nHost: a\r\nConnection: close\r\n" OURS "Content-Length: %zu\r\n\r\n%s", row[i].len,
			body);
		say(request);
		CU_ASSERT_EQUAL(status(), row[i].status);
		CU_ASSERT_EQUAL(w.asked, before + (row[i].status == 200));
		if (row[i].status == 200) {
			CU_ASSERT_TRUE(w.post);
			CU_ASSERT_STRING_EQUAL(w.body, body);
		}
	}
	say("HEAD /waymark/object HTTP/1.1\r\nHost: a\r\nConnection: close\r\n\r\n");
	CU_ASSERT_EQUAL(status(), 200);
	CU_ASSERT_FALSE(w.post);
	LACKS("hello");
	const unsigned before = w.asked;
	say("PUT /waymark/object HTTP/1.1\r\nHost: a\r\nConnection: close\r\nContent-Length: 1\r\n\r\nx");
	CU_ASSERT_EQUAL(status(), 405);
	CU_ASSERT_EQUAL(w.asked, before);
	close_door();
}

static void a_door_that_is_taken_is_told(void)
{
	struct fault why = { "" };
	char want[100];

	open_door("127.0.0.1", NULL, 0);
	snprintf(want, sizeof want, "cannot listen at 127.0.0.1:%u for beacons: Address already in use",
		serving_port(&w.at));
	CU_ASSERT_PTR_NULL(beacon_door_open(
		&(struct beacon_door_opts){ .loop = w.loop, .listen = (const struct sockaddr *)&w.at.sa, .len = w.at.len, .ask = on_ask }, &why));
	CU_ASSERT_STRING_EQUAL(why.text, want);
	close_door();
	beacon_door_close(NULL);
}

static const struct unit_case cases[] = {
	{ "who stands before the door tells who asks, and nobody else", who_stands_before_the_door_tells_who_asks_and_nobody_else },
	{ "pages of ours read the answer, and those of others none", pages_of_ours_read_the_answer_and_those_of_others_none },
	{ "all pages may ask where any origin may", all_pages_may_ask_where_any_origin_may },
	{ "a body has its most, and other methods are none", a_body_has_its_most_and_other_methods_are_none },
	{ "a door that is taken is told", a_door_that_is_taken_is_told },
};

void suite_beacon_door(void);
void suite_beacon_door(void)
{
	unit_suite("web/beacon_door", cases, UNIT_COUNT(cases));
}
