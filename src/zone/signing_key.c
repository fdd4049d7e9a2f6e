#include "zone/signing_key_inner.h"

#include "base/bytes.h"
#include "dns/name.h"

#include <openssl/core_names.h>
#include <openssl/ec.h>
#include <openssl/err.h>
#include <openssl/rsa.h>

#include <pthread.h>
#include <sodium.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/prctl.h>
#include <strings.h>

enum {
	DNSKEY_FIXED = 4, /* flags, protocol, algorithm */
	PROTOCOL = 3,
	DER_MOST = 144, /* an ECDSA signature has at most 104 bytes, of P-384 */
	EC_HALF_MOST = 48
};

static const struct algorithm {
	const char *text, *group; /* `group`: of EC; else what OpenSSL calls it */
	const char *digest;
	uint8_t number, half; /* bytes of r, and of s; 0: no ECDSA */
	uint8_t public;       /* bytes of the public key; 0: RSA's */
} algorithms[] = {
	{ "rsasha256", "RSA", "SHA256", SIGNING_RSASHA256, 0, 0 },
	{ "rsasha512", "RSA", "SHA512", SIGNING_RSASHA512, 0, 0 },
	{ "ecdsap256sha256", "P-256", "SHA256", SIGNING_ECDSAP256SHA256, 32, 64 },
	{ "ecdsap384sha384", "P-384", "SHA384", SIGNING_ECDSAP384SHA384, 48, 96 },
	{ "ed25519", "ED25519", NULL, SIGNING_ED25519, 0, 32 },
	{ "ed448", "ED448", NULL, SIGNING_ED448, 0, 57 },
};

enum { ALGORITHMS = sizeof algorithms / sizeof *algorithms };

static const struct algorithm *of_number(uint8_t number)
{
	for (size_t i = 0; i < ALGORITHMS; i++)
		if (algorithms[i].number == number)
			return &algorithms[i];
	return NULL;
}

static bool is_rsa(const struct algorithm *a)
{
	return !a->public;
}

/* --- memory ------------------------------------------------------------------------------- */

/* Private halves are there, as far as OpenSSL has a say in it: apart from the rest, in no core
 * file, overwritten when they are freed, and in no swap space where the limits allow so much.
 * Some 100 bytes a key. */
enum { SECURE_HEAP = 64 << 20, SECURE_LEAST = 32 };

static void open_heap(void)
{
	CRYPTO_secure_malloc_init(SECURE_HEAP, SECURE_LEAST);
}

void signing_key_heap(void)
{
	static pthread_once_t once = PTHREAD_ONCE_INIT;

	pthread_once(&once, open_heap);
}

/* --- making one --------------------------------------------------------------------------- */

void *signing_key_fault(struct fault *why, const char *what)
{
	const unsigned long code = ERR_get_error();
	const char *reason = code ? ERR_reason_error_string(code) : NULL;

	fault(why, "%s: %s", what, reason ? reason : "there is no memory");
	ERR_clear_error();
	return NULL;
}

static void let_go(struct part *p)
{
	struct signing_key *k = (struct signing_key *)p;

	EVP_MD_CTX_free(k->ready);
	EVP_PKEY_free(k->pkey);
	OPENSSL_secure_clear_free(k->secret, ED25519_SECRET);
	free(k);
}

/* RFC 4034 appendix B. */
static uint16_t tag_of(const uint8_t *rdata, size_t len)
{
	uint32_t sum = 0;

	for (size_t i = 0; i < len; i++)
		sum += i & 1 ? rdata[i] : (uint32_t)rdata[i] << 8;
	return (uint16_t)(sum + (sum >> 16));
}

/* Takes `pkey`. Its memory is of no scope, for OpenSSL's is not either: the count is. */
static struct signing_key *with_dnskey(
	EVP_PKEY *pkey, const uint8_t *dnskey, size_t len, unsigned bits, struct fault *why)
{
	struct signing_key *k = calloc(1, sizeof *k + len);

	if (!k) {
		EVP_PKEY_free(pkey);
		fault(why, "there is no memory for a key");
		return NULL;
	}
	k->part = part_new(let_go);
	k->pkey = pkey;
	k->flags = be16_get(dnskey);
	k->algorithm = dnskey[3];
	k->bits = (uint16_t)bits;
	k->dnskey_len = (uint16_t)len;
	memcpy(k->dnskey, dnskey, len);
	k->tag = tag_of(dnskey, len);
	scope_hold(&k->part, part_undo);
	return k;
}

