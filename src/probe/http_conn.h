/* http_conn.h - a connection to a target: opened, secured, asked, kept or closed.
 *
 * A thread's own. An ask that was begun ends with http_thread_done(), perhaps within the call.
 */
#ifndef PROBE_HTTP_CONN_H
#define PROBE_HTTP_CONN_H

#include "probe/check_tls.h"
#include "probe/http_ask.h"
#include "probe/http_reply.h"
#include "probe/http_two.h"

#include <ev.h>

enum http_state { HTTP_OPENS, HTTP_SHAKES, HTTP_TALKS, HTTP_IDLES };

struct http_conn {
	struct check_tls tls; /* first: it is the app data of `ssl` */
	struct http_thread *thread;
	struct http_peer *peer;
	struct http_ask *ask; /* NULL: it idles */
	ev_io io;
	int watched; /* EV_READ, EV_WRITE */
	enum http_state state;
	SSL *ssl;                   /* NULL: no TLS */
	struct http_tls *made_by;   /* held */
	int64_t end_s, chain_end_s; /* time of day: of the server's certificate; of the first of
				     * the chain */
	struct text out;            /* to be sent, from `out_at` on */
	size_t out_at;
	struct http_two *two; /* NULL: HTTP/1 */
	struct http_reply reply;
	char *body; /* PROBE_BODY_MOST bytes; NULL until it is wanted */
	struct {
		bool met, equal;
		float number; /* NAN: it is none */
	} headers[PROBE_VALUES_MOST]; /* of the probe's values, those in headers */
	size_t body_len;
	size_t body_seen;  /* of it, kept or not */
	bool reused;       /* it served another check before */
	uint64_t heard_us; /* when the answer's first byte came; 0: none yet */
	uint32_t wire_us;  /* that the connection took; 0: it was there */
};

void http_conn_begin(struct http_thread *t, struct http_ask *a);

/* Whatever it is doing; its ask is not told. */
void http_conn_close(struct http_conn *c);

/* --- for the files of connections --------------------------------------------------------- */

/* What an SSL call's result means: AGAIN, and the right events are watched; 0: closed; LOST,
 * and
 * `*err` is an errno, or 0 and OpenSSL's queue has it. */
enum { HTTP_CONN_AGAIN = -1, HTTP_CONN_LOST = -2 };
int http_conn_look(struct http_conn *c, int n, int *err);

/* It is ready: asks. */
void http_conn_ask(struct http_conn *c);

/* Its ask has failed, and why is in the result: hands it back and closes. */
void http_conn_fail(struct http_conn *c);

#endif
