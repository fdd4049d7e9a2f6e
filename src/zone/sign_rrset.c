#include "zone/sign_rrset.h"

#include "base/bytes.h"
#include "dns/rrtype.h"
#include "zone/rdata_canon.h"

#include <stdlib.h>
#include <string.h>

enum { FRONT = SIGN_RRSIG_FIXED + NAME_MOST, RR_FIXED = 10 };

void sign_desk_fini(struct sign_desk *d)
{
	free(d->canon);
	free(d->data);
	free(d->sorted);
	signer_free(d->signers);
	*d = (struct sign_desk){ 0 };
}

static bool room(uint8_t **bytes, size_t *have, size_t want)
{
	if (want <= *have)
		return true;
	uint8_t *more = realloc(*bytes, want * 2);
	if (!more)
		return false;
	*bytes = more;
	*have = want * 2;
	return true;
}

/* --- canonical form ----------------------------------------------------------------------- */

/* RFC 4034 section 6.3. */
static int compare_rr(const void *va, const void *vb)
{
	const struct sign_rr *a = va, *b = vb;
	const int d = memcmp(a->rdata, b->rdata, a->len < b->len ? a->len : b->len);

	return d ? d : (a->len > b->len) - (a->len < b->len);
}

/* All RDATA in canonical form and order, in d->sorted. */
static bool sort(struct sign_desk *d, const struct sign_rrset *set)
{
	size_t len = 0;

	for (size_t i = 0; i < set->n; i++)
		len += set->rr[i].len;
	if (!room(&d->canon, &d->canon_room, len + 1))
		return false;
	if (set->n > d->sorted_room) {
		struct sign_rr *more = realloc(d->sorted, 2 * set->n * sizeof *more);
		if (!more)
			return false;
		d->sorted = more;
		d->sorted_room = 2 * set->n;
	}
	uint8_t *to = d->canon;
	for (size_t i = 0; i < set->n; i++) {
		rdata_canon(set->type, set->rr[i].rdata, set->rr[i].len, to);
		d->sorted[i] = (struct sign_rr){ to, set->rr[i].len };
		to += set->rr[i].len;
	}
	if (set->n > 1)
		qsort(d->sorted, set->n, sizeof *d->sorted, compare_rr);
	return true;
}

bool sign_prepare(struct sign_desk *d, const struct sign_rrset *set)
{
	const size_t owner = name_len(set->owner);
	size_t len = FRONT;

	if (!sort(d, set))
		return false;
	for (size_t i = 0; i < set->n; i++)
		len += owner + RR_FIXED + d->sorted[i].len;
	if (!room(&d->data, &d->data_room, len))
		return false;
	uint8_t *p = d->data + FRONT;
	for (size_t i = 0; i < set->n; i++) {
		const struct sign_rr *rr = &d->sorted[i];
		/* What differs in case alone is one record (section 6.3). */
		if (i && compare_rr(rr - 1, rr) == 0)
			continue;
		memcpy(p, set->owner, owner);
		p += owner;
		be16_put(p, set->type);
		be16_put(p + 2, RRCLASS_IN);
		be32_put(p + 4, set->ttl_s);
		be16_put(p + 8, (unsigned)rr->len);
		memcpy(p + RR_FIXED, rr->rdata, rr->len);
		p += RR_FIXED + rr->len;
	}
	d->data_len = (size_t)(p - d->data);
	return true;
}

/* --- RRSIG -------------------------------------------------------------------------------- */

bool sign_key_is_for(const struct keyset_key *k, uint16_t type)
{
	if (type == RRTYPE_DNSKEY || type == RRTYPE_CDS || type == RRTYPE_CDNSKEY)
		return k->signs_keys;
	return k->signs_zone;
}

size_t sign_rrsig_len(const struct keyset_key *k, const uint8_t *apex)
{
	return SIGN_RRSIG_FIXED + name_len(apex) + signing_key_signature_len(k->key);
}

/* Signatures that were made together do not end together. */
static uint32_t jitter(const struct sign_by *by, const struct sign_rrset *set)
{
	const struct hash_key key = { (uint64_t)by->now_s, set->type };
	const uint64_t h = hash_bytes(key, set->owner, name_len(set->owner));

	return (uint32_t)((h >> 32) * (by->keys->policy.jitter_s + 1ull) >> 32);
}

size_t sign_rrset(struct sign_desk *d, const struct sign_by *by, const struct sign_rrset *set,
	const struct keyset_key *k, uint8_t to[static SIGN_RRSIG_MOST])
{
	const struct keyset_policy *p = &by->keys->policy;
	const size_t apex = name_len(by->apex), front = SIGN_RRSIG_FIXED + apex;
	const uint32_t now = (uint32_t)by->now_s; /* modulo 2^32 (section 3.1.5) */

	be16_put(to, set->type);
	to[2] = signing_key_algorithm(k->key);
	to[3] = (uint8_t)(name_labels(set->owner) - name_is_wildcard(set->owner));
	be32_put(to + 4, set->ttl_s);
	be32_put(to + 8, now + p->lifetime_s - jitter(by, set));
	be32_put(to + 12, now - p->backdate_s);
	be16_put(to + 16, signing_key_tag(k->key));
	memcpy(to + SIGN_RRSIG_FIXED, by->apex, apex);
	memcpy(d->data + FRONT - front, to, front);
	const struct signer_data data = { d->data + FRONT - front, d->data_len - (FRONT - front) };
	if (!signer_sign(&d->signers, k->key, data, to + front))
		return 0;
	return front + signing_key_signature_len(k->key);
}
