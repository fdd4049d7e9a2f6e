#include "zone/sign_fix.h"

#include "base/bytes.h"
#include "dns/rrtype.h"
#include "zone/image.h"

#include <stdlib.h>
#include <string.h>

void sign_fix_init(struct sign_fix *x)
{
	x->types = (struct sign_types){ x->o->keys, x->o->compile };
	x->by = (struct sign_by){ x->o->keys, x->z->apex, x->o->now_s };
	x->ttl_s = be32_get(x->now->soa_negative->wire + 6);
}

void sign_fix_fini(struct sign_fix *x)
{
	sign_desk_fini(&x->desk);
	free(x->rr);
	free(x->bytes);
	free(x->wanted);
	free(x->wanted_bytes);
}

static bool no_memory(struct sign_fix *x)
{
	return fault(x->why, "out of memory");
}

static bool make_room(struct sign_fix *x, struct sign_rr **rr, size_t *rr_room, size_t n,
	uint8_t **bytes, size_t *room, size_t len)
{
	if (n > *rr_room) {
		free(*rr);
		*rr = malloc(n * 2 * sizeof **rr);
		*rr_room = *rr ? n * 2 : 0;
	}
	if (len > *room) {
		free(*bytes);
		*bytes = malloc(len * 2);
		*room = *bytes ? len * 2 : 0;
	}
	return (n <= *rr_room && len <= *room) || no_memory(x);
}

/* The records of a set go into x->rr. */
static bool take_set(
	struct sign_fix *x, const struct zone_node *n, const struct zone_rrset *set)
{
	size_t len = 0, i = 0;

	if (!make_room(x, &x->rr, &x->rr_room, set->count, &x->bytes, &x->bytes_room,
		    set->len + (size_t)set->count * set->names * NAME_MOST))
		return false;
	for (size_t at = 0; at < set->len;
		at += IMAGE_RR_FIXED + be16_get(set->wire + at + 10)) {
		uint8_t *to = x->bytes + len;
		x->rr[i] = (struct sign_rr){ to, image_rdata(x->now, n, set, at, to) };
		len += x->rr[i++].len;
	}
	return true;
}

static uint32_t ttl_of(const struct zone_rrset *set)
{
	return be32_get(set->wire + 6);
}

/* --- what goes and comes ------------------------------------------------------------------ */

static bool put(struct sign_fix *x, bool comes, const uint8_t *owner, uint16_t type,
	uint32_t ttl_s, const struct sign_rr *rr)
{
	const struct change_record record = { .owner = owner,
		.rdata = rr->rdata,
		.ttl_s = ttl_s,
		.type = type,
		.rdlen = (uint16_t)rr->len };

	return comes ? change_add(x->to, &record, x->why)
		     : change_remove(x->to, &record, x->why);
}

static bool remove_set(
	struct sign_fix *x, const struct sign_name *name, const struct zone_rrset *set)
{
	if (!set)
		return true;
	if (!take_set(x, name->now, set))
		return false;
	for (size_t i = 0; i < set->count; i++)
		if (!put(x, false, name->owner, set->type, ttl_of(set), &x->rr[i]))
			return false;
	return true;
}

static bool add_signatures(struct sign_fix *x, const struct sign_rrset *set)
{
	const struct keyset *k = x->o->keys;
	uint8_t rdata[SIGN_RRSIG_MOST];
	bool prepared = false;

	for (size_t i = 0; i < k->n; i++) {
		if (!sign_key_is_for(&k->keys[i], set->type))
			continue;
		prepared = prepared || sign_prepare(&x->desk, set);
		const size_t len = prepared
			? sign_rrset(&x->desk, &x->by, set, &k->keys[i], rdata)
			: 0;
		if (!len)
			return no_memory(x);
		if (!put(x, true, set->owner, RRTYPE_RRSIG, set->ttl_s,
			    &(struct sign_rr){ rdata, len }))
			return false;
		x->made++;
	}
	return true;
}

/* --- signatures that are there ------------------------------------------------------------ */

static bool is_by(
	const struct keyset_key *k, const uint8_t *rrsig, size_t len, const uint8_t *apex)
{
	return rrsig[2] == signing_key_algorithm(k->key) &&
		be16_get(rrsig + 16) == signing_key_tag(k->key) &&
		len == sign_rrsig_len(k, apex);
}

