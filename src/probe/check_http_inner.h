/* check_http_inner.h - a request in flight; for the files of HTTP probes.
 */
#ifndef PROBE_CHECK_HTTP_INNER_H
#define PROBE_CHECK_HTTP_INNER_H

#include "probe/check.h"
#include "probe/check_tls.h"

#include <curl/curl.h>

struct check_http;

struct http {
	struct check_http *all;
	struct http *after; /* while idle */
	CURL *easy;
	struct check *check;
	struct curl_slist *connect_to, *headers;
	struct check_tls tls;
	char *body; /* PROBE_BODY_MOST bytes; NULL until it is wanted */
	size_t body_len;
	bool enough; /* of the body was read; the rest is not waited for */
	int fd;      /* a connection for libcurl to take; -1: none, or taken */
	char error[CURL_ERROR_SIZE];
};

/* What came of a request that is over: fills its check's result. */
void check_http_say(struct http *h, CURLcode code);

#endif
