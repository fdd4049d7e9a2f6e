/* What of a signed zone is not, or will soon not be, as it should be. */
#include "zone/sign_follow.h"

#include "base/bytes.h"
#include "dns/rrtype.h"
#include "zone/denial.h"
#include "zone/image.h"
#include "zone/lookup.h"
#include "zone/zonemd_make.h"

#include <stdlib.h>
#include <string.h>

enum { NSEC3_FIXED = 5 };

struct renewing {
	struct sign_fix fix; /* to look with; nothing is made */
	struct sign_names names;
	uint8_t (*hashes)[NSEC3_HASH];
	size_t n_hashes, room;
	uint8_t rdata[SIGN_BITMAP_MOST];
};

/* --- the kind of the chain ---------------------------------------------------------------- */

bool sign_chain_fits(const struct zone *z, const struct keyset *keys)
{
	const struct keyset_policy *p = &keys->policy;
	const struct denial *d = z->denial;

	if (!d || d->nsec3 != (p->denial == KEYSET_NSEC3))
		return false;
	if (!d->nsec3)
		return true;
	const struct zone_rrset *set = zone_find_rrset(
		zone_node_at(z, d->owner[0]), RRTYPE_NSEC3);
	return d->params.iterations == p->iterations && d->params.salt_len == p->salt_len &&
		memcmp(d->params.salt, p->salt, p->salt_len) == 0 && set &&
		(set->wire[IMAGE_RR_FIXED + 1] & 1) == p->opt_out;
}

/* --- what is wrong ------------------------------------------------------------------------ */

static bool sets_are_right(const struct renewing *r, const struct zone_node *n)
{
	const struct zone_rrset *s = zone_first_rrset(n);

	for (unsigned i = 0; i < n->rrsets; i++, s = zone_next_rrset(s))
		if (sign_covers(n, s->type) &&
			!sign_fix_right(&r->fix, s->is_signed ? zone_next_rrset(s) : NULL,
				s->type, be32_get(s->wire + 6)))
			return false;
	return true;
}

static bool has_rdata(const struct zone_rrset *set, const uint8_t *rdata, size_t len)
{
	for (size_t at = 0; at < set->len; at += IMAGE_RR_FIXED + be16_get(set->wire + at + 10))
		if (be16_get(set->wire + at + 10) == len &&
			memcmp(set->wire + at + IMAGE_RR_FIXED, rdata, len) == 0)
			return true;
	return false;
}

/* The records of that type at the apex are those that come of the keys. */
static bool keys_are_right(const struct renewing *r, uint16_t type)
{
	const struct zone *z = r->fix.z;
	const struct zone_rrset *set = zone_find_rrset(z->apex_node, type);
	const struct keyset *k = r->fix.o->keys;
	uint8_t rdata[SIGNING_DNSKEY_MOST];
	size_t n = 0, len;

	for (; (len = keyset_rdata(k, z->apex, type, n, rdata)); n++)
		if (!set || !has_rdata(set, rdata, len))
			return false;
	return n == (set ? set->count : 0u) &&
		(!set || type == RRTYPE_NSEC3PARAM ||
			be32_get(set->wire + 6) == k->policy.dnskey_ttl_s);
}

static bool apex_is_right(const struct renewing *r)
{
	return keys_are_right(r, RRTYPE_DNSKEY) && keys_are_right(r, RRTYPE_NSEC3PARAM) &&
		keys_are_right(r, RRTYPE_CDS) && keys_are_right(r, RRTYPE_CDNSKEY) &&
		zonemd_hash_of(r->fix.z) == r->fix.o->keys->policy.zonemd;
}

