/* signing_key_inner.h - what a key is made of, for the files that make and write one.
 */
#ifndef ZONE_SIGNING_KEY_INNER_H
#define ZONE_SIGNING_KEY_INNER_H

#include "base/part.h"
#include "zone/signing_key.h"

#include <openssl/evp.h>

enum {
	ED25519_SEED = 32,
	ED25519_SECRET = 64,
	SIGNING_DNSKEY_FIXED = 4, /* flags, protocol, algorithm */
	SIGNING_PROTOCOL = 3,
	SIGNING_HALF_MOST = 48
};

struct signing_kind {
	const char *text, *group; /* `group`: of EC; else what OpenSSL calls it */
	const char *digest;
	uint8_t number, half; /* bytes of r, and of s; 0: no ECDSA */
	uint8_t public;       /* bytes of the public key; 0: RSA's */
};

/* NULL: we do not sign with it. */
const struct signing_kind *signing_kind(uint8_t algorithm);
bool signing_kind_rsa(const struct signing_kind *a);

struct signing_key {
	struct part part;
	EVP_PKEY *pkey; /* NULL: of an unknown algorithm; of Ed25519, or foreign, the public half */
	EVP_MD_CTX *ready; /* to sign with: copied for each signature; NULL: Ed25519, or foreign */
	uint8_t *secret; /* of Ed25519, libsodium's form; NULL: another, or foreign */
	size_t signature_len;
	uint16_t flags, tag, bits;
	uint8_t algorithm;
	uint16_t dnskey_len;
	uint8_t dnskey[];
};

/* Takes `pkey`, which has a private half. NULL: `why`; `pkey` is gone then, too. */
struct signing_key *signing_key_of(
	EVP_PKEY *pkey, uint8_t algorithm, uint16_t flags, struct fault *why);

/* Takes `pkey`, or NULL, with its DNSKEY record's RDATA (copied). Its memory is of no scope, for
 * OpenSSL's is not either: the count is. NULL: `why`; `pkey` is gone then, too. */
struct signing_key *signing_key_with(
	EVP_PKEY *pkey, const uint8_t *dnskey, size_t len, unsigned bits, struct fault *why);

/* Before anything of a private half is in memory: it goes to a heap of its own. Any thread. */
void signing_key_heap(void);

/* Of Ed25519, by its private half as files have it. */
struct signing_key *signing_key_of_seed(
	const uint8_t seed[static ED25519_SEED], uint16_t flags, struct fault *why);

/* What OpenSSL says of its last fault. Always NULL. */
void *signing_key_fault(struct fault *why, const char *what);

#endif
