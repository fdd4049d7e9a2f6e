#include "probe/check_tls.h"

#include <openssl/ssl.h>
#include <openssl/x509.h>
#include <stdio.h>
#include <stdlib.h>
#include <time.h>

/* From now to that time; certificates live by the time of day. */
static int64_t seconds_to(const ASN1_TIME *t)
{
	int days = 0, seconds = 0;

	if (!t || !ASN1_TIME_diff(&days, &seconds, NULL, t))
		return 0;
	return (int64_t)days * 86400 + seconds;
}

static int on_verify(int ok, X509_STORE_CTX *x)
{
	SSL *ssl = X509_STORE_CTX_get_ex_data(x, SSL_get_ex_data_X509_STORE_CTX_idx());
	struct check_tls *t = SSL_get_app_data(ssl);
	const X509 *here = X509_STORE_CTX_get_current_cert(x);

	if (!ok && !t->error) {
		t->error = X509_STORE_CTX_get_error(x);
		t->of_issuer = X509_STORE_CTX_get_error_depth(x) > 0;
		t->error_left_s = here ? seconds_to(X509_get0_notAfter(here)) : 0;
		t->error_until_s = here ? seconds_to(X509_get0_notBefore(here)) : 0;
	}
	return ok;
}

void check_tls_watch(void *ssl_ctx, bool verify)
{
	SSL_CTX_set_verify(ssl_ctx, verify ? SSL_VERIFY_PEER : SSL_VERIFY_NONE, on_verify);
}

static int64_t end_of(const X509 *x)
{
	struct tm tm;

	if (!x || ASN1_TIME_to_tm(X509_get0_notAfter(x), &tm) != 1)
		return 0;
	return timegm(&tm);
}

int64_t check_tls_end_s(const void *ssl, bool chain)
{
	const STACK_OF(X509) *all = chain ? SSL_get0_verified_chain(ssl) : NULL;
	int64_t first = end_of(SSL_get0_peer_certificate(ssl));

	for (int i = 0; i < sk_X509_num(all); i++) {
		const int64_t end = end_of(sk_X509_value(all, i));
		if (end && (!first || end < first))
			first = end;
	}
	return first;
}

const char *check_tls_span(char buf[static 32], int64_t seconds)
{
	static const struct {
		int64_t s;
		const char *one;
	} units[] = { { 86400, "day" }, { 3600, "hour" }, { 60, "minute" }, { 1, "second" } };
	const int64_t s = llabs(seconds);
	unsigned i = 0;

	while (i < 3 && s < units[i].s)
		i++;
	const long long n = s / units[i].s;
	snprintf(buf, 32, "%lld %s%s", n, units[i].one, n == 1 ? "" : "s");
	return buf;
}

bool check_tls_say(const struct check_tls *t, char *to, size_t room)
{
	const char *whose = t->of_issuer ? "its issuer's certificate" : "certificate";
	char span[32];

	switch (t->error) {
	case X509_V_OK:
	case X509_V_ERR_HOSTNAME_MISMATCH:
	case X509_V_ERR_IP_ADDRESS_MISMATCH: return false;
	case X509_V_ERR_CERT_HAS_EXPIRED:
		snprintf(to, room, "%s expired %s ago", whose,
			check_tls_span(span, t->error_left_s));
		return true;
	case X509_V_ERR_CERT_NOT_YET_VALID:
		snprintf(to, room, "%s is not valid for another %s", whose,
			check_tls_span(span, t->error_until_s));
		return true;
	case X509_V_ERR_DEPTH_ZERO_SELF_SIGNED_CERT:
	case X509_V_ERR_SELF_SIGNED_CERT_IN_CHAIN:
	case X509_V_ERR_UNABLE_TO_GET_ISSUER_CERT_LOCALLY:
	case X509_V_ERR_UNABLE_TO_VERIFY_LEAF_SIGNATURE:
		snprintf(to, room, "certificate is not signed by an authority that we trust");
		return true;
	default:
		snprintf(to, room, "%s: %s", whose, X509_verify_cert_error_string(t->error));
		return true;
	}
}