/* What a pool can answer stands in the bitmap of its name. */
static bool bitmap_is_right(struct renewing *r, const struct zone_node *n)
{
	const struct zone *z = r->fix.z;
	const struct zone_node *link = n;
	uint8_t owner[NAME_MOST], hash[NSEC3_HASH];
	size_t from;

	if (z->denial->nsec3) {
		if (!sign_has_nsec3(z, n, r->fix.o->keys->policy.opt_out))
			return true;
		nsec3_hash(hash, &z->denial->params, owner, image_owner(z, n, owner));
		link = denial_nsec3(z, hash, false);
	}
	const struct zone_rrset *set = zone_find_rrset(
		link, z->denial->nsec3 ? RRTYPE_NSEC3 : RRTYPE_NSEC);
	const size_t len = sign_bitmap(&r->fix.types, z, n, &r->fix.bits, r->rdata);
	if (!set)
		return false;
	const uint8_t *rdata = set->wire + IMAGE_RR_FIXED;
	if (z->denial->nsec3)
		from = NSEC3_FIXED + rdata[4] + 1u + NSEC3_HASH;
	else
		from = name_len(rdata);
	return be16_get(set->wire + 10) == from + len &&
		memcmp(rdata + from, r->rdata, len) == 0;
}

static bool is_right(struct renewing *r, const struct zone_node *n)
{
	return sets_are_right(r, n) &&
		(n->name_len || (n->flags & NODE_NSEC3) || apex_is_right(r)) &&
		(!(n->flags & NODE_EDGE) || !sign_sees(n) || bitmap_is_right(r, n));
}

/* --- all of it ---------------------------------------------------------------------------- */

static bool add(struct renewing *r, const struct zone_node *n)
{
	uint8_t owner[NAME_MOST];

	if (!(n->flags & NODE_NSEC3)) {
		image_owner(r->fix.z, n, owner);
		return sign_names_add(&r->names, owner);
	}
	if (r->n_hashes == r->room) {
		uint8_t(*more)[NSEC3_HASH] = realloc(
			r->hashes, (2 * r->room + 16) * sizeof *more);
		if (!more)
			return false;
		r->hashes = more;
		r->room = 2 * r->room + 16;
	}
	return nsec3_label(r->hashes[r->n_hashes++], n->name);
}

/* The SOA alone. */
static struct change *bump(const struct zone *z, uint32_t serial, struct fault *why)
{
	uint8_t rdata[2 * NAME_MOST + 20];
	struct change_record soa = { .owner = z->apex,
		.rdata = rdata,
		.type = RRTYPE_SOA,
		.ttl_s = be32_get(zone_find_rrset(z->apex_node, RRTYPE_SOA)->wire + 6) };
	struct change *c = change_new(zone_id(z));

	soa.rdlen = (uint16_t)sign_soa(z, z->serial, rdata);
	bool ok = c && change_remove(c, &soa, why);
	sign_soa(z, serial, rdata);
	ok = ok && change_add(c, &soa, why) && change_seal(c, why);
	if (ok)
		return c;
	if (!c)
		fault(why, "out of memory");
	change_free(c);
	return NULL;
}

static bool look(struct renewing *w, struct sign_renewal *r)
{
	const struct zone *z = w->fix.z;

	for (const struct zone_node *n = image_first(z); n; n = image_next(z, n)) {
		if (is_right(w, n))
			continue;
		if (r->n == r->most) {
			r->more = true;
			break;
		}
		if (!add(w, n))
			return false;
		r->n++;
	}
	sign_names_sort(&w->names);
	return true;
}

struct change *sign_renew(const struct zone *z, const struct sign_opts *o,
	struct sign_renewal *r, struct faults *f)
{
	struct fault why = { 0 };
	struct renewing *w = calloc(1, sizeof *w);
	struct change *c = NULL, *to = NULL;

	r->more = false;
	r->n = 0;
	if (!w) {
		faults_error(f, &(struct fault_at){ 0 }, "out of memory");
		return NULL;
	}
	w->fix = (struct sign_fix){
		.z = z, .now = z, .o = o, .until_s = r->until_s, .why = &why
	};
	sign_fix_init(&w->fix);
	if (!look(w, r))
		fault(&why, "out of memory");
	else if (r->n && (c = bump(z, r->serial, &why)))
		to = sign_follow_more(z, c, o,
			&(struct sign_more){ &w->names, (const uint8_t(*)[NSEC3_HASH])w->hashes,
				w->n_hashes, r->until_s },
			f);
	if (*why.text)
		faults_error(f, &(struct fault_at){ 0 }, "%s", why.text);
	change_free(c);
	sign_fix_fini(&w->fix);
	sign_names_fini(&w->names);
	free(w->hashes);
	free(w);
	return to;
}
