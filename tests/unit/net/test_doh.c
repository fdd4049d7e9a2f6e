#include "net/doh.h"
#include "net/doh_inner.h"

#include "unit/unit.h"

#include "base/bytes.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

/* A query for www.example., and its answer of one A record of 300 s. */
static const uint8_t query[] = "\0\0\1\0\0\1\0\0\0\0\0\0\3www\7example\0\0\1\0\1";
static const uint8_t answered[] = "\0\0\x85\0\0\1\0\1\0\0\0\0\3www\7example\0\0\1\0\1"
				  "\xc0\x0c\0\1\0\1\0\0\1\x2c\0\4\xc0\0\2\1";
#define DNS "AAABAAABAAAAAAAAA3d3dwdleGFtcGxlAAABAAE"

static struct {
	unsigned n;
	size_t len;
	bool right, is_private;
	char client[ADDR_TEXT];
} asked;

static struct doh_answer answer_it(void *ctx, const struct doh_query *q)
{
	(void)ctx;
	asked.n++;
	asked.len = q->len;
	asked.right = q->len == sizeof query - 1 && memcmp(q->packet, query, q->len) == 0;
	strcpy(asked.client, "");
	if (q->client)
		addr_text(asked.client, q->client);
	return (struct doh_answer){ answered, asked.right ? sizeof answered - 1 : 0,
		asked.is_private, "Sat, 28 Nov 2026 02:07:39 GMT" };
}

static const struct doh_opts opts = { .path = "/dns-query", .answer = answer_it },
			     behind_proxy = { .path = "/dns-query", .forwarded = true,
				     .answer = answer_it };
static uint8_t out[1 << 17];

/* What comes back, as text; all of `in` is taken in pieces of so many bytes. */
static const char *talk_with(const struct doh_opts *o, const char *in, size_t len, size_t piece,
	bool *open)
{
	struct doh *d = doh_new(o, false);
	size_t n = 0;

	*open = true;
	for (size_t at = 0; at < len && *open; at += piece) {
		*open = doh_take(d, (const uint8_t *)in + at, len - at < piece ? len - at : piece);
		while (doh_has_more(d))
			n += doh_give(d, out + n, 16384);
		*open = *open && !doh_is_over(d);
	}
	out[n] = 0;
	doh_free(d);
	return (const char *)out;
}

