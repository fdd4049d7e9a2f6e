/* check_tls.h - what is wrong with a certificate, in words; and when it ends.
 */
#ifndef PROBE_CHECK_TLS_H
#define PROBE_CHECK_TLS_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

/* What a handshake has shown. */
struct check_tls {
	bool seen;      /* the server's own certificate, and: */
	int64_t left_s; /* it is valid for so long; negative: since so long no more */
	int error;      /* X509_V_ERR_... of the first thing that was wrong; 0: nothing */
	bool of_issuer; /* ... with a certificate of its issuers */
	int64_t error_left_s, error_until_s; /* that certificate's end and beginning from now */
};

/* Has a handshake with this SSL_CTX fill `t`, which must outlive it. Verification itself stays
 * as it is. */
void check_tls_watch(void *ssl_ctx, struct check_tls *t);

/* "certificate expired 2 days ago"; false when there was nothing wrong. */
bool check_tls_say(const struct check_tls *t, char *to, size_t room);

/* "2 days", "3 hours", "1 minute". */
const char *check_tls_span(char buf[static 32], int64_t seconds);

#endif