static bool is_good(const struct sign_fix *x, const uint8_t *rrsig, uint32_t ttl_s)
{
	const uint32_t now = (uint32_t)x->o->now_s, until = (uint32_t)x->until_s;

	/* Serial numbers (RFC 4034 section 3.1.5). */
	return be32_get(rrsig + 4) == ttl_s && (int32_t)(be32_get(rrsig + 8) - until) > 0 &&
		(int32_t)(be32_get(rrsig + 8) - now) > 0 &&
		(int32_t)(be32_get(rrsig + 12) - now) <= 0;
}

bool sign_fix_right(
	const struct sign_fix *x, const struct zone_rrset *rrsig, uint16_t type, uint32_t ttl_s)
{
	const struct keyset *k = x->o->keys;
	size_t wanted = 0, found = 0;

	for (size_t i = 0; i < k->n; i++) {
		if (!sign_key_is_for(&k->keys[i], type))
			continue;
		wanted++;
		for (size_t at = 0; rrsig && at < rrsig->len;
			at += IMAGE_RR_FIXED + be16_get(rrsig->wire + at + 10)) {
			const uint8_t *rr = rrsig->wire + at, *rdata = rr + IMAGE_RR_FIXED;
			if (is_by(&k->keys[i], rdata, be16_get(rr + 10), x->z->apex) &&
				be32_get(rr + 6) == ttl_s && is_good(x, rdata, ttl_s)) {
				found++;
				break;
			}
		}
	}
	return found == wanted && wanted == (rrsig ? rrsig->count : 0u);
}

/* Of the type, of a node that may be none. */
static const struct zone_rrset *find_signatures(const struct zone_node *n, uint16_t type)
{
	const struct zone_rrset *s = n ? zone_first_rrset(n) : NULL;

	for (unsigned i = 0; n && i < n->rrsets; i++, s = zone_next_rrset(s))
		if (s->type == RRTYPE_RRSIG && s->aux == type)
			return s;
	return NULL;
}

/* --- the zone's own records --------------------------------------------------------------- */

static bool is_changed(const struct sign_name *name, const struct zone_rrset *set)
{
	const struct zone_rrset *was = name->was ? zone_find_rrset(name->was, set->type) : NULL;

	return name->now != name->was &&
		(!was || was->len != set->len || was->patches != set->patches ||
			memcmp(was->wire, set->wire, set->len) != 0 ||
			memcmp(zone_rrset_patches(was), zone_rrset_patches(set),
				2u * set->patches) != 0);
}

static bool fix_own(
	struct sign_fix *x, const struct sign_name *name, const struct zone_rrset *set)
{
	const struct zone_rrset *rrsig = find_signatures(name->now, set->type);
	const uint32_t ttl_s = ttl_of(set);

	if (!sign_covers(name->now, set->type))
		return remove_set(x, name, rrsig);
	if (!is_changed(name, set) && sign_fix_right(x, rrsig, set->type, ttl_s))
		return true;
	return remove_set(x, name, rrsig) && take_set(x, name->now, set) &&
		add_signatures(x,
			&(struct sign_rrset){
				name->owner, set->type, ttl_s, x->rr, set->count });
}

/* Signatures whose records are gone. */
static bool fix_orphans(struct sign_fix *x, const struct sign_name *name)
{
	const struct zone_node *n = name->now;
	const struct zone_rrset *s = zone_first_rrset(n);

	for (unsigned i = 0; i < n->rrsets; i++, s = zone_next_rrset(s))
		if (s->type == RRTYPE_RRSIG && !zone_find_rrset(n, s->aux) &&
			!sign_makes(s->aux, n->name_len == 0) && !remove_set(x, name, s))
			return false;
	return true;
}

/* --- what signing makes ------------------------------------------------------------------- */

static bool has_rr(const struct sign_rr *rr, size_t n, const struct sign_rr *one)
{
	for (size_t i = 0; i < n; i++)
		if (rr[i].len == one->len && memcmp(rr[i].rdata, one->rdata, one->len) == 0)
			return true;
	return false;
}

