/* check_tls.h - what is wrong with a certificate, in words; and when it ends.
 */
#ifndef PROBE_CHECK_TLS_H
#define PROBE_CHECK_TLS_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

/* What a handshake has shown. */
struct check_tls {
	int error;      /* X509_V_ERR_... of the first thing that was wrong; 0: nothing */
	bool of_issuer; /* ... with a certificate of its issuers */
	int64_t error_left_s, error_until_s; /* that certificate's end and beginning from now */
};

/* Has every handshake with this SSL_CTX fill the struct check_tls that is its SSL's app data.
 * With `verify` it ends where something is wrong. */
void check_tls_watch(void *ssl_ctx, bool verify);

/* The time of day at which the server's certificate ends, or with `chain` the first of those
 * that it was verified by; 0: there is none. */
int64_t check_tls_end_s(const void *ssl, bool chain);

/* "certificate expired 2 days ago"; false when there was nothing wrong but the name. */
bool check_tls_say(const struct check_tls *t, char *to, size_t room);

/* "2 days", "3 hours", "1 minute". */
const char *check_tls_span(char buf[static 32], int64_t seconds);

#endif