/* RFC 3110 section 2. Returns the length; 0: it is not of a size of ours. */
static size_t rsa_public(const EVP_PKEY *pkey, uint8_t *to)
{
	BIGNUM *n = NULL, *e = NULL;
	size_t len = 0;

	if (EVP_PKEY_get_bn_param(pkey, OSSL_PKEY_PARAM_RSA_N, &n) == 1 &&
		EVP_PKEY_get_bn_param(pkey, OSSL_PKEY_PARAM_RSA_E, &e) == 1 &&
		BN_num_bits(n) >= SIGNING_RSA_BITS_LEAST &&
		BN_num_bits(n) <= SIGNING_RSA_BITS_MOST && BN_num_bytes(e) < 256) {
		to[0] = (uint8_t)BN_num_bytes(e);
		BN_bn2bin(e, to + 1);
		len = 1u + to[0];
		len += (size_t)BN_bn2bin(n, to + len);
	}
	BN_free(n);
	BN_free(e);
	return len;
}

static size_t public_of(const EVP_PKEY *pkey, const struct algorithm *a, uint8_t *to)
{
	uint8_t point[1 + 2 * EC_HALF_MOST];
	size_t len;

	if (is_rsa(a))
		return rsa_public(pkey, to);
	if (!a->half) {
		len = a->public;
		return EVP_PKEY_get_raw_public_key(pkey, to, &len) == 1 && len == a->public
			? len
			: 0;
	}
	if (EVP_PKEY_get_octet_string_param(
		    pkey, OSSL_PKEY_PARAM_PUB_KEY, point, sizeof point, &len) != 1 ||
		len != 1u + a->public || point[0] != POINT_CONVERSION_UNCOMPRESSED)
		return 0;
	memcpy(to, point + 1, a->public);
	return a->public;
}

/* The kind of key that the algorithm wants? */
static bool is_of(const EVP_PKEY *pkey, const struct algorithm *a)
{
	char group[32];

	if (is_rsa(a))
		return EVP_PKEY_is_a(pkey, "RSA");
	if (!a->half)
		return EVP_PKEY_is_a(pkey, a->group);
	return EVP_PKEY_is_a(pkey, "EC") &&
		EVP_PKEY_get_group_name(pkey, group, sizeof group, NULL) == 1 &&
		strcmp(group, a->half == EC_HALF_MOST ? "secp384r1" : "prime256v1") == 0;
}

struct signing_key *signing_key_of_seed(
	const uint8_t seed[static ED25519_SEED], uint16_t flags, struct fault *why)
{
	uint8_t dnskey[DNSKEY_FIXED + crypto_sign_PUBLICKEYBYTES];
	uint8_t *public = dnskey + DNSKEY_FIXED;

	signing_key_heap();
	uint8_t *secret = OPENSSL_secure_malloc(ED25519_SECRET);
	if (!secret) {
		fault(why, "there is no memory for a key");
		return NULL;
	}
	crypto_sign_seed_keypair(public, secret, seed);
	be16_put(dnskey, flags);
	dnskey[2] = PROTOCOL;
	dnskey[3] = SIGNING_ED25519;
	struct signing_key *k = signing_key_foreign(dnskey, sizeof dnskey, why);
	if (!k) {
		OPENSSL_secure_clear_free(secret, ED25519_SECRET);
		return NULL;
	}
	k->secret = secret;
	k->signature_len = crypto_sign_BYTES;
	return k;
}

/* Takes `pkey`: OpenSSL signs half as fast, and leaves copies of what it reads. */
static struct signing_key *seed_of(EVP_PKEY *pkey, uint16_t flags, struct fault *why)
{
	uint8_t seed[ED25519_SEED];
	size_t len = sizeof seed;
	const bool ok = EVP_PKEY_get_raw_private_key(pkey, seed, &len) == 1;

	EVP_PKEY_free(pkey);
	struct signing_key *k = ok ? signing_key_of_seed(seed, flags, why)
				   : signing_key_fault(why, "no private key of ed25519");
	sodium_memzero(seed, sizeof seed);
	return k;
}

/* Its primes are in memory that a core file has, whatever is done: such a process writes none.
 */
static void keep_from_core(void)
{
	prctl(PR_SET_DUMPABLE, 0);
}

/* What signatures begin with. */
static bool make_ready(struct signing_key *k, const struct algorithm *a)
{
	if (is_rsa(a))
		keep_from_core();
	k->ready = EVP_MD_CTX_new();
	return k->ready &&
		EVP_DigestSignInit_ex(k->ready, NULL, a->digest, NULL, NULL, k->pkey, NULL) ==
		1;
}

