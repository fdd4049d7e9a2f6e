#include "zone/zonemd_make.h"

#include "base/bytes.h"
#include "dns/rrtype.h"
#include "zone/history.h"
#include "zone/image.h"
#include "zone/sign_rrset.h"

#include <string.h>

enum { SOA_MOST = 2 * NAME_MOST + 20, SIMPLE = 1 };

/* A record at the apex. */
static struct change_record at_apex(
	const struct zone *z, uint16_t type, uint32_t ttl_s, const uint8_t *rdata, size_t len)
{
	return (struct change_record){ .owner = z->apex,
		.rdata = rdata,
		.ttl_s = ttl_s,
		.type = type,
		.rdlen = (uint16_t)len };
}

static uint32_t soa_ttl_s(const struct zone *z)
{
	return be32_get(zone_find_rrset(z->apex_node, RRTYPE_SOA)->wire + 6);
}

static bool is_of_digest(const struct zone_rrset *set)
{
	return set->type == RRTYPE_ZONEMD || (set->type == RRTYPE_RRSIG && set->aux == RRTYPE_ZONEMD);
}

static bool remove_set(
	struct change *to, const struct zone *z, const struct zone_rrset *set, struct fault *why)
{
	uint8_t rdata[SIGN_RRSIG_MOST];
	bool ok = true;

	for (size_t at = 0; ok && at < set->len;) {
		const uint8_t *rr = set->wire + at;
		const size_t len = set->type == RRTYPE_RRSIG
			? image_rdata(z, z->apex_node, set, at, rdata)
			: be16_get(rr + 10);
		const struct change_record old = at_apex(z, set->type, be32_get(rr + 6),
			set->type == RRTYPE_RRSIG ? rdata : rr + IMAGE_RR_FIXED, len);
		ok = change_remove(to, &old, why);
		at += IMAGE_RR_FIXED + be16_get(rr + 10);
	}
	return ok;
}

/* The records that the zone has now go, with their signatures. */
static bool remove_old(struct change *to, const struct zone *z, struct fault *why)
{
	const struct zone_rrset *s = zone_first_rrset(z->apex_node);
	bool ok = true;

	for (unsigned i = 0; ok && i < z->apex_node->rrsets; i++, s = zone_next_rrset(s))
		if (is_of_digest(s))
			ok = remove_set(to, z, s, why);
	return ok;
}

static bool is_of_apex(const struct change *c, const struct change_record *rr)
{
	return (rr->type == RRTYPE_ZONEMD ||
		       (rr->type == RRTYPE_RRSIG && rr->rdlen > 2 && be16_get(rr->rdata) == RRTYPE_ZONEMD)) &&
		name_equal(rr->owner, view_apex(change_id(c)));
}

/* All of it but what it says of ZONEMD. */
static bool copy_others(struct change *to, const struct change *c, struct fault *why)
{
	struct change_walk w = change_each(c);
	bool ok = true;

	while (ok && change_next(&w))
		if (!is_of_apex(c, &w.rr))
			ok = w.rr.comes ? change_add(to, &w.rr, why)
					: change_remove(to, &w.rr, why);
	return ok;
}

/* What signs the record: each key that signs the zone. */
static bool add_signatures(struct change *to, const struct sign_by *by,
	const struct sign_rrset *set, struct fault *why)
{
	struct sign_desk desk = { 0 };
	uint8_t rdata[SIGN_RRSIG_MOST];
	bool ok = sign_prepare(&desk, set);

	for (size_t i = 0; ok && i < by->keys->n; i++) {
		const struct keyset_key *k = &by->keys->keys[i];
		if (!sign_key_is_for(k, set->type))
			continue;
		const size_t len = sign_rrset(&desk, by, set, k, rdata);
		ok = len &&
			change_add(to,
				&(struct change_record){ .owner = set->owner,
					.rdata = rdata,
					.ttl_s = set->ttl_s,
					.type = RRTYPE_RRSIG,
					.rdlen = (uint16_t)len },
				why);
	}
	sign_desk_fini(&desk);
	return ok;
}

