#include "unit/probe/probing.h"
#include "unit/probe/tls_server.h"
#include "unit/unit.h"

#include "base/clock.h"
#include "probe/check.h"
#include "probe/check_http.h"

#include <math.h>
#include <pthread.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

static const char *const here[] = { "127.0.0.1" };

struct desk {
	struct probing p;
	struct probed s;
};

static void open_desk(struct desk *d)
{
	probing_open(&d->p, here, 1, 0);
	probed_open(&d->s, d->p.loop, "127.0.0.1", SOCK_STREAM);
	d->p.probe.kind = PROBE_HTTP;
	d->p.probe.port = d->s.port;
	d->p.probe.path = "/x?y";
	d->p.probe.verify = true;
}

static void close_desk(struct desk *d)
{
	probed_close(&d->s);
	probing_close(&d->p);
}

#define OK "HTTP/1.1 200 OK\r\nConnection: close\r\n"

static void answers_pass_by_their_status(void)
{
	static const struct {
		const char *say, *reply;
		bool passed;
		const char *has;
	} row[] = {
		{ "an answer", OK "Content-Length: 2\r\n\r\nok", true, "200" },
		{ "nothing in it", "HTTP/1.1 204 No Content\r\n\r\n", true, "204" },
		{ "up to its end", OK "\r\nsome", true, "200" },
		{ "in pieces", OK "Transfer-Encoding: chunked\r\n\r\n3\r\nabc\r\n0\r\n\r\n",
			true, "200" },
		{ "moved", "HTTP/1.1 301 Moved\r\nContent-Length: 0\r\n\r\n", true, "301" },
		{ "version 1.0", "HTTP/1.0 200 OK\r\n\r\n", true, "200" },
		{ "no such thing", "HTTP/1.1 404 No\r\nContent-Length: 0\r\n\r\n", false,
			"404" },
		{ "broken", "HTTP/1.1 500 No\r\nContent-Length: 0\r\n\r\n", false, "500" },
		{ "another language", "220 smtp ready\r\n", false, "not an HTTP answer" },
		{ "cut short", OK "Content-Length: 10\r\n\r\nok", false,
			"closed before the body's end" },
		{ "cut in its first line", "HTTP/1.1 2", false, "closed before the answer's end" },
		{ "cut in its header", "HTTP/1.1 200 OK\r\nX-", false, "closed before the body's end" },
		{ "closed at once", "", false, "closed without an answer" },
	};
	struct desk d;

	for (size_t i = 0; i < UNIT_COUNT(row); i++) {
		open_desk(&d);
		d.s.reply = row[i].reply;
		probing_plan(&d.p);
		const char *said = probing_now(&d.p, 0);
		if (d.p.view.passed != row[i].passed || !strstr(said, row[i].has)) {
			printf("%s: %s\n", row[i].say, said);
			CU_FAIL(row[i].say);
		}
		CU_ASSERT_EQUAL(isnan(d.p.view.rtt_ms), !row[i].passed);
		close_desk(&d);
	}
}

static void a_status_that_is_not_expected_is_told_with_what_is(void)
{
	static const struct probe_range one[] = { { 204, 204 }, { 301, 302 } }, some[] = { { 301, 302 }, { 204, 204 } };
	static const struct {
		const struct probe_range *expect;
		size_t n;
		const char *says;
	} row[] = {
		{ NULL, 0, "HTTP 404, expected 200 to 399" },
		{ one, 1, "HTTP 404, expected 204" },
		{ one, 2, "HTTP 404, expected 204 or others" },
		{ some, 1, "HTTP 404, expected 301 to 302" },
		{ some, 2, "HTTP 404, expected 301 to 302 or others" },
	};
	struct desk d;

	for (size_t i = 0; i < UNIT_COUNT(row); i++) {
		open_desk(&d);
		d.s.reply = "HTTP/1.1 404 No\r\nContent-Length: 0\r\n\r\n";
		d.p.probe.expect = row[i].expect;
		d.p.probe.n_expect = row[i].n;
		probing_plan(&d.p);
		CU_ASSERT_STRING_EQUAL(probing_now(&d.p, 0), row[i].says);
		CU_ASSERT_FALSE(d.p.view.passed);
		close_desk(&d);
	}
}