static void requests_of_http_1_1_are_answered_by_their_status(void)
{
#define H "Host: x\r\n"
	static const struct {
		const char *say, *in, *starts;
		unsigned asked;
		bool open;
	} row[] = {
		{ "GET", "GET /dns-query?dns=" DNS " HTTP/1.1\r\n" H "\r\n", "HTTP/1.1 200 OK", 1,
			true },
		{ "other words beside it", "GET /dns-query?a=b&dns=" DNS "&c HTTP/1.1\r\n" H "\r\n",
			"HTTP/1.1 200 OK", 1, true },
		{ "padded base64", "GET /dns-query?dns=" DNS "= HTTP/1.1\r\n" H "\r\n",
			"HTTP/1.1 200 OK", 1, true },
		{ "closed by the client's word",
			"GET /dns-query?dns=" DNS " HTTP/1.1\r\n" H "Connection: Close\r\n\r\n",
			"HTTP/1.1 200 OK", 1, false },
		{ "HTTP/1.0", "GET /dns-query?dns=" DNS " HTTP/1.0\r\n\r\n", "HTTP/1.1 200 OK", 1,
			false },
		{ "HTTP/1.0, kept",
			"GET /dns-query?dns=" DNS " HTTP/1.0\r\nConnection: keep-alive\r\n\r\n",
			"HTTP/1.1 200 OK", 1, true },
		{ "no query", "GET /dns-query HTTP/1.1\r\n" H "\r\n", "HTTP/1.1 400", 0, true },
		{ "no base64", "GET /dns-query?dns=A+AA HTTP/1.1\r\n" H "\r\n", "HTTP/1.1 400", 0,
			true },
		{ "no query in it", "GET /dns-query?dns=AAAA HTTP/1.1\r\n" H "\r\n",
			"HTTP/1.1 400", 1, true },
		{ "another path", "GET /dns-quer?dns=" DNS " HTTP/1.1\r\n" H "\r\n",
			"HTTP/1.1 404", 0, true },
		{ "a path that is longer", "GET /dns-query/?dns=" DNS " HTTP/1.1\r\n" H "\r\n",
			"HTTP/1.1 404", 0, true },
		{ "another method", "PUT /dns-query?dns=" DNS " HTTP/1.1\r\n" H "\r\n",
			"HTTP/1.1 405", 0, true },
		{ "POST of another type",
			"POST /dns-query HTTP/1.1\r\n" H
			"Content-Type: text/plain\r\nContent-Length: 1\r\n\r\nx",
			"HTTP/1.1 415", 0, true },
		{ "POST with its query in the path",
			"POST /dns-query?dns=" DNS " HTTP/1.1\r\n" H
			"Content-Type: application/dns-message\r\n\r\n",
			"HTTP/1.1 400", 0, true },
		{ "POST of nothing",
			"POST /dns-query HTTP/1.1\r\n" H
			"Content-Type: application/dns-message\r\n\r\n",
			"HTTP/1.1 400", 0, true },
		{ "POST too large",
			"POST /dns-query HTTP/1.1\r\n" H
			"Content-Type: application/dns-message\r\nContent-Length: 4097\r\n\r\n",
			"HTTP/1.1 413", 0, false },
		{ "two lengths",
			"POST /dns-query HTTP/1.1\r\n" H
			"Content-Length: 1\r\nContent-Length: 2\r\n\r\nxx",
			"HTTP/1.1 400", 0, false },
		{ "a length that is none",
			"POST /dns-query HTTP/1.1\r\n" H "Content-Length: +1\r\n\r\nx",
			"HTTP/1.1 400", 0, false },
		{ "chunks",
			"POST /dns-query HTTP/1.1\r\n" H
			"Transfer-Encoding: chunked\r\nContent-Length: 1\r\n\r\n0\r\n\r\n",
			"HTTP/1.1 501", 0, false },
		{ "no host", "GET /dns-query?dns=" DNS " HTTP/1.1\r\n\r\n", "HTTP/1.1 400", 0,
			false },
		{ "a space before the colon",
			"GET /dns-query?dns=" DNS " HTTP/1.1\r\nHost : x\r\n\r\n", "HTTP/1.1 400", 0,
			false },
		{ "a folded line",
			"GET /dns-query?dns=" DNS " HTTP/1.1\r\n" H " folded\r\n\r\n",
			"HTTP/1.1 400", 0, false },
		{ "HTTP/2.0 in one line", "GET /dns-query HTTP/2.0\r\n" H "\r\n", "HTTP/1.1 400",
			0, false },
		{ "no version", "GET /dns-query\r\n" H "\r\n", "HTTP/1.1 400", 0, false },
		{ "no HTTP", "\x16\x03\x01\x02\r\n\r\n", "HTTP/1.1 400", 0, false },
		{ "blanks round a value", "GET /dns-query?dns=" DNS " HTTP/1.1\r\n" H "Connection: \t close \t\r\n\r\n", "HTTP/1.1 200 OK", 1, false },
		{ "a name of a header that is none", "GET /dns-query?dns=" DNS " HTTP/1.1\r\n" H ": x\r\n\r\n", "HTTP/1.1 400", 0, false },
		{ "half a header", "GET /dns-query?dns=" DNS " HTTP/1.1\r\n" H, "", 0, true },
	};
	bool open;

	for (size_t i = 0; i < UNIT_COUNT(row); i++)
		for (size_t piece = 1; piece <= 4096; piece *= 16) {
			asked.n = 0;
			const char *got = talk_with(&opts, row[i].in,
				i == 24 ? 8 : strlen(row[i].in), piece, &open);
			const bool same = strncmp(got, row[i].starts, strlen(row[i].starts)) == 0 &&
				(*row[i].starts || !*got) && asked.n == row[i].asked &&
				open == row[i].open;
			if (!same)
				printf("%s: %s, asked %u, %s\n", row[i].say, got, asked.n,
					open ? "open" : "closed");
			CU_ASSERT_TRUE(same);
		}
}

