#include "zone/zonemd.h"

#include "base/bytes.h"
#include "dns/rrtype.h"
#include "zone/image.h"
#include "zone/rdata_canon.h"

#include <openssl/evp.h>
#include <stdlib.h>
#include <string.h>

enum { SIMPLE = 1, FIXED = 6, DIGEST_LEAST = 12, RR_FIXED = 10, RDATA_ROOM = 65535 };

/* A record of the owner that is at hand. */
struct owned {
	uint32_t at; /* of its RDATA in `bytes` */
	uint32_t ttl_s;
	uint16_t type, len;
};

struct work {
	const struct zone *z;
	EVP_MD_CTX *md;
	struct owned *list; /* [n] */
	size_t n, room;
	uint8_t *bytes; /* canonical RDATA of all of them */
	size_t len, bytes_room;
	uint8_t owner[NAME_MOST];
	size_t owner_len;
	bool ok; /* there is memory */
	uint8_t rdata[RDATA_ROOM];
};

/* --- one owner ---------------------------------------------------------------------------- */

/* Room for one more, with so much RDATA. */
static bool has_room(struct work *w, size_t len)
{
	if (w->n == w->room) {
		const size_t room = w->room ? 2 * w->room : 64;
		struct owned *list = realloc(w->list, room * sizeof *list);
		if (!list)
			return false;
		w->list = list;
		w->room = room;
	}
	if (w->len + len > w->bytes_room) {
		const size_t room = 2 * (w->len + len) + 4096;
		uint8_t *bytes = realloc(w->bytes, room);
		if (!bytes)
			return false;
		w->bytes = bytes;
		w->bytes_room = room;
	}
	return true;
}

/* What the digest is not of (RFC 8976 section 3.3.1). */
static bool is_left_out(const struct zone_node *n, const struct zone_rrset *set)
{
	return n->name_len == 0 &&
		(set->type == RRTYPE_ZONEMD ||
			(set->type == RRTYPE_RRSIG && set->aux == RRTYPE_ZONEMD));
}

static void add_set(struct work *w, const struct zone_node *n, const struct zone_rrset *set)
{
	for (size_t at = 0; w->ok && at < set->len;) {
		const uint8_t *rr = set->wire + at;
		const size_t len = image_rdata(w->z, n, set, at, w->rdata);
		w->ok = has_room(w, len);
		if (!w->ok)
			return;
		rdata_canon(set->type, w->rdata, len, w->bytes + w->len);
		w->list[w->n++] = (struct owned){ .at = (uint32_t)w->len,
			.ttl_s = be32_get(rr + 6),
			.type = set->type,
			.len = (uint16_t)len };
		w->len += len;
		at += IMAGE_RR_FIXED + be16_get(rr + 10);
	}
}

static int compare(const void *va, const void *vb, void *bytes)
{
	const struct owned *a = va, *b = vb;

	if (a->type != b->type)
		return a->type < b->type ? -1 : 1;
	const int d = memcmp((uint8_t *)bytes + a->at, (uint8_t *)bytes + b->at,
		a->len < b->len ? a->len : b->len);
	return d ? d : (a->len > b->len) - (a->len < b->len);
}

/* What differs in case alone is one record. */
static void digest_owned(struct work *w)
{
	uint8_t fixed[RR_FIXED];

	if (w->n > 1)
		qsort_r(w->list, w->n, sizeof *w->list, compare, w->bytes);
	for (size_t i = 0; i < w->n; i++) {
		const struct owned *o = &w->list[i];
		if (i && compare(o - 1, o, w->bytes) == 0)
			continue;
		be16_put(fixed, o->type);
		be16_put(fixed + 2, RRCLASS_IN);
		be32_put(fixed + 4, o->ttl_s);
		be16_put(fixed + 8, o->len);
		EVP_DigestUpdate(w->md, w->owner, w->owner_len);
		EVP_DigestUpdate(w->md, fixed, sizeof fixed);
		EVP_DigestUpdate(w->md, w->bytes + o->at, o->len);
	}
	w->n = 0;
	w->len = 0;
}

/* --- the zone ----------------------------------------------------------------------------- */

/* The owner of an NSEC3 record may be a name that has others: then they are one owner's. */
static bool same_name(const struct zone_node *a, const struct zone_node *b)
{
	return a->name_len == b->name_len && memcmp(a->name, b->name, a->name_len) == 0;
}