static void a_server_of_http_2_alone_is_told_as_that(void)
{
	static const char settings[9] = { [3] = 4 };
	struct desk d;

	open_desk(&d);
	d.s.reply = settings;
	d.s.reply_len = sizeof settings;
	probing_plan(&d.p);
	CU_ASSERT_PTR_NOT_NULL(strstr(probing_now(&d.p, 0), "not an HTTP/1.1 answer: the server speaks HTTP/2 (\"http2: on\")"));
	CU_ASSERT_FALSE(d.p.view.passed);
	close_desk(&d);
}

static bool has_line(const char *text, const char *line)
{
	const size_t n = strlen(line);

	for (const char *at = text; (at = strstr(at, line)); at += n)
		if ((at == text || at[-1] == '\n') && at[n] == '\r')
			return true;
	return false;
}

static void the_request_is_what_the_probe_says(void)
{
	struct desk d;
	char host[60];

	open_desk(&d);
	d.s.reply = OK "Content-Length: 2\r\n\r\nok";
	probing_plan(&d.p);
	probing_now(&d.p, 0);
	CU_ASSERT_TRUE(has_line(d.s.got, "GET /x?y HTTP/1.1"));
	snprintf(host, sizeof host, "Host: 127.0.0.1:%u", d.s.port);
	CU_ASSERT_TRUE(has_line(d.s.got, host));
	CU_ASSERT_PTR_NOT_NULL(strstr(d.s.got, "\r\nUser-Agent: Waymark/"));
	CU_ASSERT_STRING_EQUAL(d.s.got + d.s.got_len - 4, "\r\n\r\n");
	CU_ASSERT_PTR_NOT_NULL(strstr(d.p.steps, "> GET /x?y HTTP/1.1"));
	CU_ASSERT_PTR_NOT_NULL(strstr(d.p.steps, "< HTTP/1.1 200 OK"));
	close_desk(&d);
	open_desk(&d);
	d.s.reply = OK "Content-Length: 2\r\n\r\n";
	d.p.probe.host = "www.example";
	d.p.probe.head = true;
	probing_plan(&d.p);
	probing_now(&d.p, 0);
	CU_ASSERT_TRUE(d.p.view.passed);
	CU_ASSERT_TRUE(has_line(d.s.got, "HEAD /x?y HTTP/1.1"));
	CU_ASSERT_TRUE(has_line(d.s.got, "Host: www.example"));
	close_desk(&d);
}

static void a_text_must_be_in_the_body(void)
{
	static const struct {
		const char *body;
		bool passed;
	} row[] = { { "alive", true }, { "I am alive.", true }, { "aliv", false },
		{ "", false }, { "ALIVE", false } };
	struct desk d;
	char reply[200];

	for (size_t i = 0; i < UNIT_COUNT(row); i++) {
		open_desk(&d);
		snprintf(reply, sizeof reply, OK "Content-Length: %zu\r\n\r\n%s",
			strlen(row[i].body), row[i].body);
		d.s.reply = reply;
		d.p.probe.body = "alive";
		probing_plan(&d.p);
		probing_now(&d.p, 0);
		if (d.p.view.passed != row[i].passed)
			CU_FAIL(row[i].body);
		close_desk(&d);
	}
	/* In its first 64 KiB, whatever follows. */
	static char large[100000];
	for (unsigned k = 0; k < 2; k++) {
		const int head = sprintf(large, OK "Content-Length: 90000\r\n\r\n");
		memset(large + head, '.', 90000);
		memcpy(large + head + (k ? 65536 - 5 : 65536 - 4), "alive", 5);
		large[head + 90000] = 0;
		open_desk(&d);
		d.s.reply = large;
		d.p.probe.body = "alive";
		probing_plan(&d.p);
		probing_now(&d.p, 0);
		CU_ASSERT_EQUAL(d.p.view.passed, k == 1);
		close_desk(&d);
	}
}

