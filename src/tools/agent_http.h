/* agent_http.h - HTTP requests on the event loop (libcurl's multi interface).
 *
 * One thread. Redirections are not followed, other schemes than http and https not spoken.
 */
#ifndef TOOLS_AGENT_HTTP_H
#define TOOLS_AGENT_HTTP_H

#include "agent/seal.h"

#include <stddef.h>

struct ev_loop;
struct http;
struct http_request;

enum { HTTP_ANSWER_MOST = 256 << 10, HTTP_PATIENCE_S = 20 };

/* Of https: PEM files, read anew for each connection. */
struct http_tls {
	const char *ca; /* NULL: whom the system trusts */
	const char *cert, *key; /* what is shown; NULL: nothing */
};

struct http_answer {
	unsigned status; /* 0: there was none, and `error` says why */
	const char *error;
	const char *body; /* ends with a NUL, which `len` does not count */
	size_t len;
	unsigned again_s;         /* Retry-After */
	char signature[SEAL_HEX]; /* SEAL_SIGNATURE, or "" */
};

struct http_ask {
	const char *url;
	const char *const *headers; /* ends with NULL */
	const char *body;           /* POST; NULL: GET. Must stay until the end */
	size_t len;
	void *ctx;
	/* Not from within http_start(). What it is given is gone when it returns. */
	void (*done)(void *ctx, const struct http_answer *a);
};

/* NULL: libcurl has no memory. What `tls` points to is borrowed until http_free(). */
struct http *http_new(struct ev_loop *loop, const struct http_tls *tls);
/* After all requests have ended or were stopped. */
void http_free(struct http *h);

/* NULL: libcurl has no memory. Else it ends with `done` or http_stop(). */
struct http_request *http_start(struct http *h, const struct http_ask *ask);
void http_stop(struct http_request *r);

#endif
