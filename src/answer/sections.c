#include "answer/sections.h"

#include "answer/pool_rrsig.h"

#include "dns/rrtype.h"

#include <string.h>

enum { TARGETS_MOST = 64 }; /* names of RDATA whose addresses go into one message */

static bool need(struct compose *c, bool fitted)
{
	if (!fitted)
		c->flags |= FLAG_TC;
	return fitted;
}

/* --- proofs ------------------------------------------------------------------------------- */

void sections_gather(struct compose *c, const struct denial_proof *p)
{
	for (unsigned i = 0; i < p->n && c->n_proofs < COMPOSE_PROOFS; i++) {
		unsigned k = 0;
		while (k < c->n_proofs && c->proofs[k].node != p->node[i])
			k++;
		if (k == c->n_proofs)
			c->proofs[c->n_proofs++] = (struct compose_link){ c->zone, p->node[i],
				c->apex_at, 0 };
	}
}

/* Does the node's name end the name at work? Then that is where it stands. */
static size_t find_in_name(const struct compose *c, const struct compose_link *link)
{
	const size_t len = link->node->name_len,
		     inside = c->name->len - (size_t)c->zone->apex_len;

	if (link->zone != c->zone || len > inside)
		return 0;
	for (unsigned i = 0; i <= c->name->labels; i++)
		if (c->name->at[i] == inside - len)
			return memcmp(c->name->wire + c->name->at[i], link->node->name, len) ==
					0
				? compose_position(c, i)
				: 0;
	return 0;
}

bool sections_proofs(struct compose *c)
{
	for (unsigned i = 0; i < c->n_proofs; i++) {
		const struct compose_link *link = &c->proofs[i];
		const bool nsec3 = link->node->flags & NODE_NSEC3;
		const struct zone_rrset *set = zone_find_rrset(
			link->node, nsec3 ? RRTYPE_NSEC3 : RRTYPE_NSEC);
		const size_t at = nsec3 ? 0 : find_in_name(c, link);
		if (!set)
			continue;
		if (link->without) {
			if (!pool_rrsig_deny(c, link, at))
				return false;
			continue;
		}
		if (!need(c,
			    at ? compose_put(c, WRITER_AUTHORITY, set, at)
			       : compose_put_named(c, WRITER_AUTHORITY, link, set)))
			return false;
	}
	return true;
}

void sections_deny_for_now(struct compose *c, const struct lookup *l)
{
	const struct zone_node *self = denial_self(c->zone, l->node);

	for (unsigned i = 0; i < c->n_proofs; i++) {
		struct compose_link *link = &c->proofs[i];
		if (link->zone != c->zone || link->node != self)
			continue;
		if (pool_rrsig_lists(link, c->q->qtype))
			link->without = c->q->qtype;
		else if (pool_rrsig_lists(link, RRTYPE_CNAME)) /* then there would be no such answer */
			link->without = RRTYPE_CNAME;
	}
}

/* The SOA and what signs it, from `at` on: their owners are pointers. */
static void limit_ttl(struct compose *c, size_t at)
{
	uint8_t *buf = c->w.buf;

	for (; at < c->w.len; at += COMPOSE_RR_FIXED + be16_get(buf + at + 10))
		if (be32_get(buf + at + 6) > c->negative_most_s)
			be32_put(buf + at + 6, c->negative_most_s);
}

bool sections_negative(struct compose *c)
{
	const size_t at = c->w.len;

	if (!need(c,
		    compose_put_own(c, WRITER_AUTHORITY,
			    c->zone->soa_negative,
			    c->name->labels - c->zone->apex_labels)))
		return false;
	if (c->negative_most_s != UINT32_MAX)
		limit_ttl(c, at);
	return true;
}

/* Unsigned, a DS is of no use to who would follow it. */
bool sections_has_ds(const struct lookup *l)
{
	const struct zone_rrset *ds = zone_find_rrset(l->node, RRTYPE_DS);

	return ds && ds->is_signed;
}

