/* The items of a delta become the zone that has it. */
#include "zone/delta_work.h"

#include "dns/rrtype.h"
#include "zone/image.h"
#include "zone/delta.h"
#include "zone/rrsig_end.h"

#include <stdlib.h>
#include <string.h>
#include <time.h>

struct writing {
	struct delta_work *w;
	const struct compile_opts *opts;
	struct faults *f;
	struct zone *to;
	struct delta *d;
	uint32_t n, len; /* entries and bytes so far */
};

static bool no_memory(struct faults *f)
{
	return faults_error(f, &(struct fault_at){ 0 }, "out of memory");
}

/* --- what is written ---------------------------------------------------------------------- */

/* Where its records are; NULL: it has none. */
static const struct zone_node *records_of(const struct delta_item *item)
{
	if (!item->exists)
		return NULL;
	return item->own ? item->own->now : item->node;
}

/* An own name that is as the shared image has it, or is not there now as before. */
static bool is_needed(const struct delta_work *w, const struct delta_item *item)
{
	const struct delta_own *own = item->own;

	if (!own)
		return true;
	if (!item->exists)
		return item->at & DELTA_INSTEAD;
	return own->touched || !own->was || own->was->flags != item->flags ||
		own->was != zone_node_at(w->z, item->at & ~(uint32_t)DELTA_INSTEAD);
}

static const uint8_t *name_of(const struct delta_item *item, uint8_t *len)
{
	*len = item->own ? item->own->len : item->node->name_len;
	return item->own ? item->own->name : item->node->name;
}

static uint32_t head_len(uint8_t name_len)
{
	return (uint32_t)((sizeof(struct zone_node) + name_len + 3u) & ~3u);
}

static uint32_t sets_len(const struct zone_node *n)
{
	return n ? (uint32_t)(zone_node_end(n) - (const uint8_t *)zone_first_rrset(n)) : 0;
}

/* Goes over all items and the hidden ones of the image, in order. */
static bool each(struct writing *x, bool (*put)(struct writing *x, struct delta_item *item))
{
	struct delta_work *w = x->w;
	size_t i = 0, k = 0;

	while (i < w->n || k < w->n_hidden) {
		struct delta_item *item = k == w->n_hidden ||
				(i < w->n && w->item[i].at < w->hidden[k].at)
			? &w->item[i++]
			: &w->hidden[k++];
		if (is_needed(w, item) && !put(x, item))
			return false;
	}
	return true;
}

static bool measure(struct writing *x, struct delta_item *item)
{
	uint8_t len;

	name_of(item, &len);
	x->n++;
	x->len += head_len(len) + sets_len(records_of(item));
	return true;
}

/* --- pools -------------------------------------------------------------------------------- */

/* The pool's number, which stays as long as the zone has changes only. */
static bool pool_number(struct writing *x, const char *name, uint16_t *number)
{
	struct zone *z = x->to;

	for (*number = 0; *number < z->pools_n; ++*number)
		if (strcmp(z->pools[*number], name) == 0)
			return true;
	char **pools = z->pools_n == UINT16_MAX
		? NULL
		: realloc(z->pools, (z->pools_n + 1u) * sizeof *pools);
	if (!pools)
		return no_memory(x->f);
	z->pools = pools;
	pools[z->pools_n] = strdup(name);
	if (!pools[z->pools_n])
		return no_memory(x->f);
	z->pools_n++;
	return true;
}

static bool copy_pools(struct writing *x)
{
	uint16_t number;

	x->to->edge_named = x->w->z->edge_named || x->w->part->edge_named;
	for (unsigned i = 0; i < x->w->z->pools_n; i++)
		if (!pool_number(x, x->w->z->pools[i], &number))
			return false;
	return true;
}

static bool stands_beside(uint16_t type)
{
	return type == RRTYPE_EDGE || type == RRTYPE_RRSIG || type == RRTYPE_NSEC;
}

