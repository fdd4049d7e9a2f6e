/* http_two.h - one request after the other over HTTP/2 (RFC 9113), by nghttp2.
 *
 * Bytes go in and come out; the connection is somebody else's. No pushes, header lists up to
 * HTTP_HEAD_MOST. A thread's own.
 */
#ifndef PROBE_HTTP_TWO_H
#define PROBE_HTTP_TWO_H

#include "base/text.h"
#include "probe/http_reply.h"

struct http_two;

struct http_two_request {
	const char *method, *scheme, *authority, *path;
	/* "Name: value"; ends in NULL. What only HTTP/1 knows is left out. */
	const char *const *headers;
};

/* NULL: no memory. What it has to say goes to `out`, which outlives it. */
struct http_two *http_two_new(const struct http_taker *taker, struct text *out);
void http_two_free(struct http_two *t);

/* False: no more requests are taken over this connection. */
bool http_two_ask(struct http_two *t, const struct http_two_request *r);

/* Bytes from the server, also while nothing is asked; HTTP_WRONG then ends it. */
enum http_got http_two_take(struct http_two *t, const char *bytes, size_t len);

unsigned http_two_status(const struct http_two *t);
bool http_two_keeps(const struct http_two *t);

/* Why a request has failed, in words; "" when it is not known. Borrowed, for good. */
const char *http_two_error(const struct http_two *t);

#endif
