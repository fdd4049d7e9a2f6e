#include "probe/check_tls.h"

#include "unit/unit.h"

#include <openssl/x509.h>
#include <stdio.h>
#include <string.h>

static void spans_are_told_in_the_largest_whole_unit(void)
{
	static const struct {
		int64_t s;
		const char *text;
	} row[] = { { 0, "0 seconds" }, { 1, "1 second" }, { 59, "59 seconds" },
		{ 60, "1 minute" }, { 119, "1 minute" }, { 120, "2 minutes" },
		{ 3599, "59 minutes" }, { 3600, "1 hour" }, { 86399, "23 hours" },
		{ 86400, "1 day" }, { 172800, "2 days" }, { -7200, "2 hours" } };

	for (size_t i = 0; i < UNIT_COUNT(row); i++) {
		char buf[32];
		CU_ASSERT_STRING_EQUAL(check_tls_span(buf, row[i].s), row[i].text);
	}
}

static void what_is_wrong_with_a_certificate_is_told(void)
{
	static const struct {
		struct check_tls t;
		const char *text;
	} row[] = {
		{ { .error = X509_V_OK }, NULL },
		{ { .error = X509_V_ERR_CERT_HAS_EXPIRED, .error_left_s = -180000 },
			"certificate expired 2 days ago" },
		{ { .error = X509_V_ERR_CERT_HAS_EXPIRED,
			  .of_issuer = true,
			  .error_left_s = -60 },
			"its issuer's certificate expired 1 minute ago" },
		{ { .error = X509_V_ERR_CERT_NOT_YET_VALID,
			  .error_until_s = 7200,
			  .error_left_s = 1 },
			"certificate is not valid for another 2 hours" },
		{ { .error = X509_V_ERR_DEPTH_ZERO_SELF_SIGNED_CERT },
			"certificate is not signed by an authority that we trust" },
		{ { .error = X509_V_ERR_SELF_SIGNED_CERT_IN_CHAIN },
			"certificate is not signed by an authority that we trust" },
		{ { .error = X509_V_ERR_UNABLE_TO_GET_ISSUER_CERT_LOCALLY },
			"certificate is not signed by an authority that we trust" },
		{ { .error = X509_V_ERR_UNABLE_TO_VERIFY_LEAF_SIGNATURE },
			"certificate is not signed by an authority that we trust" },
		{ { .error = X509_V_ERR_CERT_REVOKED }, "certificate: certificate revoked" },
	};

	for (size_t i = 0; i < UNIT_COUNT(row); i++) {
		char text[200] = "";
		CU_ASSERT_EQUAL(
			check_tls_say(&row[i].t, text, sizeof text), row[i].text != NULL);
		if (row[i].text && strcmp(text, row[i].text) != 0) {
			printf("%s\n", text);
			CU_FAIL(row[i].text);
		}
	}
}

static const struct unit_case cases[] = {
	{ "spans are told in the largest whole unit",
		spans_are_told_in_the_largest_whole_unit },
	{ "what is wrong with a certificate is told",
		what_is_wrong_with_a_certificate_is_told },
};

void suite_check_tls(void);
void suite_check_tls(void)
{
	unit_suite("probe/check_tls", cases, UNIT_COUNT(cases));
}