/* As zone_compile() has it, of an EDGE that can be seen. */
static bool check_edge(struct writing *x, const struct zone_node *n, const struct zone_rrset *edge)
{
	const struct zone_rrset *s = zone_first_rrset(n);
	struct edge_rr rr;
	unsigned i;

	for (i = 0; i < n->rrsets && stands_beside(s->type); i++)
		s = zone_next_rrset(s);
	if (i == n->rrsets)
		return true;
	x->to->edge_beside = true;
	image_edge(edge, &rr);
	if (!x->opts->pool_cname || !x->opts->pool_cname(x->opts->ctx, &rr))
		return true;
	return faults_error(x->f, &(struct fault_at){ 0 },
		"pool \"%.*s\" may answer with the cname of an edge, and a CNAME stands alone at "
		"its name (RFC 1034 section 3.6.2)",
		rr.pool_len, (const char *)rr.pool);
}

/* The node's EDGE, of the pools of the zone that its records are of. */
static bool put_edge(struct writing *x, const struct delta_item *item, struct zone_node *n)
{
	struct zone_rrset *edge = (struct zone_rrset *)(uintptr_t)zone_find_rrset(
		n, RRTYPE_EDGE);
	const bool touched = item->own && item->own->touched;
	const struct zone_node *was = item->own ? item->own->was : item->node;

	if (!edge)
		return true;
	const char *pool = (touched ? x->w->part : x->w->z)->pools[edge->aux];
	if (!pool_number(x, pool, &edge->aux))
		return false;
	if (n->flags & (NODE_HIDDEN | NODE_CUT) || (!touched && was->flags == n->flags))
		return true;
	return check_edge(x, n, edge);
}

/* --- nodes -------------------------------------------------------------------------------- */

static bool put_item(struct writing *x, struct delta_item *item)
{
	const struct zone_node *from = records_of(item);
	struct zone_node *n = (struct zone_node *)(void *)(x->d->image + x->len);
	uint8_t len;
	const uint8_t *name = name_of(item, &len);

	x->d->entry[x->n++] = (struct delta_entry){ item->hash, x->len, item->at };
	memset(n, 0, head_len(len));
	n->name_len = len;
	n->flags = item->exists ? item->flags
				: (uint8_t)(NODE_GONE | (item->flags & NODE_NSEC3));
	n->rrsets = from ? from->rrsets : 0;
	memcpy(n->name, name, len);
	x->len += head_len(len);
	if (from)
		memcpy(x->d->image + x->len, zone_first_rrset(from), sets_len(from));
	x->len += sets_len(from);
	return !(n->flags & NODE_EDGE) || put_edge(x, item, n);
}

static uint32_t count_records(const struct zone_node *n)
{
	const struct zone_rrset *s = n ? zone_first_rrset(n) : NULL;
	uint32_t records = 0;

	for (unsigned i = 0; n && i < n->rrsets; i++, s = zone_next_rrset(s))
		records += s->count;
	return records;
}

static void count(struct zone *to, const struct delta_work *w)
{
	for (size_t i = 0; i < w->n_own; i++) {
		const struct delta_own *own = &w->own[i];
		to->records += count_records(own->exists ? own->now : NULL);
		to->records -= count_records(own->was);
		if (own->nsec3)
			continue;
		to->nodes += own->exists;
		to->nodes -= own->was != NULL;
		if (own->exists && own->labels > to->depth)
			to->depth = own->labels;
	}
}

/* Bytes of the negative SOA, with its signatures. */
static uint32_t soa_len(const struct zone_rrset *soa)
{
	const struct zone_rrset *end = zone_next_rrset(soa);

	if (soa->is_signed)
		end = zone_next_rrset(end);
	return (uint32_t)((const uint8_t *)end - (const uint8_t *)soa);
}

/* The negative SOA is behind the nodes; the apex is the first of them, for its SOA is another.
 */