static void digest_zone(struct work *w)
{
	const struct zone_node *last = NULL;

	for (const struct zone_node *n = image_first(w->z); w->ok && n;
		n = image_next(w->z, n)) {
		if (last && !same_name(last, n))
			digest_owned(w);
		w->owner_len = image_owner(w->z, n, w->owner);
		const struct zone_rrset *set = zone_first_rrset(n);
		for (unsigned i = 0; i < n->rrsets; i++, set = zone_next_rrset(set))
			if (!is_left_out(n, set))
				add_set(w, n, set);
		last = n;
	}
	digest_owned(w);
}

size_t zonemd_digest(
	const struct zone *z, enum zonemd_hash hash, uint8_t to[static ZONEMD_DIGEST_MOST])
{
	struct work *w = calloc(1, sizeof *w);
	unsigned len = 0;

	if (!w)
		return 0;
	w->z = z;
	w->md = EVP_MD_CTX_new();
	w->ok = w->md &&
		EVP_DigestInit_ex(w->md, hash == ZONEMD_SHA384 ? EVP_sha384() : EVP_sha512(), NULL);
	if (w->ok)
		digest_zone(w);
	if (w->ok)
		EVP_DigestFinal_ex(w->md, to, &len);
	EVP_MD_CTX_free(w->md);
	free(w->list);
	free(w->bytes);
	free(w);
	return len;
}

size_t zonemd_rdata(
	const struct zone *z, enum zonemd_hash hash, uint8_t to[static ZONEMD_RDATA_MOST])
{
	be32_put(to, z->serial);
	to[4] = SIMPLE;
	to[5] = (uint8_t)hash;
	const size_t len = zonemd_digest(z, hash, to + FIXED);
	return len ? FIXED + len : 0;
}

/* --- held against its record -------------------------------------------------------------- */

/* Two of one scheme and hash are none (RFC 8976 section 4). */
static bool is_alone(const struct zone_rrset *set, const uint8_t *rdata)
{
	unsigned n = 0;

	for (size_t at = 0; at < set->len;) {
		const uint8_t *rr = set->wire + at;
		n += memcmp(rr + IMAGE_RR_FIXED + 4, rdata + 4, 2) == 0;
		at += IMAGE_RR_FIXED + be16_get(rr + 10);
	}
	return n == 1;
}

static enum zonemd_result check_one(
	const struct zone *z, const uint8_t *rdata, size_t len, struct fault *why)
{
	uint8_t is[ZONEMD_DIGEST_MOST];
	const uint32_t serial = be32_get(rdata);

	if (rdata[4] != SIMPLE || (rdata[5] != ZONEMD_SHA384 && rdata[5] != ZONEMD_SHA512))
		return ZONEMD_UNKNOWN;
	if (serial != z->serial) {
		fault(why, "its ZONEMD record is of serial %u, and its SOA of %u", serial, z->serial);
		return ZONEMD_WRONG;
	}
	const size_t n = zonemd_digest(z, (enum zonemd_hash)rdata[5], is);
	if (!n)
		fault(why, "out of memory");
	else if (len != FIXED + n || memcmp(is, rdata + FIXED, n) != 0)
		fault(why, "its records have another digest than its ZONEMD record says (%s)",
			rdata[5] == ZONEMD_SHA384 ? "SHA-384" : "SHA-512");
	else
		return ZONEMD_RIGHT;
	return ZONEMD_WRONG;
}

enum zonemd_result zonemd_check(const struct zone *z, struct fault *why)
{
	const struct zone_rrset *set = zone_find_rrset(image_first(z), RRTYPE_ZONEMD);
	enum zonemd_result result = ZONEMD_UNKNOWN;

	if (!set) {
		fault(why, "it has no ZONEMD record");
		return ZONEMD_NONE;
	}
	for (size_t at = 0; at < set->len && result != ZONEMD_RIGHT;) {
		const uint8_t *rr = set->wire + at, *rdata = rr + IMAGE_RR_FIXED;
		const size_t len = be16_get(rr + 10);
		at += IMAGE_RR_FIXED + len;
		if (len < FIXED + DIGEST_LEAST || !is_alone(set, rdata))
			continue;
		const enum zonemd_result one = check_one(z, rdata, len, why);
		result = one == ZONEMD_UNKNOWN ? result : one;
	}
	if (result == ZONEMD_UNKNOWN)
		fault(why, "it has no ZONEMD record of a scheme and a hash that we know, and that stands "
			   "alone");
	return result;
}
