#include "answer/pool_rrsig.h"

#include "dns/rrtype.h"
#include "world/pool_denial.h"
#include "zone/image.h"

#include <string.h>

enum { RR_FIXED = COMPOSE_RR_FIXED, RRSIG_END = 8 };

bool pool_rrsig_signs(const struct world *w, const struct zone *z)
{
	return w->signatures && z->denial && pool_signatures_signs(w->signatures, z);
}

bool pool_rrsig_wanted(const struct compose *c)
{
	return c->dnssec && pool_rrsig_signs(c->by->world, c->zone);
}

/* --- what is there ------------------------------------------------------------------------ */

static uint64_t key_of(const struct compose *c, const struct pool_rrsig *set)
{
	const struct pool_signatures *s = c->by->world->signatures;
	const uint8_t *buf = c->w.buf;
	uint64_t records = 0;

	if (set->key)
		return set->key;
	if (set->cname)
		records = pool_signatures_record(set->cname, name_len(set->cname));
	else
		for (size_t at = set->at; at < c->w.len; at += RR_FIXED + be16_get(buf + at + 10))
			records += pool_signatures_record(
				buf + at + RR_FIXED, be16_get(buf + at + 10));
	return pool_signatures_key(pool_signatures_owner(s, c->zone, set->node), set->type,
		set->signed_ttl_s, records);
}

/* Who keeps the answer wants to know for how long. Seconds go round (RFC 4034 section 3.1.5). */
static void note_end(uint32_t *first_s, uint32_t end_s)
{
	if (!*first_s || (int32_t)(end_s - *first_s) < 0)
		*first_s = end_s;
}

/* The signatures have the owner and the TTL of what they sign. */
static void put(struct compose *c, enum writer_section section, const struct zone_rrset *sigs,
	size_t owner_at, uint32_t ttl_s)
{
	uint8_t *to = c->w.buf + c->w.len;

	memcpy(to, sigs->wire, sigs->len);
	for (size_t at = 0; at < sigs->len; at += RR_FIXED + be16_get(to + at + 10)) {
		be16_put(to + at, 0xc000u | (unsigned)owner_at);
		be32_put(to + at + 6, ttl_s);
		if (c->by->signed_until_s)
			note_end(c->by->signed_until_s, be32_get(to + at + RR_FIXED + RRSIG_END));
	}
	c->w.len += sigs->len;
	writer_count(&c->w, section, sigs->count);
}

enum pool_rrsig_is pool_rrsig_add(struct compose *c, const struct pool_rrsig *set)
{
	const struct zone_rrset *sigs = pool_signatures_find(
		c->by->world->signatures, key_of(c, set), c->by->now_s);

	if (!sigs)
		return POOL_RRSIG_NONE;
	if (!writer_fits(&c->w, sigs->len)) {
		c->flags |= FLAG_TC;
		return POOL_RRSIG_FULL;
	}
	put(c, WRITER_ANSWER, sigs, compose_position(c, 0), set->ttl_s);
	stats_add(&c->by->stats->pool_signed, 1);
	return POOL_RRSIG_PUT;
}

/* --- what is not -------------------------------------------------------------------------- */

static bool add_rdata(struct pool_unsigned *to, const uint8_t *rdata, size_t len)
{
	if (to->len + 2 + len > sizeof to->rdata)
		return false;
	be16_put(to->rdata + to->len, (unsigned)len);
	memcpy(to->rdata + to->len + 2, rdata, len);
	to->len = (uint16_t)(to->len + 2 + len);
	to->n++;
	return true;
}

static void want(struct compose *c, struct pool_unsigned *ask, const struct zone_node *node)
{
	struct answerer *a = c->by;
	const struct addr source = addr_plain(c->source, NULL);

	if (!sign_asks_may(&a->asks, ask->key, &source, c->proven, a->now_s))
		return;
	ask->proven = c->proven;
	memcpy(ask->apex, zone_id(c->zone), (size_t)c->zone->view_len + c->zone->apex_len);
	image_owner(c->zone, node, ask->owner);
	stats_add(&a->stats->pool_wanted, 1);
	pool_signatures_want(a->world->signatures, ask);
}