static void the_load_comes_from_a_header_or_the_body(void)
{
	static const struct {
		const char *reply, *field;
		bool in_body;
		double load; /* NAN: none */
	} row[] = {
		{ OK "X-Load: 0.25\r\nContent-Length: 0\r\n\r\n", "x-load", false, 0.25 },
		{ OK "X-Loader: 0.25\r\nContent-Length: 0\r\n\r\n", "x-load", false, NAN },
		{ OK "X-Load: much\r\nContent-Length: 0\r\n\r\n", "x-load", false, NAN },
		{ OK "Content-Length: 14\r\n\r\n{ \"load\": 0.5 }", "load", true, 0.5 },
		{ OK "load: 0.7\r\nContent-Length: 2\r\n\r\n{}", "load", true, NAN },
	};
	struct desk d;

	for (size_t i = 0; i < UNIT_COUNT(row); i++) {
		open_desk(&d);
		d.s.reply = row[i].reply;
		d.p.probe.load_field = row[i].field;
		d.p.probe.load_in_body = row[i].in_body;
		probing_plan(&d.p);
		probing_now(&d.p, 0);
		CU_ASSERT_TRUE(d.p.view.passed);
		if (isnan(row[i].load)) {
			CU_ASSERT_TRUE(isnan(d.p.view.load));
			CU_ASSERT_PTR_NOT_NULL(strstr(d.p.view.notice, "no load in the "));
		} else {
			CU_ASSERT_DOUBLE_EQUAL(d.p.view.load, row[i].load, 1e-6);
			CU_ASSERT_STRING_EQUAL(d.p.view.notice, "");
		}
		close_desk(&d);
	}
}

static void headers_and_bodies_are_held_against_what_they_must_be(void)
{
#define X(value) OK "X-N: " value "\r\nContent-Length: 0\r\n\r\n"
#define J(body) OK "\r\n" body
	static const struct {
		const char *reply;
		struct probe_value v;
		const char *says; /* what it fails with; NULL: nothing */
	} row[] = {
		{ X("ok"), { .field = "X-N", .is = "ok" }, NULL },
		{ X("\t ok \t"), { .field = "x-n", .is = "ok" }, NULL },
		{ X("okay"), { .field = "X-N", .is = "ok" }, "X-N in the header is not \"ok\"" },
		{ X("ok\r\nX-N: no"), { .field = "X-N", .is = "ok" }, "X-N in the header is not \"ok\"" },
		{ X("no\r\nX-N: ok"), { .field = "X-N", .is = "ok" }, NULL },
		{ X("ok"), { .field = "X", .is = "ok" }, "there is no X in the header" },
		{ X("ok"), { .field = "X-N", .matches = "^o" }, NULL },
		{ X("no"), { .field = "X-N", .matches = "^o" }, "X-N in the header does not match \"^o\"" },
		{ X("5"), { .field = "X-N", .least = 5, .below = 6 }, NULL },
		{ X("5"), { .field = "X-N", .least = 5.5, .below = 6 }, "X-N is 5, less than 5.5" },
		{ X("6"), { .field = "X-N", .least = 5, .below = 6 }, "X-N is 6, not below 6" },
		{ X("5\r\nX-N: many"), { .field = "X-N", .least = 5, .below = 6 }, "X-N in the header is no number" },
		{ X("ok"), { .field = "X-M", .below = 6 }, "there is no number X-M in the header" },
		{ J("n=5"), { .field = "n", .in_body = true, .least = 5, .below = 6 }, NULL },
		{ J("m=5"), { .field = "n", .in_body = true, .least = 5, .below = 6 }, "there is no number n in the body" },
		{ J("hello"), { .in_body = true, .matches = "l+o$" }, NULL },
		{ J("help"), { .in_body = true, .matches = "l+o$" }, "the body does not match \"l+o$\"" },
		{ J("{\"a\":{\"b\":\"up\"}}"), { .field = "a.b", .in_body = true, .json = true, .is = "up" }, NULL },
		{ J("{\"a\":{\"b\":\"down\"}}"), { .field = "a.b", .in_body = true, .json = true, .is = "up" },
			"a.b is \"down\", not \"up\"" },
		{ J("{\"a\":{\"b\":\"down\"}}"), { .field = "a.b", .in_body = true, .json = true, .matches = "^u" },
			"a.b is \"down\", which does not match \"^u\"" },
		{ J("{\"a\":7}"), { .field = "a", .in_body = true, .json = true, .least = 7, .below = 8 }, NULL },
		{ J("{\"a\":\"x\"}"), { .field = "a", .in_body = true, .json = true, .below = 8 },
			"a is \"x\", no number of at least 0" },
		{ J("{\"a\":7}"), { .field = "b", .in_body = true, .json = true, .below = 8 }, "there is no value b in the body" },
		{ J("a: 7"), { .field = "a", .in_body = true, .json = true, .below = 8 }, "the body is no JSON" },
	};
	struct desk d;

	for (size_t i = 0; i < UNIT_COUNT(row); i++) {
		open_desk(&d);
		d.s.reply = row[i].reply;
		d.p.probe.values = &row[i].v;
		d.p.probe.n_values = 1;
		probing_plan(&d.p);
		const char *said = probing_now(&d.p, 0);
		if (d.p.view.passed != !row[i].says || (row[i].says && strcmp(said, row[i].says) != 0)) {
			printf("%zu: %s\n", i, said);
			CU_FAIL("a value");
		}
		close_desk(&d);
	}
#undef X
#undef J
}

