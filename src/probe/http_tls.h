/* http_tls.h - what a thread trusts, and shows of itself, in TLS handshakes.
 *
 * One context for each probe, made of the files that it names, and made anew when one of them
 * changes: connections and sessions of the one before are not used again then. A thread's own.
 */
#ifndef PROBE_HTTP_TLS_H
#define PROBE_HTTP_TLS_H

#include "base/fault.h"
#include "probe/http_plan.h"

#include <openssl/ssl.h>

/* Counted, without atomics. */
struct http_tls {
	unsigned refs;
	SSL_CTX *ctx;
};

struct http_tls_files;

/* `session` is told each session that can be resumed, and says whether it has kept it. */
struct http_tls_files *http_tls_files_new(int (*session)(SSL *ssl, SSL_SESSION *s));
void http_tls_files_free(struct http_tls_files *f);

/* The context of a probe as its files are now (looked at once a second); borrowed until the
 * next call. Files that have become bad are as they were before, and `notice` says so, else it
 * is
 * "". NULL, and a sentence: they have never been good. */
struct http_tls *http_tls_of(struct http_tls_files *f, struct http_plan *plan,
	const char **notice, struct fault *why);

struct http_tls *http_tls_hold(struct http_tls *t);
void http_tls_drop(struct http_tls *t); /* NULL is allowed */

#endif
