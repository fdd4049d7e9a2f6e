#include "probe/http_reply.h"

#include "unit/unit.h"

#include <stdlib.h>
#include <string.h>

struct heard {
	char body[64], last[64];
	size_t len;
	unsigned lines;
};

static void take_line(void *ctx, const char *line, size_t len)
{
	struct heard *h = ctx;

	h->lines++;
	snprintf(h->last, sizeof h->last, "%.*s", (int)len, line);
}

static bool take_body(void *ctx, const char *bytes, size_t len)
{
	struct heard *h = ctx;

	if (len > sizeof h->body - 1 - h->len)
		return false;
	memcpy(h->body + h->len, bytes, len);
	h->len += len;
	return true;
}

static enum http_got take(struct http_reply *r, struct heard *h, const char *text, bool head)
{
	*h = (struct heard){ .len = 0 };
	http_reply_begin(r, &(struct http_taker){ h, take_line, take_body }, head);
	return http_reply_take(r, text, strlen(text));
}

static void an_answer_ends_where_rfc_9112_has_it_end(void)
{
	static const struct {
		const char *say, *text, *body;
		enum http_got got;
		unsigned status;
		bool keeps, head;
	} row[] = {
		{ "a length", "HTTP/1.1 200 OK\r\nContent-Length: 4\r\n\r\nfine", "fine",
			HTTP_WHOLE, 200, true, false },
		{ "a length that is not there yet",
			"HTTP/1.1 200 OK\r\nContent-Length: 5\r\n\r\nfine", "fine", HTTP_MORE,
			200, true, false },
		{ "more than the length: nobody asked for it",
			"HTTP/1.1 200 OK\r\ncontent-length:3\r\n\r\nfine", "fin", HTTP_WHOLE,
			200, false, false },
		{ "the same length twice",
			"HTTP/1.1 200 OK\r\nContent-Length: 4\r\nContent-Length: 4\r\n\r\nfine",
			"fine", HTTP_WHOLE, 200, true, false },
		{ "two lengths",
			"HTTP/1.1 200 OK\r\nContent-Length: 4\r\nContent-Length: 5\r\n\r\nfine",
			"", HTTP_WRONG, 200, false, false },
		{ "a length below 0", "HTTP/1.1 200 OK\r\nContent-Length: -4\r\n\r\n", "",
			HTTP_WRONG, 200, false, false },
		{ "the longest number that is read", "HTTP/1.1 200 OK\r\nContent-Length: 000000000000000004\r\n\r\nfine", "fine",
			HTTP_WHOLE, 200, true, false },
		{ "a digit more", "HTTP/1.1 200 OK\r\nContent-Length: 0000000000000000004\r\n\r\nfine", "",
			HTTP_WRONG, 200, false, false },
		{ "a length that nobody has",
			"HTTP/1.1 200 OK\r\nContent-Length: 9999999999999999999\r\n\r\n", "",
			HTTP_WRONG, 200, false, false },
		{ "no body to HEAD", "HTTP/1.1 200 OK\r\nContent-Length: 4\r\n\r\n", "",
			HTTP_WHOLE, 200, true, true },
		{ "no body with 204", "HTTP/1.1 204 No Content\r\nContent-Length: 4\r\n\r\n",
			"", HTTP_WHOLE, 204, true, false },
		{ "no body with 304", "HTTP/1.1 304 Not Modified\r\n\r\n", "", HTTP_WHOLE, 304,
			true, false },
		{ "chunks",
			"HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\n2;a=b\r\nfi\r\nA "
			"\r\n0123456789\r\n0\r\nX: y\r\n\r\n",
			"fi0123456789", HTTP_WHOLE, 200, true, false },
		{ "chunks stand above a length",
			"HTTP/1.1 200 OK\r\nContent-Length: 1\r\nTransfer-Encoding: "
			"chunked\r\n\r\n2\r\nfi\r\n0\r\n\r\n",
			"fi", HTTP_WHOLE, 200, true, false },
		{ "a chunk of no size",
			"HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\nx\r\n", "",
			HTTP_WRONG, 200, false, false },
		{ "a chunk too large for any number",
			"HTTP/1.1 200 OK\r\nTransfer-Encoding: "
			"chunked\r\n\r\n10000000000000000\r\n",
			"", HTTP_WRONG, 200, false, false },
		{ "a chunk that goes on behind its end",
			"HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\n2\r\nfine\r\n",
			"fi", HTTP_WRONG, 200, false, false },
		{ "chunked is not the last coding: up to the close",
			"HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked, gzip\r\n\r\nxyz", "xyz",
			HTTP_MORE, 200, false, false },
		{ "100 goes before the answer",
			"HTTP/1.1 100 Continue\r\nX: y\r\n\r\nHTTP/1.1 200 "
			"OK\r\nContent-Length: "
			"0\r\n\r\n",
			"", HTTP_WHOLE, 200, true, false },
		{ "the server closes",
			"HTTP/1.1 200 OK\r\nConnection: x, Close\r\nContent-Length: "
			"1\r\n\r\nf",
			"f", HTTP_WHOLE, 200, false, false },
		{ "HTTP/1.0 closes", "HTTP/1.0 200 OK\r\nContent-Length: 1\r\n\r\nf", "f",
			HTTP_WHOLE, 200, false, false },
		{ "HTTP/1.0 that keeps",
			"HTTP/1.0 200 OK\r\nConnection: keep-alive\r\nContent-Length: "
			"1\r\n\r\nf",
			"f", HTTP_WHOLE, 200, true, false },
		{ "bare line feeds and no reason", "HTTP/1.1 503\nContent-Length: 1\n\nf", "f",
			HTTP_WHOLE, 503, true, false },
		{ "another protocol", "SSH-2.0-OpenSSH\r\n", "", HTTP_WRONG, 0, false, false },
		{ "it is seen at the first byte", "\x15\x03", "", HTTP_WRONG, 0, false, false },
		{ "HTTP/2 in clear", "HTTP/2 200\r\n\r\n", "", HTTP_WRONG, 0, false, false },
		{ "a status of two digits", "HTTP/1.1 20 OK\r\n\r\n", "", HTTP_WRONG, 0, false,
			false },
		{ "a status of four digits", "HTTP/1.1 2000 OK\r\n\r\n", "", HTTP_WRONG, 0,
			false, false },
		{ "a status from nowhere", "HTTP/1.1 099 OK\r\n\r\n", "", HTTP_WRONG, 0, false,
			false },
	};

	for (size_t i = 0; i < UNIT_COUNT(row); i++) {
		struct http_reply r;
		struct heard h;
		const enum http_got got = take(&r, &h, row[i].text, row[i].head);
		if (got != row[i].got || r.status != row[i].status || r.keeps != row[i].keeps ||
			strcmp(h.body, row[i].body) != 0)
			printf("%s: got %d, status %u, keeps %d, body \"%s\"\n", row[i].say,
				got, r.status, r.keeps, h.body);
		CU_ASSERT_EQUAL(got, row[i].got);
		CU_ASSERT_EQUAL(r.status, row[i].status);
		CU_ASSERT_EQUAL(r.keeps, row[i].keeps);
		CU_ASSERT_STRING_EQUAL(h.body, row[i].body);
	}
}