static void who_does_not_answer_is_told_by_what_is_waited_for(void)
{
	struct desk d;

	open_desk(&d);
	d.s.reply = NULL; /* reads, and says nothing */
	d.p.probe.timeout_ms = 1000;
	d.p.probe.initial = PROBE_DOWN;
	probing_plan(&d.p);
	const char *said = probing_now(&d.p, 0);
	CU_ASSERT_EQUAL(strncmp(said, "no answer within 1 s (waited for ", 33), 0);
	CU_ASSERT_PTR_NULL(strstr(said, "connection"));
	CU_ASSERT_FALSE(d.p.view.passed);
	close_desk(&d);
	/* Nobody is there. */
	open_desk(&d);
	probing_plan(&d.p);
	probed_close(&d.s);
	CU_ASSERT_STRING_EQUAL(probing_now(&d.p, 0), "connection refused");
	probed_open(&d.s, d.p.loop, "127.0.0.1", SOCK_STREAM);
	close_desk(&d);
}

static void no_room(void *ctx)
{
	(void)ctx;
}

/* Stopped before its thread has come to it, or after: only then does it say something of the target. */
static void what_has_not_begun_is_our_own_fault(void)
{
	struct desk d;
	bool seen = false;

	open_desk(&d);
	struct checks tools = { .loop = d.p.loop, .http = check_http_new(d.p.loop, no_room, NULL) };
	for (unsigned i = 0; i < 1000 && !seen; i++) {
		struct check c = { .probe = &d.p.probe, .port = (uint16_t)d.s.port, .edge = "e0", .started_us = clock_us() };
		addr_parse(&c.addr, "127.0.0.1");
		CU_ASSERT_TRUE_FATAL(check_http_kind.start(&tools, &c));
		check_http_kind.stop(&tools, &c);
		check_http_kind.forget(&c);
		seen = strcmp(c.stage, "one of our threads") == 0;
		CU_ASSERT_EQUAL(c.result.ours, seen);
	}
	CU_ASSERT_TRUE(seen);
	check_http_free(tools.http);
	close_desk(&d);
}

static void a_connection_may_serve_many_probes(void)
{
	struct desk d;

	for (unsigned keep = 0; keep < 2; keep++) {
		open_desk(&d);
		d.s.keeps = true;
		d.s.reply = "HTTP/1.1 200 OK\r\nContent-Length: 2\r\n\r\nok";
		d.p.probe.keep_alive = keep;
		probing_plan(&d.p);
		for (unsigned i = 0; i < 5; i++) {
			probing_now(&d.p, 0);
			CU_ASSERT_TRUE(d.p.view.passed);
		}
		CU_ASSERT_EQUAL(d.s.came, keep ? 1 : 5);
		close_desk(&d);
	}
}

/* A connection that idles may be closed at any time, also as it is asked anew: once that says nothing of the server. */
static void a_kept_connection_that_is_gone_is_made_anew_once(void)
{
	struct desk d;

	open_desk(&d);
	d.s.keeps = true;
	d.s.reply = "HTTP/1.1 200 OK\r\nContent-Length: 2\r\n\r\nok";
	d.p.probe.keep_alive = true;
	probing_plan(&d.p);
	probing_now(&d.p, 0);
	CU_ASSERT(d.p.view.passed && d.s.came == 1);
	d.s.keeps = false;
	d.s.reply = "";
	CU_ASSERT_STRING_EQUAL(probing_now(&d.p, 0), "closed without an answer");
	CU_ASSERT_EQUAL(d.s.came, 2);
	CU_ASSERT_PTR_NOT_NULL(strstr(d.p.steps, "the connection that was kept is gone; another one"));
	/* What has begun to answer has had its chance. */
	d.s.keeps = true;
	d.s.reply = "HTTP/1.1 200 OK\r\nContent-Length: 2\r\n\r\nok";
	probing_now(&d.p, 0);
	CU_ASSERT(d.p.view.passed && d.s.came == 3);
	d.s.keeps = false;
	d.s.reply = "HTTP";
	CU_ASSERT_STRING_EQUAL(probing_now(&d.p, 0), "closed before the answer's end");
	CU_ASSERT_EQUAL(d.s.came, 3);
	close_desk(&d);
}

