/* A zone is signed as a whole. First it is planned: where each name will stand in the signed
 * image. Then all processors write the names, each into its place. */
#include "zone/sign.h"

#include "base/bytes.h"
#include "base/crew.h"
#include "base/memory.h"
#include "dns/rrtype.h"
#include "zone/denial_link.h"
#include "zone/image.h"
#include "zone/image_index.h"
#include "zone/rrsig_end.h"
#include "zone/sign_put.h"
#include "zone/zone_with.h"
#include "zone/zonemd_make.h"

#include <stdlib.h>
#include <string.h>

enum { PIECE = 256 };

struct signing {
	struct sign_plan plan;
	struct zone *to;
	struct rrsig_end *ends; /* [pieces] */
	bool *written;          /* [pieces] atomic */
	size_t told;            /* pieces in front, all of which are written; of who tells */
	bool telling;           /* atomic: somebody does */
	uint64_t done;          /* names; atomic */
	bool failed;            /* atomic: there is no memory */
	bool stopped;           /* atomic */
};

/* Who has written a piece tells of it, unless another is at that: then he will with the next.
 */
static void tell_written(struct signing *s, size_t piece)
{
	const size_t pieces = (s->plan.n + PIECE - 1) / PIECE;

	__atomic_store_n(&s->written[piece], true, __ATOMIC_RELEASE);
	if (!s->plan.o->written || __atomic_exchange_n(&s->telling, true, __ATOMIC_ACQUIRE))
		return;
	const size_t before = s->told;
	while (s->told < pieces && __atomic_load_n(&s->written[s->told], __ATOMIC_ACQUIRE))
		s->told++;
	if (s->told > before && s->told < pieces)
		s->plan.o->written(
			s->plan.o->written_ctx, s->to, s->plan.entry[s->told * PIECE].to);
	__atomic_store_n(&s->telling, false, __ATOMIC_RELEASE);
}

static bool write_piece(void *ctx, size_t piece)
{
	struct signing *s = ctx;
	const struct sign_plan *plan = &s->plan;
	const struct sign_opts *o = plan->o;
	struct sign_put *p = sign_put_new(plan, s->to->image);
	uint32_t i = (uint32_t)(piece * PIECE);
	const uint32_t end = plan->n - i < PIECE ? plan->n : i + PIECE;

	for (; p && i < end && !p->failed; i++) {
		p->len = plan->entry[i].to;
		sign_put_entry(p, i);
		s->ends[piece] = rrsig_end_first(s->ends[piece],
			rrsig_end_of_node(zone_node_at(s->to,
						  plan->entry[i].to +
							  (uint32_t)sizeof(struct zone_proof)),
				o->now_s));
	}
	const bool ok = p && !p->failed;
	sign_put_free(p);
	if (!ok)
		__atomic_store_n(&s->failed, true, __ATOMIC_RELAXED);
	else
		tell_written(s, piece);
	const uint64_t done = __atomic_add_fetch(&s->done, PIECE, __ATOMIC_RELAXED);
	if (o->goes_on && !o->goes_on(o->ctx, done < plan->n ? done : plan->n, plan->n))
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
	limit_ttl(copy, s->plan.ttl_s);
	if (copy->is_signed)
		limit_ttl((struct zone_rrset *)(uintptr_t)zone_next_rrset(copy), s->plan.ttl_s);
	return (uint32_t)len;
}

static bool start(struct signing *s)
{
	const struct zone *z = s->plan.z;
	struct zone *to = s->to = calloc(1, sizeof *s->to + zone_tail(z));

	if (!to)
		return false;
	to->refs = 1;
	to->serial = s->plan.serial;
	to->apex_len = z->apex_len;
	to->apex_labels = z->apex_labels;
	to->view_len = z->view_len;
	to->edge_beside = z->edge_beside;
	to->edge_named = z->edge_named;
	to->apex_hash = z->apex_hash;
	to->nodes = z->nodes;
	to->records = s->plan.records;
	memcpy(to->apex, z->apex, zone_tail(z));
	/* That it is there says what is in front of nodes. */
	to->denial = calloc(1, sizeof *to->denial);
	return to->denial && copy_pools(to, z);
}

static bool write_all(struct signing *s, size_t len)
{
	const size_t pieces = (s->plan.n + PIECE - 1) / PIECE;
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
	crew_run(pieces, s->plan.o->politely, write_piece, s);
	for (size_t i = 0; i < pieces; i++)
		ends = rrsig_end_first(ends, s->ends[i]);
	to->signatures_end_s = ends.end_s;
	to->signatures_soon_s = ends.soon_s;
	if (s->failed || s->stopped)
		return false;
	if (s->plan.o->written)
		s->plan.o->written(s->plan.o->written_ctx, to, to->image_end);
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
	return image_index(to, s->plan.o->compile->key) &&
		denial_link(to, s->plan.nsec3 ? &s->plan.params : NULL);
}

static bool sign(struct signing *s, const struct zone *z, const struct sign_opts *o,
	uint32_t serial, struct faults *f)
{
	const size_t len = sign_plan_init(&s->plan, z, o, serial);

	if (len > UINT32_MAX)
		return faults_error(f, &(struct fault_at){ 0 },
			"the signed zone has over 4 GiB, and cannot be served");
	const bool ok = len && start(s) && write_all(s, len) && finish(s);
	if (!ok)
		faults_error(
			f, &(struct fault_at){ 0 }, s->stopped ? "given up" : "out of memory");
	return ok;
}

struct zone *sign_zone(
	const struct zone *z, const struct sign_opts *o, uint32_t serial, struct faults *f)
{
	struct zone *whole = zone_merge(z, o->compile->key, f);
	struct signing s = { .to = NULL };

	if (!whole)
		return NULL;
	const bool ok = sign(&s, whole, o, serial, f);
	sign_plan_fini(&s.plan);
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