bool sections_referral(struct compose *c, const struct lookup *l)
{
	const bool dnssec = c->dnssec;

	/* The parent does not sign the child's NS (RFC 4035 section 2.2). */
	c->dnssec = false;
	const bool ok = compose_rrset(c, WRITER_AUTHORITY, l->rrset, l->skip);
	c->dnssec = dnssec;
	if (!ok || !dnssec || !sections_has_ds(l))
		return ok;
	return compose_rrset(c, WRITER_AUTHORITY, zone_find_rrset(l->node, RRTYPE_DS), l->skip);
}

/* --- addresses ---------------------------------------------------------------------------- */

/* The names of RDATA that are being looked up, each once. */
struct targets {
	uint64_t seen[TARGETS_MOST]; /* their hashes: two names may be made from one wildcard */
	unsigned n;
};

static bool is_new(struct targets *t, const struct zone_name *name)
{
	for (unsigned i = 0; i < t->n; i++)
		if (t->seen[i] == name->hash[0])
			return false;
	if (t->n == TARGETS_MOST)
		return false;
	t->seen[t->n++] = name->hash[0];
	return true;
}

/* The RRsets of the types from `types` (ended by 0) that a node has, for the owner at `at`. */
static bool put_types(
	struct compose *c, const struct zone_node *n, const uint16_t *types, size_t at)
{
	for (; *types; types++) {
		const struct zone_rrset *set = zone_find_rrset(n, *types);
		if (set && !compose_put(c, WRITER_ADDITIONAL, set, at))
			return false;
	}
	return true;
}

static const uint16_t addresses[] = { RRTYPE_A, RRTYPE_AAAA, 0 };

/* Where the record behind the one at `at` starts: owners are pointers here. */
static size_t next_record(const struct compose *c, size_t at)
{
	return at + COMPOSE_RR_FIXED + be16_get(c->w.buf + at + 10);
}

/* The node of the name at `at` of the message when it is in the zone; its wire in `to`. */
static bool read_target(const struct compose *c, size_t at, uint8_t to[static NAME_MOST],
	struct zone_name *name)
{
	compose_read_name(c, at, to);
	if (at >= WRITER_POINTABLE || !name_is_under(to, c->zone->apex))
		return false;
	zone_name_set(name, c->key, to);
	return true;
}

/* A name that an answer's RDATA has: its addresses as a question for them would find them, but
 * that a server's may be glue. */
static void put_target(struct compose *c, struct targets *t, size_t at, bool glue)
{
	static const uint16_t aaaa[] = { RRTYPE_AAAA, 0 };
	uint8_t target[NAME_MOST];
	struct zone_name name;

	if (!read_target(c, at, target, &name))
		return;
	const struct lookup l = zone_lookup(c->zone, c->key, &name, RRTYPE_A);
	const struct zone_node *n = l.kind == LOOKUP_REFERRAL && glue
		? zone_find_node(c->zone, &name, 0)
		: l.node;
	if (!n || (l.kind == LOOKUP_REFERRAL && !glue) || l.kind == LOOKUP_NXDOMAIN ||
		l.kind == LOOKUP_CNAME || l.kind == LOOKUP_DNAME || l.kind == LOOKUP_EDGE)
		return;
	if (!is_new(t, &name))
		return;
	put_types(c, n, l.kind == LOOKUP_NODATA ? aaaa : addresses, at);
}

/* One server of a cut, named at `at`. False when its glue does not fit. */
static bool put_glue(struct compose *c, struct targets *t, size_t at)
{
	uint8_t server[NAME_MOST];
	struct zone_name name;

	if (!read_target(c, at, server, &name))
		return true;
	const struct zone_node *n = zone_find_node(c->zone, &name, 0);
	return !n || !is_new(t, &name) || put_types(c, n, addresses, at);
}

