/* Two zones become the change set that leads from one to the other. Both are walked in
 * canonical order; nodes that are the same byte for byte are passed over. */
#include "zone/change.h"

#include "base/bytes.h"
#include "dns/rrtype.h"
#include "zone/image.h"
#include "zone/order.h"
#include "zone/same_data.h"
#include "zone/sign_types.h"

#include <stdlib.h>
#include <string.h>

/* A node of one of the zones. */
struct side {
	const struct zone *z;
	const struct zone_node *n; /* NULL: there is none */
};

/* A record of one of them, its names whole. */
struct one {
	const uint8_t *rdata;
	uint16_t rdlen, type;
	bool comes;
};

struct between {
	struct change *to;
	bool data_only;  /* what signing makes does not count */
	uint32_t serial; /* ... and the SOA that comes has this */
	struct fault *why;
	uint8_t owner[NAME_MOST]; /* of the node at work */
	struct one *of;           /* the records of an RRset in both zones */
	size_t n, room;
	uint8_t *bytes; /* their RDATA */
	size_t len, bytes_room;
};

static bool no_memory(struct between *b)
{
	return fault(b->why, "out of memory");
}

/* --- an RRset that is not the same -------------------------------------------------------- */

static int compare_ones(const void *va, const void *vb)
{
	const struct one *a = va, *b = vb;
	const int d = same_data_compare(a->type, a->rdata, a->rdlen, b->rdata, b->rdlen);

	return d ? d : a->comes - b->comes;
}

static bool put(struct between *b, const struct one *one, uint32_t ttl_s)
{
	const struct change_record rr = { .owner = b->owner,
		.type = one->type,
		.ttl_s = ttl_s,
		.rdata = one->rdata,
		.rdlen = one->rdlen };

	return one->comes ? change_add(b->to, &rr, b->why) : change_remove(b->to, &rr, b->why);
}

/* Room for what gather() will add. What it has added before stands in a row. */
static bool room_for(struct between *b, const struct zone_rrset *set)
{
	const size_t n = b->n + set->count,
		     len = b->len + set->len + (size_t)set->count * set->names * NAME_MOST;

	if (n > b->room) {
		struct one *of = realloc(b->of, n * 2 * sizeof *of);
		if (!of)
			return no_memory(b);
		b->of = of;
		b->room = n * 2;
	}
	if (len > b->bytes_room) {
		uint8_t *bytes = realloc(b->bytes, len * 2);
		if (!bytes)
			return no_memory(b);
		for (size_t i = 0, at = 0; i < b->n; at += b->of[i++].rdlen)
			b->of[i].rdata = bytes + at;
		b->bytes = bytes;
		b->bytes_room = len * 2;
	}
	return true;
}

static bool gather(struct between *b, struct side s, const struct zone_rrset *set, bool comes)
{
	if (!set)
		return true;
	if (!room_for(b, set))
		return false;
	for (size_t at = 0; at < set->len;
		at += IMAGE_RR_FIXED + be16_get(set->wire + at + 10)) {
		uint8_t *to = b->bytes + b->len;
		const size_t len = image_rdata(s.z, s.n, set, at, to);
		b->of[b->n++] = (struct one){ to, (uint16_t)len, set->type, comes };
		b->len += len;
	}
	return true;
}

static uint32_t ttl_of(const struct zone_rrset *set)
{
	return set ? be32_get(set->wire + 6) : 0;
}

static bool differ(struct between *b, struct side now, const struct zone_rrset *old,
	struct side then, const struct zone_rrset *new)
{
	const uint32_t ttls[2] = { ttl_of(old), ttl_of(new) };

	b->n = b->len = 0;
	if (!gather(b, now, old, false) || !gather(b, then, new, true))
		return false;
	qsort(b->of, b->n, sizeof *b->of, compare_ones);
	for (size_t i = 0; i < b->n; i++) {
		const struct one *one = &b->of[i];
		if (i + 1 < b->n && one->comes != one[1].comes && ttls[0] == ttls[1] &&
			one->rdlen == one[1].rdlen &&
			memcmp(one->rdata, one[1].rdata, one->rdlen) == 0) {
			i++;
			continue;
		}
		if (!put(b, one, ttls[one->comes]))
			return false;
	}
	return true;
}

/* --- nodes -------------------------------------------------------------------------------- */

/* The same type; of signatures, the same type that they cover. */
static const struct zone_rrset *like(struct side s, const struct zone_rrset *set)
{
	if (!s.n)
		return NULL;
	const struct zone_rrset *t = zone_first_rrset(s.n);
	for (unsigned i = 0; i < s.n->rrsets; i++, t = zone_next_rrset(t))
		if (t->type == set->type && (t->type != RRTYPE_RRSIG || t->aux == set->aux))
			return t;
	return NULL;
}

