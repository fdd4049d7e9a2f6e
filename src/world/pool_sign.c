#include "world/pool_sign.h"

#include "base/bytes.h"
#include "base/crew.h"
#include "base/memory.h"
#include "dns/rrtype.h"
#include "world/edge_own.h"
#include "world/pool_denial.h"
#include "zone/delta.h"
#include "zone/denial.h"
#include "zone/image.h"

#include <string.h>

enum { KEYS_MOST = 8, RECORDS_MOST = 512, RDATA_MOST = 16384, PIECE = 64 };
enum { TYPES_MOST = 5 + EDGE_RECORD_TYPES_MOST };

/* RFC 9460 section 14.3.2. */
enum { KEY_IPV4HINT = 4, KEY_IPV6HINT = 6, PARAM_HEAD = 4 };

/* --- one RRset ---------------------------------------------------------------------------- */

/* False: there is no memory, or no key. */
static bool sign(const struct pool_sign *s, struct sign_desk *desk, const struct sign_rrset *set,
	uint64_t key, bool wanted)
{
	const struct sign_by by = { s->keys, s->zone->apex, s->now_s };
	uint8_t rrsig[KEYS_MOST][SIGN_RRSIG_MOST];
	const uint8_t *rdata[KEYS_MOST];
	size_t len[KEYS_MOST], n = 0;
	uint32_t end_s = 0;

	if (!sign_prepare(desk, set))
		return false;
	for (size_t i = 0; i < s->keys->n && n < KEYS_MOST; i++) {
		const struct keyset_key *k = &s->keys->keys[i];
		if (!sign_key_is_for(k, set->type) || !signing_key_can_sign(k->key))
			continue;
		len[n] = sign_rrset(desk, &by, set, k, rrsig[n]);
		if (!len[n])
			return false;
		rdata[n] = rrsig[n];
		end_s = be32_get(rrsig[n] + 8);
		n++;
	}
	return n &&
		pool_signatures_put(s->to, key,
			&(struct pool_signed){ .covers = set->type,
				.ttl_s = set->ttl_s,
				.rdata = rdata,
				.len = len,
				.n = n,
				.generation = s->keys->generation,
				.renew_s = end_s - s->keys->policy.refresh_s,
				.end_s = end_s,
				.wanted = wanted });
}

bool pool_sign_wanted(
	const struct pool_sign *s, struct sign_desk *desk, const struct pool_unsigned *ask)
{
	struct sign_rr rr[RECORDS_MOST];
	size_t n = 0;

	for (size_t at = 0; at + 2 <= ask->len && n < RECORDS_MOST; n++) {
		rr[n] = (struct sign_rr){ ask->rdata + at + 2, be16_get(ask->rdata + at) };
		at += 2 + rr[n].len;
	}
	return n == ask->n &&
		(pool_signatures_has(s->to, ask->key, s->keys->generation, (uint32_t)s->now_s) ||
			sign(s, desk,
				&(struct sign_rrset){ ask->owner, ask->type, ask->ttl_s, rr, n },
				ask->key, true));
}

/* --- ahead -------------------------------------------------------------------------------- */

/* A name, and its pool; or the owner of an NSEC3 that has come to be another. */
struct owner {
	const struct zone_node *node;
	const struct zone_rrset *edge; /* NULL: of an NSEC3 */
};

/* All threads; the numbers are atomic. */
struct ahead {
	const struct pool_sign *s;
	const struct pool_sign_pools *pools;
	struct pool_sign_ahead *how;
	struct owner *owners;
	size_t n, room;
	bool first; /* the first edge of each pool alone: what every name has in any case */
};

/* One thread. */
struct work {
	struct ahead *a;
	struct sign_desk desk;
	uint64_t owner_hash;
	uint8_t owner[NAME_MOST];
	uint32_t ttl_s;
	uint8_t rdata[RDATA_MOST];
};

static void count(size_t *n)
{
	__atomic_add_fetch(n, 1, __ATOMIC_RELAXED);
}

static void take(struct work *w, uint16_t type, const struct sign_rr *rr, size_t n)
{
	struct ahead *a = w->a;
	struct pool_sign_ahead *how = a->how;
	uint64_t records = 0;

	for (size_t i = 0; i < n; i++)
		records += pool_signatures_record(rr[i].rdata, rr[i].len);
	const uint64_t key = pool_signatures_key(w->owner_hash, type, w->ttl_s, records);
	if (pool_signatures_has(a->s->to, key, a->s->keys->generation, (uint32_t)a->s->now_s))
		count(&how->there);
	else if (__atomic_load_n(&how->made, __ATOMIC_RELAXED) +
			__atomic_load_n(&how->there, __ATOMIC_RELAXED) >= how->most)
		count(&how->left);
	else if (sign(a->s, &w->desk, &(struct sign_rrset){ w->owner, type, w->ttl_s, rr, n },
			 key, false))
		count(&how->made);
	else
		__atomic_store_n(&how->no_memory, true, __ATOMIC_RELAXED);
}