static void a_close_ends_only_what_has_no_other_end(void)
{
	struct http_reply r;
	struct heard h;

	take(&r, &h, "HTTP/1.1 200 OK\r\n\r\nfine", false);
	CU_ASSERT_EQUAL(http_reply_close(&r), HTTP_WHOLE);
	take(&r, &h, "HTTP/1.1 200 OK\r\nContent-Length: 9\r\n\r\nfine", false);
	CU_ASSERT_EQUAL(http_reply_close(&r), HTTP_MORE);
	take(&r, &h, "HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\n4\r\nfine\r\n",
		false);
	CU_ASSERT_EQUAL(http_reply_close(&r), HTTP_MORE);
	take(&r, &h, "HTTP/1.1 200 OK\r\n", false);
	CU_ASSERT_EQUAL(http_reply_close(&r), HTTP_MORE);
}

static void lines_are_cut_and_heads_have_an_end(void)
{
	struct http_reply r;
	struct heard h;
	char *long_line = calloc(1, HTTP_HEAD_MOST + 1);

	memset(long_line, 'x', HTTP_HEAD_MOST - 100);
	take(&r, &h, "HTTP/1.1 200 OK\r\nX: ", false);
	CU_ASSERT_EQUAL(http_reply_take(&r, long_line, strlen(long_line)), HTTP_MORE);
	CU_ASSERT_EQUAL(http_reply_take(&r, "\r\nContent-Length: 0\r\n\r\n", 23), HTTP_WHOLE);
	CU_ASSERT_EQUAL(h.lines, 3);
	CU_ASSERT_STRING_EQUAL(h.last, "Content-Length: 0");
	memset(long_line, 'x', HTTP_HEAD_MOST);
	take(&r, &h, "HTTP/1.1 200 OK\r\nX: ", false);
	CU_ASSERT_EQUAL(http_reply_take(&r, long_line, strlen(long_line)), HTTP_LONG);
	/* A body of many chunks is not a long head. */
	take(&r, &h, "HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\n", false);
	for (unsigned i = 0; i < HTTP_HEAD_MOST / 8; i++) {
		h.len = 0;
		CU_ASSERT_EQUAL_FATAL(http_reply_take(&r, "1;xxxxxxx\r\na\r\n", 14), HTTP_MORE);
	}
	free(long_line);
}