/* Numbers of pools mean nothing to another zone: what an EDGE says stands in its wire. */
static bool same_set(const struct zone_rrset *a, const struct zone_rrset *b)
{
	return b && a->len == b->len && a->patches == b->patches &&
		memcmp(a->wire, b->wire, a->len) == 0 &&
		memcmp(zone_rrset_patches(a), zone_rrset_patches(b), 2u * a->patches) == 0;
}

static bool same_node(const struct zone_node *a, const struct zone_node *b)
{
	const uint8_t *at = (const uint8_t *)zone_first_rrset(a);
	const size_t len = (size_t)(zone_node_end(a) - at);

	return a->rrsets == b->rrsets && !((a->flags | b->flags) & NODE_EDGE) &&
		(size_t)(zone_node_end(b) - (const uint8_t *)zone_first_rrset(b)) == len &&
		memcmp(at, zone_first_rrset(b), len) == 0;
}

static bool is_soa(struct side s, const struct zone_rrset *set)
{
	return set->type == RRTYPE_SOA && s.n->name_len == 0;
}

static bool counts(const struct between *b, struct side s, const struct zone_rrset *set)
{
	return !is_soa(s, set) &&
		!(b->data_only && sign_makes(set->type, s.n->name_len == 0));
}

/* One of the two nodes may be missing. */
static bool differ_node(struct between *b, struct side now, struct side then)
{
	const struct zone_rrset *set;

	if (now.n && then.n && same_node(now.n, then.n))
		return true;
	image_owner(now.n ? now.z : then.z, now.n ? now.n : then.n, b->owner);
	set = now.n ? zone_first_rrset(now.n) : NULL;
	for (unsigned i = 0; now.n && i < now.n->rrsets; i++, set = zone_next_rrset(set)) {
		const struct zone_rrset *other = like(then, set);
		if (counts(b, now, set) && !same_set(set, other) &&
			!differ(b, now, set, then, other))
			return false;
	}
	set = then.n ? zone_first_rrset(then.n) : NULL;
	for (unsigned i = 0; then.n && i < then.n->rrsets; i++, set = zone_next_rrset(set))
		if (counts(b, then, set) && !like(now, set) &&
			!differ(b, now, NULL, then, set))
			return false;
	return true;
}

/* Of a name that owns an NSEC3 record and others the others come first. */
static int compare_nodes(const struct zone_node *a, const struct zone_node *b)
{
	if (!a || !b)
		return !a - !b;
	const int d = order_names(a->name, a->name_len, b->name, b->name_len);
	return d ? d : (a->flags & NODE_NSEC3) - (b->flags & NODE_NSEC3);
}

static bool walk(struct between *b, const struct zone *now, const struct zone *then)
{
	struct side from = { now, image_first(now) }, to = { then, image_first(then) };

	while (from.n || to.n) {
		const int d = compare_nodes(from.n, to.n);
		if (!differ_node(b, (struct side){ now, d <= 0 ? from.n : NULL },
			    (struct side){ then, d >= 0 ? to.n : NULL }))
			return false;
		if (d <= 0)
			from.n = image_next(now, from.n);
		if (d >= 0)
			to.n = image_next(then, to.n);
	}
	return true;
}

/* The SOAs go and come whatever they are. */
static bool put_soas(struct between *b, const struct zone *now, const struct zone *then)
{
	const struct side of[2] = { { now, now->apex_node }, { then, then->apex_node } };

	memcpy(b->owner, now->apex, now->apex_len);
	for (unsigned i = 0; i < 2; i++) {
		const struct zone_rrset *soa = zone_find_rrset(of[i].n, RRTYPE_SOA);
		b->n = b->len = 0;
		if (!gather(b, of[i], soa, i))
			return false;
		if (i && b->data_only)
			be32_put(b->bytes + b->len - 20, b->serial);
		if (!put(b, b->of, ttl_of(soa)))
			return false;
	}
	return true;
}

static struct change *between(struct between *b, const struct zone *now, const struct zone *then)
{
	b->to = change_new(zone_id(now));
	bool ok = b->to || no_memory(b);

	ok = ok && put_soas(b, now, then) && walk(b, now, then) && change_seal(b->to, b->why);
	free(b->of);
	free(b->bytes);
	if (ok)
		return b->to;
	change_free(b->to);
	return NULL;
}

struct change *change_between(
	const struct zone *now, const struct zone *then, struct fault *why)
{
	return between(&(struct between){ .why = why }, now, then);
}

struct change *change_between_data(const struct zone *now, const struct zone *then,
	uint32_t serial, struct fault *why)
{
	return between(
		&(struct between){ .why = why, .data_only = true, .serial = serial }, now, then);
}
