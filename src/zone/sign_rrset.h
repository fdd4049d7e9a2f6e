/* sign_rrset.h - an RRset becomes RRSIG records (RFC 4034 sections 3 and 6).
 *
 * Each thread has a desk of its own. Memory that ends is false, or 0.
 */
#ifndef ZONE_SIGN_RRSET_H
#define ZONE_SIGN_RRSET_H

#include "dns/name.h"
#include "zone/keyset.h"

enum {
	SIGN_RRSIG_FIXED = 18, /* bytes of an RRSIG in front of the signer's name */
	SIGN_RRSIG_MOST = SIGN_RRSIG_FIXED + NAME_MOST + SIGNING_SIGNATURE_MOST
};

struct sign_rr {
	const uint8_t *rdata; /* names whole, of any case */
	size_t len;
};

struct sign_rrset {
	const uint8_t *owner; /* wire, whole, lower case */
	uint16_t type;
	uint32_t ttl_s;
	const struct sign_rr *rr; /* in any order */
	size_t n;
};

/* Memory to work in; zeroed it is ready. */
struct sign_desk {
	uint8_t *canon, *data; /* RDATA in canonical form; what is signed */
	size_t canon_room, data_room, data_len;
	struct sign_rr *sorted;
	size_t sorted_room;
	struct signer *signers; /* own: of the keys so far */
};
void sign_desk_fini(struct sign_desk *d);

/* Who signs, when, and until when. */
struct sign_by {
	const struct keyset *keys;
	const uint8_t *apex; /* wire, lower case */
	int64_t now_s;
};

/* Does that key sign RRsets of that type? */
bool sign_key_is_for(const struct keyset_key *k, uint16_t type);

/* Bytes of the RDATA of each RRSIG of that key. */
size_t sign_rrsig_len(const struct keyset_key *k, const uint8_t *apex);

/* The RRset is what sign_rrset() signs from now on; it is not needed for that any more, but for
 * its owner. */
bool sign_prepare(struct sign_desk *d, const struct sign_rrset *set);

/* The RDATA of the RRSIG of key `k` over what was prepared from `set`. Returns its length. */
size_t sign_rrset(struct sign_desk *d, const struct sign_by *by, const struct sign_rrset *set,
	const struct keyset_key *k, uint8_t to[static SIGN_RRSIG_MOST]);

#endif