void pool_rrsig_want(struct compose *c, const struct pool_rrsig *set)
{
	const uint8_t *buf = c->w.buf;
	struct pool_unsigned ask;

	ask.key = key_of(c, set);
	ask.type = set->type;
	ask.ttl_s = set->signed_ttl_s;
	ask.n = ask.len = 0;
	if (set->cname) {
		if (!add_rdata(&ask, set->cname, name_len(set->cname)))
			return;
	} else {
		for (size_t at = set->at; at < c->w.len; at += RR_FIXED + be16_get(buf + at + 10))
			if (!add_rdata(&ask, buf + at + RR_FIXED, be16_get(buf + at + 10)))
				return; /* so many are never signed */
	}
	want(c, &ask, set->node);
}

/* --- what is not there for now ------------------------------------------------------------ */

static const struct zone_rrset *denial_of(const struct compose_link *link)
{
	return zone_find_rrset(
		link->node, link->node->flags & NODE_NSEC3 ? RRTYPE_NSEC3 : RRTYPE_NSEC);
}

bool pool_rrsig_lists(const struct compose_link *link, uint16_t type)
{
	const struct zone_rrset *set = denial_of(link);

	return set && pool_denial_lists(set, type);
}

/* The record without the type, in `to`, for as long as the type is not there. False: it is larger
 * than any of ours. */
static bool make_denial(const struct compose *c, const struct compose_link *link,
	const struct zone_rrset *from, struct zone_rrset *to)
{
	const size_t len = pool_denial_without(from, link->without, to->wire + RR_FIXED);

	if (!len)
		return false;
	memcpy(to, from, sizeof *from);
	memcpy(to->wire, from->wire, RR_FIXED);
	to->is_signed = 0;
	to->patches = 0;
	to->len = (uint16_t)(RR_FIXED + len);
	be16_put(to->wire + 10, (unsigned)len);
	if (be32_get(to->wire + 6) > c->negative_most_s)
		be32_put(to->wire + 6, c->negative_most_s);
	return true;
}

static bool truncate_here(struct compose *c)
{
	c->flags |= FLAG_TC;
	return false;
}

/* Writes the record and its signatures, whose owners point to the record's. */
static bool put_denial(struct compose *c, const struct compose_link *link,
	const struct zone_rrset *set, const struct zone_rrset *sigs, size_t owner_at)
{
	const size_t before = c->w.len;
	const uint8_t *buf = c->w.buf;

	if (!(owner_at ? compose_put(c, WRITER_AUTHORITY, set, owner_at)
		       : compose_put_named(c, WRITER_AUTHORITY, link, set)))
		return truncate_here(c);
	if (!owner_at)
		owner_at = buf[before] >= 0xc0 ? be16_get(buf + before) & 0x3fffu : before;
	if (owner_at >= WRITER_POINTABLE || !writer_fits(&c->w, sigs->len))
		return truncate_here(c);
	put(c, WRITER_AUTHORITY, sigs, owner_at, be32_get(set->wire + 6));
	return true;
}

bool pool_rrsig_deny(struct compose *c, const struct compose_link *link, size_t owner_at)
{
	const struct pool_signatures *s = c->by->world->signatures;
	const struct zone_rrset *from = denial_of(link);
	_Alignas(struct zone_rrset) uint8_t room[sizeof *from + RR_FIXED + POOL_DENIAL_MOST];
	struct zone_rrset *set = (struct zone_rrset *)(void *)room;
	struct pool_unsigned ask;

	c->failed = !make_denial(c, link, from, set);
	if (c->failed)
		return false;
	const uint8_t *rdata = set->wire + RR_FIXED;
	const size_t len = set->len - (size_t)RR_FIXED;
	ask.type = set->type;
	ask.ttl_s = be32_get(from->wire + 6);
	ask.key = pool_signatures_key(pool_signatures_owner(s, link->zone, link->node), ask.type,
		ask.ttl_s, pool_signatures_record(rdata, len));
	const struct zone_rrset *sigs = pool_signatures_find(s, ask.key, c->by->now_s);
	if (sigs)
		return put_denial(c, link, set, sigs, owner_at);
	ask.n = ask.len = 0;
	if (add_rdata(&ask, rdata, len))
		want(c, &ask, link->node);
	stats_add(&c->by->stats->pool_unsigned, 1);
	c->failed = true;
	return false;
}
