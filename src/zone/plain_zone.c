#include "zone/plain_zone.h"

#include "base/memory.h"
#include "base/scope.h"
#include "dns/rrtype.h"
#include "zone/history.h"
#include "zone/image.h"
#include "zone/sign.h"
#include "zone/zone_with.h"
#include "zone/zonemd_make.h"

#include <string.h>

enum { SOA_NUMBERS = 20 };

/* --- where -------------------------------------------------------------------------------- */

static struct plain_edge edge_of(
	const struct zone *z, const struct zone_node *n, struct arena *mem)
{
	const struct zone_rrset *set = zone_find_rrset(n, RRTYPE_EDGE);
	const uint8_t *rdata = set->wire + IMAGE_RR_FIXED;
	uint8_t owner[NAME_MOST];
	const size_t len = image_owner(z, n, owner), rdlen = be16_get(rdata - 2);
	char *pool = arena_zalloc(mem, rdata[0] + 1u);

	uint16_t *own = arena_alloc(mem, n->rrsets * sizeof *own);
	const struct zone_rrset *s = zone_first_rrset(n);
	for (unsigned i = 0; i < n->rrsets; i++, s = zone_next_rrset(s))
		own[i] = s->type;
	memcpy(pool, rdata + 1, rdata[0]);
	return (struct plain_edge){ .owner = arena_memdup(mem, owner, len),
		.pool = pool,
		.rdata = arena_memdup(mem, rdata, rdlen),
		.rdlen = rdlen,
		.ttl_s = be32_get(set->wire + 6),
		.own = own,
		.n_own = n->rrsets };
}

static bool is_seen(const struct zone_node *n)
{
	return (n->flags & (NODE_EDGE | NODE_CUT | NODE_HIDDEN)) == NODE_EDGE;
}

struct plain_edge *plain_zone_edges(const struct zone *z, struct arena *mem, size_t *n)
{
	struct plain_edge *list;
	size_t k = 0;

	*n = 0;
	if (!z->pools_n)
		return NULL;
	for (const struct zone_node *i = image_first(z); i; i = image_next(z, i))
		*n += is_seen(i);
	list = arena_alloc(mem, *n * sizeof *list);
	for (const struct zone_node *i = image_first(z); i; i = image_next(z, i))
		if (is_seen(i))
			list[k++] = edge_of(z, i, mem);
	return list;
}

/* --- what --------------------------------------------------------------------------------- */

static bool put_soa(
	struct change *c, const struct zone *z, uint32_t serial, struct fault *why)
{
	const struct zone_rrset *soa = zone_find_rrset(z->apex_node, RRTYPE_SOA);
	uint8_t rdata[2 * NAME_MOST + SOA_NUMBERS];
	const size_t len = image_rdata(z, z->apex_node, soa, 0, rdata);
	const struct change_record rr = { .owner = z->apex,
		.rdata = rdata,
		.ttl_s = be32_get(soa->wire + 6),
		.type = RRTYPE_SOA,
		.rdlen = (uint16_t)len };

	if (!change_remove(c, &rr, why))
		return false;
	be32_put(rdata + len - SOA_NUMBERS, serial);
	return change_add(c, &rr, why);
}

static bool put_answer(struct change *c, const struct plain_edge *e,
	const struct plain_answer *a, struct fault *why)
{
	struct change_record rr = { .owner = e->owner,
		.rdata = e->rdata,
		.ttl_s = e->ttl_s,
		.type = RRTYPE_EDGE,
		.rdlen = (uint16_t)e->rdlen };

	if (!a->n && !a->n_records)
		return true;
	if (!change_remove(c, &rr, why))
		return false;
	rr.ttl_s = a->ttl_s;
	for (unsigned s = 0; s < a->n; s++) {
		const struct plain_rrset *set = &a->sets[s];
		rr.type = set->type;
		rr.rdlen = set->rdlen;
		for (unsigned i = 0; i < set->n; i++) {
			rr.rdata = set->rdata + (size_t)i * set->rdlen;
			if (!change_add(c, &rr, why))
				return false;
		}
	}
	for (unsigned i = 0; i < a->n_records; i++) {
		rr.type = a->records[i].type;
		rr.rdlen = a->records[i].rdlen;
		rr.rdata = a->records[i].rdata;
		if (!change_add(c, &rr, why))
			return false;
	}
	return true;
}

/* What follows from `c`, which is taken: signatures, or the digest of a zone that has one. NULL after a fault. */
static struct change *follow(const struct zone *z, const struct plain_zone_opts *o,
	struct change *c, struct faults *f)
{
	const struct sign_opts how = {
		.keys = o->keys, .compile = &o->compile, .now_s = o->now_s
	};

	const enum zonemd_hash hash = zonemd_hash_of(z);

	if (!o->keys && hash)
		return zonemd_follow(z, c,
			&(struct zonemd_opts){ .hash = hash,
				.with = { .compile = o->compile, .tolerant = true } },
			f);
	if (!o->keys)
		return c;
	struct change *all = sign_follow(z, c, &how, f);
	change_free(c);
	return all;
}

struct zone *plain_zone_make(
	const struct zone *z, const struct plain_zone_opts *o, struct faults *f)
{
	struct change *c = change_new(zone_id(z));
	struct fault why = { .text = "out of memory" };
	struct zone *made = NULL;

	bool ok = c && put_soa(c, z, o->serial, &why);
	for (size_t i = 0; ok && i < o->n; i++)
		ok = put_answer(c, &o->edges[i], &o->answers[i], &why);
	ok = ok && change_seal(c, &why);
	if (ok)
		c = follow(z, o, c, f);
	if (ok && c)
		made = zone_with(z, c,
			&(struct zone_with_opts){ .compile = o->compile, .tolerant = true }, f);
	else if (!ok)
		faults_take(f, &why);
	change_free(c);
	if (made) {
		history_drop(made->history); /* those changes are not its own */
		made->history = NULL;
	}
	return made;
}