static void a_post_and_a_get_in_one_piece_are_answered_one_after_the_other(void)
{
	char in[1024];
	bool open;
	int n = snprintf(in, sizeof in,
		"POST /dns-query HTTP/1.1\r\nhost: x\r\ncontent-type: application/dns-message\r\n"
		"content-length: %zu\r\n\r\n",
		sizeof query - 1);

	memcpy(in + n, query, sizeof query - 1);
	n += (int)sizeof query - 1;
	n += snprintf(in + n, sizeof in - (size_t)n,
		"GET /dns-query?dns=" DNS " HTTP/1.1\r\nHost: x\r\n\r\nGET / HTTP/1.1\r\nHost: x\r\n\r\n");
	asked.n = 0;
	asked.is_private = true;
	const char *got = talk_with(&opts, in, (size_t)n, 4096, &open);
	asked.is_private = false;
	CU_ASSERT_EQUAL(asked.n, 2);
	CU_ASSERT_TRUE(asked.right);
	const char head[] = "HTTP/1.1 200 OK\r\nContent-Type: application/dns-message\r\n"
			    "Content-Length: 45\r\nCache-Control: private, max-age=300\r\n"
			    "Date: Sat, 28 Nov 2026 02:07:39 GMT\r\n\r\n";
	const size_t one = sizeof head - 1 + sizeof answered - 1;
	CU_ASSERT_EQUAL(memcmp(got, head, sizeof head - 1), 0);
	CU_ASSERT_EQUAL(memcmp(got + sizeof head - 1, answered, sizeof answered - 1), 0);
	CU_ASSERT_EQUAL(memcmp(got + one, head, sizeof head - 1), 0);
	CU_ASSERT_EQUAL(strncmp(got + 2 * one, "HTTP/1.1 404", 12), 0);
}

static void the_last_that_a_proxy_has_seen_is_the_client(void)
{
	static const struct {
		const char *header, *client;
		bool believed;
	} row[] = { { "X-Forwarded-For: 192.0.2.7", "192.0.2.7", true },
		{ "x-forwarded-for: 1.2.3.4, 2001:db8::7", "2001:db8::7", true },
		{ "X-Forwarded-For: unknown", "", true }, { "X-Forwarded-For:", "", true },
		{ "X-Forwarded-For: 192.0.2.7", "", false } };
	char in[512];
	bool open;

	for (size_t i = 0; i < UNIT_COUNT(row); i++) {
		const int n = snprintf(in, sizeof in,
			"GET /dns-query?dns=" DNS " HTTP/1.1\r\nHost: x\r\n%s\r\n\r\n", row[i].header);
		talk_with(row[i].believed ? &behind_proxy : &opts, in, (size_t)n, 4096, &open);
		CU_ASSERT_STRING_EQUAL(asked.client, row[i].client);
	}
}

static void a_header_without_an_end_is_ended(void)
{
	static char in[20000];
	bool open;

	memset(in, 'a', sizeof in);
	memcpy(in, "GET / HTTP/1.1\r\nx: ", 19);
	CU_ASSERT_EQUAL(
		strncmp(talk_with(&opts, in, sizeof in, 4096, &open), "HTTP/1.1 431", 12), 0);
	CU_ASSERT_FALSE(open);
}