static void take_addresses(struct work *w, uint16_t type, const uint8_t *addresses, size_t n)
{
	const size_t size = type == RRTYPE_AAAA ? 16 : 4;
	struct sign_rr rr[RECORDS_MOST];

	if (!n || n > RECORDS_MOST)
		return;
	for (size_t i = 0; i < n; i++)
		rr[i] = (struct sign_rr){ addresses + i * size, size };
	take(w, type, rr, n);
}

static uint8_t *put(uint8_t *to, const uint8_t *bytes, size_t len)
{
	if (len)
		memcpy(to, bytes, len);
	return to + len;
}

static uint8_t *put_hints(uint8_t *to, unsigned key, const uint8_t *addresses, size_t len)
{
	if (!len)
		return to;
	be16_put(to, key);
	be16_put(to + 2, (unsigned)len);
	return put(to + PARAM_HEAD, addresses, len);
}

/* `e` NULL: without hints. */
static void take_service(
	struct work *w, uint16_t type, const struct pool_form *f, const struct edge *e)
{
	const size_t v4 = e ? e->n_a * (size_t)4 : 0, v6 = e ? e->n_aaaa * (size_t)16 : 0;
	uint8_t *p = w->rdata;

	if (!f->front ||
		(size_t)f->front_len + f->middle_len + f->back_len + 2 * PARAM_HEAD + v4 + v6 >
			RDATA_MOST)
		return;
	p = put(p, f->front, f->front_len);
	p = put_hints(p, KEY_IPV4HINT, e ? e->a : NULL, v4);
	p = put(p, f->middle, f->middle_len);
	p = put_hints(p, KEY_IPV6HINT, e ? e->aaaa : NULL, v6);
	p = put(p, f->back, f->back_len);
	take(w, type, &(struct sign_rr){ w->rdata, (size_t)(p - w->rdata) }, 1);
}

static void take_records(struct work *w, const struct edge *e)
{
	struct sign_rr rr[EDGE_RECORDS_MOST];

	for (unsigned i = 0, n; i < e->n_records; i += n) {
		const struct edge_record *r = edge_records(e, e->records[i].type, &n);
		for (unsigned k = 0; k < n && k < EDGE_RECORDS_MOST; k++)
			rr[k] = (struct sign_rr){ r[k].rdata, r[k].len };
		take(w, r->type, rr, n);
	}
}

static void take_edge(struct work *w, const struct pool *p, const struct edge *e)
{
	if (e->cname) {
		take(w, RRTYPE_CNAME, &(struct sign_rr){ e->cname, e->cname_len }, 1);
		return;
	}
	take_records(w, e);
	take_addresses(w, RRTYPE_A, e->a, e->n_a);
	take_addresses(w, RRTYPE_AAAA, e->aaaa, e->n_aaaa);
	take_service(w, RRTYPE_HTTPS, &p->forms[POOL_HTTPS], e);
	take_service(w, RRTYPE_SVCB, &p->forms[POOL_SVCB], e);
}

static void take_pool(struct work *w, const struct pool *p)
{
	const struct steer *steer = w->a->pools->steer;
	const bool first = w->a->first;

	for (unsigned i = first ? 0 : 1; i < (first && p->n ? 1 : p->n); i++)
		take_edge(w, p, &steer->edges[p->edges[i]]);
	if (!first)
		return;
	take_service(w, RRTYPE_HTTPS, &p->forms[POOL_HTTPS], NULL);
	take_service(w, RRTYPE_SVCB, &p->forms[POOL_SVCB], NULL);
}

/* Types that a pool may answer, in `to`. */
static unsigned types_of(const struct steer *s, uint16_t to[static TYPES_MOST])
{
	static const uint16_t all[] = { RRTYPE_A, RRTYPE_AAAA, RRTYPE_HTTPS, RRTYPE_SVCB,
		RRTYPE_CNAME };
	unsigned n = 0;

	for (size_t i = 0; i < sizeof all / sizeof *all; i++)
		to[n++] = all[i];
	for (unsigned i = 0; i < s->n_record_types; i++)
		if (s->record_types[i] != RRTYPE_HTTPS && s->record_types[i] != RRTYPE_SVCB)
			to[n++] = s->record_types[i];
	return n;
}

static void take_denial(struct work *w, const struct zone_rrset *denial, uint16_t without)
{
	const size_t len = pool_denial_without(denial, without, w->rdata);

	if (len)
		take(w, denial->type, &(struct sign_rr){ w->rdata, len }, 1);
}

/* What denies one of the types that the pool can answer, for when it cannot. */
static void take_denials(
	struct work *w, const struct zone_node *link, const struct zone_rrset *denial)
{
	const struct zone *z = w->a->s->zone;
	uint16_t types[TYPES_MOST];
	const unsigned n = types_of(w->a->pools->steer, types);

	w->owner_hash = pool_signatures_owner(w->a->s->to, z, link);
	w->ttl_s = be32_get(denial->wire + 6);
	image_owner(z, link, w->owner);
	for (unsigned i = 0; i < n; i++)
		take_denial(w, denial, types[i]);
}

