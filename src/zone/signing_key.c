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

struct signing_key *signing_key_with(
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

static size_t public_of(const EVP_PKEY *pkey, const struct signing_kind *a, uint8_t *to)
{
	uint8_t point[1 + 2 * SIGNING_HALF_MOST];
	size_t len;

	if (signing_kind_rsa(a))
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
static bool is_of(const EVP_PKEY *pkey, const struct signing_kind *a)
{
	char group[32];

	if (signing_kind_rsa(a))
		return EVP_PKEY_is_a(pkey, "RSA");
	if (!a->half)
		return EVP_PKEY_is_a(pkey, a->group);
	return EVP_PKEY_is_a(pkey, "EC") &&
		EVP_PKEY_get_group_name(pkey, group, sizeof group, NULL) == 1 &&
		strcmp(group, a->half == SIGNING_HALF_MOST ? "secp384r1" : "prime256v1") == 0;
}

struct signing_key *signing_key_of_seed(
	const uint8_t seed[static ED25519_SEED], uint16_t flags, struct fault *why)
{
	uint8_t dnskey[SIGNING_DNSKEY_FIXED + crypto_sign_PUBLICKEYBYTES];
	uint8_t *public = dnskey + SIGNING_DNSKEY_FIXED;

	signing_key_heap();
	uint8_t *secret = OPENSSL_secure_malloc(ED25519_SECRET);
	if (!secret) {
		fault(why, "there is no memory for a key");
		return NULL;
	}
	crypto_sign_seed_keypair(public, secret, seed);
	be16_put(dnskey, flags);
	dnskey[2] = SIGNING_PROTOCOL;
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
static bool make_ready(struct signing_key *k, const struct signing_kind *a)
{
	if (signing_kind_rsa(a))
		keep_from_core();
	k->ready = EVP_MD_CTX_new();
	return k->ready &&
		EVP_DigestSignInit_ex(k->ready, NULL, a->digest, NULL, NULL, k->pkey, NULL) ==
		1;
}

struct signing_key *signing_key_of(
	EVP_PKEY *pkey, uint8_t algorithm, uint16_t flags, struct fault *why)
{
	const struct signing_kind *a = signing_kind(algorithm);
	uint8_t dnskey[SIGNING_DNSKEY_MOST];
	char text[SIGNING_TEXT];

	const size_t len = a && is_of(pkey, a) ? public_of(pkey, a, dnskey + SIGNING_DNSKEY_FIXED) : 0;
	if (!len) {
		fault(why, "it is no key of %s that can be signed with%s",
			signing_algorithm_text(text, algorithm),
			a && signing_kind_rsa(a) ? " (RSA wants 2048 to 4096 bits)" : "");
		EVP_PKEY_free(pkey);
		return NULL;
	}
	if (algorithm == SIGNING_ED25519)
		return seed_of(pkey, flags, why);
	be16_put(dnskey, flags);
	dnskey[2] = SIGNING_PROTOCOL;
	dnskey[3] = algorithm;
	const unsigned bits = signing_kind_rsa(a) ? (unsigned)EVP_PKEY_get_bits(pkey) : 0;
	struct signing_key *k = signing_key_with(pkey, dnskey, SIGNING_DNSKEY_FIXED + len, bits, why);
	if (!k)
		return NULL;
	k->signature_len = signing_kind_rsa(a) ? (bits + 7) / 8 : a->half ? 2u * a->half : 114;
	if (!make_ready(k, a)) {
		signing_key_drop(k);
		return signing_key_fault(why, "the key cannot be signed with");
	}
	return k;
}

struct signing_key *signing_key_new(
	enum signing_algorithm number, unsigned bits, uint16_t flags, struct fault *why)
{
	const struct signing_kind *a = signing_kind((uint8_t)number);
	uint8_t seed[ED25519_SEED];

	signing_key_heap();
	if (number == SIGNING_ED25519) {
		randombytes_buf(seed, sizeof seed);
		struct signing_key *k = signing_key_of_seed(seed, flags, why);
		sodium_memzero(seed, sizeof seed);
		return k;
	}
	EVP_PKEY *pkey = signing_kind_rsa(a) ? EVP_PKEY_Q_keygen(NULL, NULL, "RSA", (size_t)bits)
		: a->half          ? EVP_PKEY_Q_keygen(NULL, NULL, "EC", a->group)
				   : EVP_PKEY_Q_keygen(NULL, NULL, a->group);

	if (!pkey)
		return signing_key_fault(why, "no key could be made");
	return signing_key_of(pkey, (uint8_t)number, flags, why);
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
