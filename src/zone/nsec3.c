/* The one-shot and EVP functions of OpenSSL 3 allocate and look up the algorithm each time;
 * these do neither, and use the processor's SHA instructions as well. */
#define OPENSSL_SUPPRESS_DEPRECATED

#include "zone/nsec3.h"

#include <openssl/sha.h>
#include <string.h>

_Static_assert(NSEC3_HASH == SHA_DIGEST_LENGTH, "NSEC3 hashes are SHA-1");

void nsec3_hash(uint8_t to[static NSEC3_HASH], const struct nsec3_params *params,
	const uint8_t *name, size_t len)
{
	SHA_CTX sha;

	for (unsigned i = 0;; i++) {
		SHA1_Init(&sha);
		SHA1_Update(&sha, i ? to : name, i ? NSEC3_HASH : len);
		SHA1_Update(&sha, params->salt, params->salt_len);
		SHA1_Final(to, &sha);
		if (i == params->iterations)
			return;
	}
}

void nsec3_put_label(uint8_t to[static 1 + NSEC3_LABEL], const uint8_t hash[static NSEC3_HASH])
{
	static const char digits[] = "0123456789abcdefghijklmnopqrstuv";

	*to++ = NSEC3_LABEL;
	for (unsigned i = 0; i < NSEC3_HASH; i += 5, hash += 5) {
		const uint64_t v = (uint64_t)hash[0] << 32 | (uint64_t)hash[1] << 24 |
			(uint64_t)hash[2] << 16 | (uint64_t)hash[3] << 8 | hash[4];
		for (int shift = 35; shift >= 0; shift -= 5)
			*to++ = (uint8_t)digits[v >> shift & 31];
	}
}

static int digit(uint8_t c)
{
	if (c >= '0' && c <= '9')
		return c - '0';
	c |= 0x20;
	return c >= 'a' && c <= 'v' ? c - 'a' + 10 : -1;
}

bool nsec3_label(uint8_t to[static NSEC3_HASH], const uint8_t *label)
{
	uint32_t bits = 0;
	unsigned have = 0, n = 0;

	if (*label != NSEC3_LABEL)
		return false;
	for (unsigned i = 1; i <= NSEC3_LABEL; i++) {
		const int d = digit(label[i]);
		if (d < 0)
			return false;
		bits = bits << 5 | (unsigned)d;
		have += 5;
		if (have >= 8) {
			have -= 8;
			to[n++] = (uint8_t)(bits >> have);
		}
	}
	return true;
}