bool sections_glue(struct compose *c, const struct lookup *l, size_t at)
{
	const uint8_t *cut = c->name->wire + c->name->at[l->skip];
	const size_t start = at;
	uint8_t server[NAME_MOST];
	struct targets t = { .n = 0 };

	/* Those at or below the cut first; then all others, which a question for them finds. */
	for (unsigned round = 0; round < 2; round++) {
		at = start;
		for (unsigned i = 0; i < l->rrset->count; i++, at = next_record(c, at)) {
			compose_read_name(c, at + COMPOSE_RR_FIXED, server);
			if (name_is_under(server, cut) != (round == 0))
				continue;
			if (round == 1)
				put_target(c, &t, at + COMPOSE_RR_FIXED, true);
			else if (!need(c, put_glue(c, &t, at + COMPOSE_RR_FIXED)))
				return false;
		}
	}
	return true;
}

/* NAPTR (RFC 3403 section 4.1): the replacement of a terminal rule is looked up as its flag
 * says.
 */
static void put_naptr(struct compose *c, struct targets *t, size_t rdata, size_t len)
{
	static const uint16_t srv[] = { RRTYPE_SRV, 0 };
	const uint8_t *p = c->w.buf + rdata;
	size_t at = 4;
	uint8_t target[NAME_MOST];
	struct zone_name name;

	const uint8_t flag = p[at] == 1 ? p[at + 1] | 0x20 : 0;
	for (unsigned i = 0; i < 3 && at < len; i++)
		at += p[at] + 1u;
	if (at >= len)
		return;
	if (flag == 'a') {
		put_target(c, t, rdata + at, false);
	} else if (flag == 's' && read_target(c, rdata + at, target, &name)) {
		const struct lookup l = zone_lookup(c->zone, c->key, &name, RRTYPE_SRV);
		if (l.kind == LOOKUP_ANSWER && is_new(t, &name))
			put_types(c, l.node, srv, rdata + at);
	}
}

/* AliasMode leads to the same type of another name, which is asked for next. */
static void put_alias(struct compose *c, size_t at, uint16_t type)
{
	const uint16_t types[] = { type, 0 };
	uint8_t target[NAME_MOST];
	struct zone_name name;

	if (!read_target(c, at, target, &name))
		return;
	const struct lookup l = zone_lookup(c->zone, c->key, &name, type);
	if (l.kind == LOOKUP_ANSWER)
		put_types(c, l.node, types, at);
}

/* SVCB and HTTPS (RFC 9460 section 4.1): "." in ServiceMode is the owner itself, whose
 * addresses a wildcard would have to make up. */
static void put_svcb(
	struct compose *c, struct targets *t, size_t owner_at, size_t rdata, bool wildcard)
{
	const uint8_t *p = c->w.buf + rdata;
	const bool alias = be16_get(p) == 0;

	if (alias && p[2])
		put_alias(c, rdata + 2, be16_get(c->w.buf + rdata - 10));
	if (p[2])
		put_target(c, t, rdata + 2, false);
	else if (!alias && !wildcard)
		put_target(c, t, owner_at, false);
}

void sections_additional(struct compose *c, const struct lookup *l, size_t at, size_t end)
{
	const uint16_t type = c->q->qtype;
	struct targets t = { .n = 0 };

	for (; at < end; at = next_record(c, at)) {
		const size_t rdata = at + COMPOSE_RR_FIXED;
		if (be16_get(c->w.buf + at + 2) != type)
			continue;
		switch (type) {
		case RRTYPE_NS: put_target(c, &t, rdata, true); break;
		case RRTYPE_MX:
		case RRTYPE_KX:
		case RRTYPE_RT:
		case RRTYPE_AFSDB: put_target(c, &t, rdata + 2, false); break;
		case RRTYPE_SRV: put_target(c, &t, rdata + 6, false); break;
		case RRTYPE_SVCB:
		case RRTYPE_HTTPS:
			put_svcb(c, &t, be16_get(c->w.buf + at) & 0x3fffu, rdata,
				l->wildcard || name_is_wildcard(c->name->wire));
			break;
		case RRTYPE_NAPTR: put_naptr(c, &t, rdata, be16_get(c->w.buf + at + 10)); break;
		default: return;
		}
	}
}
