#include "zone/sign_put.h"

#include "base/bytes.h"
#include "dns/rrtype.h"
#include "zone/image.h"

#include <stdlib.h>
#include <string.h>

enum { NSEC3_FIXED = 5 };

/* --- RRsets ------------------------------------------------------------------------------- */

static bool make_room(struct sign_put *p, size_t n, size_t len)
{
	if (n > p->rr_room) {
		free(p->rr);
		p->rr = malloc(n * 2 * sizeof *p->rr);
		p->rr_room = p->rr ? n * 2 : 0;
	}
	if (len > p->bytes_room) {
		free(p->bytes);
		p->bytes = malloc(len * 2);
		p->bytes_room = p->bytes ? len * 2 : 0;
	}
	p->failed = p->failed || n > p->rr_room || len > p->bytes_room;
	return !p->failed;
}

/* The head of an RRset and room for its `len` bytes; NULL while it is measured. */
static struct zone_rrset *put_head(
	struct sign_put *p, uint16_t type, uint16_t aux, size_t n, size_t len)
{
	struct zone_rrset *set = NULL;

	if (p->image) {
		set = (struct zone_rrset *)(void *)(p->image + p->len);
		*set = (struct zone_rrset){
			.type = type, .aux = aux, .count = (uint16_t)n, .len = (uint16_t)len
		};
		memset(set->wire + len, 0, (4u - len) & 3u);
	}
	p->len += (uint32_t)((sizeof *set + len + 3u) & ~(size_t)3u);
	p->sets++;
	p->records += (uint32_t)n;
	return set;
}

static uint8_t *put_rr(uint8_t *to, uint16_t type, uint32_t ttl_s, size_t rdlen)
{
	be16_put(to, 0xc00c);
	be16_put(to + 2, type);
	be16_put(to + 4, RRCLASS_IN);
	be32_put(to + 6, ttl_s);
	be16_put(to + 10, (unsigned)rdlen);
	return to + IMAGE_RR_FIXED;
}

/* Behind the RRset `signed`, which is in the image by now, or is measured. */
static void put_signatures(
	struct sign_put *p, struct zone_rrset *is, uint16_t type, uint32_t ttl_s, size_t rr_n)
{
	const struct keyset *k = p->plan->o->keys;
	const struct sign_rrset set = { p->owner, type, ttl_s, p->rr, rr_n };
	uint8_t rdata[SIGN_RRSIG_MOST];
	size_t n = 0, len = 0;

	for (size_t i = 0; i < k->n; i++)
		if (sign_key_is_for(&k->keys[i], type)) {
			n++;
			len += IMAGE_RR_FIXED + sign_rrsig_len(&k->keys[i], p->plan->z->apex);
		}
	if (!n)
		return;
	struct zone_rrset *to = put_head(p, RRTYPE_RRSIG, type, n, len);
	if (!to)
		return;
	is->is_signed = 1;
	uint8_t *at = to->wire;
	p->failed = p->failed || !sign_prepare(&p->desk, &set);
	for (size_t i = 0; i < k->n && !p->failed; i++) {
		if (!sign_key_is_for(&k->keys[i], type))
			continue;
		const size_t rdlen = sign_rrset(
			&p->desk, &p->plan->by, &set, &k->keys[i], rdata);
		p->failed = !rdlen;
		at = put_rr(at, RRTYPE_RRSIG, ttl_s, rdlen);
		memcpy(at, rdata, rdlen);
		at += rdlen;
	}
}

/* The records of a set of the signed image, to be signed. */
static bool take_set(struct sign_put *p, const struct zone_rrset *set)
{
	uint8_t *to;
	size_t n = 0;

	if (!make_room(p, set->count,
		    set->patches ? set->len + (size_t)set->count * set->names * NAME_MOST : 0))
		return false;
	to = p->bytes;
	for (size_t at = 0; at < set->len;
		at += IMAGE_RR_FIXED + be16_get(set->wire + at + 10)) {
		const uint8_t *rr = set->wire + at;
		struct sign_rr *is = &p->rr[n++];
		*is = (struct sign_rr){ rr + IMAGE_RR_FIXED, be16_get(rr + 10) };
		if (!set->patches)
			continue;
		is->len = image_rdata(p->plan->z, p->node, set, at, to);
		is->rdata = to;
		to += is->len;
	}
	return true;
}