struct signing_key *signing_key_of(
	EVP_PKEY *pkey, uint8_t algorithm, uint16_t flags, struct fault *why)
{
	const struct algorithm *a = of_number(algorithm);
	uint8_t dnskey[SIGNING_DNSKEY_MOST];
	char text[SIGNING_TEXT];

	const size_t len = a && is_of(pkey, a) ? public_of(pkey, a, dnskey + DNSKEY_FIXED) : 0;
	if (!len) {
		fault(why, "it is no key of %s that can be signed with%s",
			signing_algorithm_text(text, algorithm),
			a && is_rsa(a) ? " (RSA wants 2048 to 4096 bits)" : "");
		EVP_PKEY_free(pkey);
		return NULL;
	}
	if (algorithm == SIGNING_ED25519)
		return seed_of(pkey, flags, why);
	be16_put(dnskey, flags);
	dnskey[2] = PROTOCOL;
	dnskey[3] = algorithm;
	const unsigned bits = is_rsa(a) ? (unsigned)EVP_PKEY_get_bits(pkey) : 0;
	struct signing_key *k = with_dnskey(pkey, dnskey, DNSKEY_FIXED + len, bits, why);
	if (!k)
		return NULL;
	k->signature_len = is_rsa(a) ? (bits + 7) / 8 : a->half ? 2u * a->half : 114;
	if (!make_ready(k, a)) {
		signing_key_drop(k);
		return signing_key_fault(why, "the key cannot be signed with");
	}
	return k;
}

struct signing_key *signing_key_new(
	enum signing_algorithm number, unsigned bits, uint16_t flags, struct fault *why)
{
	const struct algorithm *a = of_number((uint8_t)number);
	uint8_t seed[ED25519_SEED];

	signing_key_heap();
	if (number == SIGNING_ED25519) {
		randombytes_buf(seed, sizeof seed);
		struct signing_key *k = signing_key_of_seed(seed, flags, why);
		sodium_memzero(seed, sizeof seed);
		return k;
	}
	EVP_PKEY *pkey = is_rsa(a) ? EVP_PKEY_Q_keygen(NULL, NULL, "RSA", (size_t)bits)
		: a->half          ? EVP_PKEY_Q_keygen(NULL, NULL, "EC", a->group)
				   : EVP_PKEY_Q_keygen(NULL, NULL, a->group);

	if (!pkey)
		return signing_key_fault(why, "no key could be made");
	return signing_key_of(pkey, (uint8_t)number, flags, why);
}

/* --- signatures --------------------------------------------------------------------------- */

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
 * a word: so each signature has a copy of the one that is ready. */