static void a_message_holds_as_long_as_its_shortest_part(void)
{
#define QUESTION "\1a\0\0\1\0\1"
#define A(ttl)   "\xc0\x0c\0\1\0\1\0\0\0" ttl "\0\4\1\2\3\4"
#define SOA(ttl, negative) "\xc0\x0e\0\6\0\1\0\0\0" ttl "\0\x16\0\0\0\0\0\1\0\0\0\2\0\0\0\3\0\0\0\4\0\0\0" negative
	static const struct {
		const char *say, *bytes;
		size_t len;
		uint32_t ttl_s;
	} row[] = {
#define ROW(say, head, rest, ttl) { say, head QUESTION rest, sizeof(head QUESTION rest) - 1, ttl }
		ROW("the least of the answers", "\0\0\x84\0\0\1\0\2\0\0\0\0", A("\x3c") A("\x1e"), 30),
		ROW("a TTL of 0", "\0\0\x84\0\0\1\0\2\0\0\0\0", A("\x3c") A("\0"), 0),
		ROW("NODATA by its SOA's minimum", "\0\0\x84\0\0\1\0\0\0\1\0\0", SOA("\x3c", "\x14"), 20),
		ROW("NXDOMAIN by its SOA's TTL", "\0\0\x84\3\0\1\0\0\0\1\0\0", SOA("\x0a", "\x14"), 10),
		ROW("an authority that is no SOA", "\0\0\x84\0\0\1\0\1\0\1\0\0", A("\x3c") A("\1"), 60),
		ROW("SERVFAIL", "\0\0\x84\2\0\1\0\1\0\0\0\0", A("\x3c"), 0),
		ROW("REFUSED", "\0\0\x84\5\0\1\0\0\0\0\0\0", "", 0),
		ROW("nothing", "\0\0\x84\0\0\1\0\0\0\0\0\0", "", 0),
	};

	for (size_t i = 0; i < UNIT_COUNT(row); i++)
		CU_ASSERT_EQUAL(doh_ttl_s((const uint8_t *)row[i].bytes, row[i].len), row[i].ttl_s);
}

/* The error that HTTP/2 ends the connection with, once so many frames have come; -1: it does not. */
static int end_after(const char *frame, size_t len, unsigned n)
{
	static const char preface[] = "PRI * HTTP/2.0\r\n\r\nSM\r\n\r\n\0\0\0\4\0\0\0\0\0";
	struct doh *d = doh_new(&opts, false);
	size_t got = 0;
	int error = -1;

	CU_ASSERT_TRUE(doh_take(d, (const uint8_t *)preface, sizeof preface - 1));
	while (n-- && doh_take(d, (const uint8_t *)frame, len))
		while (doh_has_more(d))
			got += doh_give(d, out + got % 32768, 16384);
	got = doh_has_more(d) ? doh_give(d, out, 16384) : 0;
	for (size_t at = 0; at + 9 <= got; at += 9u + be16_get(out + at + 1))
		if (out[at + 3] == 7)
			error = out[at + 9 + 7];
	CU_ASSERT_EQUAL(doh_is_over(d), error >= 0);
	doh_free(d);
	return error;
}

static void who_does_other_things_than_ask_is_sent_away(void)
{
	static const struct {
		const char *say, *frame;
		size_t len;
	} row[] = { { "PING", "\0\0\x08\6\0\0\0\0\0" "01234567", 17 },
		{ "SETTINGS", "\0\0\0\4\0\0\0\0\0", 9 },
		{ "WINDOW_UPDATE", "\0\0\4\x08\0\0\0\0\0\0\0\0\1", 13 },
		{ "a type that nobody knows", "\0\0\1\xbe\0\0\0\0\0x", 10 } };
	enum { ENHANCE_YOUR_CALM = 11 };

	for (size_t i = 0; i < UNIT_COUNT(row); i++) {
		CU_ASSERT_EQUAL(end_after(row[i].frame, row[i].len, 400), -1);
		CU_ASSERT_EQUAL(end_after(row[i].frame, row[i].len, i == 3 ? 4000 : 600),
			ENHANCE_YOUR_CALM);
	}
}

static const struct unit_case cases[] = {
	{ "who does other things than ask is sent away", who_does_other_things_than_ask_is_sent_away },
	{ "requests of HTTP/1.1 are answered by their status",
		requests_of_http_1_1_are_answered_by_their_status },
	{ "a POST and a GET in one piece are answered one after the other",
		a_post_and_a_get_in_one_piece_are_answered_one_after_the_other },
	{ "the last that a proxy has seen is the client",
		the_last_that_a_proxy_has_seen_is_the_client },
	{ "a header without an end is ended", a_header_without_an_end_is_ended },
	{ "a message holds as long as its shortest part",
		a_message_holds_as_long_as_its_shortest_part },
};

void suite_doh(void);
void suite_doh(void)
{
	unit_suite("net/doh", cases, UNIT_COUNT(cases));
}
