/* Keys of other signers, by their DNSKEY records. */
#include "zone/signing_key_inner.h"

#include "base/bytes.h"

#include <openssl/core_names.h>
#include <openssl/ec.h>
#include <openssl/err.h>

#include <stdio.h>
#include <string.h>

/* OSSL_PARAM has numbers in the order of the machine. */
static void turn(uint8_t *to, const uint8_t *from, size_t len)
{
	for (size_t i = 0; i < len; i++)
		to[i] = from[__BYTE_ORDER__ == __ORDER_LITTLE_ENDIAN__ ? len - 1 - i : i];
}

static EVP_PKEY *rsa_foreign(const uint8_t *p, size_t len)
{
	size_t e_len = len ? p[0] : 0, skip = 1;
	EVP_PKEY *pkey = NULL;
	OSSL_PARAM params[3];

	if (!e_len && len > 3) {
		e_len = be16_get(p + 1);
		skip = 3;
	}
	if (!e_len || len <= skip + e_len)
		return NULL;
	uint8_t e[SIGNING_DNSKEY_MOST], n[SIGNING_DNSKEY_MOST];
	const size_t n_len = len - skip - e_len;
	turn(e, p + skip, e_len);
	turn(n, p + skip + e_len, n_len);
	params[0] = OSSL_PARAM_construct_BN(OSSL_PKEY_PARAM_RSA_N, n, n_len);
	params[1] = OSSL_PARAM_construct_BN(OSSL_PKEY_PARAM_RSA_E, e, e_len);
	params[2] = OSSL_PARAM_construct_end();
	EVP_PKEY_CTX *c = EVP_PKEY_CTX_new_from_name(NULL, "RSA", NULL);
	if (!c || EVP_PKEY_fromdata_init(c) != 1 ||
		EVP_PKEY_fromdata(c, &pkey, EVP_PKEY_PUBLIC_KEY, params) != 1)
		pkey = NULL;
	EVP_PKEY_CTX_free(c);
	return pkey;
}

static EVP_PKEY *ec_foreign(const struct signing_kind *a, const uint8_t *p)
{
	uint8_t point[1 + 2 * SIGNING_HALF_MOST] = { POINT_CONVERSION_UNCOMPRESSED };
	char group[8];
	EVP_PKEY *pkey = NULL;

	snprintf(group, sizeof group, "%s", a->group);
	memcpy(point + 1, p, a->public);
	OSSL_PARAM params[] = {
		OSSL_PARAM_construct_utf8_string(OSSL_PKEY_PARAM_GROUP_NAME, group, 0),
		OSSL_PARAM_construct_octet_string(
			OSSL_PKEY_PARAM_PUB_KEY, point, 1u + a->public),
		OSSL_PARAM_construct_end(),
	};
	EVP_PKEY_CTX *c = EVP_PKEY_CTX_new_from_name(NULL, "EC", NULL);
	if (!c || EVP_PKEY_fromdata_init(c) != 1 ||
		EVP_PKEY_fromdata(c, &pkey, EVP_PKEY_PUBLIC_KEY, params) != 1)
		pkey = NULL;
	EVP_PKEY_CTX_free(c);
	return pkey;
}

/* NULL: no such key. */
static EVP_PKEY *foreign_public(const struct signing_kind *a, const uint8_t *p, size_t len)
{
	if (signing_kind_rsa(a))
		return rsa_foreign(p, len);
	if (len != a->public)
		return NULL;
	return a->half ? ec_foreign(a, p)
		       : EVP_PKEY_new_raw_public_key_ex(NULL, a->group, NULL, p, len);
}

struct signing_key *signing_key_foreign(const uint8_t *dnskey, size_t len, struct fault *why)
{
	EVP_PKEY *pkey = NULL;

	if (len <= SIGNING_DNSKEY_FIXED || len > SIGNING_DNSKEY_MOST || dnskey[2] != SIGNING_PROTOCOL) {
		fault(why, "it is no DNSKEY record of the protocol 3");
		return NULL;
	}
	const struct signing_kind *a = signing_kind(dnskey[3]);
	if (a && !(pkey = foreign_public(a, dnskey + SIGNING_DNSKEY_FIXED, len - SIGNING_DNSKEY_FIXED))) {
		ERR_clear_error();
		fault(why, "it is no public key of %s", a->text);
		return NULL;
	}
	return signing_key_with(
		pkey, dnskey, len, a && signing_kind_rsa(a) ? (unsigned)EVP_PKEY_get_bits(pkey) : 0, why);
}