/* --- TLS ---------------------------------------------------------------------------------- */

struct tls_desk {
	struct probing p;
	struct tls_server *s;
	char path[64];
};

static void open_tls(struct tls_desk *d, const char *name, int from_s, int to_s)
{
	probing_open(&d->p, here, 1, 0);
	d->s = tls_server_new(name, from_s, to_s);
	strcpy(d->path, tls_server_cert(d->s));
	d->p.probe.kind = PROBE_HTTPS;
	d->p.probe.port = tls_server_port(d->s);
	d->p.probe.path = "/";
	d->p.probe.verify = true;
	d->p.probe.ca = d->path;
	d->p.probe.host = d->p.probe.tls_name = "www.example";
	d->p.probe.expiry_warning_ms = 14u * 86400000;
}

static void close_tls(struct tls_desk *d)
{
	probing_close(&d->p);
	tls_server_free(d->s);
}

enum { DAY = 86400 };

static void certificates_are_verified(void)
{
	static const struct {
		const char *say, *name;
		int from_s, to_s;
		bool trusted, verify, passed;
		const char *has, *notice;
	} row[] = {
		{ "good", "www.example", -DAY, 100 * DAY, true, true, true, "200", "" },
		{ "of nobody that we know", "www.example", -DAY, 100 * DAY, false, true, false,
			"TLS: certificate is not signed by an authority that we trust", "" },
		{ "... and nobody minds", "www.example", -DAY, 100 * DAY, false, false, true,
			"200", "" },
		{ "of another name", "other.example", -DAY, 100 * DAY, true, true, false,
			"TLS: certificate is not for www.example", "" },
		{ "over", "www.example", -10 * DAY, -2 * DAY - 600, true, true, false,
			"TLS: certificate expired 2 days ago", "" },
		{ "to come", "www.example", 2 * DAY + 600, 10 * DAY, true, true, false,
			"TLS: certificate is not valid for another 2 days", "" },
		{ "soon over", "www.example", -DAY, 3 * DAY + 600, true, true, true, "200",
			"certificate expires in 3 days" },
		{ "not that soon", "www.example", -DAY, 14 * DAY + 600, true, true, true, "200", "" },
		{ "in hours", "www.example", -DAY, 3600 + 600, true, true, true, "200", "certificate expires in 1 hour" },
		{ "in minutes", "www.example", -DAY, 3600 - 10, true, true, true, "200", "certificate expires within an hour" },
		{ "over for minutes, and nobody minds", "www.example", -DAY, -3600 + 600, true, false, true, "200",
			"certificate expired within an hour" },
		{ "over for hours, and nobody minds", "www.example", -DAY, -3600 - 600, true, false, true, "200",
			"certificate expired 1 hour ago" },
	};

	for (size_t i = 0; i < UNIT_COUNT(row); i++) {
		struct tls_desk d;
		struct tls_server *stranger = tls_server_new("stranger.example", -DAY, DAY);
		open_tls(&d, row[i].name, row[i].from_s, row[i].to_s);
		if (!row[i].trusted)
			d.p.probe.ca = tls_server_cert(stranger);
		d.p.probe.verify = row[i].verify;
		probing_plan(&d.p);
		const char *said = probing_now(&d.p, 0);
		if (d.p.view.passed != row[i].passed || !strstr(said, row[i].has) ||
			strcmp(d.p.view.notice, row[i].notice) != 0) {
			printf("%s: %s; %s\n", row[i].say, said, d.p.view.notice);
			CU_FAIL(row[i].say);
		}
		close_tls(&d);
		tls_server_free(stranger);
	}
}

