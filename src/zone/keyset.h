/* keyset.h - what signs a zone now: its keys, what each is for, and the numbers of the policy.
 *
 * Made by who follows the life of the keys (key_life.h), read by who signs. Immutable and
 * shared by count. Two keysets of a zone that ask for different records or signatures have
 * different generations.
 */
#ifndef ZONE_KEYSET_H
#define ZONE_KEYSET_H

#include "base/part.h"
#include "zone/signing_key.h"

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

struct keyset_key {
	struct signing_key *key; /* held by the keyset */
	bool published;          /* in the DNSKEY RRset */
	bool signs_keys;         /* the DNSKEY, CDS and CDNSKEY RRsets */
	bool signs_zone;         /* all others */
	bool cds;                /* the parent is asked to have its DS, by CDS and CDNSKEY */
};

enum keyset_denial { KEYSET_NSEC, KEYSET_NSEC3 };

/* Where no number is said to be 0, it is not. */
struct keyset_policy {
	uint32_t lifetime_s;   /* how long a signature is good */
	uint32_t refresh_s;    /* it is made anew so long before its end; less than lifetime */
	uint32_t jitter_s;     /* lifetimes are up to so much shorter, at random; may be 0 */
	uint32_t backdate_s;   /* signatures begin so long ago, for clocks that are wrong */
	uint32_t dnskey_ttl_s; /* of DNSKEY, CDS and CDNSKEY */
	enum keyset_denial denial;
	bool opt_out;     /* of NSEC3 (RFC 5155 section 6) */
	uint8_t salt_len; /* of NSEC3; 0 is right (RFC 9276) */
	uint8_t salt[32];
	uint16_t iterations; /* of NSEC3; 0 is right */
	bool cds, cdnskey;   /* which of both is published for keys with `cds` */
	bool cds_delete;     /* both say "delete" (RFC 8078 section 4) instead */
	uint8_t cds_digest;  /* SIGNING_DIGEST_... */
	uint8_t zonemd;      /* the digest of the zone is kept right: enum zonemd_hash; 0: it has none */
};

struct keyset {
	struct part part;
	uint64_t generation; /* by content: the same in another process */
	struct keyset_policy policy;
	size_t n;
	struct keyset_key keys[];
};

/* Holds the keys; both are copied. NULL: no memory. */
struct keyset *keyset_new(
	const struct keyset_policy *policy, const struct keyset_key *keys, size_t n);

static inline struct keyset *keyset_hold(struct keyset *s)
{
	part_hold(s ? &s->part : NULL);
	return s;
}

static inline void keyset_drop(struct keyset *s)
{
	part_drop(s ? &s->part : NULL);
}

/* Do both, either of which may be NULL, ask for the same? */
bool keyset_same(const struct keyset *a, const struct keyset *b);

/* May the algorithm stand in the DNSKEY RRset? Then all of the zone must be signed by it (RFC
 * 4035 section 2.2); this says whether there is a key that does so. */
bool keyset_signs_with(const struct keyset *s, uint8_t algorithm);

/* The records at the apex that come of the keys: the RDATA number `i` of the type, which is
 * RRTYPE_DNSKEY, RRTYPE_CDS, RRTYPE_CDNSKEY or RRTYPE_NSEC3PARAM. Their TTL is dnskey_ttl_s,
 * and 0 for NSEC3PARAM. Returns its length; 0: there is no such one. Not in canonical order. */
size_t keyset_rdata(const struct keyset *s, const uint8_t *apex, uint16_t type, size_t i,
	uint8_t to[static SIGNING_DNSKEY_MOST]);

#endif