/* One of the zone's own, as it is. */
static void put_copy(struct sign_put *p, const struct zone_rrset *set)
{
	const size_t len = (size_t)((const uint8_t *)zone_next_rrset(set) -
		(const uint8_t *)set);
	struct zone_rrset *to = NULL;

	if (p->image) {
		to = (struct zone_rrset *)(void *)(p->image + p->len);
		memcpy(to, set, len);
		if (set->type == RRTYPE_SOA)
			be32_put(to->wire + to->len - 20, p->plan->serial);
	}
	p->len += (uint32_t)len;
	p->sets++;
	p->records += set->count;
	if (!sign_covers(p->node, set->type))
		return;
	if (!to || take_set(p, to))
		put_signatures(p, to, set->type, be32_get(set->wire + 6), set->count);
}

/* One that signing makes; its records are in p->rr. */
static void put_made(struct sign_put *p, uint16_t type, uint32_t ttl_s, size_t n)
{
	size_t len = 0;

	for (size_t i = 0; i < n; i++)
		len += IMAGE_RR_FIXED + p->rr[i].len;
	struct zone_rrset *to = put_head(p, type, 0, n, len);
	uint8_t *at = to ? to->wire : NULL;
	for (size_t i = 0; to && i < n; i++) {
		at = put_rr(at, type, ttl_s, p->rr[i].len);
		memcpy(at, p->rr[i].rdata, p->rr[i].len);
		at += p->rr[i].len;
	}
	put_signatures(p, to, type, ttl_s, n);
}

/* The records at the apex of a type that come of the keys. */
static void put_of_keys(struct sign_put *p, uint16_t type)
{
	const struct keyset *k = p->plan->o->keys;
	size_t n = 0, len = 0, rdlen;

	if (!make_room(p, k->n + 1, (k->n + 1) * SIGNING_DNSKEY_MOST))
		return;
	while ((rdlen = keyset_rdata(k, p->plan->z->apex, type, n, p->bytes + len))) {
		p->rr[n++] = (struct sign_rr){ p->bytes + len, rdlen };
		len += rdlen;
	}
	if (n)
		put_made(p, type, type == RRTYPE_NSEC3PARAM ? 0 : k->policy.dnskey_ttl_s, n);
}

static void put_nsec(struct sign_put *p, const struct sign_entry *e)
{
	const struct zone *z = p->plan->z;

	if (!make_room(p, 1, NAME_MOST + SIGN_BITMAP_MOST))
		return;
	size_t len = image_owner(z, zone_node_at(z, p->plan->entry[e->next].from), p->bytes);
	len += sign_bitmap(&p->plan->types, z, p->node, &p->bits, p->bytes + len);
	p->rr[0] = (struct sign_rr){ p->bytes, len };
	put_made(p, RRTYPE_NSEC, p->plan->ttl_s, 1);
}

/* --- nodes -------------------------------------------------------------------------------- */

/* Those that signing makes of the types from `from` to below `to`, in their order. */
static void put_between(
	struct sign_put *p, const struct sign_entry *e, unsigned from, unsigned to)
{
	static const uint16_t made[] = { RRTYPE_DNSKEY, RRTYPE_NSEC3PARAM, RRTYPE_CDS,
		RRTYPE_CDNSKEY };

	if (e->next != SIGN_NONE && from <= RRTYPE_NSEC && RRTYPE_NSEC < to)
		put_nsec(p, e);
	if (p->node->name_len == 0)
		for (size_t i = 0; i < sizeof made / sizeof *made; i++)
			if (from <= made[i] && made[i] < to)
				put_of_keys(p, made[i]);
}