static void a_certificate_that_ends_too_soon_may_be_down(void)
{
	static const struct {
		uint32_t down_ms;
		int to_s;
		const char *says;
	} row[] = {
		{ 3u * DAY * 1000, 3 * DAY + 600, "HTTP 200" },
		{ 3u * DAY * 1000, 3 * DAY - 600, "certificate expires in 2 days" },
		{ 0, 600, "HTTP 200" },
	};

	for (size_t i = 0; i < UNIT_COUNT(row); i++) {
		struct tls_desk d;
		open_tls(&d, "www.example", -DAY, row[i].to_s);
		d.p.probe.expiry_down_ms = row[i].down_ms;
		probing_plan(&d.p);
		CU_ASSERT_STRING_EQUAL(probing_now(&d.p, 0), row[i].says);
		CU_ASSERT_EQUAL(d.p.view.passed, strcmp(row[i].says, "HTTP 200") == 0);
		close_tls(&d);
	}
}

static void what_speaks_no_tls_is_told(void)
{
	struct desk d;

	open_desk(&d);
	d.p.probe.kind = PROBE_HTTPS;
	d.p.probe.verify = false;
	d.s.reply = "HTTP/1.1 400 Bad\r\n\r\n";
	probing_plan(&d.p);
	CU_ASSERT_EQUAL(strncmp(probing_now(&d.p, 0), "TLS: no handshake: ", 19), 0);
	CU_ASSERT_FALSE(d.p.view.passed);
	close_desk(&d);
	open_desk(&d);
	d.p.probe.kind = PROBE_HTTPS;
	d.p.probe.verify = false;
	d.p.probe.timeout_ms = 3000;
	d.p.probe.initial = PROBE_DOWN;
	d.s.reply = NULL;
	probing_plan(&d.p);
	/* On a machine that stands still the time is over before the connection is there, or its thread has begun. */
	const char *said = probing_now(&d.p, 0);
	for (unsigned i = 0; i < 20 && !strstr(said, "TLS"); i++)
		said = probing_now(&d.p, 0);
	CU_ASSERT_STRING_EQUAL(said, "no answer within 3 s (waited for the TLS handshake)");
	close_desk(&d);
}

/* Probes of HTTP have a thread of their own, which takes no signals. */
static void who_starts_probes_keeps_its_signals(void)
{
	struct desk d;
	sigset_t before, now;

	pthread_sigmask(SIG_SETMASK, NULL, &before);
	open_desk(&d);
	d.s.reply = OK "\r\n";
	probing_plan(&d.p);
	probing_now(&d.p, 0);
	pthread_sigmask(SIG_SETMASK, NULL, &now);
	CU_ASSERT_EQUAL(sigismember(&now, SIGUSR1), sigismember(&before, SIGUSR1));
	CU_ASSERT_EQUAL(sigismember(&now, SIGTERM), sigismember(&before, SIGTERM));
	close_desk(&d);
}

static const struct unit_case cases[] = {
	{ "who starts probes keeps its signals", who_starts_probes_keeps_its_signals },
	{ "answers pass by their status", answers_pass_by_their_status },
	{ "a server of HTTP/2 alone is told as that", a_server_of_http_2_alone_is_told_as_that },
	{ "the request is what the probe says", the_request_is_what_the_probe_says },
	{ "a text must be in the body", a_text_must_be_in_the_body },
	{ "the load comes from a header or the body",
		the_load_comes_from_a_header_or_the_body },
	{ "headers and bodies are held against what they must be", headers_and_bodies_are_held_against_what_they_must_be },
	{ "who does not answer is told by what is waited for",
		who_does_not_answer_is_told_by_what_is_waited_for },
	{ "what has not begun is our own fault", what_has_not_begun_is_our_own_fault },
	{ "a status that is not expected is told with what is", a_status_that_is_not_expected_is_told_with_what_is },
	{ "a connection may serve many probes", a_connection_may_serve_many_probes },
	{ "a kept connection that is gone is made anew, once", a_kept_connection_that_is_gone_is_made_anew_once },
	{ "a certificate that ends too soon may be down", a_certificate_that_ends_too_soon_may_be_down },
	{ "certificates are verified", certificates_are_verified },
	{ "what speaks no TLS is told", what_speaks_no_tls_is_told },
};

void suite_check_http(void);
void suite_check_http(void)
{
	unit_suite("probe/check_http", cases, UNIT_COUNT(cases));
}