bool signing_key_sign(const struct signing_key *k, const uint8_t *data, size_t len, uint8_t *to,
	size_t *to_len)
{
	const size_t half = k->algorithm == SIGNING_ECDSAP256SHA256 ? 32
		: k->algorithm == SIGNING_ECDSAP384SHA384           ? 48
								    : 0;
	uint8_t der[DER_MOST];
	size_t der_len = sizeof der;

	*to_len = k->signature_len;
	if (k->secret)
		return crypto_sign_detached(to, NULL, data, len, k->secret) == 0;
	EVP_MD_CTX *c = k->ready ? EVP_MD_CTX_new() : NULL;
	bool ok = c && EVP_MD_CTX_copy_ex(c, k->ready) == 1;
	if (ok && half)
		ok = EVP_DigestSign(c, der, &der_len, data, len) == 1 &&
			der_split(der, der_len, to, half);
	else if (ok)
		ok = EVP_DigestSign(c, to, to_len, data, len) == 1 &&
			*to_len == k->signature_len;
	EVP_MD_CTX_free(c);
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
	const struct algorithm *a = of_number(k->algorithm);
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

/* --- of other signers --------------------------------------------------------------------- */

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
	/* OSSL_PARAM has numbers in the order of the machine. */
	uint8_t e[SIGNING_DNSKEY_MOST], n[SIGNING_DNSKEY_MOST];
	const size_t n_len = len - skip - e_len;
	for (size_t i = 0; i < e_len; i++)
		e[i] = p[skip + e_len - 1 - i];
	for (size_t i = 0; i < n_len; i++)
		n[i] = p[len - 1 - i];
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

static EVP_PKEY *ec_foreign(const struct algorithm *a, const uint8_t *p)
{
	uint8_t point[1 + 2 * EC_HALF_MOST] = { POINT_CONVERSION_UNCOMPRESSED };
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
static EVP_PKEY *foreign_public(const struct algorithm *a, const uint8_t *p, size_t len)
{
	if (is_rsa(a))
		return rsa_foreign(p, len);
	if (len != a->public)
		return NULL;
	return a->half ? ec_foreign(a, p)
		       : EVP_PKEY_new_raw_public_key_ex(NULL, a->group, NULL, p, len);
}

struct signing_key *signing_key_foreign(const uint8_t *dnskey, size_t len, struct fault *why)
{
	EVP_PKEY *pkey = NULL;

	if (len <= DNSKEY_FIXED || len > SIGNING_DNSKEY_MOST || dnskey[2] != PROTOCOL) {
		fault(why, "it is no DNSKEY record of the protocol 3");
		return NULL;
	}
	const struct algorithm *a = of_number(dnskey[3]);
	if (a && !(pkey = foreign_public(a, dnskey + DNSKEY_FIXED, len - DNSKEY_FIXED))) {
		ERR_clear_error();
		fault(why, "it is no public key of %s", a->text);
		return NULL;
	}
	return with_dnskey(
		pkey, dnskey, len, a && is_rsa(a) ? (unsigned)EVP_PKEY_get_bits(pkey) : 0, why);
}

/* --- what it is --------------------------------------------------------------------------- */

struct signing_key *signing_key_hold(struct signing_key *k)
{
	part_hold(k ? &k->part : NULL);
	return k;
}

void signing_key_drop(struct signing_key *k)
{
	part_drop(k ? &k->part : NULL);
}

struct signing_key *signing_key_keep(struct signing_key *k)
{
	part_keep(k ? &k->part : NULL);
	return k;
}

void signing_key_release(struct signing_key *k)
{
	part_release(k ? &k->part : NULL);
}

bool signing_key_can_sign(const struct signing_key *k)
{
	return k->ready || k->secret;
}

size_t signing_key_signature_len(const struct signing_key *k)
{
	return k->signature_len;
}

uint8_t signing_key_algorithm(const struct signing_key *k)
{
	return k->algorithm;
}

uint16_t signing_key_flags(const struct signing_key *k)
{
	return k->flags;
}

unsigned signing_key_bits(const struct signing_key *k)
{
	return k->bits;
}

uint16_t signing_key_tag(const struct signing_key *k)
{
	return k->tag;
}

const uint8_t *signing_key_dnskey(const struct signing_key *k, size_t *len)
{
	*len = k->dnskey_len;
	return k->dnskey;
}

bool signing_key_same(const struct signing_key *a, const struct signing_key *b)
{
	return a->dnskey_len == b->dnskey_len && memcmp(a->dnskey, b->dnskey, a->dnskey_len) == 0;
}

size_t signing_key_ds(const struct signing_key *k, const uint8_t *apex, uint8_t digest,
	uint8_t to[static SIGNING_DS_MOST])
{
	const char *by = digest == SIGNING_DIGEST_SHA256 ? "SHA256"
		: digest == SIGNING_DIGEST_SHA384        ? "SHA384"
							 : NULL;
	uint8_t data[NAME_MOST + SIGNING_DNSKEY_MOST];
	const size_t name = name_len(apex);
	size_t len = 0;

	be16_put(to, k->tag);
	to[2] = k->algorithm;
	to[3] = digest;
	name_lower(data, apex, name);
	memcpy(data + name, k->dnskey, k->dnskey_len);
	if (!by || EVP_Q_digest(NULL, by, NULL, data, name + k->dnskey_len, to + 4, &len) != 1)
		return 0;
	return 4 + len;
}

/* --- algorithms --------------------------------------------------------------------------- */

const char *signing_algorithm_text(char buf[static SIGNING_TEXT], uint8_t algorithm)
{
	const struct algorithm *a = of_number(algorithm);

	if (a)
		snprintf(buf, SIGNING_TEXT, "%s", a->text);
	else
		snprintf(buf, SIGNING_TEXT, "algorithm %u", algorithm);
	return buf;
}

bool signing_algorithm_parse(const char *text, enum signing_algorithm *to)
{
	for (size_t i = 0; i < ALGORITHMS; i++) {
		char number[4];
		snprintf(number, sizeof number, "%u", algorithms[i].number);
		if (strcasecmp(text, algorithms[i].text) == 0 || strcmp(text, number) == 0) {
			*to = algorithms[i].number;
			return true;
		}
	}
	return false;
}

bool signing_algorithm_known(uint8_t algorithm)
{
	return of_number(algorithm) != NULL;
}