static bool add_record(struct change *to, const struct zone *then,
	const struct zonemd_opts *o, struct fault *why)
{
	uint8_t rdata[ZONEMD_RDATA_MOST];
	const size_t len = zonemd_rdata(then, o->hash, rdata);
	const struct sign_rr rr = { rdata, len };
	const struct sign_rrset set = { then->apex, RRTYPE_ZONEMD, soa_ttl_s(then), &rr, 1 };
	const struct sign_by by = { o->keys, then->apex, o->now_s };
	const struct change_record record =
		at_apex(then, RRTYPE_ZONEMD, set.ttl_s, rdata, len);

	return len && change_add(to, &record, why) && (!o->keys || add_signatures(to, &by, &set, why));
}

/* `c` of `z` with the record of the zone `then`; or, where that is NULL, with none. NULL: `why`. */
static struct change *with_record(const struct zone *z, const struct change *c,
	const struct zone *then, const struct zonemd_opts *o, struct fault *why)
{
	struct change *to = change_new(zone_id(z));

	if (to && copy_others(to, c, why) && remove_old(to, z, why) &&
		(!then || add_record(to, then, o, why)) && change_seal(to, why))
		return to;
	if (!*why->text)
		fault(why, "out of memory");
	change_free(to);
	return NULL;
}

struct change *zonemd_follow(const struct zone *z, struct change *c,
	const struct zonemd_opts *o, struct faults *f)
{
	struct fault why = { 0 };
	struct change *bare = with_record(z, c, NULL, o, &why), *all = NULL;

	change_free(c);
	struct zone *then = bare ? zone_with(z, bare, &o->with, f) : NULL;
	if (then)
		all = with_record(z, bare, then, o, &why);
	if (*why.text)
		faults_take(f, &why);
	if (then)
		zone_drop(then);
	change_free(bare);
	return all;
}

/* From a serial to the same. */
static struct change *change_nothing(const struct zone *z, struct fault *why)
{
	struct change *c = change_new(zone_id(z));
	uint8_t rdata[SOA_MOST];
	const struct zone_rrset *soa = zone_find_rrset(z->apex_node, RRTYPE_SOA);
	const size_t len = image_rdata(z, z->apex_node, soa, 0, rdata);
	const struct change_record rr = at_apex(z, RRTYPE_SOA, soa_ttl_s(z), rdata, len);

	if (c && change_remove(c, &rr, why) && change_add(c, &rr, why) && change_seal(c, why))
		return c;
	if (!*why->text)
		fault(why, "out of memory");
	change_free(c);
	return NULL;
}

enum zonemd_hash zonemd_hash_of(const struct zone *z)
{
	const struct zone_rrset *set = zone_find_rrset(z->apex_node, RRTYPE_ZONEMD);

	for (size_t at = 0; set && at < set->len;) {
		const uint8_t *rr = set->wire + at, *rdata = rr + IMAGE_RR_FIXED;
		if (rdata[4] == SIMPLE && (rdata[5] == ZONEMD_SHA384 || rdata[5] == ZONEMD_SHA512))
			return (enum zonemd_hash)rdata[5];
		at += IMAGE_RR_FIXED + be16_get(rr + 10);
	}
	return ZONEMD_NO_HASH;
}

/* Is the record that it has the one that it has to have? */
static bool has_right(const struct zone *z, enum zonemd_hash hash)
{
	const struct zone_rrset *set = zone_find_rrset(z->apex_node, RRTYPE_ZONEMD);
	uint8_t rdata[ZONEMD_RDATA_MOST];
	const size_t len = set ? zonemd_rdata(z, hash, rdata) : 0;

	return len && set->len == IMAGE_RR_FIXED + len &&
		memcmp(set->wire + IMAGE_RR_FIXED, rdata, len) == 0;
}

struct zone *zonemd_put(struct zone *z, const struct zonemd_opts *o, struct faults *f)
{
	struct fault why = { 0 };
	struct zone *made = NULL, *merged;

	if (has_right(z, o->hash))
		return z;
	struct change *c = change_nothing(z, &why);
	if (c)
		c = zonemd_follow(z, c, o, f);
	else
		faults_take(f, &why);
	if (c)
		made = zone_with(z, c, &o->with, f);
	change_free(c);
	zone_drop(z);
	if (!made)
		return NULL;
	history_drop(made->history);
	made->history = NULL;
	merged = zone_merge(made, o->with.compile.key, f);
	zone_drop(made);
	return merged;
}