static void put_sets(struct sign_put *p, const struct sign_entry *e)
{
	const struct zone_rrset *set = zone_first_rrset(p->node);
	unsigned done = 0;

	for (unsigned i = 0; i < p->node->rrsets; i++, set = zone_next_rrset(set)) {
		put_between(p, e, done, set->type);
		put_copy(p, set);
		done = set->type;
	}
	put_between(p, e, done, 1u << 16);
}

/* The head of a node; its RRsets follow. */
static struct zone_node *put_node_head(
	struct sign_put *p, uint8_t flags, const uint8_t *name, size_t len)
{
	const uint32_t head = (uint32_t)((sizeof(struct zone_node) + len + 3u) & ~(size_t)3u);
	struct zone_node *n = NULL;

	if (p->image) {
		memset(p->image + p->len, 0, sizeof(struct zone_proof) + head);
		n = (struct zone_node *)(void *)(p->image + p->len + sizeof(struct zone_proof));
		n->flags = flags;
		n->name_len = (uint8_t)len;
		memcpy(n->name, name, len);
	}
	p->len += (uint32_t)sizeof(struct zone_proof) + head;
	p->sets = 0;
	return n;
}

static void put_nsec3(struct sign_put *p, const struct sign_entry *e)
{
	const struct sign_plan *s = p->plan;
	const struct sign_link *own = &s->link[e->next],
			       *next = &s->link[e->next + 1 == s->n_links ? 0 : e->next + 1];
	const struct nsec3_params *params = &s->params;
	uint8_t label[1 + NSEC3_LABEL], *to;

	nsec3_put_label(label, own->hash);
	struct zone_node *n = put_node_head(p, NODE_NSEC3, label, sizeof label);
	memcpy(p->owner, label, sizeof label);
	memcpy(p->owner + sizeof label, s->z->apex, s->z->apex_len);
	if (!make_room(p, 1, NSEC3_FIXED + 255 + 1 + NSEC3_HASH + SIGN_BITMAP_MOST))
		return;
	to = p->bytes;
	to[0] = NSEC3_SHA1;
	to[1] = s->o->keys->policy.opt_out;
	be16_put(to + 2, params->iterations);
	to[4] = params->salt_len;
	memcpy(to + NSEC3_FIXED, params->salt, params->salt_len);
	to += NSEC3_FIXED + params->salt_len;
	*to++ = NSEC3_HASH;
	memcpy(to, next->hash, NSEC3_HASH);
	to += NSEC3_HASH;
	to += sign_bitmap(&s->types, s->z, p->node, &p->bits, to);
	p->rr[0] = (struct sign_rr){ p->bytes, (size_t)(to - p->bytes) };
	put_made(p, RRTYPE_NSEC3, s->ttl_s, 1);
	if (n)
		n->rrsets = p->sets;
}

void sign_put_entry(struct sign_put *p, uint32_t i)
{
	const struct sign_plan *s = p->plan;
	const struct sign_entry *e = &s->entry[i];

	p->node = zone_node_at(s->z, e->from & ~(uint32_t)SIGN_NSEC3_LINK);
	if (e->from & SIGN_NSEC3_LINK) {
		put_nsec3(p, e);
		return;
	}
	image_owner(s->z, p->node, p->owner);
	struct zone_node *n = put_node_head(
		p, p->node->flags, p->node->name, p->node->name_len);
	put_sets(p, e);
	if (n)
		n->rrsets = p->sets;
}

struct sign_put *sign_put_new(const struct sign_plan *s, uint8_t *image)
{
	struct sign_put *p = calloc(1, sizeof *p);

	if (p) {
		p->plan = s;
		p->image = image;
	}
	return p;
}

void sign_put_free(struct sign_put *p)
{
	if (!p)
		return;
	sign_desk_fini(&p->desk);
	free(p->rr);
	free(p->bytes);
	free(p);
}
