#include "zone/keyset.h"

#include "base/bytes.h"
#include "dns/rrtype.h"

#include <stdlib.h>
#include <string.h>

enum { NSEC3_SHA1 = 1, NSEC3PARAM_FIXED = 5 };

static void let_go(struct part *p)
{
	struct keyset *s = (struct keyset *)p;

	for (size_t i = 0; i < s->n; i++)
		signing_key_release(s->keys[i].key);
	free(s);
}

static uint64_t add(uint64_t h, uint64_t v)
{
	return hash_pair(h, v);
}

static uint64_t add_bytes(uint64_t h, const uint8_t *bytes, size_t len)
{
	return hash_pair(h, hash_bytes((struct hash_key){ 1, 2 }, bytes, len));
}

static uint64_t generation(const struct keyset *s)
{
	const struct keyset_policy *p = &s->policy;
	uint64_t h = s->n;

	for (size_t i = 0; i < s->n; i++) {
		const struct keyset_key *k = &s->keys[i];
		size_t len;
		const uint8_t *dnskey = signing_key_dnskey(k->key, &len);
		h = add_bytes(h, dnskey, len);
		h = add(h,
			(uint64_t)k->published << 3 | (uint64_t)k->signs_keys << 2 |
				(uint64_t)k->signs_zone << 1 | k->cds);
	}
	h = add(add(h, p->lifetime_s), p->refresh_s);
	h = add(add(add(h, p->jitter_s), p->backdate_s), p->dnskey_ttl_s);
	h = add(h, (uint64_t)p->denial << 1 | p->opt_out);
	h = add_bytes(add(h, p->iterations), p->salt, p->salt_len);
	if (p->zonemd)
		h = add(h, p->zonemd);
	return add(h,
		(uint64_t)p->cds_digest << 3 | (uint64_t)p->cds << 2 |
			(uint64_t)p->cdnskey << 1 | p->cds_delete);
}

struct keyset *keyset_new(
	const struct keyset_policy *policy, const struct keyset_key *keys, size_t n)
{
	struct keyset *s = calloc(1, sizeof *s + n * sizeof *keys);

	if (!s)
		return NULL;
	s->part = part_new(let_go);
	s->policy = *policy;
	s->n = n;
	for (size_t i = 0; i < n; i++) {
		s->keys[i] = keys[i];
		signing_key_keep(keys[i].key);
	}
	s->generation = generation(s);
	scope_hold(&s->part, part_undo);
	return s;
}

bool keyset_same(const struct keyset *a, const struct keyset *b)
{
	return a == b || (a && b && a->generation == b->generation);
}

bool keyset_signs_with(const struct keyset *s, uint8_t algorithm)
{
	for (size_t i = 0; i < s->n; i++)
		if (s->keys[i].signs_zone && signing_key_algorithm(s->keys[i].key) == algorithm)
			return true;
	return false;
}

/* --- records ------------------------------------------------------------------------------ */

/* RFC 8078 section 4: all zero but for the length of what follows. */
static size_t delete_rdata(uint16_t type, size_t i, uint8_t *to)
{
	static const uint8_t cds[] = { 0, 0, 0, 0, 0 }, cdnskey[] = { 0, 0, 3, 0, 0 };

	if (i)
		return 0;
	memcpy(to, type == RRTYPE_CDS ? cds : cdnskey, sizeof cds);
	return sizeof cds;
}

static size_t nsec3param(const struct keyset_policy *p, size_t i, uint8_t *to)
{
	if (i || p->denial != KEYSET_NSEC3)
		return 0;
	to[0] = NSEC3_SHA1;
	to[1] = 0; /* opt-out is told by NSEC3 alone (RFC 5155 section 4.1.2) */
	be16_put(to + 2, p->iterations);
	to[4] = p->salt_len;
	memcpy(to + NSEC3PARAM_FIXED, p->salt, p->salt_len);
	return NSEC3PARAM_FIXED + (size_t)p->salt_len;
}

/* Is it published as such a record? */
static bool stands(const struct keyset *s, const struct keyset_key *k, uint16_t type)
{
	switch (type) {
	case RRTYPE_DNSKEY: return k->published;
	case RRTYPE_CDS: return k->cds && s->policy.cds;
	case RRTYPE_CDNSKEY: return k->cds && s->policy.cdnskey;
	default: return false;
	}
}

size_t keyset_rdata(const struct keyset *s, const uint8_t *apex, uint16_t type, size_t i,
	uint8_t to[static SIGNING_DNSKEY_MOST])
{
	if (type == RRTYPE_NSEC3PARAM)
		return nsec3param(&s->policy, i, to);
	if (type != RRTYPE_DNSKEY && s->policy.cds_delete)
		return type == RRTYPE_CDS || type == RRTYPE_CDNSKEY ? delete_rdata(type, i, to)
								    : 0;
	for (size_t k = 0; k < s->n; k++) {
		size_t len;
		if (!stands(s, &s->keys[k], type) || i--)
			continue;
		if (type == RRTYPE_CDS)
			return signing_key_ds(s->keys[k].key, apex, s->policy.cds_digest, to);
		const uint8_t *dnskey = signing_key_dnskey(s->keys[k].key, &len);
		memcpy(to, dnskey, len);
		return len;
	}
	return 0;
}
