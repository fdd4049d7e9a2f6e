/* signing_key.h - a DNSSEC key with its private half, that signs.
 *
 * Immutable and shared by count; any thread holds, drops and signs, many at once. The private
 * half is kept out of core files and is overwritten when the last lets go. A key of another
 * signer of the zone (RFC 8901) has no private half: it is published and signs nothing.
 *
 * A signature is in the form of DNSSEC: r and s of ECDSA one after the other (RFC 6605 section
 * 4), RSA's number as it is (RFC 5702), EdDSA's (RFC 8080).
 */
#ifndef ZONE_SIGNING_KEY_H
#define ZONE_SIGNING_KEY_H

#include "base/fault.h"

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

/* IANA "DNS Security Algorithm Numbers": those that we sign with. */
enum signing_algorithm {
	SIGNING_RSASHA256 = 8,
	SIGNING_RSASHA512 = 10,
	SIGNING_ECDSAP256SHA256 = 13,
	SIGNING_ECDSAP384SHA384 = 14,
	SIGNING_ED25519 = 15,
	SIGNING_ED448 = 16
};

enum {
	SIGNING_ZONE = 0x0100, /* flags of a DNSKEY (RFC 4034 section 2.1.1) */
	SIGNING_SEP = 0x0001,
	SIGNING_ZSK = SIGNING_ZONE,
	SIGNING_KSK = SIGNING_ZONE | SIGNING_SEP, /* a CSK, too */

	SIGNING_RSA_BITS_LEAST = 2048,
	SIGNING_RSA_BITS_MOST = 4096,
	SIGNING_SIGNATURE_MOST = SIGNING_RSA_BITS_MOST / 8, /* bytes */
	SIGNING_DNSKEY_MOST = 4 + 3 + 2 * SIGNING_RSA_BITS_MOST / 8,
	SIGNING_DS_MOST = 4 + 48,

	SIGNING_DIGEST_SHA256 = 2, /* of a DS */
	SIGNING_DIGEST_SHA384 = 4
};

struct signing_key;

/* A new one of the random numbers of the system. `bits` of RSA; of the others 0. Takes 10 ms
 * to a second for RSA: in jobs. NULL: `why`. */
struct signing_key *signing_key_new(
	enum signing_algorithm a, unsigned bits, uint16_t flags, struct fault *why);

/* One of another signer, by the RDATA of its DNSKEY (copied), of any algorithm. NULL: it is
 * none.
 */
struct signing_key *signing_key_foreign(const uint8_t *dnskey, size_t len, struct fault *why);

struct signing_key *signing_key_hold(struct signing_key *k);
void signing_key_drop(struct signing_key *k); /* NULL is fine */
/* For the holds of shared things: part_keep(), part_release(). */
struct signing_key *signing_key_keep(struct signing_key *k);
void signing_key_release(struct signing_key *k);

/* Has it a private half? */
bool signing_key_can_sign(const struct signing_key *k);

/* Signs `len` bytes: of an RRSIG that is its RDATA without the signature, and the RRset in
 * canonical form (RFC 4034 section 3.1.8.1). `to` has room for signing_key_signature_len()
 * bytes, and gets as many. Any thread. False: it has no private half, or there is no memory. */
bool signing_key_sign(const struct signing_key *k, const uint8_t *data, size_t len, uint8_t *to,
	size_t *to_len);

/* The same for who signs much with the same few keys: what OpenSSL wants for each is made once
 * and kept in the list that begins with NULL, one for each thread. The keys may go meanwhile. */
struct signer;
struct signer_data {
	const uint8_t *bytes;
	size_t len;
};
bool signer_sign(struct signer **list, const struct signing_key *k, struct signer_data data,
	uint8_t *to);
void signer_free(struct signer *list); /* NULL is fine */

/* Is it a signature of this key over the data? Any key whose algorithm is known to us. */
bool signing_key_verify(const struct signing_key *k, const uint8_t *data, size_t len,
	const uint8_t *signature, size_t signature_len);

/* Bytes of each of its signatures. 0 for one that cannot sign. */
size_t signing_key_signature_len(const struct signing_key *k);

uint8_t signing_key_algorithm(const struct signing_key *k);
uint16_t signing_key_flags(const struct signing_key *k);
unsigned signing_key_bits(const struct signing_key *k); /* of RSA; else 0 */
uint16_t signing_key_tag(const struct signing_key *k);  /* RFC 4034 appendix B */

/* The RDATA of its DNSKEY, and so of its CDNSKEY, as long as the key. */
const uint8_t *signing_key_dnskey(const struct signing_key *k, size_t *len);
/* Have both the same DNSKEY record? */
bool signing_key_same(const struct signing_key *a, const struct signing_key *b);

/* The RDATA of its DS, and so of its CDS, for the zone at `apex` (wire, any case). Returns its
 * length; 0 for a digest that is not one of ours. */
size_t signing_key_ds(const struct signing_key *k, const uint8_t *apex, uint8_t digest,
	uint8_t to[static SIGNING_DS_MOST]);

/* --- algorithms by name ------------------------------------------------------------------- */

/* "ecdsap256sha256" and so on, in lower case; "algorithm 253" for one that has none here. */
enum { SIGNING_TEXT = 24 };
const char *signing_algorithm_text(char buf[static SIGNING_TEXT], uint8_t algorithm);
/* In any case, or its number. False: we do not sign with it. */
bool signing_algorithm_parse(const char *text, enum signing_algorithm *to);
bool signing_algorithm_known(uint8_t algorithm);

#endif
