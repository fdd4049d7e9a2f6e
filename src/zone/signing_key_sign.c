/* Signatures are made and verified: what of OpenSSL's forms DNSSEC has otherwise. */
#include "zone/signing_key_inner.h"

#include <openssl/err.h>

#include <sodium.h>
#include <stdlib.h>
#include <string.h>

enum { DER_MOST = 144 }; /* an ECDSA signature has at most 104 bytes, of P-384 */

/* A number of DER, at `*p`, as `half` bytes. */
static bool der_number(const uint8_t **p, const uint8_t *end, uint8_t *to, size_t half)
{
	if (end - *p < 2 || (*p)[0] != 2 || (*p)[1] > end - *p - 2)
		return false;
	const uint8_t *at = *p + 2, *stop = at + (*p)[1];
	*p = stop;
	while (at < stop && !*at)
		at++;
	const size_t len = (size_t)(stop - at);
	if (len > half)
		return false;
	memset(to, 0, half - len);
	memcpy(to + half - len, at, len);
	return true;
}

/* ECDSA-Sig-Value of RFC 3279, as OpenSSL makes it. */
static bool der_split(const uint8_t *der, size_t len, uint8_t *to, size_t half)
{
	const uint8_t *p = der + 2, *end = der + len;

	return len > 2 && der[0] == 0x30 && der[1] == len - 2 &&
		der_number(&p, end, to, half) && der_number(&p, end, to + half, half) &&
		p == end;
}

/* A context that has signed ECDSA once signs both data together when it is used again, without
 * a word: so of a digest, for that has no such trap, and all is made once and not each time. */
struct signer {
	EVP_PKEY *of; /* held */
	EVP_PKEY_CTX *by;
	EVP_MD_CTX *digest;
	struct signer *next;
};

void signer_free(struct signer *s)
{
	while (s) {
		struct signer *next = s->next;
		EVP_MD_CTX_free(s->digest);
		EVP_PKEY_CTX_free(s->by);
		EVP_PKEY_free(s->of);
		free(s);
		s = next;
	}
}

static struct signer *signer_new(const struct signing_key *k)
{
	struct signer *s = calloc(1, sizeof *s);
	EVP_MD *md = EVP_MD_fetch(NULL, signing_kind(k->algorithm)->digest, NULL);

	if (s && EVP_PKEY_up_ref(k->pkey) == 1) {
		s->of = k->pkey;
		s->by = EVP_PKEY_CTX_new_from_pkey(NULL, k->pkey, NULL);
		s->digest = EVP_MD_CTX_new();
	}
	const bool ok = md && s && s->by && s->digest && EVP_PKEY_sign_init(s->by) == 1 &&
		EVP_DigestInit_ex2(s->digest, md, NULL) == 1;
	EVP_MD_free(md); /* the context has it */
	if (ok)
		return s;
	signer_free(s);
	return NULL;
}

/* The one of that key; it is the first of the list then. */
static struct signer *signer_of(struct signer **list, const struct signing_key *k)
{
	struct signer **at = list;

	while (*at && (*at)->of != k->pkey)
		at = &(*at)->next;
	struct signer *s = *at;
	if (s)
		*at = s->next;
	else if (!(s = signer_new(k)))
		return NULL;
	s->next = *list;
	*list = s;
	return s;
}

static bool sign_ecdsa(struct signer *s, const uint8_t *data, size_t len, uint8_t *to, size_t half)
{
	uint8_t der[DER_MOST], digest[EVP_MAX_MD_SIZE];
	size_t der_len = sizeof der;
	unsigned digest_len;

	return EVP_DigestInit_ex2(s->digest, NULL, NULL) == 1 &&
		EVP_DigestUpdate(s->digest, data, len) == 1 &&
		EVP_DigestFinal_ex(s->digest, digest, &digest_len) == 1 &&
		EVP_PKEY_sign(s->by, der, &der_len, digest, digest_len) == 1 &&
		der_split(der, der_len, to, half);
}

/* RSA and Ed448: each signature has a copy of the context that is ready. */
static bool sign_copy(const struct signing_key *k, const uint8_t *data, size_t len, uint8_t *to)
{
	size_t to_len = k->signature_len;
	EVP_MD_CTX *c = EVP_MD_CTX_new();
	const bool ok = c && EVP_MD_CTX_copy_ex(c, k->ready) == 1 &&
		EVP_DigestSign(c, to, &to_len, data, len) == 1 && to_len == k->signature_len;

	EVP_MD_CTX_free(c);
	return ok;
}

bool signer_sign(struct signer **list, const struct signing_key *k, struct signer_data data,
	uint8_t *to)
{
	if (k->secret)
		return crypto_sign_detached(to, NULL, data.bytes, data.len, k->secret) == 0;
	if (!k->ready)
		return false;
	const size_t half = signing_kind(k->algorithm)->half;
	if (!half)
		return sign_copy(k, data.bytes, data.len, to);
	struct signer *s = signer_of(list, k);
	return s && sign_ecdsa(s, data.bytes, data.len, to, half);
}

bool signing_key_sign(const struct signing_key *k, const uint8_t *data, size_t len, uint8_t *to,
	size_t *to_len)
{
	struct signer *s = NULL;
	const bool ok = signer_sign(&s, k, (struct signer_data){ data, len }, to);

	*to_len = k->signature_len;
	signer_free(s);
	return ok;
}

/* r and s as DER. Returns its length. */
static size_t der_join(uint8_t der[static DER_MOST], const uint8_t *rs, size_t half)
{
	uint8_t *p = der + 2;

	for (size_t n = 0; n < 2; n++, rs += half) {
		size_t zeros = 0;
		while (zeros + 1 < half && !rs[zeros])
			zeros++;
		const bool pad = rs[zeros] & 0x80;
		*p++ = 2;
		*p++ = (uint8_t)(half - zeros + pad);
		if (pad)
			*p++ = 0;
		memcpy(p, rs + zeros, half - zeros);
		p += half - zeros;
	}
	der[0] = 0x30;
	der[1] = (uint8_t)(p - der - 2);
	return (size_t)(p - der);
}

bool signing_key_verify(const struct signing_key *k, const uint8_t *data, size_t len,
	const uint8_t *signature, size_t signature_len)
{
	const struct signing_kind *a = signing_kind(k->algorithm);
	uint8_t der[DER_MOST];

	if (!a || !k->pkey)
		return false;
	if (a->half) {
		if (signature_len != 2u * a->half)
			return false;
		signature_len = der_join(der, signature, a->half);
		signature = der;
	}
	EVP_MD_CTX *c = EVP_MD_CTX_new();
	const bool ok = c &&
		EVP_DigestVerifyInit_ex(c, NULL, a->digest, NULL, NULL, k->pkey, NULL) == 1 &&
		EVP_DigestVerify(c, signature, signature_len, data, len) == 1;
	EVP_MD_CTX_free(c);
	ERR_clear_error();
	return ok;
}
