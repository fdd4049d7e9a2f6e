/* A zone is signed as a whole. First it is measured: where each name will stand in the signed
 * image, for the lengths of all signatures are known. Then all processors write the names, each
 * into its place. */
#include "zone/sign.h"

#include "base/bytes.h"
#include "base/crew.h"
#include "base/memory.h"
#include "dns/rrtype.h"
#include "zone/denial_link.h"
#include "zone/image.h"
#include "zone/image_index.h"
#include "zone/order.h"
#include "zone/rrsig_end.h"
#include "zone/sign_rrset.h"
#include "zone/zone_with.h"
#include "zone/zonemd_make.h"

#include <stdlib.h>
#include <string.h>

enum { NONE = UINT32_MAX, NSEC3_LINK = 1, PIECE = 256, NSEC3_FIXED = 5 };

/* A node of the signed image, in order. */
struct entry {
	uint32_t from; /* offset in the unsigned image; | NSEC3_LINK: of that node's NSEC3 */
	uint32_t to;   /* ... in the signed one */
	uint32_t
		next; /* NSEC: the entry that it leads to. NSEC3: number of the link. Or NONE */
};

struct link {
	uint8_t hash[NSEC3_HASH];
	uint32_t node; /* offset in the unsigned image */
};

struct signing {
	const struct zone *z; /* its image is its own */
	const struct sign_opts *o;
	struct sign_types types;
	struct sign_by by;
	struct nsec3_params params;
	bool nsec3;
	uint32_t serial, ttl_s; /* of the chain: RFC 9077 */
	struct entry *entry;
	uint32_t n;
	struct link *link;
	uint32_t n_links;
	struct zone *to;
	struct rrsig_end *ends; /* [pieces] */
	bool *written;          /* [pieces] atomic */
	size_t told;            /* pieces in front, all of which are written; of who tells */
	bool telling;           /* atomic: somebody does */
	uint64_t done;          /* names; atomic */
	bool failed;            /* atomic: there is no memory */
	bool stopped;           /* atomic */
};

/* What is written, or measured: then there is no image. */
struct put {
	const struct signing *s;
	uint8_t *image;
	uint32_t len;
	const struct zone_node *node; /* at work, of the unsigned image */
	uint8_t owner[NAME_MOST];
	uint16_t sets;
	uint32_t records;
	struct sign_desk desk;
	struct sign_bits bits;
	struct sign_rr *rr; /* of the RRset at work */
	size_t rr_room;
	uint8_t *bytes; /* ... and their data, where it is not as it stands in the image */
	size_t bytes_room;
	bool failed;
};

/* --- RRsets ------------------------------------------------------------------------------- */

static bool make_room(struct put *p, size_t n, size_t len)
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
	struct put *p, uint16_t type, uint16_t aux, size_t n, size_t len)
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
	struct put *p, struct zone_rrset *is, uint16_t type, uint32_t ttl_s, size_t rr_n)
{
	const struct keyset *k = p->s->o->keys;
	const struct sign_rrset set = { p->owner, type, ttl_s, p->rr, rr_n };
	uint8_t rdata[SIGN_RRSIG_MOST];
	size_t n = 0, len = 0;

	for (size_t i = 0; i < k->n; i++)
		if (sign_key_is_for(&k->keys[i], type)) {
			n++;
			len += IMAGE_RR_FIXED + sign_rrsig_len(&k->keys[i], p->s->z->apex);
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
		const size_t rdlen = sign_rrset(&p->desk, &p->s->by, &set, &k->keys[i], rdata);
		p->failed = !rdlen;
		at = put_rr(at, RRTYPE_RRSIG, ttl_s, rdlen);
		memcpy(at, rdata, rdlen);
		at += rdlen;
	}
}

/* The records of a set of the signed image, to be signed. */
static bool take_set(struct put *p, const struct zone_rrset *set)
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
		is->len = image_rdata(p->s->z, p->node, set, at, to);
		is->rdata = to;
		to += is->len;
	}
	return true;
}

