/* http_talk.h - the request that a check makes, and what came of it in words.
 */
#ifndef PROBE_HTTP_TALK_H
#define PROBE_HTTP_TALK_H

#include "probe/http_conn.h"

/* Puts the request into what is to be sent. False: the connection takes none, or there is no
 * memory. */
bool http_talk_ask(struct http_conn *c);

/* Bytes from the server, while one is in flight. */
enum http_got http_talk_take(struct http_conn *c, const char *bytes, size_t len);

/* May the connection serve another? */
bool http_talk_keeps(const struct http_conn *c);

/* Fill the result of its ask: the answer is there; it is no good; the connection has ended, or
 * TLS has failed. */
void http_talk_say_answer(struct http_conn *c);
void http_talk_say_wrong(struct http_conn *c, enum http_got got);
void http_talk_say_closed(struct http_conn *c, int err); /* errno; 0: closed */
void http_talk_say_handshake(struct http_conn *c, unsigned long err, int sys);

/* The name that its certificate must have, or NULL and `addr` filled. */
const char *http_talk_tls_name(const struct http_ask *a, char addr[static ADDR_TEXT]);

/* Has the server chosen HTTP/2? Without TLS: has the operator? */
bool http_talk_is_two(const struct http_conn *c);

/* OpenSSL's words for it. */
const char *http_talk_tls_error(unsigned long err);

#endif