static void put_soa(struct writing *x)
{
	const struct zone_rrset *soa = x->w->part->soa_negative;

	memcpy(x->d->image + x->len, soa, soa_len(soa));
	x->to->soa_negative = (const struct zone_rrset *)(const void *)(x->d->image + x->len);
	x->to->apex_node = delta_node(x->d, x->d->entry[0].node);
	x->to->serial = x->w->part->serial;
}

/* --- the zone ----------------------------------------------------------------------------- */

/* All that the zone before has, but the delta. */
static struct zone *share(const struct zone *z)
{
	struct zone *to = malloc(sizeof *to + zone_tail(z));

	if (!to)
		return NULL;
	const size_t from = offsetof(struct zone, slots_n); /* others count at the same time */
	memcpy((uint8_t *)to + from, (const uint8_t *)z + from,
		sizeof *to + zone_tail(z) - from);
	to->refs = 1;
	to->pools = NULL;
	to->pools_n = 0;
	to->delta = NULL;
	to->history = NULL;
	/* Not of a scope: it is a part of this zone, as the delta is. */
	to->base = z->base ? z->base : (struct zone *)(uintptr_t)z;
	__atomic_add_fetch(&to->base->refs, 1, __ATOMIC_RELAXED);
	return to;
}

/* When signatures end: of all that were there those may be gone that ended first. */
static void find_ends(struct writing *x)
{
	const struct zone *z = x->w->z, *part = x->w->part;
	const struct rrsig_end was = { z->signatures_end_s, z->signatures_soon_s };
	const int64_t now_s = time(NULL);
	struct rrsig_end touched = { 0, 0 };
	struct rrsig_end to = rrsig_end_first(
		was, (struct rrsig_end){ part->signatures_end_s, part->signatures_soon_s });

	if (!z->denial)
		return;
	for (size_t i = 0; i < x->w->n_own; i++)
		if (x->w->own[i].touched && x->w->own[i].was)
			touched = rrsig_end_first(
				touched, rrsig_end_of_node(x->w->own[i].was, now_s));
	if (touched.end_s && (touched.end_s <= was.end_s || touched.soon_s <= was.soon_s))
		to = rrsig_end_of_zone(x->to, to, now_s);
	x->to->signatures_end_s = to.end_s;
	x->to->signatures_soon_s = to.soon_s;
}

static bool fill(struct writing *x)
{
	if (!copy_pools(x))
		return false;
	x->len = 4 + soa_len(x->w->part->soa_negative);
	each(x, measure);
	x->d = x->to->delta = delta_new(x->n, x->len);
	if (!x->d)
		return no_memory(x->f);
	memset(x->d->image, 0, 4);
	x->n = 0;
	x->len = 4;
	if (!each(x, put_item))
		return false;
	put_soa(x);
	count(x->to, x->w);
	delta_fill_slots(x->d);
	if (x->to->denial && !delta_link(x->d, x->to->denial))
		return no_memory(x->f);
	find_ends(x);
	return true;
}

bool delta_work_write(struct delta_work *w, const struct compile_opts *opts, struct faults *f)
{
	struct writing x = { .w = w, .opts = opts, .f = f, .to = share(w->z) };

	for (size_t i = 0; i < w->n_hidden; i++) {
		struct zone_name name;
		uint8_t full[NAME_MOST];
		const struct zone_node *n = w->hidden[i].node;
		memcpy(full, n->name, n->name_len);
		memcpy(full + n->name_len, w->z->apex, w->z->apex_len);
		zone_name_set(&name, opts->key, full);
		w->hidden[i].hash = name.hash[0];
	}
	if (!x.to)
		return no_memory(f);
	const bool ok = fill(&x);
	/* As zone_compile(): its first count is of the scope that may be on. */
	x.to->refs = ok ? 0 : 1;
	if (!ok) {
		zone_drop(x.to);
		return false;
	}
	zone_hold(x.to);
	w->to = x.to;
	return true;
}