/* One of the zone's own, as it is. */
static void put_copy(struct put *p, const struct zone_rrset *set)
{
	const size_t len = (size_t)((const uint8_t *)zone_next_rrset(set) -
		(const uint8_t *)set);
	struct zone_rrset *to = NULL;

	if (p->image) {
		to = (struct zone_rrset *)(void *)(p->image + p->len);
		memcpy(to, set, len);
		if (set->type == RRTYPE_SOA)
			be32_put(to->wire + to->len - 20, p->s->serial);
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
static void put_made(struct put *p, uint16_t type, uint32_t ttl_s, size_t n)
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
static void put_of_keys(struct put *p, uint16_t type)
{
	const struct keyset *k = p->s->o->keys;
	size_t n = 0, len = 0, rdlen;

	if (!make_room(p, k->n + 1, (k->n + 1) * SIGNING_DNSKEY_MOST))
		return;
	while ((rdlen = keyset_rdata(k, p->s->z->apex, type, n, p->bytes + len))) {
		p->rr[n++] = (struct sign_rr){ p->bytes + len, rdlen };
		len += rdlen;
	}
	if (n)
		put_made(p, type, type == RRTYPE_NSEC3PARAM ? 0 : k->policy.dnskey_ttl_s, n);
}

static void put_nsec(struct put *p, const struct entry *e)
{
	const struct zone *z = p->s->z;

	if (!make_room(p, 1, NAME_MOST + SIGN_BITMAP_MOST))
		return;
	size_t len = image_owner(z, zone_node_at(z, p->s->entry[e->next].from), p->bytes);
	len += sign_bitmap(&p->s->types, z, p->node, &p->bits, p->bytes + len);
	p->rr[0] = (struct sign_rr){ p->bytes, len };
	put_made(p, RRTYPE_NSEC, p->s->ttl_s, 1);
}

/* --- nodes -------------------------------------------------------------------------------- */

/* Those that signing makes of the types from `from` to below `to`, in their order. */
static void put_between(struct put *p, const struct entry *e, unsigned from, unsigned to)
{
	static const uint16_t made[] = { RRTYPE_DNSKEY, RRTYPE_NSEC3PARAM, RRTYPE_CDS,
		RRTYPE_CDNSKEY };

	if (e->next != NONE && from <= RRTYPE_NSEC && RRTYPE_NSEC < to)
		put_nsec(p, e);
	if (p->node->name_len == 0)
		for (size_t i = 0; i < sizeof made / sizeof *made; i++)
			if (from <= made[i] && made[i] < to)
				put_of_keys(p, made[i]);
}

static void put_sets(struct put *p, const struct entry *e)
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
	struct put *p, uint8_t flags, const uint8_t *name, size_t len)
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

static void put_nsec3(struct put *p, const struct entry *e)
{
	const struct signing *s = p->s;
	const struct link *own = &s->link[e->next],
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

static void put_entry(struct put *p, uint32_t i)
{
	const struct signing *s = p->s;
	const struct entry *e = &s->entry[i];

	p->node = zone_node_at(s->z, e->from & ~(uint32_t)NSEC3_LINK);
	if (e->from & NSEC3_LINK) {
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

static struct put *put_new(const struct signing *s, uint8_t *image)
{
	struct put *p = calloc(1, sizeof *p);

	if (p) {
		p->s = s;
		p->image = image;
	}
	return p;
}

static void put_free(struct put *p)
{
	if (!p)
		return;
	sign_desk_fini(&p->desk);
	free(p->rr);
	free(p->bytes);
	free(p);
}

/* --- which nodes there will be ------------------------------------------------------------ */

static int compare_links(const void *va, const void *vb)
{
	const struct link *a = va, *b = vb;

	return memcmp(a->hash, b->hash, NSEC3_HASH);
}

static bool hash_piece(void *ctx, size_t piece)
{
	struct signing *s = ctx;
	uint8_t owner[NAME_MOST];

	for (size_t i = piece * PIECE; i < (piece + 1) * PIECE && i < s->n_links; i++) {
		struct link *l = &s->link[i];
		const size_t len = image_owner(s->z, zone_node_at(s->z, l->node), owner);
		nsec3_hash(l->hash, &s->params, owner, len);
	}
	return true;
}

static bool find_links(struct signing *s)
{
	const bool opt_out = s->o->keys->policy.opt_out;

	s->link = malloc((s->z->nodes + 1) * sizeof *s->link);
	if (!s->link)
		return false;
	for (const struct zone_node *n = image_first(s->z); n; n = image_next(s->z, n))
		if (sign_has_nsec3(s->z, n, opt_out))
			s->link[s->n_links++].node = (uint32_t)((const uint8_t *)n -
				s->z->image);
	crew_run((s->n_links + PIECE - 1) / PIECE, s->o->politely, hash_piece, s);
	qsort(s->link, s->n_links, sizeof *s->link, compare_links);
	return true;
}

/* Where the name of link `l` stands: before the node? The node of the same name comes first. */
static bool is_before(const struct link *l, const struct zone_node *n)
{
	uint8_t label[1 + NSEC3_LABEL];

	nsec3_put_label(label, l->hash);
	return order_names(label, sizeof label, n->name, n->name_len) < 0;
}

static bool find_entries(struct signing *s)
{
	const struct zone *z = s->z;
	uint32_t link = 0, last = NONE;

	s->entry = malloc(((size_t)z->nodes + s->n_links + 1) * sizeof *s->entry);
	if (!s->entry)
		return false;
	for (const struct zone_node *n = image_first(z); n; n = image_next(z, n)) {
		/* The links stand among the names right below the apex. */
		for (; link < s->n_links && is_before(&s->link[link], n); link++)
			s->entry[s->n++] = (struct entry){ s->link[link].node | NSEC3_LINK, 0,
				link };
		if (!s->nsec3 && sign_has_nsec(n)) {
			if (last != NONE)
				s->entry[last].next = s->n;
			last = s->n;
		}
		s->entry[s->n++] = (struct entry){ (uint32_t)((const uint8_t *)n - z->image), 0,
			NONE };
	}
	for (; link < s->n_links; link++)
		s->entry[s->n++] = (struct entry){ s->link[link].node | NSEC3_LINK, 0, link };
	if (last != NONE)
		s->entry[last].next = 0; /* the apex */
	return true;
}

/* Gives every node its place. The whole length, or 0. */
static size_t measure(struct signing *s)
{
	struct put *p = put_new(s, NULL);
	size_t len = 4;

	for (uint32_t i = 0; p && i < s->n && !p->failed && len <= UINT32_MAX; i++) {
		s->entry[i].to = (uint32_t)len;
		p->len = 0;
		put_entry(p, i);
		len += p->len;
	}
	if (p)
		s->to->records = p->records;
	s->failed = !p || p->failed;
	put_free(p);
	return s->failed ? 0 : len;
}

/* --- all of it ---------------------------------------------------------------------------- */

/* Who has written a piece tells of it, unless another is at that: then he will with the next. */
static void tell_written(struct signing *s, size_t piece)
{
	const size_t pieces = (s->n + PIECE - 1) / PIECE;

	__atomic_store_n(&s->written[piece], true, __ATOMIC_RELEASE);
	if (!s->o->written || __atomic_exchange_n(&s->telling, true, __ATOMIC_ACQUIRE))
		return;
	const size_t before = s->told;
	while (s->told < pieces && __atomic_load_n(&s->written[s->told], __ATOMIC_ACQUIRE))
		s->told++;
	if (s->told > before && s->told < pieces)
		s->o->written(s->o->written_ctx, s->to, s->entry[s->told * PIECE].to);
	__atomic_store_n(&s->telling, false, __ATOMIC_RELEASE);
}

static bool write_piece(void *ctx, size_t piece)
{
	struct signing *s = ctx;
	struct put *p = put_new(s, s->to->image);
	uint32_t i = (uint32_t)(piece * PIECE);
	const uint32_t end = s->n - i < PIECE ? s->n : i + PIECE;

	for (; p && i < end && !p->failed; i++) {
		p->len = s->entry[i].to;
		put_entry(p, i);
		s->ends[piece] = rrsig_end_first(s->ends[piece],
			rrsig_end_of_node(
				zone_node_at(s->to,
					s->entry[i].to + (uint32_t)sizeof(struct zone_proof)),
				s->o->now_s));
	}
	const bool ok = p && !p->failed;
	put_free(p);
	if (!ok)
		__atomic_store_n(&s->failed, true, __ATOMIC_RELAXED);
	else
		tell_written(s, piece);
	const uint64_t done = __atomic_add_fetch(&s->done, PIECE, __ATOMIC_RELAXED);
	if (s->o->goes_on && !s->o->goes_on(s->o->ctx, done < s->n ? done : s->n, s->n))
		__atomic_store_n(&s->stopped, true, __ATOMIC_RELAXED);
	return ok && !__atomic_load_n(&s->stopped, __ATOMIC_RELAXED);
}

static bool copy_pools(struct zone *to, const struct zone *z)
{
	to->pools = z->pools_n ? calloc(z->pools_n, sizeof *to->pools) : NULL;
	if (z->pools_n && !to->pools)
		return false;
	for (; to->pools_n < z->pools_n; to->pools_n++)
		if (!(to->pools[to->pools_n] = strdup(z->pools[to->pools_n])))
			return false;
	return true;
}

static void limit_ttl(struct zone_rrset *set, uint32_t most_s)
{
	for (size_t at = 0; at < set->len; at += IMAGE_RR_FIXED + be16_get(set->wire + at + 10))
		if (be32_get(set->wire + at + 6) > most_s)
			be32_put(set->wire + at + 6, most_s);
}

/* As it stands in negative answers, with its signatures. Returns its length. */
static uint32_t put_negative_soa(const struct signing *s, uint8_t *to)
{
	const struct zone_rrset *soa = zone_find_rrset(s->to->apex_node, RRTYPE_SOA);
	const struct zone_rrset *end = zone_next_rrset(soa);

	if (soa->is_signed)
		end = zone_next_rrset(end);
	const size_t len = (size_t)((const uint8_t *)end - (const uint8_t *)soa);
	if (!to)
		return (uint32_t)len;
	struct zone_rrset *copy = memcpy(to, soa, len);
	limit_ttl(copy, s->ttl_s);
	if (copy->is_signed)
		limit_ttl((struct zone_rrset *)(uintptr_t)zone_next_rrset(copy), s->ttl_s);
	return (uint32_t)len;
}

static bool start(struct signing *s)
{
	struct zone *to = s->to = calloc(1, sizeof *s->to + zone_tail(s->z));

	if (!to)
		return false;
	to->refs = 1;
	to->serial = s->serial;
	to->apex_len = s->z->apex_len;
	to->apex_labels = s->z->apex_labels;
	to->view_len = s->z->view_len;
	to->edge_beside = s->z->edge_beside;
	to->edge_named = s->z->edge_named;
	to->apex_hash = s->z->apex_hash;
	to->nodes = s->z->nodes;
	memcpy(to->apex, s->z->apex, zone_tail(s->z));
	/* That it is there says what is in front of nodes. */
	to->denial = calloc(1, sizeof *to->denial);
	return to->denial && copy_pools(to, s->z);
}

static bool write_all(struct signing *s, size_t len)
{
	const size_t pieces = (s->n + PIECE - 1) / PIECE;
	struct rrsig_end ends = { 0, 0 };
	struct zone *to = s->to;

	s->ends = calloc(pieces + 1, sizeof *s->ends);
	to->image = malloc(len);
	memory_huge(to->image, len);
	s->written = calloc(pieces + 1, sizeof *s->written);
	if (!s->ends || !s->written || !to->image)
		return false;
	memset(to->image, 0, 4);
	to->image_end = (uint32_t)len;
	to->apex_node = zone_node_at(to, 4 + zone_in_front(to));
	crew_run(pieces, s->o->politely, write_piece, s);
	for (size_t i = 0; i < pieces; i++)
		ends = rrsig_end_first(ends, s->ends[i]);
	to->signatures_end_s = ends.end_s;
	to->signatures_soon_s = ends.soon_s;
	if (s->failed || s->stopped)
		return false;
	if (s->o->written)
		s->o->written(s->o->written_ctx, to, to->image_end);
	return true;
}

static bool finish(struct signing *s)
{
	struct zone *to = s->to;

	const uint32_t soa = put_negative_soa(s, NULL);
	uint8_t *whole = realloc(to->image, to->image_end + soa);
	if (!whole)
		return false;
	to->image = whole;
	to->image_len = to->image_end + soa;
	to->apex_node = zone_node_at(to, 4 + zone_in_front(to));
	put_negative_soa(s, to->image + to->image_end);
	to->soa_negative = zone_rrset_at(to, to->image_end);
	return image_index(to, s->o->compile->key) &&
		denial_link(to, s->nsec3 ? &s->params : NULL);
}

static void take_policy(struct signing *s)
{
	const struct keyset_policy *p = &s->o->keys->policy;

	s->nsec3 = p->denial == KEYSET_NSEC3;
	s->params.iterations = p->iterations;
	s->params.salt_len = p->salt_len;
	memcpy(s->params.salt, p->salt, p->salt_len);
	s->ttl_s = be32_get(s->z->soa_negative->wire + 6);
	s->types = (struct sign_types){ s->o->keys, s->o->compile };
	s->by = (struct sign_by){ s->o->keys, s->z->apex, s->o->now_s };
}

static bool sign(struct signing *s, struct faults *f)
{
	size_t len = 0;

	take_policy(s);
	bool ok = start(s) && (!s->nsec3 || find_links(s)) && find_entries(s);
	if (ok)
		len = measure(s);
	if (len > UINT32_MAX)
		return faults_error(f, &(struct fault_at){ 0 },
			"the signed zone has over 4 GiB, and cannot be served");
	ok = ok && len && write_all(s, len) && finish(s);
	if (!ok)
		faults_error(
			f, &(struct fault_at){ 0 }, s->stopped ? "given up" : "out of memory");
	return ok;
}

struct zone *sign_zone(
	const struct zone *z, const struct sign_opts *o, uint32_t serial, struct faults *f)
{
	struct zone *whole = zone_merge(z, o->compile->key, f);
	struct signing s = { .z = whole, .o = o, .serial = serial };

	if (!whole)
		return NULL;
	const bool ok = sign(&s, f);
	free(s.entry);
	free(s.link);
	free(s.ends);
	free(s.written);
	zone_drop(whole);
	if (!ok) {
		zone_drop(s.to);
		return NULL;
	}
	/* As in zone_compile(): its first count is of the scope that may be on. */
	s.to->refs = 0;
	zone_hold(s.to);
	if (!o->keys->policy.zonemd)
		return s.to;
	return zonemd_put(s.to,
		&(struct zonemd_opts){ .hash = o->keys->policy.zonemd,
			.with = { .compile = *o->compile, .tolerant = true },
			.keys = o->keys,
			.now_s = o->now_s },
		f);
}