static void whoever_takes_the_body_may_have_enough(void)
{
	struct http_reply r;
	struct heard h;
	char text[200] = "HTTP/1.1 200 OK\r\nContent-Length: 100\r\n\r\n";

	memset(text + strlen(text), 'x', 100);
	CU_ASSERT_EQUAL(take(&r, &h, text, false), HTTP_ENOUGH);
	CU_ASSERT_FALSE(r.keeps);
}

static void http_2_is_told_from_other_protocols(void)
{
	static const struct {
		const char *say, *bytes;
		size_t len;
		bool two;
	} row[] = {
		{ "no settings", "\0\0\0\4\0\0\0\0\0", 9, true },
		{ "three, and a frame behind them", "\0\0\x12\4\0\0\0\0\0\0\3\0\0\0\x80\0\4\0\1\0\0\0\5\0\xff\xff\xff\0\0\4\x8\0\0\0\0\0\x7f\xff\0\0", 40, true },
		{ "a line end in it", "\0\0\6\4\0\0\0\0\0\0\3\0\0\0\n", 15, true },
		{ "its head is not whole", "\0\0\0\4\0\0\0\0", 8, false },
		{ "another frame", "\0\0\x8\x7\0\0\0\0\0\0\0\0\0\0\0\0\0", 17, false },
		{ "an acknowledgement comes later", "\0\0\0\4\1\0\0\0\0", 9, false },
		{ "of a stream", "\0\0\0\4\0\0\0\0\1", 9, false },
		{ "longer than any", "\1\0\0\4\0\0\0\0\0", 9, false },
		{ "another protocol", "SSH-2.0-OpenSSH\r\n", 17, false },
		{ "no answer, but HTTP/1", "HTTP/1.1 99 x\r\n", 15, false },
	};
	struct heard h = { .len = 0 };
	struct http_reply r;

	for (size_t i = 0; i < UNIT_COUNT(row); i++) {
		http_reply_begin(&r, &(struct http_taker){ &h, take_line, take_body }, false);
		if (http_reply_take(&r, row[i].bytes, row[i].len) != HTTP_WRONG || r.is_two != row[i].two)
			CU_FAIL(row[i].say);
	}
	http_reply_begin(&r, &(struct http_taker){ &h, take_line, take_body }, false);
	CU_ASSERT_FALSE(r.is_two);
}

void suite_http_reply(void)
{
	static const struct unit_case cases[] = {
		{ "an answer ends where RFC 9112 has it end",
			an_answer_ends_where_rfc_9112_has_it_end },
		{ "a close ends only what has no other end",
			a_close_ends_only_what_has_no_other_end },
		{ "lines are cut, and heads have an end", lines_are_cut_and_heads_have_an_end },
		{ "whoever takes the body may have enough",
			whoever_takes_the_body_may_have_enough },
		{ "HTTP/2 is told from other protocols", http_2_is_told_from_other_protocols },
	};

	unit_suite("probe/http_reply", cases, UNIT_COUNT(cases));
}
