/* http_reply.h - the answer to one HTTP/1 request, as its bytes come (RFC 9112).
 *
 * Lenient where servers are known to be odd (bare LF, HTTP/1.0, no reason), strict where the
 * end of a body would be a guess. Pure: any thread, no memory of its own.
 */
#ifndef PROBE_HTTP_REPLY_H
#define PROBE_HTTP_REPLY_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

enum {
	HTTP_LINE_MOST = 1024,      /* of a header line so much is looked at */
	HTTP_HEAD_MOST = 256 * 1024 /* of all header lines together */
};

enum http_got {
	HTTP_MORE,   /* it goes on */
	HTTP_WHOLE,  /* all of it is there */
	HTTP_ENOUGH, /* whoever takes the body wants no more */
	HTTP_WRONG,  /* this is no HTTP */
	HTTP_LONG    /* the header is longer than HTTP_HEAD_MOST */
};

/* Who takes what is in it. */
struct http_taker {
	void *ctx;
	/* The status line and each header line, without its end, cut at HTTP_LINE_MOST. */
	void (*line)(void *ctx, const char *line, size_t len);
	bool (*body)(void *ctx, const char *bytes, size_t len); /* false: enough */
};

struct http_reply {
	struct http_taker taker;
	bool head;       /* the answer to HEAD: no body follows */
	unsigned status; /* 0 until it is known; of the final answer at the end */
	bool keeps;      /* the connection may serve another request */
	bool is_two;     /* of HTTP_WRONG: it begins as HTTP/2 does */

	/* inner */
	unsigned step;
	char line[HTTP_LINE_MOST];
	size_t line_len, head_len;
	uint64_t left; /* of the body or the chunk */
	bool has_length, chunked, coded, old, said_close, said_keep, wrong;
};

void http_reply_begin(struct http_reply *r, const struct http_taker *taker, bool head);

/* The next bytes. Not after anything but HTTP_MORE. What follows a whole answer makes `keeps`
 * false. */
enum http_got http_reply_take(struct http_reply *r, const char *bytes, size_t len);

/* The other side has closed: HTTP_WHOLE where that is how this answer ends, else HTTP_MORE. */
enum http_got http_reply_close(const struct http_reply *r);

#endif