/* Has it been signed without one of the types of its name's pool? */
static bool was_taken(
	struct work *w, const struct zone_node *link, const struct zone_rrset *denial)
{
	const struct pool_sign *s = w->a->s;
	const uint64_t owner = pool_signatures_owner(s->to, s->before, link);
	uint16_t types[TYPES_MOST];
	const unsigned n = types_of(w->a->pools->steer, types);

	for (unsigned i = 0; i < n; i++) {
		const size_t len = pool_denial_without(denial, types[i], w->rdata);
		if (len &&
			pool_signatures_has(s->to,
				pool_signatures_key(owner, denial->type,
					be32_get(denial->wire + 6),
					pool_signatures_record(w->rdata, len)),
				s->keys->generation, (uint32_t)s->now_s))
			return true;
	}
	return false;
}

/* Which name an NSEC3 is of cannot be seen. But if it is one of a pool's, it was signed so before. */
static void take_nsec3(struct work *w, const struct zone_node *link)
{
	const struct zone_node *before =
		denial_nsec3_at(w->a->s->before, link->name, link->name_len);
	const struct zone_rrset *was = before ? zone_find_rrset(before, RRTYPE_NSEC3) : NULL,
				*denial = zone_find_rrset(link, RRTYPE_NSEC3);

	if (was && denial && was_taken(w, before, was))
		take_denials(w, link, denial);
}

static void take_owner(struct work *w, const struct owner *o)
{
	const struct ahead *a = w->a;
	const struct steer *steer = a->pools->steer;

	if (!o->edge) {
		if (a->first)
			take_nsec3(w, o->node);
		return;
	}
	const struct pool *p = &steer->pools[a->pools->numbers[o->edge->aux]];
	const uint8_t *rr = o->edge->wire + IMAGE_RR_FIXED;
	const struct choose_own own = edge_own(
		steer, (unsigned)(p - steer->pools), rr, be16_get(rr - 2));

	const struct zone_node *link;
	const struct zone_rrset *denial =
		a->first ? pool_denial_of(a->s->zone, o->node, &link) : NULL;
	if (denial)
		take_denials(w, link, denial);
	w->owner_hash = pool_signatures_owner(a->s->to, a->s->zone, o->node);
	image_owner(a->s->zone, o->node, w->owner);
	w->ttl_s = be32_get(o->edge->wire + 6);
	if (own.one) {
		if (a->first && own.edge < steer->n_edges)
			take_edge(w, p, &steer->edges[own.edge]);
		return;
	}
	/* Pools that stand in for each other make no circle. */
	for (;; p = &steer->pools[p->other]) {
		take_pool(w, p);
		if (p->all_down != POOL_OTHER)
			return;
	}
}

static bool work(void *ctx, size_t piece)
{
	struct ahead *a = ctx;
	struct work w = { .a = a };

	for (size_t i = piece * PIECE; i < (piece + 1) * PIECE && i < a->n; i++)
		take_owner(&w, &a->owners[i]);
	sign_desk_fini(&w.desk);
	return !a->how->goes_on || a->how->goes_on(a->how->ctx);
}

static void add_owner(struct ahead *a, const struct zone_node *n, bool nsec3)
{
	const struct zone_rrset *edge = n->flags & NODE_EDGE && !(n->flags & (NODE_HIDDEN | NODE_GONE))
		? zone_find_rrset(n, RRTYPE_EDGE)
		: NULL;

	if (!edge && !(nsec3 && n->flags & NODE_NSEC3))
		return;
	if (a->n == a->room) {
		a->room = a->room ? 2 * a->room : 64;
		a->owners = memory_grow(a->owners, a->room * sizeof *a->owners);
	}
	a->owners[a->n++] = (struct owner){ n, edge };
}

static const struct zone *base_of(const struct zone *z)
{
	return z->base ? z->base : z;
}

/* What differs between two versions of one image is in the delta of the later, with the names whose NSEC has
 * come to be another, and the owners of such NSEC3. */
static void find_owners(struct ahead *a)
{
	const struct zone *z = a->s->zone, *before = a->s->before;

	if (before && z->delta && base_of(z) == base_of(before)) {
		for (uint32_t i = 0; i < z->delta->n; i++)
			add_owner(a, delta_node(z->delta, z->delta->entry[i].node), true);
		return;
	}
	for (const struct zone_node *n = image_first(z); n; n = image_next(z, n))
		add_owner(a, n, false);
}

void pool_sign_ahead(const struct pool_sign *s, const struct pool_sign_pools *pools,
	struct pool_sign_ahead *how)
{
	struct ahead a = { .s = s, .pools = pools, .how = how, .first = true };

	if (!s->zone->pools_n)
		return;
	find_owners(&a);
	crew_run((a.n + PIECE - 1) / PIECE, true, work, &a);
	a.first = false;
	crew_run((a.n + PIECE - 1) / PIECE, true, work, &a);
	memory_free(a.owners);
}