/* Those records go and come that are different. `*same`: none is. */
static bool replace(struct sign_fix *x, const struct sign_name *name, uint16_t type,
	uint32_t ttl_s, size_t n, bool *same)
{
	const struct zone_rrset *set = name->now ? zone_find_rrset(name->now, type) : NULL;
	const size_t had = set ? set->count : 0;
	const bool ttl = !set || ttl_of(set) == ttl_s;

	*same = true;
	if (set && !take_set(x, name->now, set))
		return false;
	for (size_t i = 0; i < had; i++) {
		if (ttl && has_rr(x->wanted, n, &x->rr[i]))
			continue;
		*same = false;
		if (!put(x, false, name->owner, type, ttl_of(set), &x->rr[i]))
			return false;
	}
	for (size_t i = 0; i < n; i++) {
		if (ttl && has_rr(x->rr, had, &x->wanted[i]))
			continue;
		*same = false;
		if (!put(x, true, name->owner, type, ttl_s, &x->wanted[i]))
			return false;
	}
	return true;
}

/* The RRset should be the `n` records of x->wanted. */
static bool fix_made(struct sign_fix *x, const struct sign_name *name, uint16_t type,
	uint32_t ttl_s, size_t n)
{
	const struct zone_rrset *rrsig = find_signatures(name->now, type);
	bool same;

	if (!replace(x, name, type, ttl_s, n, &same))
		return false;
	if (n && same && sign_fix_right(x, rrsig, type, ttl_s))
		return true;
	return remove_set(x, name, rrsig) &&
		(!n ||
			add_signatures(x,
				&(struct sign_rrset){
					name->owner, type, ttl_s, x->wanted, n }));
}

static bool want_room(struct sign_fix *x, size_t n, size_t len)
{
	return make_room(x, &x->wanted, &x->wanted_room, n, &x->wanted_bytes,
		&x->wanted_bytes_room, len);
}

static bool fix_of_keys(struct sign_fix *x, const struct sign_name *name, uint16_t type)
{
	const struct keyset *k = x->o->keys;
	size_t n = 0, len = 0, rdlen;

	if (!want_room(x, k->n + 1, (k->n + 1) * SIGNING_DNSKEY_MOST))
		return false;
	while ((rdlen = keyset_rdata(k, x->z->apex, type, n, x->wanted_bytes + len))) {
		x->wanted[n++] = (struct sign_rr){ x->wanted_bytes + len, rdlen };
		len += rdlen;
	}
	return fix_made(
		x, name, type, type == RRTYPE_NSEC3PARAM ? 0 : k->policy.dnskey_ttl_s, n);
}

static bool fix_nsec(struct sign_fix *x, const struct sign_name *name)
{
	size_t len;

	if (!want_room(x, 1, NAME_MOST + SIGN_BITMAP_MOST))
		return false;
	if (!name->next)
		return fix_made(x, name, RRTYPE_NSEC, x->ttl_s, 0);
	len = image_owner(x->now, name->next, x->wanted_bytes);
	len += sign_bitmap(&x->types, x->now, name->now, &x->bits, x->wanted_bytes + len);
	x->wanted[0] = (struct sign_rr){ x->wanted_bytes, len };
	return fix_made(x, name, RRTYPE_NSEC, x->ttl_s, 1);
}

static bool fix_apex(struct sign_fix *x, const struct sign_name *name)
{
	static const uint16_t made[] = { RRTYPE_DNSKEY, RRTYPE_NSEC3PARAM, RRTYPE_CDS,
		RRTYPE_CDNSKEY };

	for (size_t i = 0; i < sizeof made / sizeof *made; i++)
		if (!fix_of_keys(x, name, made[i]))
			return false;
	/* The digest is made when all else is. */
	return x->o->keys->policy.zonemd || fix_made(x, name, RRTYPE_ZONEMD, 0, 0);
}

bool sign_fix_name(struct sign_fix *x, const struct sign_name *name)
{
	const struct zone_node *n = name->now;
	const struct zone_rrset *s = n ? zone_first_rrset(n) : NULL;

	for (unsigned i = 0; n && i < n->rrsets; i++, s = zone_next_rrset(s))
		if (!sign_makes(s->type, n->name_len == 0) && !fix_own(x, name, s))
			return false;
	return !n ||
		(fix_orphans(x, name) && (n->name_len || fix_apex(x, name)) &&
			fix_nsec(x, name));
}

bool sign_fix_nsec3(
	struct sign_fix *x, const struct sign_name *name, const uint8_t *rdata, size_t len)
{
	if (!want_room(x, 1, len))
		return false;
	if (rdata) {
		memcpy(x->wanted_bytes, rdata, len);
		x->wanted[0] = (struct sign_rr){ x->wanted_bytes, len };
	}
	return fix_made(x, name, RRTYPE_NSEC3, x->ttl_s, rdata != NULL);
}
